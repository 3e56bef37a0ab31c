//! Columns in Postgres' binary array format, built as their elements come, so that nobody has to take them apart again.
//!
//! A header (dimensions, whether there are NULLs, the elements' type, length, lower bound), then each element behind
//! its length; an empty array has no dimension. See `array_recv` in Postgres' sources.

use std::fmt;
use std::marker::PhantomData;

/// Dimensions, NULLs, type, length and lower bound; four bytes each.
const HEADER_BYTES: usize = 20;
/// The part of the header that an empty array has.
const EMPTY_HEADER_BYTES: usize = 12;
/// What each element's length takes.
const LENGTH_BYTES: usize = 4;
const NULL_LENGTH: i32 = -1;

/// What an array holds. The type's number is fixed in Postgres' catalogue.
pub trait Element {
    /// The type's number in `pg_type`.
    const TYPE_ID: u32;
    /// Its name.
    const TYPE_NAME: &'static str;
    /// One value.
    type Value: ?Sized;
    /// How many bytes the value takes.
    fn length(value: &Self::Value) -> usize;
    /// Appends the value's bytes.
    fn put(value: &Self::Value, bytes: &mut Vec<u8>);
}

/// Elements of type bigint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bigint;

/// Elements of type integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer;

/// Elements of type bytea.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytea;

/// Elements of type text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text;

/// Elements of type uuid: any 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uuid;

impl Element for Bigint {
    const TYPE_ID: u32 = 20;
    const TYPE_NAME: &'static str = "bigint";
    type Value = i64;
    fn length(_: &i64) -> usize {
        8
    }
    fn put(value: &i64, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&value.to_be_bytes());
    }
}

impl Element for Integer {
    const TYPE_ID: u32 = 23;
    const TYPE_NAME: &'static str = "integer";
    type Value = i32;
    fn length(_: &i32) -> usize {
        4
    }
    fn put(value: &i32, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&value.to_be_bytes());
    }
}

impl Element for Bytea {
    const TYPE_ID: u32 = 17;
    const TYPE_NAME: &'static str = "bytea";
    type Value = [u8];
    fn length(value: &[u8]) -> usize {
        value.len()
    }
    fn put(value: &[u8], bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(value);
    }
}

impl Element for Text {
    const TYPE_ID: u32 = 25;
    const TYPE_NAME: &'static str = "text";
    type Value = str;
    fn length(value: &str) -> usize {
        value.len()
    }
    fn put(value: &str, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(value.as_bytes());
    }
}

impl Element for Uuid {
    const TYPE_ID: u32 = 2950;
    const TYPE_NAME: &'static str = "uuid";
    type Value = [u8; 16];
    fn length(_: &[u8; 16]) -> usize {
        16
    }
    fn put(value: &[u8; 16], bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(value);
    }
}

/// A column under construction; `as_bytes` is a whole array at any time.
#[derive(Clone, PartialEq, Eq)]
pub struct Array<E> {
    // Begins with the header, kept up to date.
    bytes: Vec<u8>,
    length: i32,
    element: PhantomData<E>,
}

impl<E: Element> Default for Array<E> {
    fn default() -> Self {
        Self { bytes: Vec::new(), length: 0, element: PhantomData }
    }
}

impl<E: Element> Array<E> {
    /// The header of an array without elements.
    const EMPTY: [u8; EMPTY_HEADER_BYTES] = {
        let [a, b, c, d] = E::TYPE_ID.to_be_bytes();
        [0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
    };

    /// An array with room for so many values of about so many bytes each.
    pub fn with_room(values: usize, bytes_each: usize) -> Self {
        let bytes = if values == 0 { 0 } else { HEADER_BYTES + values * (LENGTH_BYTES + bytes_each) };
        Self { bytes: Vec::with_capacity(bytes), length: 0, element: PhantomData }
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: &E::Value) {
        self.begin(i32::try_from(E::length(value)).unwrap_or(i32::MAX));
        E::put(value, &mut self.bytes);
    }

    /// Appends NULL.
    pub fn push_null(&mut self) {
        self.begin(NULL_LENGTH);
        self.bytes[7] = 1;
    }

    /// Appends a value or NULL.
    pub fn push_optional(&mut self, value: Option<&E::Value>) {
        match value {
            Some(value) => self.push(value),
            None => self.push_null(),
        }
    }

    /// The array as Postgres reads it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        if self.bytes.is_empty() { &Self::EMPTY } else { &self.bytes }
    }

    /// Counts the next element and tells its length.
    #[inline]
    fn begin(&mut self, length: i32) {
        if self.bytes.is_empty() {
            self.put_header();
        }
        self.length += 1;
        self.bytes[12..16].copy_from_slice(&self.length.to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
    }

    #[cold]
    fn put_header(&mut self) {
        self.bytes.reserve(HEADER_BYTES * 8);
        self.bytes.extend_from_slice(&1_i32.to_be_bytes());
        self.bytes.extend_from_slice(&0_i32.to_be_bytes());
        self.bytes.extend_from_slice(&E::TYPE_ID.to_be_bytes());
        self.bytes.extend_from_slice(&0_i32.to_be_bytes());
        self.bytes.extend_from_slice(&1_i32.to_be_bytes());
    }
}

/// Elements are personal values: only their number is told.
impl<E: Element> fmt::Debug for Array<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} elements, {} bytes", self.length, self.bytes.len())
    }
}

#[cfg(test)]
pub(crate) mod tests;

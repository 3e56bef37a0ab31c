//! `calls.bin`: one frame a call, `u8 kind + u32 LE length + request`.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::Path;

use crate::Failure;
use crate::files;
use crate::wire::{Field, fields};

/// What a call asks for; numbered as `utterson.v1.CallKind`, and, but for Search, as the fields of `Call`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// Who is this?
    Identify = 1,
    /// A person logs in.
    Login = 2,
    /// A person logs out.
    Logout = 3,
    /// An event.
    Track = 4,
    /// A profile's identifiers are changed.
    Modify = 5,
    /// Who would Identify say this is?
    Search = 7,
}

/// Every kind.
pub const KINDS: [Kind; 6] = [Kind::Identify, Kind::Login, Kind::Logout, Kind::Track, Kind::Modify, Kind::Search];

impl Kind {
    /// The method's name.
    pub fn method(self) -> &'static str {
        match self {
            Kind::Identify => "Identify",
            Kind::Login => "Login",
            Kind::Logout => "Logout",
            Kind::Track => "Track",
            Kind::Modify => "Modify",
            Kind::Search => "Search",
        }
    }

    fn of(number: u8) -> Option<Self> {
        KINDS.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// Writes one frame.
pub fn write_call(kind: Kind, request: &[u8], out: &mut impl Write) -> Result<(), Failure> {
    out.write_all(&[kind as u8])?;
    write_frame(request, out)
}

/// Writes a frame without a kind, as `population.bin` holds them.
pub fn write_frame(message: &[u8], out: &mut impl Write) -> Result<(), Failure> {
    out.write_all(&u32::try_from(message.len())?.to_le_bytes())?;
    out.write_all(message)?;
    Ok(())
}

/// Reads one frame without a kind into the buffer; tells whether there was one.
pub fn read_frame(from: &mut impl Read, message: &mut Vec<u8>) -> Result<bool, Failure> {
    let mut length = [0; 4];
    if !read_head(from, &mut length)? {
        return Ok(false);
    }
    message.resize(u32::from_le_bytes(length) as usize, 0);
    from.read_exact(message)?;
    Ok(true)
}

fn read_head(from: &mut impl Read, head: &mut [u8]) -> Result<bool, Failure> {
    match from.read_exact(&mut head[..1]) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    from.read_exact(&mut head[1..])?;
    Ok(true)
}

/// Reads calls in order.
#[derive(Debug)]
pub struct CallsFile {
    file: BufReader<File>,
    index: u64,
}

impl CallsFile {
    /// Opens a file and passes over calls at its beginning, by their lengths.
    pub fn open(path: &Path, skip: u64) -> Result<Self, Failure> {
        let mut file = files::open(path)?;
        for index in 0..skip {
            let mut head = [0; 5];
            if !read_head(&mut file, &mut head)? {
                return Err(format!("{} holds {index} calls, not {skip}", path.display()).into());
            }
            let [_, length @ ..] = head;
            file.seek_relative(i64::from(u32::from_le_bytes(length)))?;
        }
        Ok(Self { file, index: skip })
    }

    /// Reads the next request into the buffer; tells its index in the file and its kind, or nothing at the end.
    pub fn next(&mut self, request: &mut Vec<u8>) -> Result<Option<(u64, Kind)>, Failure> {
        let mut number = [0];
        if !read_head(&mut self.file, &mut number)? {
            return Ok(None);
        }
        let kind = Kind::of(number[0]).ok_or_else(|| format!("call {} is of no kind: {}", self.index, number[0]))?;
        if !read_frame(&mut self.file, request)? {
            return Err(format!("call {} is cut off", self.index).into());
        }
        self.index += 1;
        Ok(Some((self.index - 1, kind)))
    }
}

/// Tells the workspace of a request, or of a profile to import, and the bytes that follow it: it always comes first.
pub fn split_workspace(request: &[u8]) -> Option<(&[u8], &[u8])> {
    match fields(request).next()?? {
        (1, Field::Content(workspace)) => {
            let head = crate::wire::field_len(workspace.len());
            Some((workspace, &request[head..]))
        }
        _ => None,
    }
}

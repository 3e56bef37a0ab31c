//! Traits and properties: Structs of any content, within what the tables can keep (rule C2).

use prost::Message;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use utterson_engine::call::RawTrait;
use utterson_engine::fault::Violation;

use super::fields::MAX_TEXT_BYTES;
use super::nesting::{Holder, is_too_deep};
use super::reader::{Broken, Field};

/// The most bytes of one encoded Struct.
const MAX_BYTES: usize = 64 << 10;
/// The most bytes told of a field that holds a Struct, told once or in parts: room for one of [`MAX_BYTES`], for what
/// else an event holds, and for keys that are told again. What has more is not read at all.
const MAX_TOLD_BYTES: usize = 4 * MAX_BYTES;
/// The deepest nesting of lists and Structs. Below what protobuf's parsers take inside of any message of this API,
/// so that whatever is stored can be answered.
pub const MAX_NESTING: usize = 24;
const TOO_DEEP: &str = "must not nest deeper than 24 levels";

/// What was told of a field that holds a Struct, as long as that may be worth reading.
#[derive(Debug, Default)]
pub(super) struct Nested<M> {
    sent: Option<M>,
    told_bytes: usize,
    is_too_deep: bool,
}

impl<M: Message + Default> Nested<M> {
    /// Takes what a field tells, on top of what was told before.
    ///
    /// # Errors
    /// The bytes are no such message. One that nests too deep is, and is told when it is judged.
    pub fn take(&mut self, holder: Holder, mut field: Field<'_, '_>) -> Result<(), Broken> {
        let bytes = field.bytes()?;
        self.told_bytes = self.told_bytes.saturating_add(bytes.len());
        // A Struct takes many times its bytes in memory: one that is too long anyway is not made.
        if self.told_bytes > MAX_TOLD_BYTES || self.sent.get_or_insert_default().merge(bytes).is_ok() {
            return Ok(());
        }
        self.is_too_deep = is_too_deep(holder, bytes);
        if self.is_too_deep { Ok(()) } else { Err(Broken) }
    }

    /// Whether anything was told.
    pub fn is_told(&self) -> bool {
        self.sent.is_some()
    }

    /// What was told; nothing, and a violation, where that is too long or nests too deep to be read.
    ///
    /// # Arguments
    /// * `path`, `struct_path`: the field, and where in it the Struct is.
    pub fn judged(self, path: &str, struct_path: &str, violations: &mut Vec<Violation>) -> Option<M> {
        if self.told_bytes > MAX_TOLD_BYTES {
            violations.push(Violation::new(path, format!("must be at most {MAX_BYTES} bytes long")));
        } else if self.is_too_deep {
            violations.push(Violation::new(struct_path, TOO_DEEP));
        } else {
            return self.sent;
        }
        None
    }
}

/// A call's traits, ordered by name; null removes (rule M8).
pub(super) fn traits(sent: Option<Struct>, path: &str, violations: &mut Vec<Violation>) -> Vec<RawTrait> {
    let Some(sent) = sent else { return Vec::new() };
    let mut checked = check(&sent);
    if checked.is_ok() && sent.fields.keys().any(|name| name.len() > MAX_TEXT_BYTES) {
        checked = Err(format!("must hold names of at most {MAX_TEXT_BYTES} bytes"));
    }
    if let Err(description) = checked {
        violations.push(Violation::new(path, description));
        return Vec::new();
    }
    let raw = |(name, value): (String, Value)| {
        let removes = matches!(value.kind, Some(Kind::NullValue(_)));
        RawTrait { name, value: (!removes).then(|| value.encode_to_vec()) }
    };
    sent.fields.into_iter().map(raw).collect()
}

/// An event's properties, encoded.
pub(super) fn properties(sent: Option<&Struct>, path: &str, violations: &mut Vec<Violation>) -> Vec<u8> {
    let Some(sent) = sent else { return Vec::new() };
    if let Err(description) = check(sent) {
        violations.push(Violation::new(path, description));
        return Vec::new();
    }
    sent.encode_to_vec()
}

fn check(sent: &Struct) -> Result<(), String> {
    if sent.encoded_len() > MAX_BYTES {
        return Err(format!("must be at most {MAX_BYTES} bytes long"));
    }
    check_fields(sent, 1).map_err(String::from)
}

fn check_fields(sent: &Struct, depth: usize) -> Result<(), &'static str> {
    for (name, value) in &sent.fields {
        check_text(name)?;
        check_value(value, depth)?;
    }
    Ok(())
}

fn check_value(value: &Value, depth: usize) -> Result<(), &'static str> {
    if depth > MAX_NESTING {
        return Err(TOO_DEEP);
    }
    match &value.kind {
        None => Err("must give each value a kind"),
        Some(Kind::NullValue(_) | Kind::BoolValue(_)) => Ok(()),
        Some(Kind::NumberValue(number)) => {
            if number.is_finite() {
                Ok(())
            } else {
                Err("must not hold NaN or an infinite number")
            }
        }
        Some(Kind::StringValue(text)) => check_text(text),
        Some(Kind::StructValue(inner)) => check_fields(inner, depth + 1),
        Some(Kind::ListValue(list)) => list.values.iter().try_for_each(|value| check_value(value, depth + 1)),
    }
}

fn check_text(text: &str) -> Result<(), &'static str> {
    if text.contains('\0') { Err("must not hold U+0000") } else { Ok(()) }
}

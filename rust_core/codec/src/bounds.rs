//! Requests counted on their bytes, before a message is made of them: two bytes are enough for a message within a
//! message, and any parser makes a hundred of them.
//!
//! What each list may hold is the protos' own rule `repeated.max_items`, which the build writes down here; it refuses
//! lists without one. Beside it stand bounds of the whole, for what no list counts: a field told a million times over,
//! many lists that are each within their bound.

use utterson_engine::fault::{Fault, Reason, Violation};

use crate::decode::reader::{Broken, Reader};

include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

/// The most bytes of a request that is made a message of.
pub const MAX_BYTES: usize = 4 << 20;
/// The most messages within one request: a policy of a thousand types, each with a limit, and of a thousand patterns
/// has three thousand.
pub const MAX_MESSAGES: usize = 4096;
/// The most fields, told once or again, of a request and of all messages within it.
pub const MAX_FIELDS: usize = 1 << 15;
/// The bytes of the longest number.
const LONGEST_NUMBER: usize = 10;
/// The deepest nesting; parsers take no more either.
const MAX_NESTING: usize = 100;

/// The name under which requests carry a policy: what is wrong within is a fault of the policy.
const POLICY: &str = "policy";

/// What a message may hold.
struct Shape {
    name: &'static str,
    fields: &'static [Field],
}

/// A field that the protos know.
struct Field {
    tag: u32,
    name: &'static str,
    /// The most items where it is a list.
    items_max: usize,
    holds: Holds,
}

/// What the values of a field are made of.
enum Holds {
    /// A text, or bytes.
    Bytes,
    /// Numbers, which may come packed together, of so many bytes each; of one or more where they vary.
    Numbers(usize),
    /// Messages of the shape at this place.
    Message(usize),
}

/// How many numbers are packed together in these bytes; of very many about how many.
fn count_packed(packed: &[u8], number_bytes: usize) -> usize {
    match number_bytes {
        1 if packed.len() > MAX_BYTES => packed.len() / LONGEST_NUMBER,
        1 => packed.iter().filter(|byte| **byte < 0x80).count(),
        fixed => packed.len() / fixed,
    }
}

/// Why a request is not made a message of.
enum Stop {
    Malformed,
    Over(Violation),
}

impl From<Broken> for Stop {
    fn from(Broken: Broken) -> Self {
        Self::Malformed
    }
}

/// Counts what an encoded request of the API holds, without making anything of it. `message` is its full name.
///
/// # Errors
///
/// `FIELD_INVALID`, or `POLICY_INVALID` within a policy, names the first list or the field that is over its bound;
/// `MALFORMED_REQUEST` where the bytes are no message.
pub fn check(message: &str, request: &[u8]) -> Result<(), Fault> {
    let Some(shape) = SHAPES.iter().find(|shape| shape.name == message) else {
        return Err(Fault::new(Reason::MalformedRequest, "this is no request of the API."));
    };
    // First, and whatever it holds: the front refuses by the length that is announced, and so do we.
    if request.len() > MAX_BYTES {
        return Err(Fault::field("", format!("must be at most {MAX_BYTES} bytes long")));
    }
    let mut scan = Scan { messages: 0, fields: 0, path: Vec::new() };
    match scan.message(shape, request) {
        Ok(()) => Ok(()),
        Err(Stop::Malformed) => Err(Fault::new(Reason::MalformedRequest, "the bytes are no such message.")),
        Err(Stop::Over(violation)) => {
            let within_policy = violation.field == POLICY || violation.field.starts_with("policy.");
            let reason = if within_policy { Reason::PolicyInvalid } else { Reason::FieldInvalid };
            Err(Fault::fields(reason, vec![violation]))
        }
    }
}

/// One request being counted.
struct Scan {
    messages: usize,
    fields: usize,
    /// Where the scan is: fields by name, and which item of a list.
    path: Vec<(&'static str, Option<usize>)>,
}

impl Scan {
    fn message(&mut self, shape: &Shape, bytes: &[u8]) -> Result<(), Stop> {
        if self.path.len() > MAX_NESTING {
            return Err(Stop::Malformed);
        }
        let mut items = vec![0; shape.fields.len()];
        let mut reader = Reader::new(bytes);
        while let Some(mut told) = reader.next()? {
            self.fields += 1;
            if self.fields > MAX_FIELDS {
                return Err(self.over("", format!("must hold at most {MAX_FIELDS} fields in all")));
            }
            let known = shape.fields.iter().zip(&mut items).find(|(field, _)| field.tag == told.tag);
            let Some((field, count)) = known else {
                told.skip()?;
                continue;
            };
            if !told.has_length() {
                *count += 1;
                self.check_count(field, *count)?;
                told.skip()?;
                continue;
            }
            let value = told.bytes()?;
            *count += match &field.holds {
                Holds::Numbers(bytes) => count_packed(value, *bytes),
                Holds::Bytes | Holds::Message(_) => 1,
            };
            self.check_count(field, *count)?;
            if let Holds::Message(place) = field.holds {
                self.within(field, *count, &SHAPES[place], value)?;
            }
        }
        Ok(())
    }

    /// Goes into a message within the message; `count` tells the how manieth it is.
    fn within(&mut self, field: &Field, count: usize, shape: &Shape, value: &[u8]) -> Result<(), Stop> {
        self.messages += 1;
        if self.messages > MAX_MESSAGES {
            return Err(self.over(field.name, format!("must hold at most {MAX_MESSAGES} messages in all")));
        }
        let is_list = field.items_max != usize::MAX;
        self.path.push((field.name, is_list.then(|| count - 1)));
        self.message(shape, value)?;
        self.path.pop();
        Ok(())
    }

    fn check_count(&self, field: &Field, count: usize) -> Result<(), Stop> {
        if count <= field.items_max {
            return Ok(());
        }
        Err(self.over(field.name, format!("must hold at most {} items", field.items_max)))
    }

    /// The violation of a field of the message in which the scan is; without a name, that of the message itself.
    fn over(&self, name: &str, description: String) -> Stop {
        let within = self.path.iter().map(|(step, item)| match item {
            Some(item) => format!("{step}[{item}]"),
            None => (*step).to_owned(),
        });
        let steps: Vec<String> = within.chain((!name.is_empty()).then(|| name.to_owned())).collect();
        Stop::Over(Violation::new(steps.join("."), description))
    }
}

#[cfg(test)]
mod tests;

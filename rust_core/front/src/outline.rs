//! What a message tells at a glance: for which workspace it is, and how many calls it holds.
//!
//! Read from the raw bytes, before a message object exists, and only for sharing fairly: what the message means is the
//! core's affair. A message that cannot be read counts as one call of no workspace.

/// Fields that are looked at; one message of a thousand calls has a few more than that.
const FIELDS_MAX: usize = 2048;

/// Where a method's messages say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The number of the field with the workspace's name.
    pub workspace: u64,
    /// The number of the field that is there once a call; 0 where the message is one.
    pub calls: u64,
}

/// What a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline<'m> {
    /// The workspace's name; empty where there is none.
    pub workspace: &'m [u8],
    /// How many calls it holds, at least one.
    pub calls: usize,
}

/// Looks at a message.
pub fn outline(message: &[u8], fields: Fields) -> Outline<'_> {
    let mut told = Outline { workspace: &[], calls: 0 };
    let mut rest = message;
    for _ in 0..FIELDS_MAX {
        let Some((number, content)) = next_field(&mut rest) else { break };
        match content {
            // As in all of protobuf, the last one counts.
            Some(content) if number == fields.workspace => told.workspace = content,
            Some(_) if number == fields.calls => told.calls += 1,
            Some(_) | None => {}
        }
    }
    told.calls = told.calls.max(1);
    told
}

/// Reads one field: its number, and its bytes where it has a length. None at the end, or where the rest is no field.
fn next_field<'m>(rest: &mut &'m [u8]) -> Option<(u64, Option<&'m [u8]>)> {
    let tag = varint(rest)?;
    let content = match tag & 7 {
        0 => varint(rest).map(|_| None)?,
        1 => split(rest, 8).map(|_| None)?,
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Some(split(rest, length)?)
        }
        5 => split(rest, 4).map(|_| None)?,
        _ => return None,
    };
    Some((tag >> 3, content))
}

fn split<'m>(rest: &mut &'m [u8], length: usize) -> Option<&'m [u8]> {
    let (content, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(content)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNARY: Fields = Fields { workspace: 1, calls: 0 };
    const STREAM: Fields = Fields { workspace: 2, calls: 3 };

    #[test]
    fn the_workspace_and_the_calls_are_told() {
        let message = b"\x08\x07\x12\x04soho\x1a\x02\x0a\x00\x1a\x00\x1a\x01\x0a";
        assert_eq!(outline(message, STREAM), Outline { workspace: b"soho", calls: 3 });
        assert_eq!(outline(b"\x0a\x04soho\x12\x00\x1d1234\x191234567\x00", UNARY).workspace, b"soho");
    }

    #[test]
    fn the_last_name_counts() {
        assert_eq!(outline(b"\x0a\x01a\x0a\x01b", UNARY).workspace, b"b");
    }

    #[test]
    fn what_is_no_message_is_one_call_of_nobody() {
        for broken in
            [&b""[..], b"\x0a", b"\x0a\x09abc", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0b", b"\x0d12"]
        {
            assert_eq!(outline(broken, UNARY), Outline { workspace: b"", calls: 1 });
        }
    }

    #[test]
    fn what_has_more_fields_than_a_message_may_have_is_not_read_to_its_end() {
        let message = b"\x1a\x00".repeat(1_000_000);
        assert_eq!(outline(&message, STREAM).calls, FIELDS_MAX);
    }
}

//! Revision tokens: one of this workspace is read as it was written, and no other text is one.

use utterson_codec::token;
use utterson_engine::ids::{EntryId, Seq};
use utterson_engine::keyed::digest::Digester;

use crate::drawing::Draw;
use crate::spoiling::spoil;

/// Writes a drawn token, and reads it, spoilt ones and others' ones.
///
/// # Panics
///
/// A token is not read as it was written, or another text is read as one.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let (key, other) = (draw.sixteen(), draw.sixteen());
    let (seq, id) = (Seq(draw.number()), EntryId(draw.sixteen()));
    let digester = Digester::new(&key);
    let written = token::write(&digester, seq, id);
    assert_eq!(token::read(&digester, &written), Some((seq, prefix(id))));
    if key != other {
        assert_eq!(token::read(&Digester::new(&other), &written), None, "another workspace's");
    }
    let mut spoilt = written.clone().into_bytes();
    spoil(&mut draw, &mut spoilt);
    only_its_own(&digester, &String::from_utf8_lossy(&spoilt), Some(&written));
    only_its_own(&digester, &String::from_utf8_lossy(draw.rest()), None);
}

/// Whatever is read as a token is what would be written: there is no second spelling.
fn only_its_own(digester: &Digester, text: &str, written: Option<&str>) {
    if let Some((seq, prefix)) = token::read(digester, text) {
        let mut id = EntryId([0; 16]);
        id.0[..8].copy_from_slice(&prefix);
        assert_eq!(token::write(digester, seq, id), text);
        assert!(written.is_none_or(|written| written == text), "a spoilt token of another place");
    }
}

fn prefix(id: EntryId) -> token::IdPrefix {
    let mut prefix = [0; 8];
    prefix.copy_from_slice(&id.0[..8]);
    prefix
}

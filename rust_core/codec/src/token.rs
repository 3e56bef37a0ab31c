//! Revision tokens: a place in one workspace's log, opaque to callers and valid in that workspace only.
//!
//! base64url without padding of: version byte 1, seq as u64 big endian, the first 8 bytes of the entry's id, and
//! 8 bytes of a digest of both under the workspace's key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use utterson_engine::ids::{EntryId, Seq};
use utterson_engine::keyed::digest::Digester;

const VERSION: u8 = 1;
const LENGTH: usize = 25;

/// The part of an entry's id that a token carries.
pub type IdPrefix = [u8; 8];

/// Writes the token of an entry.
#[must_use]
pub fn write(digester: &Digester, seq: Seq, id: EntryId) -> String {
    let mut bytes = [0; LENGTH];
    bytes[0] = VERSION;
    bytes[1..9].copy_from_slice(&seq.0.to_be_bytes());
    bytes[9..17].copy_from_slice(&id.0[..8]);
    bytes[17..].copy_from_slice(&digester.token(seq, id));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token; `None` where it is not one of this workspace.
#[must_use]
pub fn read(digester: &Digester, token: &str) -> Option<(Seq, IdPrefix)> {
    let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
    let seq = Seq(u64::from_be_bytes(bytes[1..9].try_into().ok()?));
    let prefix: IdPrefix = bytes[9..17].try_into().ok()?;
    let mut id = EntryId([0; 16]);
    id.0[..8].copy_from_slice(&prefix);
    (bytes[0] == VERSION && bytes[17..] == digester.token(seq, id)).then_some((seq, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tokens_come_back_in_their_workspace_only(key: [u8; 16], other: [u8; 16], seq: u64, id: [u8; 16]) {
            let digester = Digester::new(&key);
            let token = write(&digester, Seq(seq), EntryId(id));
            let mut prefix = [0; 8];
            prefix.copy_from_slice(&id[..8]);
            prop_assert_eq!(read(&digester, &token), Some((Seq(seq), prefix)));
            if key != other {
                prop_assert_eq!(read(&Digester::new(&other), &token), None);
            }
        }

        #[test]
        fn a_changed_character_is_noticed(seq: u64, place in 0usize..34, letter in "[A-Za-z0-9_-]") {
            let digester = Digester::new(&[9; 16]);
            let token = write(&digester, Seq(seq), EntryId([4; 16]));
            let mut changed = token.clone();
            changed.replace_range(place..=place, &letter);
            prop_assert_eq!(read(&digester, &changed).is_some(), changed == token);
        }
    }

    #[test]
    fn strange_text_is_no_token() {
        let digester = Digester::new(&[9; 16]);
        for text in ["", "=", "AQ", "ä", &"A".repeat(34), &"A".repeat(1000)] {
            assert_eq!(read(&digester, text), None);
        }
    }
}

//! Where the messages of a body begin and end.

use bytes::Buf as _;

use crate::message::HEADER_BYTES;

/// A body, as far as it has come.
#[derive(Debug, Default)]
pub struct Framing {
    /// The header of the message under way, as far as it has come.
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// Bytes that it has after its header, and those of them that are still to come.
    length: usize,
    missing: usize,
}

impl Framing {
    /// Walks over the messages of a piece; afterwards it is known how much is missing of the last. Tells whether one is
    /// announced that is longer than `bytes_max`; what follows that is not looked at.
    pub fn walk(&mut self, mut piece: &[u8], bytes_max: usize) -> bool {
        while !piece.is_empty() {
            let come = self.missing.min(piece.len());
            self.missing -= come;
            piece.advance(come);
            let wanted = (HEADER_BYTES - self.header_bytes).min(piece.len());
            self.header[self.header_bytes..self.header_bytes + wanted].copy_from_slice(&piece[..wanted]);
            self.header_bytes += wanted;
            piece.advance(wanted);
            if self.header_bytes == HEADER_BYTES && wanted > 0 {
                let [_, length @ ..] = self.header;
                self.length = u32::from_be_bytes(length) as usize;
                self.missing = self.length;
                self.header_bytes = 0;
                if self.length > bytes_max {
                    return true;
                }
            }
        }
        false
    }

    /// How many bytes are missing of the message under way, so far as is known.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// How many bytes have come of the message under way, and how many it has; none between two messages.
    pub fn under_way(&self) -> Option<(usize, usize)> {
        if self.header_bytes > 0 {
            return Some((0, 0));
        }
        (self.missing > 0).then_some((self.length - self.missing, self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_known_however_a_body_is_cut() {
        let sent = [0, 0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 9];
        for cut in 1..=sent.len() {
            let mut framing = Framing::default();
            for piece in sent.chunks(cut) {
                assert!(!framing.walk(piece, 3));
            }
            assert_eq!((framing.under_way(), framing.missing()), (Some((1, 3)), 2), "{cut}");
            assert!(!framing.walk(&[9, 9], 3));
            assert_eq!(framing.under_way(), None);
            assert!(framing.walk(&[0, 0, 0, 0, 4, 1, 1], 3));
        }
    }
}

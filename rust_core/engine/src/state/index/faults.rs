//! What breaks an index, for tests of whoever has to find it.

use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::state::index::packed::{Further, Packed, shard_of};
use crate::state::index::posting::Holder;
use crate::state::index::{FURTHER, Index, within};

impl Index {
    /// How many rows there are of first and of further holders.
    pub(crate) fn places(&self) -> Vec<u32> {
        let firsts = (0..=u8::MAX)
            .flat_map(|shard| (0..self.rows_of(shard)).map(move |at| u32::from(shard) << super::SHARD_SHIFT | at));
        firsts.chain((0..self.further.len()).map(|at| at | FURTHER)).collect()
    }

    /// Turns a bit of the row at a place over. Answers false if the row has fewer.
    pub(crate) fn flip(&mut self, at: u32, bit: u32) -> bool {
        if at & FURTHER == 0 { self.row_mut(at).flip(bit) } else { self.further.row_mut(at & !FURTHER).flip(bit) }
    }

    /// Whether somebody holds the row at a place.
    pub(crate) fn is_used(&self, at: u32) -> bool {
        if at & FURTHER == 0 { self.row(at).is_used() } else { self.further.row(at & !FURTHER).serial != 0 }
    }

    /// Has the table forget an identifier whose row stays: a wrong «absent».
    pub(crate) fn lose(&mut self, digest: Digest) {
        let place = self.primary(digest).expect("it is held");
        self.shards[usize::from(shard_of(digest))].slots_mut().remove(digest, within(place));
    }

    /// Turns a bit of every bucket of a shard over.
    pub(crate) fn flip_slots(&mut self, shard: u8, bit: usize) {
        self.shards[usize::from(shard)].slots_mut().flip(bit);
    }

    /// Leads the next identifier of a shard to another row than a free one.
    pub(crate) fn lead_free_rows_to(&mut self, shard: u8, at: u32) {
        *self.shards[usize::from(shard)].free_mut() = at;
    }

    /// Has the posting of an identifier forget a holder.
    pub(crate) fn forget_holder(&mut self, digest: Digest, serial: Serial) {
        let place = self.primary(digest).expect("it is held");
        self.postings.get_mut(place).expect("it is shared").remove(serial.0);
    }

    /// Has the posting of an identifier take a holder for known, or for anonymous.
    pub(crate) fn mistake_holder(&mut self, digest: Digest, serial: Serial, known: bool) {
        let place = self.find(digest, serial).expect("it is held");
        let primary = self.primary(digest).expect("it is held");
        let posting = self.postings.get_mut(primary).expect("it is shared");
        posting.put(Holder { serial: serial.0, place, known });
    }
}

impl Packed {
    fn flip(&mut self, bit: u32) -> bool {
        match bit {
            0..64 => self.flip_low(bit),
            64..128 => self.flip_high(bit - 64),
            128..192 => self.when = self.when.flipped(bit - 128),
            192..224 => self.serial ^= 1 << (bit - 192),
            224..256 => self.next ^= 1 << (bit - 224),
            _ => return false,
        }
        true
    }
}

impl Further {
    fn flip(&mut self, bit: u32) -> bool {
        match bit {
            0..32 => self.primary ^= 1 << bit,
            32..64 => self.serial ^= 1 << (bit - 32),
            64..96 => self.next ^= 1 << (bit - 64),
            96..104 => self.kind = self.kind.flipped(bit - 96),
            104..168 => self.when = self.when.flipped(bit - 104),
            _ => return false,
        }
        true
    }
}

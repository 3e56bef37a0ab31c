//! One holder of an identifier in 32 bytes. Type, time added and day last seen are packed into 9 of them; the few holders
//! whose facts do not fit, such as a 65th type or a time before 1990, are marked as escaped, and a side table has the facts.

use crate::ids::{Day, Micros, TypeId};
use crate::keyed::digest::Digest;

/// 1990-01-01T00:00:00Z, from which packed times count: hardly any identifier was added earlier.
const EPOCH_US: i64 = 631_152_000_000_000;
/// Microseconds since then: enough for 71 years.
const TIME_BITS: u32 = 51;
/// Days between being added and last seen: enough for 22 years.
const DAY_BITS: u32 = 64 - TIME_BITS;
const DAYS: u64 = (1 << DAY_BITS) - 1;

const TYPE: u8 = 0b0011_1111;
const EXCLUSIVE: u8 = 0b0100_0000;
const SHARED: u8 = 0b1000_0000;

/// What is packed of a holder, or kept in the side table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The identifier's type.
    pub type_id: TypeId,
    /// When it was added.
    pub add_time: Micros,
    /// When it was last seen.
    pub seen_day: Day,
}

impl Facts {
    /// The answer for an escaped row that the side table does not have, which would be a bug.
    pub const NONE: Self = Self { type_id: TypeId(0), add_time: Micros(0), seen_day: Day(0) };
}

/// Type and flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kind(u8);

/// Time added and day last seen; all ones where the facts are in the side table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct When(u64);

impl When {
    const ESCAPED: Self = Self(u64::MAX);

    /// Packs times that fit; `None` for others.
    fn pack(facts: Facts) -> Option<Self> {
        let time = facts.add_time.0.checked_sub(EPOCH_US).and_then(|time| u64::try_from(time).ok())?;
        let days = u64::try_from(facts.seen_day.0.checked_sub(facts.add_time.day().0)?).ok()?;
        (time < 1 << TIME_BITS && days < DAYS).then_some(Self(time << DAY_BITS | days))
    }

    #[inline]
    fn unpack(self) -> (Micros, Day) {
        let add_time = Micros((self.0 >> DAY_BITS).cast_signed() + EPOCH_US);
        let days = i32::try_from(self.0 & DAYS).unwrap_or(i32::MAX);
        (add_time, Day(add_time.day().0 + days))
    }
}

impl Kind {
    /// Whether no other profile may hold the identifier.
    pub fn exclusive(self) -> bool {
        self.0 & EXCLUSIVE != 0
    }

    /// Whether the identifier has further holders, which its posting lists; told in the row of the first holder only.
    pub fn shared(self) -> bool {
        self.0 & SHARED != 0
    }

    pub fn with_shared(self, shared: bool) -> Self {
        Self(if shared { self.0 | SHARED } else { self.0 & !SHARED })
    }
}

/// Packs type, flag and times; the last answer tells whether the side table has to keep the facts.
pub(crate) fn pack(facts: Facts, exclusive: bool) -> (Kind, When, bool) {
    let flag = if exclusive { EXCLUSIVE } else { 0 };
    let small = u8::try_from(facts.type_id.0).ok().filter(|&type_id| type_id <= TYPE);
    match (small, When::pack(facts)) {
        (Some(type_id), Some(when)) => (Kind(type_id | flag), when, false),
        (Some(_) | None, Some(_) | None) => (Kind(flag), When::ESCAPED, true),
    }
}

/// What was packed; `None` if the side table has it.
#[inline]
pub(crate) fn unpack(kind: Kind, when: When) -> Option<Facts> {
    let (add_time, seen_day) = (when != When::ESCAPED).then(|| when.unpack())?;
    Some(Facts { type_id: TypeId(u32::from(kind.0 & TYPE)), add_time, seen_day })
}

/// The shard that a digest belongs to: its first byte.
pub(crate) fn shard_of(digest: Digest) -> u8 {
    let [shard, ..] = digest.to_bytes();
    shard
}

const HIGH: u64 = u64::MAX << 8;

fn halves(digest: Digest) -> (u64, u64) {
    let high = Digest(digest.0 >> 64).low();
    (high << 8, digest.low())
}

/// A row of the index: an identifier and its first holder.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
pub(crate) struct Packed {
    /// The lower half of the digest.
    low: u64,
    /// The upper half of the digest but for its first byte, which is the shard's number; in that byte's place type and
    /// flags.
    high: u64,
    /// Times.
    pub when: When,
    /// The holder; 0 while only later holders are left, and in free rows.
    pub serial: u32,
    /// The next entry of the same profile; in free rows the next free one.
    pub next: u32,
}

impl Packed {
    pub fn new(digest: Digest, (kind, when): (Kind, When), serial: u32, next: u32) -> Self {
        let (high, low) = halves(digest);
        Self { low, high: high | u64::from(kind.0), when, serial, next }
    }

    /// A row that matches no digest that is looked for: what reading ahead begins with.
    pub const NOBODY: Self = Self { low: 0, high: 0, when: When(0), serial: 0, next: 0 };

    /// A row that nobody uses.
    pub fn free(next: u32) -> Self {
        Self { next, ..Self::default() }
    }

    /// Whether this is the identifier's row, given that it is in the identifier's shard.
    #[inline]
    pub fn is(&self, digest: Digest) -> bool {
        let (high, low) = halves(digest);
        self.low == low && self.high & HIGH == high
    }

    /// Whether it is an identifier's row. One without a holder is free, unless it is shared: then its first holder left,
    /// and others remain.
    pub fn is_used(&self) -> bool {
        self.serial != 0 || self.kind().shared()
    }

    #[inline]
    pub fn digest(&self, shard: u8) -> Digest {
        let high = u128::from(self.high >> 8) | u128::from(shard) << 56;
        Digest(high << 64 | u128::from(self.low))
    }

    #[inline]
    pub fn kind(&self) -> Kind {
        let [kind, ..] = self.high.to_le_bytes();
        Kind(kind)
    }

    pub fn set_kind(&mut self, kind: Kind) {
        self.high = self.high & HIGH | u64::from(kind.0);
    }
}

/// A further holder of an identifier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Further {
    /// The place of the first holder.
    pub primary: u32,
    /// The holder; 0 in free rows.
    pub serial: u32,
    /// The next entry of the same profile; in free rows the next free one.
    pub next: u32,
    /// Type and flags.
    pub kind: Kind,
    /// Times.
    pub when: When,
}

const _: () = assert!(size_of::<Packed>() == 32 && size_of::<Further>() == 24);

#[cfg(test)]
impl Packed {
    pub(super) fn flip_low(&mut self, bit: u32) {
        self.low ^= 1 << bit;
    }

    pub(super) fn flip_high(&mut self, bit: u32) {
        self.high ^= 1 << bit;
    }
}

#[cfg(test)]
impl When {
    pub(super) fn flipped(self, bit: u32) -> Self {
        Self(self.0 ^ 1 << bit)
    }
}

#[cfg(test)]
impl Kind {
    pub(super) fn flipped(self, bit: u32) -> Self {
        Self(self.0 ^ 1 << bit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::cases;

    proptest! {
        #![proptest_config(cases(2_000))]

        #[test]
        fn what_is_packed_comes_out(
            type_id in prop_oneof![0..70_u32, any::<u32>()],
            time in prop_oneof![
                any::<i64>(), 631_151_999_999_990..631_152_000_000_010_i64,
                -62_135_596_800_000_000..253_402_300_799_999_999_i64,
            ],
            days in prop_oneof![-2..9_000, any::<i32>()],
            exclusive: bool,
        ) {
            let add_time = Micros(time);
            let seen_day = Day(add_time.day().0.wrapping_add(days));
            let facts = Facts { type_id: TypeId(type_id), add_time, seen_day };
            let (kind, when, escaped) = pack(facts, exclusive);
            prop_assert_eq!(kind.exclusive(), exclusive);
            prop_assert!(!kind.shared());
            prop_assert_eq!(unpack(kind, when), (!escaped).then_some(facts));
        }

        #[test]
        fn a_digest_survives_its_parts(digest: u128, kind: u8, other: u8) {
            let digest = Digest(digest);
            let mut row = Packed::new(digest, (Kind(kind), When::default()), 1, 2);
            prop_assert_eq!((row.digest(shard_of(digest)), row.kind()), (digest, Kind(kind)));
            row.set_kind(Kind(other));
            prop_assert_eq!((row.digest(shard_of(digest)), row.kind()), (digest, Kind(other)));
            prop_assert!(row.is(digest));
            for bit in 0..120 {
                prop_assert!(!row.is(Digest(digest.0 ^ 1 << bit)));
            }
        }
    }

    #[test]
    fn what_is_common_needs_no_side_table() {
        let now = Micros(1_800_000_000_000_000);
        for (type_id, days) in [(0, 0), (63, 8_190)] {
            let facts = Facts { type_id: TypeId(type_id), add_time: now, seen_day: Day(now.day().0 + days) };
            assert!(!pack(facts, true).2);
        }
    }
}

//! One holder of an identifier in 32 bytes: what nearly every one has fits, the rest is escaped to a side table.

use crate::digest::Digest;
use crate::ids::{Day, Micros, TypeId};

/// 1990-01-01: an identifier is seldom older.
const EPOCH_US: i64 = 631_152_000_000_000;
/// 71 years from the epoch.
const TIME_BITS: u32 = 51;
/// 22 years from being added to being seen last.
const DAY_BITS: u32 = 64 - TIME_BITS;
const DAYS: u64 = (1 << DAY_BITS) - 1;

const TYPE: u8 = 0b0011_1111;
const EXCLUSIVE: u8 = 0b0100_0000;
const SHARED: u8 = 0b1000_0000;

/// The part of a holder that the side table knows where it does not fit.
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
    /// Told of a row that is in neither place; there is none.
    pub const NONE: Self = Self { type_id: TypeId(0), add_time: Micros(0), seen_day: Day(0) };
}

/// Type and flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kind(u8);

/// Time added and day last seen. All ones: look at the side table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct When(u64);

impl When {
    const ESCAPED: Self = Self(u64::MAX);

    /// Packs what fits; `None` where the side table must help out.
    fn pack(facts: Facts) -> Option<Self> {
        let time = facts.add_time.0.checked_sub(EPOCH_US).and_then(|time| u64::try_from(time).ok())?;
        let days = u64::try_from(facts.seen_day.0.checked_sub(facts.add_time.day().0)?).ok()?;
        (time < 1 << TIME_BITS && days < DAYS).then_some(Self(time << DAY_BITS | days))
    }

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

    /// Whether the identifier has a posting (of a first holder).
    pub fn shared(self) -> bool {
        self.0 & SHARED != 0
    }

    pub fn set_shared(&mut self, shared: bool) {
        self.0 = if shared { self.0 | SHARED } else { self.0 & !SHARED };
    }
}

/// Packs type, flag and times; the second answer tells whether the side table must keep the facts.
pub(crate) fn pack(facts: Facts, exclusive: bool) -> (Kind, When, bool) {
    let flag = if exclusive { EXCLUSIVE } else { 0 };
    let small = u8::try_from(facts.type_id.0).ok().filter(|&type_id| type_id <= TYPE);
    match (small, When::pack(facts)) {
        (Some(type_id), Some(when)) => (Kind(type_id | flag), when, false),
        (Some(_) | None, Some(_) | None) => (Kind(flag), When::ESCAPED, true),
    }
}

/// What was packed; `None` if the side table has it.
pub(crate) fn unpack(kind: Kind, when: When) -> Option<Facts> {
    let (add_time, seen_day) = (when != When::ESCAPED).then(|| when.unpack())?;
    Some(Facts { type_id: TypeId(u32::from(kind.0 & TYPE)), add_time, seen_day })
}

/// A digest without its first byte, which the shard knows.
pub(crate) type Tail = [u8; 15];

/// The shard that a digest belongs to, and the rest of it.
pub(crate) fn split(digest: Digest) -> (u8, Tail) {
    let [shard, tail @ ..] = digest.to_bytes();
    (shard, tail)
}

/// The digest whose parts these are.
pub(crate) fn join(shard: u8, tail: Tail) -> Digest {
    let mut bytes = [shard; 16];
    bytes[1..].copy_from_slice(&tail);
    Digest::from_bytes(bytes)
}

/// The first holder of an identifier, together with the identifier. No two lie in three cache lines.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
pub(crate) struct Packed {
    /// The digest but for its first byte.
    pub tail: Tail,
    /// Type and flags.
    pub kind: Kind,
    /// The holder; 0 while only later holders are left, and in free rows.
    pub serial: u32,
    /// The next entry of the same profile; in free rows the next free one.
    pub next: u32,
    /// Times.
    pub when: When,
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
        fn a_digest_survives_its_parts(digest: u128) {
            let (shard, tail) = split(Digest(digest));
            prop_assert_eq!(join(shard, tail), Digest(digest));
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

//! Numbers with a meaning. No plain integer travels between the rooms of this crate.

/// A profile's number in order of creation within its workspace, from 1 (rule C8). Never leaves the process as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(pub u32);

/// A profile's public id: positive, below 2^53, a keyed permutation of its serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(pub i64);

/// Microseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

impl Micros {
    /// One day in microseconds.
    pub const DAY_US: i64 = 86_400_000_000;

    /// The UTC day that this instant lies in.
    #[must_use]
    pub fn day(self) -> Day {
        // A Timestamp spans years 1 to 9999, so the day always fits.
        Day(i32::try_from(self.0.div_euclid(Self::DAY_US)).unwrap_or(i32::MAX))
    }
}

/// Days since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

/// The number of an entry of a workspace's change log; the genesis entry is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// The random identity of a log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub [u8; 16]);

/// The place of a call within its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u32);

/// An identifier type, interned by the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

/// The revision of a policy, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyRevision(pub i32);

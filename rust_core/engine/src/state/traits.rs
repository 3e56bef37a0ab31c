//! What the state keeps of traits: by profile, which write each owes its value to and how much it takes; no names and no
//! values. A profile without traits costs nothing (docs/decisions/0032-what-is-kept-of-traits.md).
//!
//! A merge moves no mark (rule M8): of a profile and those joined into it the latest mark of each name counts, so a name
//! has the same digest in every profile.

use crate::ids::{Micros, Position, Seq, Serial};
use crate::keyed::digest::Digest;
use crate::state::bytes::allocated;
use crate::state::sharded::Sharded;

/// The write that a trait of a profile owes its value to (rule M8), or its removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraitMark {
    /// Stands for the trait's name.
    pub name: Digest,
    /// The row's part of the state hash.
    pub row: u128,
    /// Event time of the write.
    pub time: Micros,
    /// The commit.
    pub seq: Seq,
    /// The place of the call within the commit.
    pub position: Position,
    /// What the trait takes, in bytes (rule C13).
    pub bytes: u32,
}

impl TraitMark {
    /// Of two marks of one trait the greater one counts: the latest event time, at equal times the later call (rule M8).
    #[must_use]
    pub fn order(&self) -> (Micros, Seq, Position) {
        (self.time, self.seq, self.position)
    }
}

/// How many traits somebody has, removed ones too, and what they take (rule C13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraitFigures {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl TraitFigures {
    /// Of both, as if no name were in both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { count: self.count + other.count, bytes: self.bytes + other.bytes }
    }
}

/// An encoded `google.protobuf.Value` of null.
const NULL_BYTES: usize = 2;

/// What a trait of this name and encoded value takes: its part of an encoded `google.protobuf.Struct`, as a removed one
/// with null (rule C13).
#[must_use]
pub fn trait_bytes(name: &str, value: Option<&[u8]>) -> u32 {
    let entry = field_bytes(name.len()) + field_bytes(value.map_or(NULL_BYTES, <[u8]>::len));
    u32::try_from(field_bytes(entry)).unwrap_or(u32::MAX)
}

/// What a field of so many bytes takes, with its key of one byte and its length.
fn field_bytes(length: usize) -> usize {
    let bits = usize::BITS - length.leading_zeros();
    1 + bits.max(1).div_ceil(7) as usize + length
}

/// The marks of one profile, ordered by the names' digests.
#[derive(Clone, Debug, Default)]
struct Marks {
    marks: Vec<TraitMark>,
    bytes: u64,
}

/// The marks of all profiles that have any.
#[derive(Clone, Debug, Default)]
pub struct Traits {
    of: Sharded<Marks>,
    /// What the lists of marks have asked of the allocator.
    list_bytes: usize,
}

impl Traits {
    /// A profile's own marks, ordered by the names' digests; without those of the profiles joined into it.
    #[must_use]
    pub fn of(&self, serial: Serial) -> &[TraitMark] {
        self.of.get(serial.0).map_or(&[], |own| &own.marks)
    }

    /// The mark of a trait of a profile itself.
    #[must_use]
    pub fn get(&self, serial: Serial, name: Digest) -> Option<&TraitMark> {
        let marks = self.of(serial);
        marks.binary_search_by_key(&name, |mark| mark.name).ok().map(|at| &marks[at])
    }

    /// How many marks a profile itself has, and what they take.
    #[must_use]
    pub fn figures(&self, serial: Serial) -> TraitFigures {
        self.of
            .get(serial.0)
            .map_or_else(TraitFigures::default, |own| TraitFigures { count: own.marks.len() as u64, bytes: own.bytes })
    }

    /// Sets a mark and answers the one before.
    pub(crate) fn set(&mut self, serial: Serial, mark: TraitMark) -> Option<TraitMark> {
        let own = self.of.entry(serial.0);
        own.bytes += u64::from(mark.bytes);
        match own.marks.binary_search_by_key(&mark.name, |one| one.name) {
            Ok(at) => {
                let before = std::mem::replace(&mut own.marks[at], mark);
                own.bytes -= u64::from(before.bytes);
                Some(before)
            }
            Err(at) => {
                self.list_bytes += make_room(&mut own.marks);
                own.marks.insert(at, mark);
                None
            }
        }
    }

    /// Takes a mark of a load, in any order; `sort` comes before anything is asked.
    pub(crate) fn load(&mut self, serial: Serial, mark: TraitMark) {
        let own = self.of.entry(serial.0);
        own.bytes += u64::from(mark.bytes);
        self.list_bytes += make_room(&mut own.marks);
        own.marks.push(mark);
    }

    /// Brings what was loaded into order.
    pub(crate) fn sort(&mut self) {
        for own in self.of.values_mut() {
            own.marks.sort_unstable_by_key(|mark| mark.name);
        }
    }

    /// Takes the newest change of a mark back.
    pub(crate) fn restore(&mut self, serial: Serial, name: Digest, before: Option<TraitMark>) {
        if let Some(before) = before {
            self.set(serial, before);
            return;
        }
        let Some(own) = self.of.get_mut(serial.0) else { return };
        if let Ok(at) = own.marks.binary_search_by_key(&name, |mark| mark.name) {
            own.bytes -= u64::from(own.marks.remove(at).bytes);
        }
        if own.marks.is_empty()
            && let Some(gone) = self.of.remove(serial.0)
        {
            self.list_bytes -= list_bytes(&gone.marks);
        }
    }

    /// How many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.of.bytes() + self.list_bytes
    }
}

/// Makes room for one more; tells how many bytes more the list takes.
fn make_room(marks: &mut Vec<TraitMark>) -> usize {
    if marks.len() < marks.capacity() {
        return 0;
    }
    let taken = list_bytes(marks);
    // Most profiles have few: by a quarter, so that little lies empty.
    marks.reserve_exact((marks.len() / 4).max(1));
    list_bytes(marks) - taken
}

fn list_bytes(marks: &Vec<TraitMark>) -> usize {
    allocated(marks.capacity() * size_of::<TraitMark>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::cases;

    fn mark(name: u8, bytes: u32) -> TraitMark {
        let (time, seq, position) = (Micros(i64::from(bytes)), Seq(1), Position(0));
        TraitMark { name: Digest(u128::from(name)), row: 0, time, seq, position, bytes }
    }

    fn told(traits: &Traits) -> Vec<(Vec<TraitMark>, TraitFigures)> {
        (0..4).map(Serial).map(|serial| (traits.of(serial).to_vec(), traits.figures(serial))).collect()
    }

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn marks_are_those_set_last_and_taking_back_leaves_no_trace(
            first in prop::collection::vec((0..4u32, any::<u8>(), 0..100u32), 0..60),
            then in prop::collection::vec((0..4u32, any::<u8>(), 0..100u32), 0..60),
        ) {
            let (mut traits, mut expected) = (Traits::default(), BTreeMap::new());
            for (serial, name, bytes) in first {
                let before = traits.set(Serial(serial), mark(name, bytes));
                prop_assert_eq!(before, expected.insert((serial, name), mark(name, bytes)));
            }
            let before = told(&traits);
            let mut journal = Vec::new();
            for (serial, name, bytes) in then {
                journal.push((serial, name, traits.set(Serial(serial), mark(name, bytes))));
            }
            for (serial, name, before) in journal.into_iter().rev() {
                traits.restore(Serial(serial), Digest(u128::from(name)), before);
            }
            prop_assert_eq!(told(&traits), before);
            for serial in (0..4).map(Serial) {
                let own: Vec<_> =
                    expected.iter().filter(|((of, _), _)| *of == serial.0).map(|(_, mark)| *mark).collect();
                prop_assert_eq!(traits.of(serial), &own[..]);
                let bytes = own.iter().map(|one| u64::from(one.bytes)).sum();
                prop_assert_eq!(traits.figures(serial), TraitFigures { count: own.len() as u64, bytes });
                for one in own {
                    prop_assert_eq!(traits.get(serial, one.name), Some(&one));
                }
            }
        }
    }

    #[test]
    fn a_trait_takes_its_part_of_a_struct() {
        // 0a 09, 0a 01 61, 12 04 1a 02 68 69: key and length of the entry, name, value.
        assert_eq!(trait_bytes("a", Some(&[0x1a, 2, b'h', b'i'])), 11);
        assert_eq!(trait_bytes("a", None), 9, "null is 08 00");
        assert_eq!(trait_bytes(&"n".repeat(127), Some(&[0; 128])), 3 + 129 + 131);
    }

    #[test]
    fn a_profile_that_has_none_any_more_takes_nothing() {
        let mut traits = Traits::default();
        let empty = traits.list_bytes;
        traits.set(Serial(1), mark(1, 1));
        assert!(traits.list_bytes > empty);
        traits.restore(Serial(1), Digest(1), None);
        assert_eq!((traits.list_bytes, traits.of.len()), (empty, 0));
    }
}

//! Eras: from which profile on a workspace's ids are numbered anew.
//!
//! Where a part of a workspace's history was lost, with it went profiles whose ids were given out. Their serials are given
//! again, their ids must not be: so each time a new era begins, with a random number of its own, and an id is made of the
//! era's number and the serial. The first era has number 0 and is not listed.

use crate::ids::Serial;

const SERIAL_BITS: u32 = 32;
/// The largest number of an era: number and serial fill the 52 bits that are permuted.
pub const NUMBER_MAX: u64 = (1 << 20) - 1;

/// The eras of a workspace after its first; nearly always none.
#[derive(Clone, Debug, Default)]
pub struct Eras(Vec<Era>);

#[derive(Clone, Copy, Debug)]
struct Era {
    number: u64,
    first: Serial,
}

impl Eras {
    /// The eras as the tables keep them: each the number of its first profile, in the order in which they began.
    ///
    /// Answers `None` if they go back, or two have one number: then two profiles could have one id.
    #[must_use]
    pub fn from_packed(packed: &[u64]) -> Option<Self> {
        let eras: Vec<Era> = packed.iter().map(|&one| split(one)).collect::<Option<_>>()?;
        let rising = eras.is_sorted_by_key(|era| era.first);
        let mut numbers: Vec<u64> = eras.iter().map(|era| era.number).collect();
        numbers.sort_unstable();
        let distinct = numbers.windows(2).all(|pair| pair[0] != pair[1]) && numbers.first() != Some(&0);
        (rising && distinct).then_some(Self(eras))
    }

    /// A profile's number over all eras, below 2^52.
    pub(super) fn numbered(&self, serial: Serial) -> u64 {
        self.number_at(serial) << SERIAL_BITS | u64::from(serial.0)
    }

    /// The serial that such a number is of; `None` if the era never gave it or has lost it.
    pub(super) fn serial(&self, numbered: u64) -> Option<Serial> {
        let era = split(numbered)?;
        (self.number_at(era.first) == era.number).then_some(era.first)
    }

    fn number_at(&self, serial: Serial) -> u64 {
        let begun = self.0.partition_point(|era| era.first <= serial);
        begun.checked_sub(1).map_or(0, |newest| self.0[newest].number)
    }
}

fn split(packed: u64) -> Option<Era> {
    let first = Serial(u32::try_from(packed & u64::from(u32::MAX)).ok()?);
    let number = packed >> SERIAL_BITS;
    (number <= NUMBER_MAX).then_some(Era { number, first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(number: u64, first: u32) -> u64 {
        number << SERIAL_BITS | u64::from(first)
    }

    #[test]
    fn a_serial_is_of_the_last_era_that_had_begun() {
        let eras = Eras::from_packed(&[packed(7, 10), packed(9, 10), packed(3, 20)]).unwrap_or_default();
        let numbers = [1, 9, 10, 19, 20, u32::MAX].map(|serial| eras.number_at(Serial(serial)));
        assert_eq!(numbers, [0, 0, 9, 9, 3, 3]);
        assert_eq!(eras.serial(packed(9, 12)), Some(Serial(12)));
        for lost in [packed(0, 12), packed(7, 12), packed(3, 12), packed(9, 20)] {
            assert_eq!(eras.serial(lost), None);
        }
    }

    #[test]
    fn eras_that_could_give_an_id_twice_are_refused() {
        assert!(Eras::from_packed(&[]).is_some());
        for wrong in [
            vec![packed(0, 5)],
            vec![packed(1, 5), packed(2, 4)],
            vec![packed(1, 5), packed(1, 6)],
            vec![packed(NUMBER_MAX + 1, 5)],
        ] {
            assert!(Eras::from_packed(&wrong).is_none(), "{wrong:?}");
        }
    }
}

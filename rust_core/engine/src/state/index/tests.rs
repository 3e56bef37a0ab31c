//! The index against a plain map: whatever is put in and taken out, both tell the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::state::profiles::Profiles;
use crate::testing::cases;

/// What a plain map knows.
#[derive(Default)]
struct Naive {
    entries: BTreeMap<(Digest, Serial), (Entry, u32)>,
    known: BTreeSet<Serial>,
}

impl Naive {
    fn holders(&self, digest: Digest, known: bool) -> Vec<Serial> {
        let of_digest = self.entries.keys().rev().filter(|key| key.0 == digest).map(|key| key.1);
        of_digest.filter(|serial| self.known.contains(serial) == known).collect()
    }
}

/// One step of a history.
#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(Entry),
    Remove(prop::sample::Index),
    See(prop::sample::Index, Day),
    Turn(Serial),
    MakeRoom(usize),
    Shrink,
}

/// Few digests, so that many profiles hold one; some share shard, bucket and tag.
fn any_digest() -> impl Strategy<Value = Digest> {
    let spread = |number: u64| u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(number);
    prop_oneof![
        (0..6_u128).prop_map(Digest),
        (0..40_u64).prop_map(move |number| Digest(spread(number))),
        (0..3_u128).prop_map(|number| Digest(u128::MAX - number)),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let times = prop_oneof![
        9 => 1_800_000_000_000_000..1_800_900_000_000_000_i64,
        1 => -62_135_596_800_000_000..253_402_300_799_999_999_i64,
    ];
    let types = prop_oneof![9 => 0..4_u32, 1 => 60..70_u32];
    (any_digest(), 1..60_u32, times, types, 0..3, any::<bool>()).prop_map(
        |(digest, serial, time, type_id, later, exclusive)| {
            let add_time = Micros(time);
            let seen_day = Day(add_time.day().0 + later);
            Entry { digest, serial: Serial(serial), type_id: TypeId(type_id), seen_day, add_time, exclusive }
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any_entry().prop_map(Step::Insert),
        3 => any::<prop::sample::Index>().prop_map(Step::Remove),
        1 => (any::<prop::sample::Index>(), prop_oneof![20_000..21_000, -700_000..3_000_000])
            .prop_map(|(which, day)| Step::See(which, Day(day))),
        1 => (1..60_u32).prop_map(|serial| Step::Turn(Serial(serial))),
        1 => prop_oneof![0..100_usize, 0..40_000_usize].prop_map(Step::MakeRoom),
        1 => Just(Step::Shrink),
    ]
}

fn take(index: &mut Index, naive: &mut Naive, step: Step) {
    let pick = |naive: &Naive, which: prop::sample::Index| {
        let keys: Vec<_> = naive.entries.keys().copied().collect();
        (!keys.is_empty()).then(|| *which.get(&keys))
    };
    match step {
        Step::Insert(entry) => {
            if naive.entries.contains_key(&(entry.digest, entry.serial)) {
                return;
            }
            let next = u32::from(entry.exclusive);
            let at = index.insert(&entry, next, |serial| naive.known.contains(&serial));
            index.set_next(at, next + 1);
            naive.entries.insert((entry.digest, entry.serial), (entry, next + 1));
        }
        Step::Remove(which) => {
            let Some(key) = pick(naive, which) else { return };
            let at = index.find(key.0, key.1).expect("it is held");
            let (entry, next) = naive.entries.remove(&key).expect("it is held");
            assert_eq!((index.next(at), index.remove(at)), (next, entry));
        }
        Step::See(which, day) => {
            let Some(key) = pick(naive, which) else { return };
            let at = index.find(key.0, key.1).expect("it is held");
            let (entry, _) = naive.entries.get_mut(&key).expect("it is held");
            assert_eq!(index.see(at, day), *entry);
            entry.seen_day = day;
        }
        Step::MakeRoom(more) => index.make_room(more),
        Step::Shrink => index.shrink_to_grown(),
        Step::Turn(serial) => {
            let known = naive.known.insert(serial);
            if !known {
                naive.known.remove(&serial);
            }
            for key in naive.entries.keys().filter(|key| key.1 == serial) {
                index.set_known(index.find(key.0, key.1).expect("it is held"), known);
            }
        }
    }
}

fn compare(index: &Index, naive: &Naive) -> Result<(), TestCaseError> {
    prop_assert_eq!(index.len(), naive.entries.len());
    let is_known = |serial: Serial| naive.known.contains(&serial);
    let digests: Vec<Digest> = naive.entries.keys().map(|key| key.0).collect();
    let mut near = vec![Near::UNKNOWN; digests.len()];
    index.warm(&digests, &mut near, &Profiles::default());
    for (&digest, &near) in digests.iter().zip(&near) {
        prop_assert_eq!(index.first_near(near, digest), index.first(digest));
    }
    for (&(digest, serial), &(entry, next)) in &naive.entries {
        let at = index.find(digest, serial);
        prop_assert_eq!(at.map(|at| (index.entry(at), index.next(at))), Some((entry, next)));
        let first = index.first(digest).expect("it is held");
        prop_assert_eq!(naive.entries[&(digest, first.serial)].0, first);
        for (holders, known) in [(Holders::Anonymous, false), (Holders::Known, true)] {
            let expected = naive.holders(digest, known);
            prop_assert_eq!(index.count(digest, holders, is_known), expected.len());
            prop_assert_eq!(index.newest_first(digest, holders, is_known).collect::<Vec<_>>(), expected);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn it_tells_what_a_plain_map_tells(steps in prop::collection::vec(any_step(), 0..250)) {
        let (mut index, mut naive) = (Index::default(), Naive::default());
        for step in steps {
            take(&mut index, &mut naive, step);
        }
        compare(&index, &naive)?;
        let absent = Digest(1 << 100);
        prop_assert!(index.first(absent).is_none() && index.find(absent, Serial(1)).is_none());
        for (digest, serial) in naive.entries.keys() {
            index.remove(index.find(*digest, *serial).expect("it is held"));
        }
        prop_assert!(index.is_empty());
        prop_assert_eq!((index.postings.len(), index.escaped.len()), (0, 0));
    }
}

fn entry_of(digest: Digest, serial: u32) -> Entry {
    let add_time = Micros(1_800_000_000_000_000);
    let (serial, seen_day) = (Serial(serial), add_time.day());
    Entry { digest, serial, type_id: TypeId(0), seen_day, add_time, exclusive: false }
}

/// All in three shards, so that their tables grow often.
fn digest_of(number: u32) -> Digest {
    let digester = crate::keyed::digest::Digester::new(&[9; 16]);
    let digest = digester.identifier("a", &number.to_string());
    Digest(digest.0 >> 8 | u128::from(number % 3) << 120)
}

#[test]
fn growing_loses_nothing_and_uses_freed_rows_again() {
    const MANY: u32 = 12_000;
    let mut index = Index::default();
    let hold = |index: &mut Index, number| index.insert(&entry_of(digest_of(number), number + 1), NONE, |_| false);
    let places: Vec<u32> = (0..MANY).map(|number| hold(&mut index, number)).collect();
    let known: BTreeSet<u32> = places.iter().copied().collect();
    assert_eq!(known.len(), places.len());
    let gone: Vec<u32> = (0..MANY).filter(|number| number % 4 != 0).collect();
    for &number in &gone {
        assert_eq!(index.find(digest_of(number), Serial(number + 1)), Some(places[number as usize]));
        assert_eq!(index.remove(places[number as usize]).digest, digest_of(number));
        assert!(index.first(digest_of(number)).is_none());
    }
    // Coming and going, as deciding and taking back do, wears nothing out.
    for &number in gone.iter().cycle().take(2 * MANY as usize) {
        let at = hold(&mut index, number);
        assert!(known.contains(&at));
        index.remove(at);
    }
    let again: BTreeSet<u32> = gone.iter().map(|&number| hold(&mut index, number)).collect();
    assert!(again.is_subset(&known) && again.len() == gone.len());
    assert!((0..MANY).all(|number| index.find(digest_of(number), Serial(number + 1)).is_some()));
}

#[test]
fn a_device_of_many_keeps_its_order_while_they_come_and_go() {
    let mut index = Index::default();
    let device = digest_of(1);
    let known = |serial: Serial| serial.0.is_multiple_of(3);
    for serial in 1..=5_000 {
        index.insert(&entry_of(device, serial), NONE, known);
    }
    assert_eq!(index.count(device, Holders::Known, known), 1_666);
    for serial in (1..=4_990).rev() {
        index.remove(index.find(device, Serial(serial)).expect("it is held"));
    }
    let anonymous: Vec<u32> = index.newest_first(device, Holders::Anonymous, known).map(|serial| serial.0).collect();
    assert_eq!(anonymous, [5_000, 4_999, 4_997, 4_996, 4_994, 4_993, 4_991]);
    assert!(index.first(device).is_some());
    // Whoever comes next takes the first one's place.
    index.insert(&entry_of(device, 7), NONE, known);
    assert_eq!(index.first(device).map(|entry| entry.serial), Some(Serial(7)));
}

#[test]
fn who_was_nowhere_is_found_once_it_is_there() {
    let mut index = Index::default();
    for present in [0_u32, 3, 40, 700, 3_000] {
        let from = u32::try_from(index.len()).expect("few");
        let (held, coming) = ((0..present), (present..present + 200));
        for number in from..present {
            index.insert(&entry_of(digest_of(number), number + 1), NONE, |_| false);
        }
        let digests: Vec<Digest> = held.chain(coming.clone()).map(digest_of).collect();
        let mut near = vec![Near::UNKNOWN; digests.len()];
        index.warm(&digests, &mut near, &Profiles::default());
        let same = |index: &Index| {
            digests.iter().zip(&near).all(|(&digest, &near)| index.first_near(near, digest) == index.first(digest))
        };
        assert!(same(&index));
        let places: Vec<u32> =
            coming.map(|number| index.insert(&entry_of(digest_of(number), 1), NONE, |_| false)).collect();
        assert!(same(&index));
        for at in places {
            index.remove(at);
        }
        assert!(same(&index));
    }
}

use std::sync::Arc;

use utterson_engine::ids::{Day, Micros};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::plan::Attachment;

use super::*;

fn attach(digest: u128, serial: u32, exclusive: bool) -> Effect {
    Effect::Attach(Attachment {
        digest: Digest(digest),
        serial: Serial(serial),
        type_name: Arc::from("email"),
        add_time: Micros(5),
        seen_day: Day(1),
        changed: Some("n".into()),
        raw: "N".into(),
        exclusive,
    })
}

fn detach(digest: u128, serial: u32, exclusive: bool) -> Effect {
    Effect::Detach { digest: Digest(digest), serial: Serial(serial), exclusive }
}

fn seen(digest: u128, serial: u32, day: i32, exclusive: bool) -> Effect {
    Effect::Seen { digest: Digest(digest), serial: Serial(serial), day: Day(day), exclusive }
}

fn set_trait(serial: u32, name: &str, value: u8, position: u32) -> Effect {
    Effect::SetTrait {
        serial: Serial(serial),
        name: name.into(),
        value: Some(vec![value]),
        time: Micros(i64::from(position)),
        position: Position(position),
    }
}

/// What the calls at the first places are answered.
const ANSWERS: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

fn netted(effects: &[Effect]) -> Columns {
    net(effects, &History::default(), |position| &ANSWERS[position.0 as usize..][..1])
}

#[test]
fn what_comes_and_goes_leaves_nothing() {
    assert_eq!(netted(&[attach(1, 1, true), detach(1, 1, true)]), Columns::default());
    assert_eq!(netted(&[attach(1, 1, false), seen(1, 1, 9, false), detach(1, 1, false)]), Columns::default());
}

#[test]
fn what_is_moved_is_deleted_and_put_down() {
    let columns = netted(&[detach(1, 1, true), attach(1, 2, true)]);
    assert_eq!((columns.detached_profiles.values(), columns.detached_slots.values()), (vec![1], vec![0]));
    assert_eq!((columns.attached_profiles.values(), columns.attached_slots.values()), (vec![2], vec![0]));
    assert_eq!(columns.detached_digests, columns.attached_digests);
}

#[test]
fn what_moves_and_comes_back_is_put_down_anew() {
    let effects = [detach(1, 1, true), attach(1, 2, true), detach(1, 2, true), attach(1, 1, true)];
    let columns = netted(&effects);
    assert_eq!((columns.detached_profiles.values(), columns.attached_profiles.values()), (vec![1], vec![1]));
}

#[test]
fn a_row_that_becomes_exclusive_is_deleted_by_the_slot_that_it_had() {
    let columns = netted(&[detach(1, 3, false), attach(1, 3, true)]);
    assert_eq!((columns.detached_profiles.values(), columns.detached_slots.values()), (vec![3], vec![3]));
    assert_eq!((columns.attached_profiles.values(), columns.attached_slots.values()), (vec![3], vec![0]));
}

#[test]
fn rows_come_in_the_order_of_the_key() {
    let digest = |high: u128| high << 96 | 7;
    let effects = [attach(digest(2), 9, true), attach(digest(3), 2, true), attach(5, 9, true), attach(3, 2, false)];
    let columns = netted(&effects);
    assert_eq!(columns.attached_profiles.values(), [2, 2, 9, 9]);
    let expected = [3, digest(3), 5, digest(2)].map(|digest| Some(Digest(digest).to_bytes().to_vec()));
    assert_eq!(columns.attached_digests.values(), expected);
}

#[test]
fn a_row_is_deleted_once_however_often_it_moves() {
    let effects = [detach(1, 1, true), attach(1, 2, true), detach(1, 2, true), attach(1, 3, true)];
    let columns = netted(&effects);
    assert_eq!((columns.detached_profiles.values(), columns.attached_profiles.values()), (vec![1], vec![3]));
    let columns = netted(&[detach(1, 1, true), attach(1, 2, true), detach(1, 2, true)]);
    assert_eq!((columns.detached_profiles.values(), columns.attached_profiles.values()), (vec![1], Vec::new()));
}

#[test]
fn shared_identifiers_have_a_row_a_profile() {
    let columns = netted(&[detach(1, 1, false), attach(1, 2, false), attach(1, 1, false)]);
    assert_eq!(columns.detached_slots.values(), [1]);
    assert_eq!((columns.attached_slots.values(), columns.attached_profiles.values()), (vec![1, 2], vec![1, 2]));
}

#[test]
fn a_fresh_row_carries_the_day_it_was_seen() {
    let columns = netted(&[attach(1, 1, true), seen(1, 1, 7, true)]);
    assert_eq!((columns.attached_seen_day.values(), columns.seen_days.values()), (vec![7], Vec::new()));
}

#[test]
fn an_old_row_is_seen_once_on_the_last_day() {
    let columns = netted(&[seen(1, 4, 7, false), seen(1, 4, 8, false)]);
    assert_eq!((columns.seen_slots.values(), columns.seen_days.values()), (vec![4], vec![8]));
    assert_eq!(columns.seen_profiles.values(), [4]);
    let gone = netted(&[seen(1, 4, 7, false), detach(1, 4, false)]);
    assert_eq!((gone.seen_days.values(), gone.detached_slots.values()), (Vec::new(), vec![4]));
}

#[test]
fn every_loser_is_told() {
    let merge = |loser, survivor, merges| Effect::Merge { loser: Serial(loser), survivor: Serial(survivor), merges };
    let columns = netted(&[merge(5, 2, 1), merge(4, 2, 2), merge(2, 1, 3)]);
    assert_eq!((columns.loser_serials.values(), columns.loser_merged_into.values()), (vec![5, 4, 2], vec![2, 2, 1]));
}

#[test]
fn the_last_write_of_a_trait_wins() {
    let columns = netted(&[set_trait(1, "a", 1, 0), set_trait(2, "a", 2, 1), set_trait(1, "a", 3, 2)]);
    assert_eq!(columns.trait_profiles.values(), [1, 2]);
    assert_eq!(columns.trait_values.values(), [Some(vec![3]), Some(vec![2])]);
    assert_eq!(columns.trait_positions.values(), [2, 1]);
}

#[test]
fn request_ids_carry_the_answer_to_their_call() {
    let used = Effect::UseRequest { digest: Digest(3), fingerprint: Digest(4), position: Position(7) };
    let columns = netted(&[used]);
    assert_eq!((columns.request_positions.values(), columns.request_answers.values()), (vec![7], vec![Some(vec![7])]));
    assert_eq!(columns.request_digests.values(), [Some(Digest(3).to_bytes().to_vec())]);
}

#[test]
fn columns_that_hold_nothing_are_empty_arrays() {
    let columns = Columns::default();
    for array in columns.as_arrays() {
        assert_eq!((array.len(), &array[..8]), (12, &[0; 8][..]));
    }
}

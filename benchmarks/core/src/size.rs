//! Cost against the identifiers of a profile (G13): the same number of identifiers, in more or fewer profiles.

use std::sync::Arc;

use utterson_engine::call::{Call, CallKind};
use utterson_engine::ids::{Micros, Serial};
use utterson_engine::state::{LoadedIdentifier, State};

use crate::figure::{Figures, Goal};
use crate::population::{NOW_US, call, empty, profile, raised};
use crate::random::Random;
use crate::time::{exponent, median};
use crate::whole;

const IDENTIFIERS: u32 = 1_000_000;
const SIZES: [u32; 4] = [3, 10, 100, 1_000];

/// What a call is like.
type Make = fn(usize, u32, u32) -> Call<'static>;

/// Takes the figures.
pub fn measure(figures: &mut Figures, quick: bool) {
    let runs = if quick { 3 } else { 9 };
    let kinds: [(&str, Make); 3] = [("known", known), ("new identifiers", new), ("joining two", joining)];
    let mut points = kinds.map(|_| Vec::new());
    for size in SIZES {
        let Some(mut state) = populated(size) else { return };
        let mut random = Random::new(u64::from(size));
        let people = IDENTIFIERS / size;
        for ((name, make), points) in kinds.iter().zip(&mut points) {
            let times = (0..runs).map(|_| {
                let start = random.below(people as usize);
                let person = |place: usize| u32::try_from((start + 2 * place) % people as usize).unwrap_or(0);
                whole::run(&mut state, |place| make(place, person(place), size))
            });
            let time = median(times.collect());
            figures.note(format!("whole decision by profile size: {name}"), u64::from(size), (time, "ns"));
            points.push((f64::from(size), time));
        }
    }
    let goal = Goal { name: "G13", at_most: 0.1 };
    for ((name, _), points) in kinds.iter().zip(&points) {
        figures.judge(format!("exponent by profile size: {name}"), 1_000, (exponent(points), ""), goal);
    }
}

fn own(person: u32, which: u32) -> (&'static str, String) {
    ("device_id", format!("{person}-{which}"))
}

fn known(_: usize, person: u32, size: u32) -> Call<'static> {
    call(CallKind::Identify, &[own(person, 0), own(person, size / 2), own(person, size - 1)])
}

fn new(place: usize, person: u32, size: u32) -> Call<'static> {
    call(CallKind::Identify, &[own(person, 0), own(person, size - 1), ("email", format!("new-{place}@example.org"))])
}

/// Two neighbours of an even and an odd number, so that a batch joins each but once.
fn joining(_: usize, person: u32, size: u32) -> Call<'static> {
    call(CallKind::Identify, &[own(person & !1, 0), own(person & !1, size - 1), own(person | 1, size / 2)])
}

fn populated(size: u32) -> Option<State> {
    let mut state = empty(&raised("identity_graph_rules"))?;
    let type_name: Arc<str> = Arc::from("device_id");
    for person in 0..IDENTIFIERS / size {
        state.load_profile(&profile(person + 1));
        for which in 0..size {
            let (name, value) = own(person, which);
            state.load_identifier(&LoadedIdentifier {
                digest: state.digester.identifier(name, &value),
                serial: Serial(person + 1),
                type_name: Arc::clone(&type_name),
                add_time: Micros(NOW_US),
                seen_day: Micros(NOW_US).day(),
                exclusive: true,
            });
        }
    }
    Some(state)
}

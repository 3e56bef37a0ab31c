//! Cost against the profiles that hold one device (G13, isolation family). Every second of them is known.

use std::sync::Arc;

use utterson_engine::call::{Call, CallKind};
use utterson_engine::ids::{Micros, Serial};
use utterson_engine::policy::presets::preset;
use utterson_engine::state::{LoadedIdentifier, State};

use crate::allocation::held_bytes;
use crate::figure::{Figures, Goal};
use crate::population::{NOW_US, call, empty, profile};
use crate::time::{exponent, median};
use crate::whole;

const DEVICE: &str = "everybody's";

/// What a call is like.
type Make = fn(usize, u32) -> Call<'static>;

/// Takes the figures.
pub fn measure(figures: &mut Figures, quick: bool) {
    let (runs, largest) = if quick { (3, 100_000) } else { (9, 1_000_000) };
    let kinds: [(&str, Make); 3] = [("identify", identify), ("login of a known", login), ("login of a new", new)];
    let mut points = kinds.map(|_| Vec::new());
    for holders in [1, 2, 10, 100, 1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|&number| number <= largest) {
        let before = held_bytes();
        let Some(mut state) = populated(holders) else { return };
        if holders == largest {
            let bytes = u32::try_from(held_bytes() - before).map_or(f64::NAN, f64::from) / f64::from(holders);
            figures.note("one device: memory", u64::from(holders), (bytes, "bytes a holder, its own 1½ identifiers"));
        }
        for ((name, make), points) in kinds.iter().zip(&mut points) {
            let times = (0..runs).map(|_| whole::run(&mut state, |place| make(place, holders)));
            let time = median(times.collect());
            figures.note(format!("whole decision by holders: {name}"), u64::from(holders), (time, "ns"));
            points.push((f64::from(holders), time));
        }
    }
    let goal = Goal { name: "G13", at_most: 0.1 };
    for ((name, _), points) in kinds.iter().zip(&points) {
        figures.judge(format!("exponent by holders: {name}"), u64::from(largest), (exponent(points), ""), goal);
    }
}

fn device() -> (&'static str, String) {
    ("idfv", DEVICE.to_owned())
}

fn identify(_: usize, _: u32) -> Call<'static> {
    call(CallKind::Identify, &[device()])
}

/// One customer, so that no customer is farther from the cache where there are more.
fn login(_: usize, _: u32) -> Call<'static> {
    call(CallKind::Login, &[("customer_id", "customer-1".to_owned()), device()])
}

fn new(place: usize, _: u32) -> Call<'static> {
    call(CallKind::Login, &[("customer_id", format!("new-{place}")), device()])
}

fn populated(holders: u32) -> Option<State> {
    let mut state = empty(&preset("profile_isolation")?)?;
    let [customer, device_type] = ["customer_id", "idfv"].map(Arc::<str>::from);
    for number in 1..=holders {
        state.load_profile(&profile(number));
    }
    for number in 1..=holders {
        let (name, value) = device();
        let held = (&device_type, state.digester.identifier(name, &value), false);
        let own = (&customer, state.digester.identifier("customer_id", &format!("customer-{number}")), true);
        for (type_name, digest, exclusive) in [held, own].into_iter().take(1 + number as usize % 2) {
            state.load_identifier(&LoadedIdentifier {
                digest,
                serial: Serial(number),
                type_name: Arc::clone(type_name),
                add_time: Micros(NOW_US),
                seen_day: Micros(NOW_US).day(),
                exclusive,
            });
        }
    }
    let expected = state.hash;
    state.finish_loading(expected);
    Some(state)
}

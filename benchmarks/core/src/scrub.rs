//! The scrub: what a row of a round costs, and how long its longest step is.

use std::sync::Arc;

use utterson_engine::ids::{Micros, Serial};
use utterson_engine::policy::presets::preset;
use utterson_engine::state::{LoadedIdentifier, State};

use crate::figure::Figures;
use crate::population::{NOW_US, empty, profile};
use crate::sizes;
use crate::time::nanoseconds;

/// Rows of a step, about as many as a server takes.
const STEP: usize = 1_000;

/// Takes the figures at every size.
pub fn measure(figures: &mut Figures, sizes: &[u32]) {
    for &identifiers in sizes {
        if let Some((state, _)) = sizes::load(identifiers) {
            round(figures, "scrub", (state, identifiers));
        }
        if let Some(state) = shared(identifiers) {
            round(figures, "scrub, half of them of four profiles", (state, identifiers));
        }
    }
}

/// Profiles with an identifier of their own and a device that three others have, too.
fn shared(identifiers: u32) -> Option<State> {
    let mut state = empty(&preset("default")?)?;
    let profiles = identifiers / 2;
    (1..=profiles).for_each(|serial| {
        state.load_profile(&profile(serial));
    });
    let (own, device) = (Arc::<str>::from("cookie"), Arc::<str>::from("idfv"));
    for number in 0..profiles {
        for (type_name, value) in [(&own, number), (&device, number / 4 + profiles)] {
            state.load_identifier(&LoadedIdentifier {
                digest: state.digester.identifier(type_name, &value.to_string()),
                serial: Serial(number + 1),
                type_name: Arc::clone(type_name),
                add_time: Micros(NOW_US),
                seen_day: Micros(NOW_US).day(),
                exclusive: false,
            });
        }
    }
    let expected = state.hash;
    state.finish_loading(expected);
    Some(state)
}

fn round(figures: &mut Figures, name: &str, (mut state, identifiers): (State, u32)) {
    let (mut rows, mut whole, mut steps) = (0_u32, 0.0, Vec::new());
    loop {
        let mut ended = None;
        let spent = nanoseconds(|| ended = Some(state.scrub(STEP)));
        let Some(step) = ended else { return };
        assert_eq!(step.finding, None);
        rows += u32::try_from(step.rows).unwrap_or(0);
        whole += spent;
        steps.push(spent);
        if step.round {
            break;
        }
    }
    steps.sort_by(f64::total_cmp);
    let at = u64::from(identifiers);
    figures.note(format!("{name}: a row"), at, (whole / f64::from(rows), "ns"));
    figures.note(format!("{name}: a round by all of a core"), at, (whole / 1e9, "s"));
    figures.note(format!("{name}: a step, p50"), at, (steps[steps.len() / 2] / 1e3, "µs"));
    figures.note(format!("{name}: a step, p999"), at, (steps[steps.len() * 999 / 1000] / 1e3, "µs"));
    figures.note(format!("{name}: the longest step"), at, (steps[steps.len() - 1] / 1e3, "µs"));
}

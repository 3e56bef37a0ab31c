//! The scrub: what a row of a round costs, and how long its longest step is.

use crate::figure::Figures;
use crate::sizes;
use crate::time::nanoseconds;

/// Rows of a step, about as many as a server takes.
const STEP: usize = 1_000;

/// Takes the figures at every size.
pub fn measure(figures: &mut Figures, sizes: &[u32]) {
    for &identifiers in sizes {
        let Some((mut state, _)) = sizes::load(identifiers) else { return };
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
        let nearly_all = steps[steps.len() * 999 / 1000];
        figures.note("scrub: a row", at, (whole / f64::from(rows), "ns"));
        figures.note("scrub: a round by all of a core", at, (whole / 1e9, "s"));
        figures.note("scrub: a step, p50", at, (steps[steps.len() / 2] / 1e3, "µs"));
        figures.note("scrub: a step, p999", at, (nearly_all / 1e3, "µs"));
        figures.note("scrub: the longest step", at, (steps[steps.len() - 1] / 1e3, "µs"));
    }
}

//! How fast calls come back, and so how long those take that are under way.

use std::time::{Duration, Instant};

/// The time after which a pace is measured anew.
const WINDOW: Duration = Duration::from_millis(100);
/// How much the newest window counts.
const WEIGHT: f64 = 0.3;

/// Calls that are under way, and how fast they come back.
#[derive(Debug)]
pub struct Pace {
    /// How many are under way.
    pub calls: usize,
    answered: usize,
    since: Instant,
    idle_since: Instant,
    seconds_a_call: Option<f64>,
}

impl Pace {
    /// Nothing is under way, and nothing known.
    pub fn new(now: Instant) -> Self {
        Self { calls: 0, answered: 0, since: now, idle_since: now, seconds_a_call: None }
    }

    /// So many begin. The clock is read where there was no call only: under load that would be for each.
    pub fn begin(&mut self, calls: usize, now: impl Fn() -> Instant) {
        if self.calls == 0 {
            // A time without any call says nothing of how long calls take.
            self.since += now() - self.idle_since;
        }
        self.calls += calls;
    }

    /// So many have come back.
    pub fn answered(&mut self, calls: usize, now: Instant) {
        self.calls -= calls;
        self.idle_since = now;
        self.answered += calls;
        let window = now - self.since;
        if window >= WINDOW {
            let newest = window.as_secs_f64() / count(self.answered);
            self.seconds_a_call =
                Some(self.seconds_a_call.map_or(newest, |before| before + WEIGHT * (newest - before)));
            (self.answered, self.since) = (0, now);
        }
    }

    /// How long all that is with the loop will take, as far as can be told.
    pub fn drained_in(&self, now: Instant) -> Option<Duration> {
        // Where nothing has come back for longer than that, it takes longer.
        let silent = (now - self.since).as_secs_f64() / count(self.answered.max(1));
        let seconds_a_call = match self.seconds_a_call {
            Some(before) => before.max(if self.answered == 0 { silent / count(self.calls) } else { 0.0 }),
            None if self.answered > 0 => silent,
            None => return None,
        };
        Duration::try_from_secs_f64(count(self.calls) * seconds_a_call).ok()
    }

    /// How long so many calls take at the pace that was measured last.
    pub fn time_of(&self, calls: usize) -> Option<Duration> {
        Duration::try_from_secs_f64(count(calls) * self.seconds_a_call?).ok()
    }
}

fn count(calls: usize) -> f64 {
    f64::from(u32::try_from(calls).unwrap_or(u32::MAX))
}

//! What is counted.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::codes;

/// Upper ends of the histogram's classes grow by this factor.
const CLASS_GROWTH: f64 = 1.1;
const FIRST_CLASS_US: u64 = 20;

/// The time that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The end of the warm-up.
    pub from: Instant,
    /// When the last message is sent.
    pub until: Instant,
}

impl Span {
    /// Whether a moment is in it.
    pub fn holds(self, moment: Instant) -> bool {
        self.from <= moment && moment < self.until
    }
}

/// What came of the messages that count.
#[derive(Debug)]
pub struct Tally {
    /// Calls answered, refused ones too.
    pub calls: u64,
    /// Messages answered.
    pub messages: u64,
    /// Calls refused, by status code.
    pub refused: [u64; codes::NAMES.len()],
    /// Answers that are none: of another number of results than calls, or unreadable.
    pub unreadable_answers: u64,
    /// When the last one came.
    pub last: Option<Instant>,
    latency_us: Histogram<u64>,
}

impl Tally {
    /// Begins at nothing.
    pub fn new() -> Self {
        let mut latency_us = Histogram::new(3).expect("three digits are allowed");
        latency_us.auto(true);
        Self { calls: 0, messages: 0, refused: [0; codes::NAMES.len()], unreadable_answers: 0, last: None, latency_us }
    }

    /// Counts a message that was answered.
    pub fn count(&mut self, calls: u16, latency: Duration, now: Instant) {
        self.calls += u64::from(calls);
        self.messages += 1;
        self.last = self.last.max(Some(now));
        self.latency_us += u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    }

    /// Counts calls that were refused.
    pub fn refuse(&mut self, code: u8, calls: u64) {
        let known = usize::from(code) < self.refused.len();
        self.refused[usize::from(if known { code } else { codes::UNKNOWN })] += calls;
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.messages += other.messages;
        self.refused.iter_mut().zip(other.refused).for_each(|(sum, one)| *sum += one);
        self.unreadable_answers += other.unreadable_answers;
        self.last = self.last.max(other.last);
        self.latency_us += &other.latency_us;
    }

    /// The latency that a share of the messages does not exceed, in ms.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        to_ms(self.latency_us.value_at_quantile(share))
    }

    /// The longest, in ms.
    pub fn max_ms(&self) -> f64 {
        to_ms(self.latency_us.max())
    }

    /// The mean, in ms.
    pub fn mean_ms(&self) -> f64 {
        self.latency_us.mean() / 1e3
    }

    /// The upper end of each class that is not empty, in ms, and how many messages are in it.
    pub fn classes(&self) -> Vec<(f64, u64)> {
        let classes = self.latency_us.iter_log(FIRST_CLASS_US, CLASS_GROWTH);
        let pairs = classes.map(|class| (to_ms(class.value_iterated_to()), class.count_since_last_iteration()));
        pairs.filter(|(_, count)| *count > 0).collect()
    }
}

#[allow(clippy::cast_precision_loss)] // Far below 2^53.
fn to_ms(us: u64) -> f64 {
    us as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_classes_are_of_what_was_counted() {
        let (mut tally, mut other) = (Tally::new(), Tally::new());
        let now = Instant::now();
        for ms in 1..=1000 {
            let one = if ms % 2 == 0 { &mut tally } else { &mut other };
            one.count(3, Duration::from_millis(ms), now);
        }
        tally.add(&other);
        assert_eq!((tally.calls, tally.messages), (3000, 1000));
        for (share, expected_ms) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            assert!((tally.quantile_ms(share) / expected_ms - 1.0).abs() < 0.002);
        }
        assert!((tally.mean_ms() / 500.5 - 1.0).abs() < 0.002);
        let classes = tally.classes();
        assert_eq!(classes.iter().map(|(_, count)| count).sum::<u64>(), 1000);
        assert!(classes.is_sorted_by(|one, next| one.0 < next.0));
        assert!((20..200).contains(&classes.len()), "{}", classes.len());
    }

    #[test]
    fn refusals_of_no_known_code_are_unknown() {
        let mut tally = Tally::new();
        tally.refuse(8, 2);
        tally.refuse(99, 1);
        assert_eq!((tally.refused[8], tally.refused[2]), (2, 1));
    }
}

//! Tells callers when a message is due. A thread of its own: the runtime's timers are no finer than a millisecond.

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::drive::tally::Span;

/// Tells each receiver in turn when a message is due, from `begin` to the span's end.
pub fn start(calls_a_second: f64, calls_in_message: u16, begin: Instant, span: Span, receivers: u16) -> Vec<Due> {
    let interval_s = f64::from(calls_in_message) / calls_a_second;
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..receivers).map(|_| unbounded_channel()).unzip();
    thread::spawn(move || tell(&senders, interval_s, begin, span));
    receivers
}

/// The moments at which messages are due.
pub type Due = UnboundedReceiver<Instant>;

fn tell(senders: &[UnboundedSender<Instant>], interval_s: f64, begin: Instant, span: Span) {
    for (number, sender) in (0_u32..).zip(senders.iter().cycle()) {
        let moment = begin + Duration::from_secs_f64(interval_s * f64::from(number));
        if moment >= span.until {
            return;
        }
        let ahead = moment.saturating_duration_since(Instant::now());
        if !ahead.is_zero() {
            thread::sleep(ahead);
        }
        // A receiver that is gone has told why itself.
        if sender.send(moment).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_in_turn_and_in_time() {
        let begin = Instant::now();
        let span = Span { from: begin, until: begin + Duration::from_millis(50) };
        let mut due = start(20_000.0, 100, begin, span, 2);
        for number in 0..10_u32 {
            let moment = due[number as usize % 2].blocking_recv().expect("a moment");
            assert_eq!(moment, begin + Duration::from_secs_f64(0.005 * f64::from(number)));
            assert!(Instant::now() >= moment);
        }
        assert!(due[0].blocking_recv().is_none());
    }
}

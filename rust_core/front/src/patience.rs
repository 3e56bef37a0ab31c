//! How long a message may take to come once it has begun: what has come of it is kept for it meanwhile.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};
use tonic::Status;

use crate::budget::Held;

/// What has to come of a message in the time that it may stand still: so a message comes within thirty times that.
const PART: usize = 32;
/// How often it is looked at in that time. Whoever has to hurry has until the next look.
const LOOKS: u32 = 10;

/// The patience with one message after the other.
#[derive(Debug)]
pub struct Patience {
    look_every: Duration,
    /// There as soon as something was waited for.
    look: Option<Pin<Box<Sleep>>>,
    /// Bytes that have come of all messages, and that had when the time began that runs now.
    come_bytes: u64,
    begun_bytes: u64,
    looks: u32,
}

impl Patience {
    /// Begins with nothing.
    ///
    /// # Arguments
    /// * `still_max`: how long a message may stand still.
    pub fn new(still_max: Duration) -> Self {
        Self { look_every: still_max / LOOKS, look: None, come_bytes: 0, begun_bytes: 0, looks: 0 }
    }

    /// Notes that something has come.
    pub fn came(&mut self, bytes: usize) {
        self.come_bytes += bytes as u64;
    }

    /// Notes that nothing is waited for: between two messages a stream may stand still for as long as it likes.
    pub fn rest(&mut self) {
        self.look = None;
        self.looks = 0;
        self.begun_bytes = self.come_bytes;
    }

    /// Is ready when the message under way stands still for too long.
    ///
    /// # Arguments
    /// * `message_bytes`: the length of the message, as announced.
    /// * `held`: what holds what has come.
    pub fn poll_ended(&mut self, message_bytes: usize, held: &Held, context: &mut Context<'_>) -> Poll<Status> {
        let look_every = self.look_every;
        let look = self.look.get_or_insert_with(|| Box::pin(tokio::time::sleep(look_every)));
        while look.as_mut().poll(context).is_ready() {
            look.as_mut().reset(Instant::now() + look_every);
            let wanted_bytes = (message_bytes / PART).max(1) as u64;
            if self.come_bytes - self.begun_bytes >= wanted_bytes {
                self.begun_bytes = self.come_bytes;
                self.looks = 0;
                continue;
            }
            self.looks += 1;
            if self.looks >= LOOKS || held.is_pressed() {
                return Poll::Ready(Status::deadline_exceeded("the message did not come in time"));
            }
        }
        Poll::Pending
    }

    /// Waits until the message under way stands still for too long, as [`Patience::poll_ended`].
    pub async fn ended(&mut self, message_bytes: usize, held: &Held) -> Status {
        poll_fn(|context| self.poll_ended(message_bytes, held, context)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;

    const STILL_MAX: Duration = Duration::from_millis(500);
    const MESSAGE_BYTES: usize = 32_000;

    /// For how long there is patience with a message of which so much comes every 20 ms; for two seconds at most.
    async fn lasts(bytes: usize, held: &Held) -> Duration {
        let (mut patience, began) = (Patience::new(STILL_MAX), Instant::now());
        while began.elapsed() < 4 * STILL_MAX {
            tokio::select! {
                _ = patience.ended(MESSAGE_BYTES, held) => break,
                () = tokio::time::sleep(Duration::from_millis(20)) => patience.came(bytes),
            }
        }
        began.elapsed()
    }

    #[tokio::test]
    async fn what_stands_still_or_dribbles_is_given_up_and_what_comes_is_not() {
        let held = Budget::new(1200, 30).share().begin();
        let (still, dribbling, coming) = tokio::join!(lasts(0, &held), lasts(10, &held), lasts(100, &held));
        assert!((STILL_MAX..2 * STILL_MAX).contains(&still), "{still:?}");
        assert!((STILL_MAX..2 * STILL_MAX).contains(&dribbling), "{dribbling:?}");
        assert!(coming >= 4 * STILL_MAX, "{coming:?}");
    }

    #[tokio::test]
    async fn whoever_holds_what_others_need_has_less_time() {
        let budget = Budget::new(1200, 30);
        let (held, other) = (budget.share().begin(), budget.share().begin());
        assert!(held.add(460).is_ok() && other.add(500).is_err());
        let still = lasts(0, &held).await;
        assert!(still < STILL_MAX, "{still:?}");
    }
}

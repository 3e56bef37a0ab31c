//! What the loop brings back: answers, all of a turn at once.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::answers::Answer;
use crate::inbox::Token;

/// The way back from the loop's thread to the front's.
#[derive(Debug, Default)]
pub struct Outbox {
    answers: Mutex<Vec<(Token, Answer)>>,
    brought: Notify,
}

impl Outbox {
    /// Brings answers; called by the loop, which never waits here.
    pub fn bring(&self, mut answers: Vec<(Token, Answer)>) {
        if answers.is_empty() {
            return;
        }
        let mut waiting = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.append(&mut answers);
        drop(waiting);
        // Keeps its permit where nobody waits yet, so that none is lost.
        self.brought.notify_one();
    }

    /// Waits for answers and takes all.
    pub async fn take(&self) -> Vec<(Token, Answer)> {
        self.brought.notified().await;
        self.take_now()
    }

    /// Takes the answers that are there.
    pub fn take_now(&self) -> Vec<(Token, Answer)> {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

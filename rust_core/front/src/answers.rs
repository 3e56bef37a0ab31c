//! The calls that wait for the loop's answer, by their token.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::budget::Held;
use crate::inbox::Token;
use crate::refusal::Refusal;

/// What the loop says to one call.
#[derive(Debug)]
pub enum Answer {
    /// The response message.
    Response(Bytes),
    /// The response message of a call that was given a request id on the way.
    Identified(Bytes, String),
    /// A refusal, with the request id that its caller is told.
    Refused(Refusal, String),
}

/// The calls under way. Belongs to the front's thread alone.
#[derive(Debug, Default)]
pub struct Answers {
    waiting: RefCell<HashMap<Token, oneshot::Sender<Answer>>>,
    /// Where the bytes of answers are counted that come before their turn.
    counted: RefCell<HashMap<Token, Arc<Held>>>,
    last: Cell<u64>,
}

impl Answers {
    /// Makes a new token, and what its answer comes through.
    pub fn expect(&self) -> (Token, oneshot::Receiver<Answer>) {
        let token = Token(self.last.get() + 1);
        self.last.set(token.0);
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().insert(token, sender);
        (token, receiver)
    }

    /// Counts the bytes of an answer from the moment that it comes, not only once it is taken.
    pub fn count(&self, token: Token, held: Arc<Held>) {
        self.counted.borrow_mut().insert(token, held);
    }

    /// Hands answers on; those that nobody waits for any more are dropped.
    pub fn give(&self, answers: Vec<(Token, Answer)>) {
        let mut waiting = self.waiting.borrow_mut();
        let mut counted = self.counted.borrow_mut();
        for (token, answer) in answers {
            if let (Some(held), Answer::Response(bytes) | Answer::Identified(bytes, _)) =
                (counted.remove(&token), &answer)
            {
                held.add_anyway(bytes.len());
            }
            if let Some(sender) = waiting.remove(&token) {
                // The receiver may be gone in this very moment.
                let _ = sender.send(answer);
            }
        }
    }

    /// Gives up a call; tells whether its answer had not been given yet.
    pub fn forget(&self, token: Token) -> bool {
        self.counted.borrow_mut().remove(&token);
        self.waiting.borrow_mut().remove(&token).is_some()
    }
}

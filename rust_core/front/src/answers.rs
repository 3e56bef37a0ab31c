//! The calls that wait for the loop's answer, by their token.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::oneshot;

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

    /// Hands answers on; those that nobody waits for any more are dropped.
    pub fn give(&self, answers: Vec<(Token, Answer)>) {
        let mut waiting = self.waiting.borrow_mut();
        for (token, answer) in answers {
            if let Some(sender) = waiting.remove(&token) {
                // The receiver may be gone in this very moment.
                let _ = sender.send(answer);
            }
        }
    }

    /// Gives up a call; tells whether its answer had not been given yet.
    pub fn forget(&self, token: Token) -> bool {
        self.waiting.borrow_mut().remove(&token).is_some()
    }
}

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

impl Answer {
    /// How many bytes the response has; a refusal is too short to count.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Response(response) | Self::Identified(response, _) => response.len(),
            Self::Refused(..) => 0,
        }
    }
}

/// A call under way: what its answer goes through, and where its bytes are counted.
#[derive(Debug)]
struct Expected {
    sender: oneshot::Sender<Answer>,
    held: Arc<Held>,
}

/// The calls under way. Belongs to the front's thread alone.
#[derive(Debug, Default)]
pub struct Answers {
    waiting: RefCell<HashMap<Token, Expected>>,
    last: Cell<u64>,
}

impl Answers {
    /// Makes a new token, and what its answer comes through. The answer is held as soon as it is there, whether or not
    /// anybody looks at it.
    pub fn expect(&self, held: &Arc<Held>) -> (Token, oneshot::Receiver<Answer>) {
        let token = Token(self.last.get() + 1);
        self.last.set(token.0);
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().insert(token, Expected { sender, held: Arc::clone(held) });
        (token, receiver)
    }

    /// Hands answers on; those that nobody waits for any more are dropped.
    pub fn give(&self, answers: Vec<(Token, Answer)>) {
        let mut waiting = self.waiting.borrow_mut();
        for (token, answer) in answers {
            if let Some(Expected { sender, held }) = waiting.remove(&token) {
                held.add_anyway(answer.bytes());
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

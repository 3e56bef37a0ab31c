//! The calls that wait for the loop's answer, by their token.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::inbox::{Token, WorkspaceDigest};
use crate::numbered::NumberedMap;
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

/// Who waits for an answer.
#[derive(Debug)]
struct Expected {
    workspace: WorkspaceDigest,
    sender: oneshot::Sender<Answer>,
}

/// The calls under way. Belongs to the front's thread alone.
#[derive(Debug, Default)]
pub struct Answers {
    waiting: RefCell<NumberedMap<Token, Expected>>,
    last: Cell<u64>,
}

impl Answers {
    /// Makes a new token, and what its answer comes through.
    pub fn expect(&self, workspace: WorkspaceDigest) -> (Token, oneshot::Receiver<Answer>) {
        let token = Token(self.last.get() + 1);
        self.last.set(token.0);
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().insert(token, Expected { workspace, sender });
        (token, receiver)
    }

    /// Hands answers on; those that nobody waits for any more are dropped.
    pub fn give(&self, answers: Vec<(Token, Answer)>) {
        let mut waiting = self.waiting.borrow_mut();
        for (token, answer) in answers {
            if let Some(expected) = waiting.remove(&token) {
                // The receiver may be gone in this very moment.
                let _ = expected.sender.send(answer);
            }
        }
    }

    /// Tells for which workspace an answer is; none where nobody waits for it any more.
    pub fn workspace(&self, token: Token) -> Option<WorkspaceDigest> {
        self.waiting.borrow().get(&token).map(|expected| expected.workspace)
    }

    /// Gives up a call; tells whether its answer had not been given yet.
    pub fn forget(&self, token: Token) -> bool {
        self.waiting.borrow_mut().remove(&token).is_some()
    }
}

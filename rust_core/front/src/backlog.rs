//! Answers that the loop has brought and that are not handed on yet: a few at a time, those of each workspace in turn.

use std::collections::VecDeque;

use crate::answers::Answer;
use crate::inbox::{Token, WorkspaceDigest};
use crate::numbered::NumberedMap;

/// So many answers are handed on before whoever called meanwhile is heard.
const TURN_ANSWERS: usize = 64;

/// The answers, by workspace.
#[derive(Debug, Default)]
pub struct Backlog {
    lots: NumberedMap<WorkspaceDigest, VecDeque<(Token, Answer)>>,
    turns: VecDeque<WorkspaceDigest>,
    /// What goes out next, whosever it is.
    ready: Vec<(Token, Answer)>,
}

impl Backlog {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty() && self.ready.is_empty()
    }

    /// Adds what was brought; what is for no workspace is for nobody.
    pub fn add(&mut self, brought: Vec<(Token, Answer)>, workspace: impl Fn(Token) -> Option<WorkspaceDigest>) {
        if self.is_empty() && brought.len() <= TURN_ANSWERS {
            self.ready = brought;
            return;
        }
        for (token, answer) in brought {
            let Some(workspace) = workspace(token) else { continue };
            let turns = &mut self.turns;
            let lot = self.lots.entry(workspace).or_insert_with(|| {
                turns.push_back(workspace);
                VecDeque::new()
            });
            lot.push_back((token, answer));
        }
    }

    /// Gives what is handed on now.
    pub fn turn(&mut self) -> Vec<(Token, Answer)> {
        let mut turn = std::mem::take(&mut self.ready);
        while turn.len() < TURN_ANSWERS {
            let Some(workspace) = self.turns.pop_front() else { break };
            let Some(lot) = self.lots.get_mut(&workspace) else { continue };
            turn.extend(lot.pop_front());
            if lot.is_empty() {
                self.lots.remove(&workspace);
            } else {
                self.turns.push_back(workspace);
            }
        }
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(tokens: std::ops::Range<u64>) -> Vec<(Token, Answer)> {
        tokens.map(|token| (Token(token), Answer::Response(bytes::Bytes::new()))).collect()
    }

    /// Tokens below 1,000 are one workspace's, those from 5,000 on nobody's.
    fn workspace(token: Token) -> Option<WorkspaceDigest> {
        (token.0 < 5000).then_some(WorkspaceDigest(token.0 / 1000))
    }

    #[test]
    fn a_single_answer_does_not_wait_behind_a_thousand_of_others() {
        let mut backlog = Backlog::default();
        backlog.add(answers(0..1000), workspace);
        assert_eq!(backlog.turn().len(), TURN_ANSWERS);
        backlog.add(answers(1000..1001), workspace);
        let tokens: Vec<_> = backlog.turn().iter().map(|(token, _)| token.0).collect();
        assert_eq!(tokens.len(), TURN_ANSWERS);
        assert!(tokens[..2].contains(&1000), "{tokens:?}");
    }

    #[test]
    fn all_are_given_once_and_in_order() {
        let mut backlog = Backlog::default();
        backlog.add(answers(4998..5100), workspace);
        backlog.add(answers(0..500), workspace);
        let mut given = Vec::new();
        while !backlog.is_empty() {
            given.extend(backlog.turn().iter().map(|(token, _)| token.0));
        }
        let (others, own): (Vec<_>, Vec<_>) = given.into_iter().partition(|token| *token >= 1000);
        assert_eq!(others, [4998, 4999]);
        assert_eq!(own, (0..500).collect::<Vec<_>>());
    }
}

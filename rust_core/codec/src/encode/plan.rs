//! A whole plan: answers for the callers, columns and payload for the store.

use std::borrow::{Borrow, Cow};
use std::ops::Range;

use prost::Message;
use utterson_engine::decide::Submission;
use utterson_engine::fault::Fault;
use utterson_engine::ids::{EntryId, ProfileId, Seq, Serial};
use utterson_engine::keyed::digest::{Digest, Digester};
use utterson_engine::plan::{Effect, Plan, Verdict};

use super::left::Left;
use super::response::Results;
use super::{history, refusal, resolution, response};
use crate::columns::{Columns, History, net};
use crate::proto::v1;
use crate::{log, token};

/// What a call is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Where among the [`Encoded::accepted`] bytes the `Resolution` is; for an import the response.
    Accepted(Range<usize>),
    /// A refusal.
    Refused(Fault),
    /// A call that repeats an accepted one (rule C7).
    Repeated {
        /// What it is recorded under.
        digest: Digest,
        /// Whether the explanation is asked for.
        explain: bool,
    },
}

/// A plan as callers and store take it.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    /// One a call, in order.
    pub answers: Vec<Answer>,
    /// The answers to calls that were accepted, one after the other.
    pub accepted: Vec<u8>,
    /// What to commit, if the plan writes.
    pub columns: Columns,
    /// The log record, if the plan writes.
    pub payload: Vec<u8>,
}

impl Encoded {
    /// The encoded answers to some of the calls, accepted or refused; `None` where one of them repeats an earlier one:
    /// what that was answered is in the tables.
    fn all_told(&self, calls: Range<usize>) -> Option<Vec<(bool, Cow<'_, [u8]>)>> {
        let told = |answer: &Answer| match answer {
            Answer::Accepted(range) => Some((true, Cow::Borrowed(&self.accepted[range.clone()]))),
            Answer::Refused(fault) => Some((false, Cow::Owned(refusal::status(fault)))),
            Answer::Repeated { .. } => None,
        };
        self.answers.get(calls)?.iter().map(told).collect()
    }

    /// The response of a unary request whose one call this is, if it was accepted.
    #[must_use]
    pub fn unary(&self, calls: Range<usize>) -> Option<Vec<u8>> {
        match self.answers.get(calls)? {
            [Answer::Accepted(range)] => Some(response::unary(&self.accepted[range.clone()])),
            _ => None,
        }
    }

    /// The `BatchResolveResponse` of a message of which these are all calls, if none is a repetition.
    #[must_use]
    pub fn batch(&self, calls: Range<usize>) -> Option<Results<Cow<'_, [u8]>>> {
        self.all_told(calls).map(Results::of_batch)
    }

    /// The `StreamResolveResponse` of the same.
    #[must_use]
    pub fn stream_message(&self, sequence: i64, calls: Range<usize>) -> Option<Results<Cow<'_, [u8]>>> {
        self.all_told(calls).map(|results| Results::of_stream_message(sequence, results))
    }
}

/// What an import made, in the order of its rows.
#[derive(Clone, Copy, Debug)]
pub struct Imported<'a> {
    /// By serial.
    pub serials: &'a [Serial],
    /// By public id.
    pub profiles: &'a [ProfileId],
}

/// About how many bytes an answer takes.
const ANSWER_BYTES: usize = 224;

/// Encodes a decided batch; `calls` are those that were decided.
pub fn decided<'c, S: Borrow<Submission<'c>>>(plan: &Plan, calls: &[S], digester: &Digester) -> Encoded {
    decided_with(plan, calls, digester, &Left::default())
}

/// The same, with values that left profiles and that the plan does not know (rule I5).
pub fn decided_with<'c, S: Borrow<Submission<'c>>>(
    plan: &Plan,
    calls: &[S],
    digester: &Digester,
    left: &Left,
) -> Encoded {
    let mut tokens = Tokens { digester, last: None };
    let (mut answers, mut history) = (Vec::with_capacity(calls.len()), History::default());
    let mut accepted = Vec::with_capacity(calls.len() * ANSWER_BYTES);
    for (position, (decided, submission)) in (0u32..).zip(plan.decided.iter().zip(calls)) {
        let answer = match (&decided.verdict, submission.borrow()) {
            (Verdict::Resolution(one), Ok(call)) => {
                let token = tokens.of(one.revision);
                if !decided.touched.is_empty() {
                    let record =
                        history.record(|bytes| history::of_call(call, one, (plan.entry.commit_time, token), bytes));
                    let touched = decided.touched.iter();
                    history.entries.extend(touched.map(|&serial| (serial, position, record.clone())));
                }
                let begin = accepted.len();
                resolution::resolution(one, call, (token, left), &mut accepted);
                Answer::Accepted(begin..accepted.len())
            }
            (Verdict::Repeat(digest), Ok(call)) => Answer::Repeated { digest: *digest, explain: call.explain },
            (Verdict::Fault(fault), _) | (_, Err(fault)) => Answer::Refused(fault.clone()),
        };
        answers.push(answer);
    }
    if plan.effects.is_empty() {
        return Encoded { answers, accepted, ..Encoded::default() };
    }
    let columns = net(&plan.effects, &history, |position| match answers.get(position.0 as usize) {
        Some(Answer::Accepted(range)) => &accepted[range.clone()],
        Some(Answer::Refused(_) | Answer::Repeated { .. }) | None => &[],
    });
    Encoded { answers, accepted, columns, payload: log::encode(&plan.effects) }
}

/// Encodes an import.
#[must_use]
pub fn imported(plan: &Plan, made: Imported<'_>, digester: &Digester) -> Encoded {
    let token = token::write(digester, plan.entry.seq, plan.entry.id);
    let profile_ids = made.profiles.iter().map(|id| id.0).collect();
    let accepted = v1::ImportProfilesResponse { profile_ids, already_taken_over: false }.encode_to_vec();
    let places = (0u32..).zip(made.serials.iter().zip(made.profiles));
    let mut history = History::default();
    for (place, (&serial, &id)) in places {
        let record = history.record(|bytes| history::of_import(id, &plan.entry, &token, bytes));
        history.entries.push((serial, place, record));
    }
    let columns = net(&plan.effects, &history, |_| &accepted);
    let answers = vec![Answer::Accepted(0..accepted.len())];
    Encoded { answers, accepted, columns, payload: log::encode(&plan.effects) }
}

/// Encodes a changed policy: nobody's call, so there is no answer.
#[must_use]
pub fn policy_change(plan: &Plan) -> Encoded {
    let effects: &[Effect] = &plan.effects;
    let columns = net(effects, &History::default(), |_| &[]);
    Encoded { columns, payload: log::encode(effects), ..Encoded::default() }
}

/// The token of the last revision asked for: within a plan nearly always the same one.
struct Tokens<'a> {
    digester: &'a Digester,
    last: Option<((Seq, EntryId), String)>,
}

impl Tokens<'_> {
    fn of(&mut self, revision: (Seq, EntryId)) -> &str {
        let last = self.last.take().filter(|(known, _)| *known == revision);
        let last = last.unwrap_or_else(|| (revision, token::write(self.digester, revision.0, revision.1)));
        &self.last.insert(last).1
    }
}

//! The core at work: whole messages in, whole answers out, committed each.

use utterson_codec::proto::v1;
use utterson_codec::{decode, encode};
use utterson_engine::decide::{Submission, decide};
use utterson_engine::ids::EntryId;
use utterson_engine::state::State;

use crate::dirt::soil;
use crate::workload::{NOW, People, message, workspace};
use crate::{BATCHES, CALLS_IN_BATCH};

/// A workspace with people, and the messages that it is going to be sent.
pub struct Core {
    state: State,
    messages: Vec<Vec<u8>>,
    entries: u64,
}

impl Core {
    /// A workspace that is the same every time.
    pub fn new() -> Self {
        Self::sent(|_| {})
    }

    /// The same, sent by people a tenth of whose values are dirty.
    pub fn of_dirty_values() -> Self {
        Self::sent(soil)
    }

    fn sent(change: impl Fn(&mut [v1::IdentifyRequest])) -> Self {
        let mut people = People::new(2_000);
        let population: Vec<_> = people.population().collect();
        let mut core = Self { state: workspace("identity_graph_rules"), messages: Vec::new(), entries: 0 };
        for chunk in population.chunks(1000) {
            core.answer(&message(chunk.to_vec()));
        }
        let batch = |_| {
            let mut calls = people.calls(CALLS_IN_BATCH);
            change(&mut calls);
            message(calls)
        };
        core.messages = (0..BATCHES).map(batch).collect();
        core
    }

    /// Answers all messages.
    pub fn work(&mut self) {
        for message in std::mem::take(&mut self.messages) {
            std::hint::black_box(self.answer(&message));
        }
    }

    fn answer(&mut self, message: &[u8]) -> Vec<u8> {
        self.entries += 1;
        let id = EntryId(u128::from(self.entries).to_be_bytes());
        let batch = decode::batch(message).expect("a batch");
        let calls: Vec<&Submission<'_>> = batch.groups.iter().flat_map(|group| &group.submissions).collect();
        let plan = decide(&mut self.state, calls.iter().copied(), (NOW, id), &encode::EventEncoder);
        let encoded = encode::decided(&plan, &calls, &self.state.digester);
        if !plan.effects.is_empty() {
            self.state.commit_own(&plan.entry, &plan.effects).expect("it fits");
        }
        let accepted = encoded.answers.iter().map(|answer| match answer {
            encode::Answer::Accepted(range) => (true, &encoded.accepted[range.clone()]),
            encode::Answer::Refused(_) | encode::Answer::Repeated { .. } => panic!("not accepted"),
        });
        encode::Results::of_batch(accepted.collect()).encode_to_vec()
    }
}

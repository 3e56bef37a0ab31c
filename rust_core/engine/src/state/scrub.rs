//! The scrub: a walk over the whole state that finds what a broken bit or a bug of ours changed, in steps so short that
//! calls hardly wait for one (docs/decisions/0020-a-scrub-instead-of-a-key.md). It goes over the profiles first, then
//! over the shards of the index, then over the rows of further holders, and begins anew.
//!
//! Between two steps the state may change as it likes. What a step finds it has found within itself, except for the
//! sums, which follow every change to what was walked already.

mod profile;
mod rows;
pub(crate) mod sums;
#[cfg(test)]
mod tests;

use crate::plan::Effect;
use crate::state::index::{Entry, Holder};
use crate::state::{State, Undo};
use sums::Sums;

/// What a scrub found wrong. Whatever it is, the state is to be dropped and loaded anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// Rows are not those that were committed: their sums differ.
    Sum,
    /// An identifier is there, and a look-up does not find it.
    Absent,
    /// A profile's chain leads to what is not its own.
    Chain,
    /// A profile, the index or a shard holds more or less than it counts.
    Count,
    /// The posting of an identifier and the rows of its holders disagree.
    Posting,
    /// Two profiles hold an identifier, each for itself alone.
    Owners,
    /// Profiles that were joined do not lead to one another.
    Merge,
}

impl Finding {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::Sum, Self::Absent, Self::Chain, Self::Count, Self::Posting, Self::Owners, Self::Merge];

    /// Its name, as it is told.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Absent => "absent",
            Self::Chain => "chain",
            Self::Count => "count",
            Self::Posting => "posting",
            Self::Owners => "owners",
            Self::Merge => "merge",
        }
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many rows it walked: profiles, and identifiers of each.
    pub rows: usize,
    /// Whether it ended a round.
    pub round: bool,
    /// What is wrong. After that nothing of the state can be relied on.
    pub finding: Option<Finding>,
}

/// Where a walk is.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// At the profile that the sums say.
    #[default]
    Profiles,
    /// At a row of a shard, behind a holder of a posting that is too long for one step.
    Shard { shard: u8, at: u32, behind: Option<Holder> },
    /// At a row of a further holder.
    Further { at: u32 },
}

/// How far a scrub is, and the sums that it compares with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scrub {
    pub sums: Sums,
    place: Place,
}

/// So many rows that lie side by side are worth one that has to be looked for.
const SIDE_BY_SIDE: u32 = 32;

impl Scrub {
    /// How many bytes the sums take.
    pub fn bytes(&self) -> usize {
        self.sums.bytes()
    }
}

impl State {
    /// Takes the scrub on by about so many rows, and at most to the end of its round.
    ///
    /// A step is longer by what cannot be parted: the chain of one profile, with those of all who were joined into it, or
    /// a pass over one shard.
    pub fn scrub(&mut self, most: usize) -> Step {
        let mut step = Step { rows: 0, round: false, finding: None };
        // Nobody keeps this number but the index, and nobody the other but commits and loads.
        if self.index.len() != self.scrub.sums.identifiers() {
            step.finding = Some(Finding::Count);
        }
        // Work other than rows of profiles, which are what is counted.
        let mut spent = 0;
        while !step.round && step.finding.is_none() && spent < most.max(1) {
            let left = most.max(1) - spent;
            let done = match self.scrub.place {
                Place::Profiles => self.scrub_profiles(left).inspect(|rows| step.rows += rows),
                Place::Shard { shard, at, behind } => self.scrub_shard((shard, at, behind), left),
                Place::Further { at } => self.scrub_further(at, left).inspect(|_| {
                    step.round = matches!(self.scrub.place, Place::Profiles);
                }),
            };
            match done {
                Ok(rows) => spent += rows.max(1),
                Err(finding) => step.finding = Some(finding),
            }
        }
        step
    }

    /// Has the sums follow a committed effect that was taken just now.
    #[inline]
    pub(crate) fn sum(&mut self, effect: &Effect, undo: &Undo) {
        let sums = &mut self.scrub.sums;
        match effect {
            Effect::CreateProfile { serial, source, merges, .. } => {
                let made = sums::profile(*serial, *source).wrapping_add(sums::merges(*serial, *merges));
                sums.change(*serial, made);
            }
            Effect::Attach(attachment) => {
                let Some(type_id) = self.types.get(&attachment.type_name) else { return };
                // As the effect says, not as the index has packed it.
                sums.attach(&Entry::of(attachment, type_id), self.types.mark(type_id).unwrap_or(0));
            }
            Effect::Detach { .. } => {
                if let Undo::Detach(entry) = undo {
                    sums.detach(entry, self.types.mark(entry.type_id).unwrap_or(0));
                }
            }
            Effect::Seen { day, .. } => {
                if let Undo::Seen(before) = undo {
                    let mark = self.types.mark(before.type_id).unwrap_or(0);
                    let seen = Entry { seen_day: *day, ..*before };
                    let by = sums::identifier(&seen, mark).wrapping_sub(sums::identifier(before, mark));
                    sums.change(before.serial, by);
                }
            }
            Effect::Merge { loser, survivor, merges } => {
                if let Undo::Merge { before, .. } = undo {
                    sums.change(*loser, sums::redirect(*loser, *survivor));
                    let by = sums::merges(*survivor, *merges).wrapping_sub(sums::merges(*survivor, before.merges));
                    sums.change(*survivor, by);
                }
            }
            Effect::SetTrait { .. }
            | Effect::StoreEvent { .. }
            | Effect::UseRequest { .. }
            | Effect::ChangePolicy { .. } => {}
        }
    }
}

#[cfg(test)]
impl State {
    /// The sums, to compare with another state's.
    pub(crate) fn sums(&self) -> (Vec<u64>, usize) {
        self.scrub.sums.told()
    }
}

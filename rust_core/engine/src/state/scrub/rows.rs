//! The other parts of a round: the shards of the index, and the rows of further holders. They find what no profile leads
//! to: rows that were freed and look used, postings that name somebody who is not there, and two owners.

use crate::state::State;
use crate::state::index::{Holder, Looked, SHARDS};
use crate::state::scrub::{Finding, Place, SIDE_BY_SIDE};

impl State {
    /// Looks at a part of a shard, and answers how much work it was.
    pub(super) fn scrub_shard(
        &mut self,
        (shard, at, behind): (u8, u32, Option<Holder>),
        most: usize,
    ) -> Result<usize, Finding> {
        let rows = self.index.rows_of(shard);
        let mut work = 0;
        if at == 0 && behind.is_none() {
            if !self.index.counts(shard) {
                return Err(Finding::Count);
            }
            work += (rows / SIDE_BY_SIDE) as usize;
        }
        let (mut at, mut behind, from) = (at, behind, at);
        // One row at least, however long the pass was.
        while at < rows && (at == from || work + ((at - from) / SIDE_BY_SIDE) as usize <= most) {
            let is_known = |serial| self.profiles.checked(serial).map(crate::state::profiles::Profile::known);
            match self.index.look((shard, at), behind.take(), most, is_known) {
                Looked::Sound(holders) => (at, work) = (at + 1, work + holders),
                Looked::Rested(holder) => {
                    (behind, work) = (Some(holder), work + most);
                    break;
                }
                Looked::Astray => return Err(Finding::Posting),
                Looked::TwoOwners => return Err(Finding::Owners),
            }
        }
        self.scrub.place = if at < rows {
            Place::Shard { shard, at, behind }
        } else if usize::from(shard) + 1 < SHARDS {
            Place::Shard { shard: shard + 1, at: 0, behind: None }
        } else {
            Place::Further { at: 0 }
        };
        Ok(work + ((at - from) / SIDE_BY_SIDE) as usize)
    }

    /// Looks at a part of the rows of further holders, and answers how much work it was. Behind the last one the next
    /// round begins.
    pub(super) fn scrub_further(&mut self, at: u32, most: usize) -> Result<usize, Finding> {
        if at == 0 && !self.index.has_free() {
            return Err(Finding::Count);
        }
        let until = self.index.further_rows().min(at.saturating_add(u32::try_from(most).unwrap_or(u32::MAX)));
        for row in at..until {
            if !self.index.is_posted(row) {
                return Err(Finding::Posting);
            }
        }
        self.scrub.place = if until < self.index.further_rows() {
            Place::Further { at: until }
        } else {
            self.scrub.sums.walk_anew();
            Place::Profiles
        };
        Ok((until.saturating_sub(at)) as usize)
    }
}

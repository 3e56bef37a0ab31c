//! One workspace's state: what decisions are made on. Changed by effects only, each of which can be undone.

mod ahead;
mod apply;
mod arena;
pub mod audit;
mod bytes;
pub mod index;
pub mod invariants;
mod load;
pub mod marks;
pub mod profiles;
mod scrub;
mod sharded;
pub mod traits;
pub mod types;

use std::sync::Arc;

use crate::ids::{Day, EntryId, Micros, PolicyRevision, Position, ProfileId, Seq, Serial};
use crate::keyed::digest::{Digest, Digester};
use crate::keyed::permutation::Permutation;
use crate::keyed::state_hash::{Rows, StateHash};
use crate::plan::{Attachment, Effect};
use crate::policy::Policy;
pub use apply::Diverged;
use index::{Entry, Index, NONE, Near};
pub use load::{LoadedIdentifier, LoadedProfile, Misfit};
use marks::{RequestMark, Requests};
use profiles::{Profile, Profiles};
use scrub::Scrub;
pub use scrub::{Finding, Step};
use traits::{TraitMark, Traits, trait_bytes};
use types::Types;

/// The newest log entry that a state contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub seq: Seq,
    /// Its identity.
    pub id: EntryId,
    /// When it was committed.
    pub commit_time: Micros,
}

/// Where and when an effect takes place.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The log entry.
    pub seq: Seq,
    /// Its commit time.
    pub commit_time: Micros,
}

/// The state of one workspace.
#[derive(Clone, Debug)]
pub struct State {
    /// Makes keyed digests.
    pub digester: Digester,
    /// Makes profile ids.
    pub permutation: Permutation,
    /// The newest entry contained.
    pub head: Head,
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// The policy in force, encoded.
    pub policy_encoded: Arc<Vec<u8>>,
    /// Its revision.
    pub policy_revision: PolicyRevision,
    /// The running hash.
    pub hash: StateHash,
    /// Identifier types seen.
    pub types: Types,
    /// Profiles.
    pub profiles: Profiles,
    /// Identifiers.
    pub index: Index,
    /// Traits by profile.
    pub traits: Traits,
    /// Used request and message ids.
    pub requests: Requests,
    /// How far the scrub is, and what it compares with.
    scrub: Scrub,
}

/// How to take an effect back. The hash from before is kept by whoever may take back: of many effects once.
#[derive(Debug)]
pub(crate) enum Undo {
    Nothing,
    CreateProfile,
    Attach { digest: Digest, serial: Serial, place: u32 },
    Detach(Entry),
    Seen(Entry),
    Merge { loser: Serial, survivor: Serial, before: Profile },
    SetTrait { serial: Serial, name: Digest, row: u128, before: Option<TraitMark> },
    UseRequest { digest: Digest, before: Option<RequestMark> },
    ChangePolicy { revision: PolicyRevision, policy: Arc<Policy>, encoded: Arc<Vec<u8>> },
}

impl State {
    /// The public id of a profile.
    #[must_use]
    pub fn id_of(&self, serial: Serial) -> ProfileId {
        self.permutation.id_of(serial)
    }

    /// The profile with this public id, if it was ever made; merged-away ones too.
    #[must_use]
    pub fn serial_of(&self, id: ProfileId) -> Option<Serial> {
        self.permutation.serial_of(id).filter(|&serial| self.profiles.get(serial).is_some())
    }

    /// Whether a profile holds a login identifier.
    #[must_use]
    pub fn is_known(&self, serial: Serial) -> bool {
        self.profiles.row(serial).known()
    }

    /// Every entry of a profile and of those joined into it.
    pub fn entries(&self, serial: Serial) -> impl Iterator<Item = Entry> {
        self.profiles.members(serial).into_iter().flat_map(|member| self.own_entries(member))
    }

    /// Every entry of a profile itself.
    pub fn own_entries(&self, serial: Serial) -> impl Iterator<Item = Entry> {
        self.places(serial).map(|at| self.index.entry(at))
    }

    /// The places of a profile's own entries.
    fn places(&self, serial: Serial) -> impl Iterator<Item = u32> {
        let mut at = self.profiles.first_entry(serial);
        std::iter::from_fn(move || {
            let place = (at != NONE).then_some(at)?;
            at = self.index.next(place);
            Some(place)
        })
    }

    /// Reads what a batch's look-ups will read, of all identifiers at once, so that the waits for memory overlap.
    /// Changes nothing; a decision after it finds its lines in the cache, and begins where it
    /// is told.
    pub fn warm(&self, digests: &[Digest]) -> Vec<Near> {
        let mut near = vec![Near::UNKNOWN; digests.len()];
        self.index.warm(digests, &mut near, &self.profiles);
        near
    }

    /// Takes an effect and answers how to take it back.
    #[inline]
    pub(crate) fn apply(&mut self, effect: &Effect, at: At) -> Undo {
        let undo = self.apply_unhashed(effect, at);
        self.hash = self.hash_after(effect, at, &undo);
        undo
    }

    /// As [`State::apply`], for whoever knows what hash the effects come to. The hash is as before.
    pub(crate) fn apply_unhashed(&mut self, effect: &Effect, at: At) -> Undo {
        match effect {
            Effect::CreateProfile { serial, source, merges, .. } => {
                debug_assert_eq!(*serial, self.profiles.next_serial());
                self.profiles.create(*source, *merges);
                Undo::CreateProfile
            }
            Effect::Attach(attachment) => self.attach(attachment),
            Effect::Detach { digest, serial, .. } => self.detach(*digest, *serial),
            Effect::Seen { digest, serial, day, .. } => self.see(*digest, *serial, *day),
            Effect::Merge { loser, survivor, merges } => self.merge(*loser, *survivor, *merges),
            Effect::SetTrait { serial, name, value, time, position } => {
                self.set_trait(*serial, name, value.as_deref(), (*time, at.seq, *position))
            }
            Effect::StoreEvent { .. } => Undo::Nothing,
            Effect::UseRequest { digest, fingerprint, position } => {
                let (time, seq) = (at.commit_time, at.seq);
                let mark = RequestMark { fingerprint: *fingerprint, time, seq, position: *position };
                Undo::UseRequest { digest: *digest, before: self.requests.set(*digest, mark) }
            }
            Effect::ChangePolicy { revision, policy, encoded } => {
                self.change_policy(*revision, Arc::clone(policy), Arc::new(encoded.clone()))
            }
        }
    }

    /// The hash after an effect that was taken just now.
    fn hash_after(&self, effect: &Effect, at: At, undo: &Undo) -> StateHash {
        let (rows, mut hash) = (Rows(&self.digester), self.hash);
        let graph = &mut hash.graph;
        match effect {
            Effect::CreateProfile { serial, create_time, source, merges } => {
                let row = rows.profile(*serial, *create_time, *source);
                *graph = graph.wrapping_add(row).wrapping_add(rows.merges(*serial, *merges));
            }
            Effect::Attach(attachment) => {
                let Attachment { digest, serial, add_time, .. } = *attachment;
                *graph = graph.wrapping_add(rows.identifier(digest, serial, add_time));
            }
            Effect::Detach { digest, serial, .. } => {
                if let Undo::Detach(entry) = undo {
                    *graph = graph.wrapping_sub(rows.identifier(*digest, *serial, entry.add_time));
                }
            }
            Effect::Merge { loser, survivor, merges } => {
                if let Undo::Merge { before, .. } = undo {
                    let added = rows.redirect(*loser, *survivor).wrapping_add(rows.merges(*survivor, *merges));
                    *graph = graph.wrapping_add(added).wrapping_sub(rows.merges(*survivor, before.merges));
                }
            }
            Effect::SetTrait { .. } => {
                if let Undo::SetTrait { row, before, .. } = undo {
                    let old = before.map_or(0, |mark| mark.row);
                    hash.traits = hash.traits.wrapping_add(*row).wrapping_sub(old);
                }
            }
            Effect::StoreEvent { serial, time, position, record } => {
                let row = rows.event(*serial, (*time, at.seq, *position), record);
                hash.events = hash.events.wrapping_add(row);
            }
            Effect::Seen { .. } | Effect::UseRequest { .. } | Effect::ChangePolicy { .. } => {}
        }
        hash
    }

    /// Takes an effect back; effects are taken back newest first. The hash stays: whoever takes back knows the one from
    /// before, and no row is hashed again.
    pub(crate) fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Nothing => {}
            Undo::CreateProfile => self.profiles.remove_last(),
            Undo::Attach { digest, serial, place } => {
                // It lies there still, unless it was taken out and put in again since.
                if let Some(place) = self.index.find_near(place, digest, serial) {
                    self.unlink(place);
                }
            }
            Undo::Detach(entry) => {
                self.link(&entry);
            }
            Undo::Seen(entry) => {
                self.see(entry.digest, entry.serial, entry.seen_day);
            }
            Undo::Merge { loser, survivor, before } => {
                self.profiles.unlink(loser, survivor);
                self.profiles.change(survivor, |profile| *profile = before);
            }
            Undo::SetTrait { serial, name, before, .. } => self.traits.restore(serial, name, before),
            Undo::UseRequest { digest, before } => self.requests.restore(digest, before),
            Undo::ChangePolicy { revision, policy, encoded } => {
                self.change_policy(revision, policy, encoded);
            }
        }
    }

    fn add_row(&mut self, row: u128) {
        self.hash.graph = self.hash.graph.wrapping_add(row);
    }

    fn attach(&mut self, attachment: &Attachment) -> Undo {
        let type_id = self.types.intern(&attachment.type_name, &self.policy);
        let entry = Entry::of(attachment, type_id);
        Undo::Attach { digest: entry.digest, serial: entry.serial, place: self.link(&entry) }
    }

    /// Puts an entry into the index and into its profile's chain and counts, and answers its place.
    fn link(&mut self, entry: &Entry) -> u32 {
        let root = self.profiles.root(entry.serial);
        let login = self.types.flags(entry.type_id).login;
        // Others make nobody known.
        let was_known = login.then(|| self.is_known(root));
        self.profiles.add(root, entry.type_id, login);
        let place = self.put(entry);
        self.follow_known(root, was_known);
        place
    }

    /// Puts an entry into the index, as the newest of its profile's chain, and answers its place.
    fn put(&mut self, entry: &Entry) -> u32 {
        let profiles = &self.profiles;
        let next = profiles.first_entry(entry.serial);
        let place = self.index.insert(entry, next, |serial| profiles.row(serial).known());
        self.profiles.set_first_entry(entry.serial, place);
        place
    }

    fn detach(&mut self, digest: Digest, serial: Serial) -> Undo {
        let Some(place) = self.index.find(digest, serial) else { return Undo::Nothing };
        Undo::Detach(self.unlink(place))
    }

    /// Takes the entry at a place out of the index and out of its profile's chain and counts.
    fn unlink(&mut self, place: u32) -> Entry {
        let entry = self.index.entry(place);
        self.unchain(place, entry.serial);
        self.index.remove(place);
        let root = self.profiles.root(entry.serial);
        let login = self.types.flags(entry.type_id).login;
        let was_known = login.then(|| self.is_known(root));
        self.profiles.subtract(root, entry.type_id, login);
        self.follow_known(root, was_known);
        entry
    }

    /// Takes an entry out of its profile's chain: the newest at once, as taking back does; another after a walk over
    /// the newer ones, since a link back would cost every entry four bytes.
    fn unchain(&mut self, place: u32, serial: Serial) {
        let next = self.index.next(place);
        if self.profiles.first_entry(serial) == place {
            self.profiles.set_first_entry(serial, next);
            return;
        }
        let before = self.places(serial).find(|&at| self.index.next(at) == place);
        if let Some(before) = before {
            self.index.set_next(before, next);
        }
    }

    /// Moves a profile's identifiers to the other side of their postings when it became known or anonymous.
    fn follow_known(&mut self, serial: Serial, was_known: Option<bool>) {
        let Some(was_known) = was_known else { return };
        let known = self.is_known(serial);
        if known != was_known {
            self.set_known(serial, known);
        }
    }

    fn set_known(&mut self, serial: Serial, known: bool) {
        let mut at = self.profiles.first_entry(serial);
        while at != NONE {
            self.index.set_known(at, known);
            at = self.index.next(at);
        }
    }

    fn see(&mut self, digest: Digest, serial: Serial, day: Day) -> Undo {
        let Some(place) = self.index.find(digest, serial) else { return Undo::Nothing };
        Undo::Seen(self.index.see(place, day))
    }

    fn merge(&mut self, loser: Serial, survivor: Serial, merges: u32) -> Undo {
        let before = self.profiles.row(survivor).clone();
        let gone = self.profiles.row(loser).clone();
        self.profiles.link(loser, survivor);
        self.profiles.change(survivor, |profile| {
            profile.absorb(&gone);
            profile.merges = merges;
        });
        Undo::Merge { loser, survivor, before }
    }

    fn set_trait(&mut self, serial: Serial, name: &str, value: Option<&[u8]>, at: (Micros, Seq, Position)) -> Undo {
        let mark = self.trait_mark(serial, (name, value), at);
        let before = self.traits.set(serial, mark);
        Undo::SetTrait { serial, name: mark.name, row: mark.row, before }
    }

    /// What is kept of a trait.
    fn trait_mark(
        &self,
        serial: Serial,
        (name, value): (&str, Option<&[u8]>),
        at: (Micros, Seq, Position),
    ) -> TraitMark {
        let row = Rows(&self.digester).set_trait(self.digester.set_trait(serial, name), value, at);
        let (time, seq, position) = at;
        TraitMark { name: self.digester.trait_name(name), row, time, seq, position, bytes: trait_bytes(name, value) }
    }

    fn change_policy(&mut self, revision: PolicyRevision, policy: Arc<Policy>, encoded: Arc<Vec<u8>>) -> Undo {
        let undo = Undo::ChangePolicy {
            revision: std::mem::replace(&mut self.policy_revision, revision),
            policy: std::mem::replace(&mut self.policy, policy),
            encoded: std::mem::replace(&mut self.policy_encoded, encoded),
        };
        self.types.follow(&self.policy);
        self.count_logins(load::Postings::OfAnybody);
        undo
    }
}

//! The audit: the tables' rows, held against the state hash of their head, without a state. Unlike a load it reads the
//! events and the values as well, and it tells what is wrong instead of refusing. It keeps eight bytes a profile.

use crate::ids::{Micros, Position, Seq, Serial};
use crate::keyed::digest::{Digest, Digester};
use crate::keyed::state_hash::{Rows, StateHash};
use crate::state::LoadedProfile;

/// What the tables and the log disagree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disagreement {
    /// Identifiers, profiles, merges or redirects are not those that were committed.
    Graph,
    /// Traits are not those that were committed.
    Traits,
    /// Events are not those that were committed.
    Events,
    /// An identifier's digest is not that of its type and value.
    Value,
    /// A row is of a profile that is not there, or a profile was joined into one that is not older.
    Profile,
}

impl Disagreement {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Graph, Self::Traits, Self::Events, Self::Value, Self::Profile];

    /// Its name, as it is told.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Traits => "traits",
            Self::Events => "events",
            Self::Value => "value",
            Self::Profile => "profile",
        }
    }
}

/// A row of the table of identifiers, as the audit reads it.
#[derive(Clone, Copy, Debug)]
pub struct AuditedIdentifier<'r> {
    /// The keyed digest.
    pub digest: Digest,
    /// The profile that got it.
    pub serial: Serial,
    /// Its type.
    pub type_name: &'r str,
    /// The value after C1.
    pub normalized: &'r str,
    /// When it was added.
    pub add_time: Micros,
}

/// What an audit keeps of a profile.
#[derive(Clone, Copy, Debug, Default)]
struct Joined {
    merges: u32,
    /// 0 while it lives.
    into: u32,
}

/// An audit under way.
#[derive(Debug)]
pub struct Audit {
    digester: Digester,
    found: StateHash,
    profiles: Vec<Joined>,
    wrong_values: u64,
    wrong_profiles: u64,
}

impl Audit {
    /// Begins an audit of a workspace with this secret key.
    #[must_use]
    pub fn new(digest_key: &[u8; 16]) -> Self {
        let digester = Digester::new(digest_key);
        Self { digester, found: StateHash::default(), profiles: Vec::new(), wrong_values: 0, wrong_profiles: 0 }
    }

    /// Takes a profile's row; they come in the order of the serials.
    pub fn profile(&mut self, row: &LoadedProfile) {
        let rows = Rows(&self.digester);
        let at = row.serial.0 as usize;
        if self.profiles.len() + 1 != at {
            self.wrong_profiles += 1;
            // Whatever number a row has: no more memory than the rows before it took, and as much again.
            if at == 0 || at > self.profiles.len() * 2 + 1_000_000 {
                return;
            }
        }
        let into = row.merged_into.map_or(0, |survivor| survivor.0);
        if into >= row.serial.0 {
            self.wrong_profiles += 1;
        }
        self.profiles.resize(at, Joined::default());
        self.profiles[at - 1] = Joined { merges: row.imported_merges, into };
        let mut sum = rows.profile(row.serial, row.create_time, row.source);
        if let Some(survivor) = row.merged_into {
            sum = sum.wrapping_add(rows.redirect(row.serial, survivor));
        }
        self.found.graph = self.found.graph.wrapping_add(sum);
    }

    /// Takes an identifier's row; all profiles come first.
    pub fn identifier(&mut self, row: &AuditedIdentifier<'_>) {
        if self.digester.identifier(row.type_name, row.normalized) != row.digest {
            self.wrong_values += 1;
        }
        self.is_there(row.serial);
        let sum = Rows(&self.digester).identifier(row.digest, row.serial, row.add_time);
        self.found.graph = self.found.graph.wrapping_add(sum);
    }

    /// Takes a trait's row; all profiles come first.
    pub fn set_trait(&mut self, serial: Serial, name: &str, value: Option<&[u8]>, at: (Micros, Seq, Position)) {
        self.is_there(serial);
        let sum = Rows(&self.digester).set_trait(self.digester.set_trait(serial, name), value, at);
        self.found.traits = self.found.traits.wrapping_add(sum);
    }

    /// Takes an event's row; all profiles come first.
    pub fn event(&mut self, serial: Option<Serial>, at: (Micros, Seq, Position), record: &[u8]) {
        if let Some(serial) = serial {
            self.is_there(serial);
        }
        let sum = Rows(&self.digester).event(serial, at, record);
        self.found.events = self.found.events.wrapping_add(sum);
    }

    /// Ends the audit: everything that is wrong, each with how often, or once where a hash tells only that it is.
    #[must_use]
    pub fn finish(mut self, expected: StateHash) -> Vec<(Disagreement, u64)> {
        self.count_merges();
        let differs = |found: u128, expected: u128| u64::from(found != expected);
        let count = |disagreement| match disagreement {
            Disagreement::Graph => differs(self.found.graph, expected.graph),
            Disagreement::Traits => differs(self.found.traits, expected.traits),
            Disagreement::Events => differs(self.found.events, expected.events),
            Disagreement::Value => self.wrong_values,
            Disagreement::Profile => self.wrong_profiles,
        };
        let all = Disagreement::ALL.into_iter().map(|one| (one, count(one)));
        all.filter(|&(_, count)| count > 0).collect()
    }

    fn is_there(&mut self, serial: Serial) {
        if serial.0 == 0 || serial.0 as usize > self.profiles.len() {
            self.wrong_profiles += 1;
        }
    }

    /// Adds every profile's merges: whoever was joined into it is younger, so that it is whole by its turn.
    fn count_merges(&mut self) {
        let rows = Rows(&self.digester);
        for at in (0..self.profiles.len()).rev() {
            let Joined { merges, into } = self.profiles[at];
            let serial = Serial(u32::try_from(at + 1).unwrap_or(u32::MAX));
            self.found.graph = self.found.graph.wrapping_add(rows.merges(serial, merges));
            if let Some(survivor) = (into as usize).checked_sub(1).and_then(|place| self.profiles.get_mut(place)) {
                survivor.merges = survivor.merges.saturating_add(merges).saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 16] = [1; 16];

    fn profile(serial: u32, merged_into: Option<u32>) -> LoadedProfile {
        let merged_into = merged_into.map(Serial);
        LoadedProfile { serial: Serial(serial), create_time: Micros(7), source: None, imported_merges: 1, merged_into }
    }

    /// Three profiles, the last joined into the second, with an identifier, a trait and an event each.
    fn audited(leave_out: usize) -> Audit {
        let mut audit = Audit::new(&KEY);
        let at = (Micros(9), Seq(1), Position(0));
        let digester = Digester::new(&KEY);
        let mut number = 0;
        let mut unless_left_out = |take: &mut dyn FnMut(&mut Audit), audit: &mut Audit| {
            number += 1;
            if number != leave_out {
                take(audit);
            }
        };
        for row in [profile(1, None), profile(2, None), profile(3, Some(2))] {
            unless_left_out(&mut |audit| audit.profile(&row), &mut audit);
        }
        for serial in (1..=3).map(Serial) {
            let normalized = &*format!("jekyll-{}", serial.0);
            let (type_name, digest) = ("email", digester.identifier("email", normalized));
            let row = AuditedIdentifier { digest, serial, type_name, normalized, add_time: Micros(8) };
            unless_left_out(&mut |audit| audit.identifier(&row), &mut audit);
            unless_left_out(&mut |audit| audit.set_trait(serial, "city", Some(b"Soho"), at), &mut audit);
            unless_left_out(&mut |audit| audit.event(Some(serial), at, b"walk"), &mut audit);
        }
        unless_left_out(&mut |audit| audit.event(None, at, b"nobody's walk"), &mut audit);
        audit
    }

    fn hash() -> StateHash {
        let mut whole = audited(0);
        whole.count_merges();
        whole.found
    }

    #[test]
    fn a_row_that_is_missing_is_told() {
        assert_eq!(audited(0).finish(hash()), []);
        for leave_out in 1..=13 {
            let told = audited(leave_out).finish(hash());
            let kind = match leave_out {
                1..=3 => Disagreement::Graph,
                13 => Disagreement::Events,
                other => [Disagreement::Graph, Disagreement::Traits, Disagreement::Events][(other - 4) % 3],
            };
            assert!(told.contains(&(kind, 1)), "row {leave_out}: {told:?}");
            let profile = told.iter().any(|(one, _)| *one == Disagreement::Profile);
            assert_eq!(profile, leave_out <= 3, "row {leave_out}: {told:?}");
        }
    }

    #[test]
    fn a_value_that_is_not_its_digests_is_told() {
        let mut audit = audited(0);
        let digest = Digester::new(&KEY).identifier("email", "jekyll");
        let row = AuditedIdentifier {
            digest,
            serial: Serial(1),
            type_name: "email",
            normalized: "hyde",
            add_time: Micros(8),
        };
        audit.identifier(&row);
        let told = audit.finish(hash());
        assert_eq!(told, [(Disagreement::Graph, 1), (Disagreement::Value, 1)]);
    }

    #[test]
    fn a_profile_that_was_joined_into_a_later_one_is_told_and_comes_to_an_end() {
        for (row, into) in [(1, 1), (1, 2), (1, u32::MAX)] {
            let mut audit = Audit::new(&KEY);
            audit.profile(&profile(row, Some(into)));
            audit.profile(&profile(2, Some(1)));
            assert!(audit.finish(StateHash::default()).contains(&(Disagreement::Profile, 1)));
        }
        let mut audit = Audit::new(&KEY);
        audit.profile(&profile(u32::MAX, None));
        assert!(audit.profiles.is_empty(), "a row's number alone asks for no memory");
    }
}

//! What a workspace stores, folded from effects in the plainest way: maps of profiles to their identifiers. The
//! engine's index, counts, postings and journal play no part in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Micros, Position, Seq, Serial};
use crate::plan::{Effect, Entry};

/// An identifier: type and value after C1.
pub(crate) type Identifier = (String, String);

/// A profile as the tables tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    /// What it holds, its joined profiles' included, and since when.
    pub identifiers: BTreeMap<Identifier, Micros>,
    pub create_time: Option<Micros>,
    pub source: Option<Serial>,
    pub merges: u32,
    /// The profile that it was joined into.
    pub into: Option<Serial>,
    /// Its events, its joined profiles' included, without order.
    pub events: BTreeSet<(Seq, Position, Vec<u8>)>,
}

/// The row of a trait.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TraitRow {
    pub time: Micros,
    pub seq: Seq,
    pub position: Position,
    pub value: Option<Vec<u8>>,
}

/// Everything that a workspace stores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub people: BTreeMap<Serial, Person>,
    /// One row a profile and name; a merge moves none.
    pub traits: BTreeMap<(Serial, String), TraitRow>,
    /// Events that found no profile.
    pub unresolved: Vec<Vec<u8>>,
    names: BTreeMap<u128, Identifier>,
}

impl View {
    /// Takes a committed entry.
    pub fn take(&mut self, entry: &Entry, effects: &[Effect]) {
        for effect in effects {
            self.take_one(entry, effect);
        }
    }

    fn take_one(&mut self, entry: &Entry, effect: &Effect) {
        match effect {
            Effect::CreateProfile { serial, create_time, source, merges } => {
                let (create_time, source, merges) = (Some(*create_time), *source, *merges);
                self.people.insert(*serial, Person { create_time, source, merges, ..Person::default() });
            }
            Effect::Attach(one) => {
                let identifier = (one.type_name.to_string(), one.normalized().to_owned());
                self.names.insert(one.digest.0, identifier.clone());
                self.live_mut(one.serial).identifiers.insert(identifier, one.add_time);
            }
            Effect::Detach { digest, serial, .. } => {
                let identifier = self.names[&digest.0].clone();
                self.live_mut(*serial).identifiers.remove(&identifier);
            }
            Effect::Merge { loser, survivor, merges } => self.merge(*loser, *survivor, *merges),
            Effect::SetTrait { serial, name, value, time, position } => {
                let row = TraitRow { time: *time, seq: entry.seq, position: *position, value: value.clone() };
                self.traits.insert((*serial, name.clone()), row);
            }
            Effect::StoreEvent { serial: Some(serial), position, record, .. } => {
                self.live_mut(*serial).events.insert((entry.seq, *position, record.clone()));
            }
            Effect::StoreEvent { serial: None, record, .. } => self.unresolved.push(record.clone()),
            Effect::Seen { .. } | Effect::UseRequest { .. } | Effect::ChangePolicy { .. } => {}
        }
    }

    fn merge(&mut self, loser: Serial, survivor: Serial, merges: u32) {
        let gone = self.people.get_mut(&loser).expect("a profile");
        let (identifiers, events) = (std::mem::take(&mut gone.identifiers), std::mem::take(&mut gone.events));
        gone.into = Some(survivor);
        let stays = self.people.get_mut(&survivor).expect("a profile");
        stays.identifiers.extend(identifiers);
        stays.events.extend(events);
        stays.merges = merges;
    }

    fn live_mut(&mut self, serial: Serial) -> &mut Person {
        let root = self.root(serial);
        self.people.get_mut(&root).expect("a profile")
    }

    /// The profile that answers for this one.
    pub fn root(&self, serial: Serial) -> Serial {
        self.people[&serial].into.map_or(serial, |into| self.root(into))
    }

    /// The profiles that live, oldest first.
    pub fn live(&self) -> impl Iterator<Item = (Serial, &Person)> {
        self.people.iter().filter(|(_, person)| person.into.is_none()).map(|(&serial, person)| (serial, person))
    }

    /// The live profiles that hold an identifier.
    pub fn holders(&self, identifier: &Identifier) -> BTreeSet<Serial> {
        self.live()
            .filter(|(_, person)| person.identifiers.contains_key(identifier))
            .map(|(serial, _)| serial)
            .collect()
    }

    /// Whether this live profile holds an identifier.
    pub fn holds(&self, serial: Serial, identifier: &Identifier) -> bool {
        self.people[&serial].identifiers.contains_key(identifier)
    }

    /// What every live profile holds.
    pub fn held(&self) -> BTreeMap<Serial, BTreeSet<Identifier>> {
        self.live().map(|(serial, person)| (serial, person.identifiers.keys().cloned().collect())).collect()
    }

    /// A live profile's traits as a reader tells them: over it and all that were joined into it, the latest row.
    pub fn traits_of(&self, serial: Serial) -> BTreeMap<String, Option<Vec<u8>>> {
        let mut latest: BTreeMap<String, &TraitRow> = BTreeMap::new();
        for ((_, name), row) in self.traits.iter().filter(|((member, _), _)| self.root(*member) == serial) {
            let best = latest.entry(name.clone()).or_insert(row);
            *best = (*best).max(row);
        }
        latest.into_iter().map(|(name, row)| (name, row.value.clone())).collect()
    }
}

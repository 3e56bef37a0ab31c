//! The people of one workspace, by number: first those of the population, then whoever comes.

use utterson_codec::proto::v1;

use crate::workload::names::{Names, Type};

/// Numbers of values that no person has from the beginning.
const FRESH: u64 = 1 << 40;
/// The number of the device that everybody shares.
const HOT: u64 = 1 << 41;

/// The family of the workspace's policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// Profiles are merged.
    Merge,
    /// Profiles are kept apart.
    Isolation,
}

/// Who is known by name; the others are visitors, of whom only devices are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Known {
    /// By chance.
    SevenInTen,
    /// Each fifth, by number.
    OneInFive,
    /// Nobody is a visitor.
    Everybody,
}

/// The people of one workspace.
#[derive(Clone, Debug)]
pub struct Crowd {
    names: Names,
    family: Family,
    known: Known,
    hot_device: bool,
    /// How many were there before the first call.
    pub population: u64,
    /// How many there are now.
    pub people: u64,
    fresh: u64,
    events: u64,
}

impl Crowd {
    /// The people of a population.
    pub fn new(family: Family, known: Known, salt: u64, population: u64, hot_device: bool) -> Self {
        let names = Names::new(salt);
        Self { names, family, known, hot_device, population, people: population, fresh: 0, events: 0 }
    }

    /// Somebody new.
    pub fn newcomer(&mut self) -> u64 {
        self.people += 1;
        self.people - 1
    }

    /// Whether a person is known by name.
    pub fn is_known(&self, person: u64) -> bool {
        match self.known {
            Known::SevenInTen => self.names.is_among(person, 7),
            Known::OneInFive => person.is_multiple_of(5),
            Known::Everybody => true,
        }
    }

    /// The types of a person's three identifiers; the last is the one that people have several values of.
    fn types(&self, person: u64) -> [Type; 3] {
        match (self.family, self.is_known(person)) {
            (Family::Merge, true) => [Type::UserId, Type::Email, Type::DeviceId],
            (Family::Merge, false) => [Type::DeviceId, Type::AnonymousId, Type::Gaid],
            (Family::Isolation, true) => [Type::CustomerId, Type::Email, Type::Idfv],
            (Family::Isolation, false) => [Type::Idfv, Type::AmpId, Type::DeviceApplicationStamp],
        }
    }

    /// What a person is known by from the beginning.
    pub fn identifiers(&self, person: u64) -> Vec<v1::Identifier> {
        let mut identifiers = Vec::from(self.types(person).map(|of| self.names.identifier(of, person)));
        if self.hot_device {
            identifiers[2] = self.hot_device();
        }
        identifiers
    }

    /// The same with one value that is new in place of the last.
    pub fn identifiers_with_new_value(&mut self, person: u64) -> Vec<v1::Identifier> {
        let mut identifiers = self.identifiers(person);
        identifiers[2] = self.fresh(self.types(person)[2]);
        identifiers
    }

    /// Somebody known by name, on the device of somebody else.
    pub fn identifiers_on_device_of(&self, person: u64, other: u64) -> Vec<v1::Identifier> {
        let mut identifiers = self.identifiers(person);
        identifiers[2] = self.device(other);
        identifiers
    }

    /// A person's device.
    pub fn device(&self, person: u64) -> v1::Identifier {
        let of = match self.family {
            Family::Merge => Type::DeviceId,
            Family::Isolation => Type::Idfv,
        };
        self.names.identifier(of, person)
    }

    /// The device that everybody shares.
    pub fn hot_device(&self) -> v1::Identifier {
        self.names.identifier(Type::DeviceApplicationStamp, HOT)
    }

    /// A value that nobody has.
    pub fn fresh(&mut self, of: Type) -> v1::Identifier {
        self.fresh += 1;
        self.names.identifier(of, FRESH | self.fresh)
    }

    /// A person's mail address after so many changes.
    pub fn email(&self, person: u64, changes: u8) -> v1::Identifier {
        self.names.email(person, changes)
    }

    /// The id of an event that was not told before.
    pub fn message_id(&mut self) -> String {
        self.events += 1;
        self.names.message_id(self.events)
    }
}

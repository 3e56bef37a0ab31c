//! A day of the isolation family: half of the calls identify, the others log in and out, change and tell events.

use utterson_codec::proto::v1;

use crate::Failure;
use crate::calls_file::Kind;
use crate::workload::chance::{Chance, Ranks};
use crate::workload::crowd::Crowd;
use crate::workload::names::Type;
use crate::workload::request::Request;
use crate::workload::{Calls, Pattern};

/// Which share of the calls is of this kind.
const KINDS: [(Kind, f64); 5] =
    [(Kind::Identify, 0.5), (Kind::Login, 0.15), (Kind::Logout, 0.1), (Kind::Modify, 0.05), (Kind::Track, 0.2)];
/// Of the Identify calls: look-ups, of which a quarter bring a new device, and new people; the rest share a device.
const IDENTIFY_LOOKED_UP: f64 = 0.6;
const IDENTIFY_WITH_NEW_VALUE: f64 = 0.25;
const IDENTIFY_NEW: f64 = 0.3;
/// Of the logins: people on their own device, and new ones; the rest share a device.
const LOGIN_LOOKED_UP: f64 = 0.7;
const LOGIN_NEW: f64 = 0.15;

/// Makes the calls of one workspace.
#[derive(Debug)]
pub struct IsolationDay {
    crowd: Crowd,
    ranks: Ranks,
    /// How often each person of the population has changed the mail address.
    email_changes: Vec<u8>,
}

impl IsolationDay {
    /// Calls of a crowd.
    pub fn new(crowd: Crowd) -> Result<Self, Failure> {
        if crowd.population < 10 {
            return Err("a workspace needs at least 10 profiles".into());
        }
        let email_changes = vec![0; usize::try_from(crowd.population)?];
        Ok(Self { ranks: Ranks::new(crowd.population)?, crowd, email_changes })
    }

    fn identify(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        let share = chance.share();
        if share < IDENTIFY_LOOKED_UP {
            let person = self.ranks.draw(chance);
            if chance.share() < IDENTIFY_WITH_NEW_VALUE {
                let mut identifiers = self.crowd.identifiers_with_new_value(person);
                self.bring_up_to_date(person, &mut identifiers);
                return (Pattern::NewValue, Request::identify(identifiers));
            }
            (Pattern::LookUp, Request::identify(self.identifiers(person)))
        } else if share < IDENTIFY_LOOKED_UP + IDENTIFY_NEW {
            let person = self.crowd.newcomer();
            (Pattern::NewPerson, Request::identify(self.crowd.identifiers(person)))
        } else {
            self.on_others_device(Kind::Identify, chance)
        }
    }

    fn login(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        let share = chance.share();
        if share < LOGIN_LOOKED_UP {
            let person = self.known(chance);
            (Pattern::LookUp, Request::of(Kind::Login, self.identifiers(person)))
        } else if share < LOGIN_LOOKED_UP + LOGIN_NEW {
            let mut person = self.crowd.newcomer();
            while !self.crowd.is_known(person) {
                person = self.crowd.newcomer();
            }
            (Pattern::NewPerson, Request::of(Kind::Login, self.crowd.identifiers(person)))
        } else {
            self.on_others_device(Kind::Login, chance)
        }
    }

    fn on_others_device(&mut self, kind: Kind, chance: &mut Chance) -> (Pattern, Request) {
        let (person, other) = (self.known(chance), chance.below(self.crowd.population));
        let mut identifiers = self.crowd.identifiers_on_device_of(person, other);
        self.bring_up_to_date(person, &mut identifiers);
        (Pattern::SharedDevice, Request::of(kind, identifiers))
    }

    fn logout(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        let person = self.known(chance);
        (Pattern::Departure, Request::of(Kind::Logout, self.identifiers(person)))
    }

    /// One half replace the mail address, the other add an advertising id.
    fn modify(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        let mut person = chance.below(self.crowd.population);
        while !self.crowd.is_known(person) {
            person = chance.below(self.crowd.population);
        }
        let place = usize::try_from(person).expect("people fit into memory");
        let before = self.email_changes[place];
        let asked = if chance.share() < 0.5 && before < u8::MAX {
            self.email_changes[place] += 1;
            let (old, new) = (self.crowd.email(person, before), self.crowd.email(person, before + 1));
            v1::Change { r#type: old.r#type, old_value: old.value, new_value: new.value }
        } else {
            let new = self.crowd.fresh(Type::Gaid);
            v1::Change { r#type: new.r#type, old_value: String::new(), new_value: new.value }
        };
        (Pattern::Change, Request::modify(person, asked))
    }

    fn track(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        let person = self.ranks.draw(chance);
        let mut identifiers = self.identifiers(person);
        // Who is known is named by customer id and device, a visitor by device and page.
        identifiers.remove(if self.crowd.is_known(person) { 1 } else { 2 });
        let price_cents = u32::try_from(chance.below(20_000)).expect("small");
        (Pattern::Event, Request::track(identifiers, self.crowd.message_id(), price_cents))
    }

    fn known(&self, chance: &mut Chance) -> u64 {
        loop {
            let person = self.ranks.draw(chance);
            if self.crowd.is_known(person) {
                return person;
            }
        }
    }

    fn identifiers(&self, person: u64) -> Vec<v1::Identifier> {
        let mut identifiers = self.crowd.identifiers(person);
        self.bring_up_to_date(person, &mut identifiers);
        identifiers
    }

    fn bring_up_to_date(&self, person: u64, identifiers: &mut [v1::Identifier]) {
        let changes = usize::try_from(person).ok().and_then(|place| self.email_changes.get(place));
        if let Some(changes) = changes
            && self.crowd.is_known(person)
        {
            identifiers[1] = self.crowd.email(person, *changes);
        }
    }
}

impl Calls for IsolationDay {
    fn next(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        let mut share = chance.share();
        let mut drawn = Kind::Identify;
        for (kind, of_all) in KINDS {
            if share < of_all {
                drawn = kind;
                break;
            }
            share -= of_all;
        }
        match drawn {
            Kind::Identify | Kind::Search => self.identify(chance),
            Kind::Login => self.login(chance),
            Kind::Logout => self.logout(chance),
            Kind::Modify => self.modify(chance),
            Kind::Track => self.track(chance),
        }
    }
}

//! Look-ups, new people, and two profiles that meet; by its shares also nothing but hits, or nothing but new people.

use crate::Failure;
use crate::workload::chance::{Chance, Ranks};
use crate::workload::crowd::Crowd;
use crate::workload::request::Request;
use crate::workload::{Calls, Pattern};

/// How the calls are shared out; what is left names two profiles.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    looked_up: f64,
    /// Of those looked up.
    with_new_value: f64,
    new: f64,
}

/// The mixed workload.
pub const MIXED: Shares = Shares { looked_up: 0.6, with_new_value: 0.25, new: 0.3 };
/// Nothing but look-ups.
pub const HITS: Shares = Shares { looked_up: 1.0, with_new_value: 0.0, new: 0.0 };
/// Nothing but new people.
pub const NEW: Shares = Shares { looked_up: 0.0, with_new_value: 0.0, new: 1.0 };

/// Of the calls that name two profiles: those with a visitor's device, which join; the others name two users.
const JOINED: f64 = 0.8;
/// The preset's limit of values of one type.
const VALUES_MAX: u8 = 5;
/// The newest people are named by their own calls only, which may still be under way: a tenth as many as the population,
/// between these.
const NEWEST_MIN: u64 = 20;
const NEWEST_MAX: u64 = 2_000;
/// How often chance is asked for somebody suitable before the next one in order is taken.
const TRIES: u32 = 64;

/// Makes the calls of one workspace.
#[derive(Debug)]
pub struct Mixed {
    crowd: Crowd,
    shares: Shares,
    ranks: Ranks,
    /// Values of the type of which each person has most. Full once somebody has become part of another.
    values: Vec<u8>,
    /// Where to look for the visitor who waits longest.
    visitor: u64,
}

impl Mixed {
    /// Calls of a crowd.
    pub fn new(crowd: Crowd, shares: Shares) -> Result<Self, Failure> {
        if crowd.population < 10 {
            return Err("a workspace needs at least 10 profiles".into());
        }
        let values = vec![1; usize::try_from(crowd.population)?];
        Ok(Self { ranks: Ranks::new(crowd.population)?, crowd, shares, values, visitor: 0 })
    }

    fn look_up(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        if chance.share() < self.shares.with_new_value {
            let person = self.with_room(chance);
            if let Some(person) = person {
                *self.values_of(person) += 1;
                return (Pattern::NewValue, Request::identify(self.crowd.identifiers_with_new_value(person)));
            }
        }
        let person = self.ranks.draw(chance);
        (Pattern::LookUp, Request::identify(self.crowd.identifiers(person)))
    }

    fn new_person(&mut self) -> (Pattern, Request) {
        let person = self.crowd.newcomer();
        self.values.push(1);
        (Pattern::NewPerson, Request::identify(self.crowd.identifiers(person)))
    }

    fn two_profiles(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        if chance.share() < JOINED
            && let Some(visitor) = self.waiting_visitor()
        {
            // Whoever finds no host now would find none later: the next call asks for the next visitor.
            self.visitor = visitor + 1;
            if let Some(person) = self.host_for(visitor, chance) {
                let brought = std::mem::replace(self.values_of(visitor), VALUES_MAX);
                *self.values_of(person) += brought;
                return (Pattern::Join, Request::identify(self.crowd.identifiers_on_device_of(person, visitor)));
            }
        }
        let (person, other) = self.two_known(chance);
        (Pattern::SharedDevice, Request::identify(self.crowd.identifiers_on_device_of(person, other)))
    }

    /// Somebody often looked up whom the policy allows one value more.
    fn with_room(&mut self, chance: &mut Chance) -> Option<u64> {
        let mut person = 0;
        for _ in 0..TRIES {
            person = self.ranks.draw(chance);
            if *self.values_of(person) < VALUES_MAX {
                return Some(person);
            }
        }
        let population = self.crowd.population;
        (1..=u64::from(TRIES)).map(|step| (person + step) % population).find(|next| *self.values_of(*next) < VALUES_MAX)
    }

    /// Everybody below this number has had their first call long ago.
    fn settled(&self) -> u64 {
        let newest = (self.crowd.population / 10).clamp(NEWEST_MIN, NEWEST_MAX);
        self.crowd.people.saturating_sub(newest).max(self.crowd.population)
    }

    /// The visitor who waits longest, of those whose values leave room for a host's.
    fn waiting_visitor(&mut self) -> Option<u64> {
        (self.visitor..self.settled())
            .find(|person| !self.crowd.is_known(*person) && *self.values_of(*person) < VALUES_MAX)
    }

    fn host_for(&mut self, visitor: u64, chance: &mut Chance) -> Option<u64> {
        let room = VALUES_MAX - *self.values_of(visitor);
        (0..TRIES).find_map(|_| {
            let person = chance.below(self.settled());
            (self.crowd.is_known(person) && *self.values_of(person) <= room).then_some(person)
        })
    }

    fn two_known(&self, chance: &mut Chance) -> (u64, u64) {
        let mut known = || loop {
            let person = chance.below(self.settled());
            if self.crowd.is_known(person) {
                return person;
            }
        };
        let person = known();
        loop {
            let other = known();
            if other != person {
                return (person, other);
            }
        }
    }

    fn values_of(&mut self, person: u64) -> &mut u8 {
        &mut self.values[usize::try_from(person).expect("people fit into memory")]
    }
}

impl Calls for Mixed {
    fn next(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        let share = chance.share();
        if share < self.shares.looked_up {
            self.look_up(chance)
        } else if share < self.shares.looked_up + self.shares.new {
            self.new_person()
        } else {
            self.two_profiles(chance)
        }
    }
}

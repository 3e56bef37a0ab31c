//! The workloads: who is there, and which calls come.

pub mod chance;
pub mod crowd;
pub mod hot_device;
pub mod isolation_day;
pub mod merge_storm;
pub mod mixed;
pub mod names;
pub mod request;
pub mod write;

use clap::ValueEnum;

use crate::Failure;
use crate::workload::chance::Chance;
use crate::workload::crowd::{Crowd, Family, Known};
use crate::workload::request::Request;

/// Which workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Workload {
    /// 60 % look-ups, a quarter of them with a new value, 30 % new people, 10 % name two profiles.
    Mixed,
    /// The isolation family's day: identify, login, logout, modify, track.
    IsolationDay,
    /// Nothing but look-ups of the population.
    Hits,
    /// Nothing but new people.
    New,
    /// Every call joins two or more profiles.
    MergeStorm,
    /// One device shared by everybody.
    HotDevice,
    /// The mixed workload over 100 workspaces of uneven size.
    #[value(name = "workspaces-100")]
    Workspaces100,
}

/// What a call does, for the counts in `workload.json`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Pattern {
    /// Names one person by what is known.
    LookUp,
    /// As a look-up, with one value that is new.
    NewValue,
    /// Names somebody for the first time.
    NewPerson,
    /// Joins profiles that nothing keeps apart.
    Join,
    /// Names two people who stay apart, by one's device.
    SharedDevice,
    /// Logs somebody out.
    Departure,
    /// Changes somebody's identifiers.
    Change,
    /// Tells an event of somebody known.
    Event,
}

impl Pattern {
    /// The name in `workload.json`.
    pub fn name(self) -> &'static str {
        match self {
            Pattern::LookUp => "look_up",
            Pattern::NewValue => "look_up_with_new_value",
            Pattern::NewPerson => "new_person",
            Pattern::Join => "join",
            Pattern::SharedDevice => "shared_device",
            Pattern::Departure => "departure",
            Pattern::Change => "change",
            Pattern::Event => "event",
        }
    }
}

/// Makes the calls of one workspace, one after the other.
pub trait Calls {
    /// Makes the next call.
    fn next(&mut self, chance: &mut Chance) -> (Pattern, Request);
}

impl Workload {
    /// The name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// How many workspaces it has.
    pub fn workspaces(self) -> u64 {
        if self == Workload::Workspaces100 { 100 } else { 1 }
    }

    /// The policy of its workspaces.
    pub fn preset(self) -> &'static str {
        match self.family() {
            Family::Merge => "identity_graph_rules",
            Family::Isolation => "profile_isolation",
        }
    }

    fn family(self) -> Family {
        match self {
            Workload::IsolationDay | Workload::HotDevice => Family::Isolation,
            Workload::Mixed | Workload::Hits | Workload::New | Workload::MergeStorm | Workload::Workspaces100 => {
                Family::Merge
            }
        }
    }

    /// The people of one of its workspaces.
    pub fn crowd(self, salt: u64, population: u64) -> Crowd {
        let known = match self {
            Workload::HotDevice => Known::Everybody,
            Workload::MergeStorm => Known::OneInFive,
            Workload::Mixed | Workload::Hits | Workload::New | Workload::IsolationDay | Workload::Workspaces100 => {
                Known::SevenInTen
            }
        };
        let hot_device = self == Workload::HotDevice;
        Crowd::new(self.family(), known, salt, population, hot_device)
    }

    /// The calls that a crowd makes; refused where the crowd is too small for them.
    pub fn calls(self, crowd: Crowd, calls: u64) -> Result<Box<dyn Calls>, Failure> {
        Ok(match self {
            Workload::Mixed | Workload::Workspaces100 => Box::new(mixed::Mixed::new(crowd, mixed::MIXED)?),
            Workload::Hits => Box::new(mixed::Mixed::new(crowd, mixed::HITS)?),
            Workload::New => Box::new(mixed::Mixed::new(crowd, mixed::NEW)?),
            Workload::IsolationDay => Box::new(isolation_day::IsolationDay::new(crowd)?),
            Workload::HotDevice => Box::new(hot_device::HotDevice::new(crowd)?),
            Workload::MergeStorm => Box::new(merge_storm::MergeStorm::new(crowd, calls)?),
        })
    }
}

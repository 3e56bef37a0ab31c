//! One device shared by everybody, in the isolation family: each call names it.

use crate::Failure;
use crate::calls_file::Kind;
use crate::workload::chance::{Chance, Ranks};
use crate::workload::crowd::Crowd;
use crate::workload::request::Request;
use crate::workload::{Calls, Pattern};

const LOOKED_UP: f64 = 0.6;
const NEW: f64 = 0.3;

/// Makes the calls of one workspace.
#[derive(Debug)]
pub struct HotDevice {
    crowd: Crowd,
    ranks: Ranks,
}

impl HotDevice {
    /// Calls of a crowd.
    pub fn new(crowd: Crowd) -> Result<Self, Failure> {
        Ok(Self { ranks: Ranks::new(crowd.population)?, crowd })
    }
}

impl Calls for HotDevice {
    fn next(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        let share = chance.share();
        if share < LOOKED_UP {
            let person = self.ranks.draw(chance);
            (Pattern::LookUp, Request::of(Kind::Identify, self.crowd.identifiers(person)))
        } else if share < LOOKED_UP + NEW {
            let person = self.crowd.newcomer();
            (Pattern::NewPerson, Request::of(Kind::Login, self.crowd.identifiers(person)))
        } else {
            // Nobody who is known may be guessed from it: it ends at the device's anonymous profile.
            (Pattern::SharedDevice, Request::of(Kind::Identify, vec![self.crowd.hot_device()]))
        }
    }
}

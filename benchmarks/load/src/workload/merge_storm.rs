//! Every call joins two or three profiles. The population comes in fives, one known by name and four visitors; three
//! calls join each five, and the fives take turns, so that no call waits for one that may still be under way.

use crate::Failure;
use crate::workload::chance::{Chance, Scatter};
use crate::workload::crowd::Crowd;
use crate::workload::request::Request;
use crate::workload::{Calls, Pattern};

const GROUP: u64 = 5;
const CALLS_IN_GROUP: u64 = 3;

/// Makes the calls of one workspace.
#[derive(Debug)]
pub struct MergeStorm {
    crowd: Crowd,
    groups: u64,
    scatter: Scatter,
    calls: u64,
}

impl MergeStorm {
    /// Calls of a crowd that is large enough for so many.
    pub fn new(crowd: Crowd, calls: u64) -> Result<Self, Failure> {
        let groups = crowd.population / GROUP;
        if calls > groups * CALLS_IN_GROUP {
            let needed = calls.div_ceil(CALLS_IN_GROUP) * GROUP;
            return Err(format!("a storm of {calls} calls needs a population of {needed}").into());
        }
        Ok(Self { crowd, groups, scatter: Scatter::new(groups.max(1)), calls: 0 })
    }
}

impl Calls for MergeStorm {
    fn next(&mut self, chance: &mut Chance) -> (Pattern, Request) {
        let _ = chance;
        let (round, place) = (self.calls / self.groups, self.scatter.place(self.calls % self.groups));
        self.calls += 1;
        let person = place * GROUP;
        // In one of the three rounds two visitors come; in which, differs from five to five.
        let double = place % CALLS_IN_GROUP;
        let first = person + 1 + round + u64::from(round > double);
        let mut identifiers = self.crowd.identifiers_on_device_of(person, first);
        if round == double {
            identifiers.push(self.crowd.device(first + 1));
        }
        (Pattern::Join, Request::identify(identifiers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::crowd::{Family, Known};
    use std::collections::HashSet;

    #[test]
    fn every_visitor_is_joined_once() {
        let crowd = Crowd::new(Family::Merge, Known::OneInFive, 9, 500, false);
        let mut storm = MergeStorm::new(crowd.clone(), 300).expect("large enough");
        let mut chance = Chance::new(1);
        let mut seen = HashSet::new();
        for _ in 0..300 {
            let (_, request) = storm.next(&mut chance);
            for device in &request.identifiers[2..] {
                assert!(seen.insert(device.value.clone()));
            }
        }
        let visitors = (0..500).filter(|person| !crowd.is_known(*person));
        assert_eq!(seen, visitors.map(|person| crowd.device(person).value).collect());
        assert!(MergeStorm::new(crowd, 301).is_err());
    }
}

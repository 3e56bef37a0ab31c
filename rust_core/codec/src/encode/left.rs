//! Values that left a profile for others of a call (rule I5). Answers tell them, and the state does not hold them: one that
//! came with an earlier call of the same commit the plan knows, the others are in the tables until the commit.

use std::collections::HashMap;

use utterson_engine::answer::outcome::Replaced;
use utterson_engine::ids::Serial;
use utterson_engine::keyed::digest::Digest;
use utterson_engine::plan::{Plan, Verdict};

/// Values as they were first sent, by identifier and by the profile that held it.
#[derive(Clone, Debug, Default)]
pub struct Left(HashMap<(Digest, Serial), String>);

impl FromIterator<((Digest, Serial), String)> for Left {
    fn from_iter<I: IntoIterator<Item = ((Digest, Serial), String)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Left {
    /// The value that left; empty where nobody knows it: then the tables are not those that the plan was made on.
    pub(super) fn value_of<'l>(&'l self, one: &'l Replaced) -> &'l str {
        let read = || self.0.get(&(one.digest, one.holder)).map_or("", String::as_str);
        one.raw.as_deref().unwrap_or_else(read)
    }
}

/// The identifiers, each with its profile, whose values the answers of a plan tell and only the tables have.
#[must_use]
pub fn unknown(plan: &Plan) -> Vec<(Digest, Serial)> {
    let mut unknown = Vec::new();
    for decided in &plan.decided {
        if let Verdict::Resolution(resolution) = &decided.verdict {
            let replaced = resolution.replaced().iter().filter(|one| one.raw.is_none());
            unknown.extend(replaced.map(|one| (one.digest, one.holder)));
        }
    }
    unknown
}

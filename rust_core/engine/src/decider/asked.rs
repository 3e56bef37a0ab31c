//! A call's identifiers as the rules see them: after C1 to C6, each set aside or taking part.

use std::borrow::Cow;

use crate::answer::outcome::InvalidReason;
use crate::keyed::digest::Digest;
use crate::policy::{Rank, TypeSettings};
use crate::state::index::Near;

/// One identifier of a call.
#[derive(Clone, Debug)]
pub struct Asked<'c> {
    /// Its place among the call's identifiers as sent.
    pub position: usize,
    /// What C3, C4 and C12 made of it.
    pub fate: Fate<'c>,
}

/// What C3, C4 and C12 made of an identifier.
#[derive(Clone, Debug)]
pub enum Fate<'c> {
    /// C3: set aside, its value never identifies anybody.
    Blocked,
    /// C4: set aside, the policy ignores its type.
    IgnoredType,
    /// C12: set aside, its value cannot be an identifier's.
    Invalid(InvalidReason),
    /// It takes part.
    Usable(Usable<'c>),
}

/// An identifier that takes part in the decision. It borrows from the call and the policy.
#[derive(Clone, Debug)]
pub struct Usable<'c> {
    /// The place of its type in the order of trust.
    pub rank: Rank<'c>,
    /// The settings of its type.
    pub settings: &'c TypeSettings,
    /// Its type.
    pub type_name: &'c str,
    /// Its value after C1.
    pub normalized: Cow<'c, str>,
    /// Stands for type and normalised value.
    pub digest: Digest,
    /// Where the index is most likely to have it.
    pub near: Near,
}

/// The usable identifiers of a call, each with its place among the call's identifiers as sent.
pub fn usable<'a, 'c>(asked: &'a [Asked<'c>]) -> impl Iterator<Item = (usize, &'a Usable<'c>)> {
    asked.iter().filter_map(|one| match &one.fate {
        Fate::Usable(usable) => Some((one.position, usable)),
        Fate::Blocked | Fate::IgnoredType | Fate::Invalid(_) => None,
    })
}

/// Notes where the index has what is usable, as it told for each in turn.
pub fn note_near(asked: &mut [Asked<'_>], near: Vec<Near>) {
    let usable = asked.iter_mut().filter_map(|one| match &mut one.fate {
        Fate::Usable(usable) => Some(usable),
        Fate::Blocked | Fate::IgnoredType | Fate::Invalid(_) => None,
    });
    usable.zip(near).for_each(|(usable, near)| usable.near = near);
}

//! Identifier types, interned, with the settings that the policy in force gives them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::ids::{Serial, TypeId};
use crate::policy::Policy;
use crate::state::State;
use crate::state::scrub::sums::mark_of;

/// What the state needs to know of a type to keep its counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeFlags {
    /// Makes a profile known.
    pub login: bool,
    /// Never changes once set.
    pub immutable: bool,
}

/// So many types are looked through one by one.
const FEW: usize = 12;

/// The types that identifiers of the workspace have had.
#[derive(Clone, Debug, Default)]
pub struct Types {
    names: Vec<Arc<str>>,
    flags: Vec<TypeFlags>,
    /// Each type's part in the sums of a scrub.
    marks: Vec<u64>,
    by_name: HashMap<Arc<str>, TypeId>,
}

impl Types {
    /// A type by its name, if any identifier ever had it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<TypeId> {
        // Nearly every workspace has few types, and looking through a few is cheaper than hashing a name.
        let few = self.names.iter().take(FEW).position(|one| **one == *name);
        match few {
            Some(place) => u32::try_from(place).ok().map(TypeId),
            None if self.names.len() > FEW => self.by_name.get(name).copied(),
            None => None,
        }
    }

    /// All types, each with its name.
    pub fn all(&self) -> impl Iterator<Item = (TypeId, &str)> {
        (0..).map(TypeId).zip(self.names.iter().map(|name| &**name))
    }

    /// The name of a type.
    #[must_use]
    pub fn name(&self, type_id: TypeId) -> &Arc<str> {
        &self.names[type_id.0 as usize]
    }

    /// The flags of a type under the policy in force.
    #[must_use]
    pub fn flags(&self, type_id: TypeId) -> TypeFlags {
        self.flags[type_id.0 as usize]
    }

    /// A type's part in the sums of a scrub, if there is such a type.
    #[inline]
    pub(crate) fn mark(&self, type_id: TypeId) -> Option<u64> {
        self.marks.get(type_id.0 as usize).copied()
    }

    pub(crate) fn intern(&mut self, name: &Arc<str>, policy: &Policy) -> TypeId {
        // The name was nearly always handed out here.
        let own = self.names.iter().take(FEW).position(|one| Arc::ptr_eq(one, name));
        if let Some(type_id) = own.and_then(|place| u32::try_from(place).ok()) {
            return TypeId(type_id);
        }
        if let Some(type_id) = self.get(name) {
            return type_id;
        }
        let type_id = TypeId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(Arc::clone(name));
        self.flags.push(flags_of(policy, name));
        self.marks.push(mark_of(name));
        self.by_name.insert(Arc::clone(name), type_id);
        type_id
    }

    /// About how many bytes they take: a workspace has a few dozen types.
    pub(crate) fn bytes(&self) -> usize {
        let each = size_of::<Arc<str>>() * 2 + size_of::<(TypeFlags, u64, TypeId)>() + 64;
        self.names.iter().map(|name| name.len() + each).sum()
    }

    pub(crate) fn follow(&mut self, policy: &Policy) {
        for (name, flags) in self.names.iter().zip(&mut self.flags) {
            *flags = flags_of(policy, name);
        }
    }
}

impl State {
    /// Of the types that are asked for, those of which a profile holds an identifier. Cost: the workspace, if one is.
    #[must_use]
    pub fn held_types(&self, asked: impl Fn(&str) -> bool) -> BTreeSet<&str> {
        let mut held = BTreeSet::new();
        let mut missing: Vec<(TypeId, &str)> = self.types.all().filter(|(_, name)| asked(name)).collect();
        for number in 1..=self.profiles.len() {
            if missing.is_empty() {
                break;
            }
            let profile = self.profiles.row(Serial(u32::try_from(number).unwrap_or(u32::MAX)));
            held.extend(missing.extract_if(.., |(type_id, _)| profile.count(*type_id) > 0).map(|(_, name)| name));
        }
        held
    }
}

fn flags_of(policy: &Policy, name: &str) -> TypeFlags {
    policy
        .settings_of(name)
        .settings()
        .map_or_else(TypeFlags::default, |settings| TypeFlags { login: settings.login, immutable: settings.immutable })
}

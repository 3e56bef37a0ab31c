//! Which changes of a policy stored data forbids. Identifiers are stored under the digest of their normalised value:
//! under another normalisation the same value would no longer be found, or two would become one.

use std::collections::BTreeSet;

use crate::fault::Violation;
use crate::normalize::Region;
use crate::policy::settings::{Strategy, TypeSettings};
use crate::policy::spec::UnlistedTypes;
use crate::policy::{Policy, TypeStatus};

const WHILE_PROFILES_EXIST: &str = "must stay as it was while profiles exist";
const WHILE_IDENTIFIERS_ARE_HELD: &str =
    "must be what it was when a policy last took the type: profiles still hold identifiers of it";

/// The parts of `new` that a workspace with profiles cannot take over from `old`, the policy in force, as violations of
/// the new policy's fields; empty where the change is free. Of a type that `old` does not take, [`forbidden_again`] tells.
#[must_use]
pub fn forbidden(old: &Policy, new: &Policy) -> Vec<Violation> {
    let mut violations = Vec::new();
    if family(old.strategy()) != family(new.strategy()) {
        violations.push(Violation::new("policy", "must keep its strategy while profiles exist"));
    }
    let names: BTreeSet<&str> = old.listed_names().chain(new.listed_names()).map(|name| &**name).collect();
    for name in names {
        let (before, after) = (old.settings_of(name), new.settings_of(name));
        if let (Some(before), Some(after_settings)) = (before.settings(), after.settings()) {
            let path = || path_of(new, after, name);
            compare(before, after_settings, path, WHILE_PROFILES_EXIST, &mut violations);
        }
    }
    // What stays unlisted has no name to ask for.
    if old.unlisted() == UnlistedTypes::Accept && new.unlisted() == UnlistedTypes::Accept {
        let path = || String::from("policy.default_type");
        compare(&old.default_type, &new.default_type, path, WHILE_PROFILES_EXIST, &mut violations);
    }
    violations
}

/// As [`forbidden`], of types that `old` does not take, `new` does, and of which profiles hold identifiers: these were
/// stored in the form that the newest of the `earlier` policies which took the type gave them.
///
/// `held` are the types of which identifiers are held, `earlier` the policies before `old`, newest first.
#[must_use]
pub fn forbidden_again(held: &BTreeSet<&str>, earlier: &[Policy], old: &Policy, new: &Policy) -> Vec<Violation> {
    let mut violations = Vec::new();
    for name in held.iter().filter(|name| returns(name, old, new)) {
        let after = new.settings_of(name);
        let before = earlier.iter().find_map(|policy| policy.settings_of(name).settings());
        if let (Some(before), Some(after_settings)) = (before, after.settings()) {
            let path = || path_of(new, after, name);
            compare(before, after_settings, path, WHILE_IDENTIFIERS_ARE_HELD, &mut violations);
        }
    }
    violations
}

/// Whether a type that one policy does not take is taken by the next.
#[must_use]
pub fn returns(name: &str, old: &Policy, new: &Policy) -> bool {
    old.settings_of(name).settings().is_none() && new.settings_of(name).settings().is_some()
}

fn compare(
    before: &TypeSettings,
    after: &TypeSettings,
    path: impl FnOnce() -> String,
    why: &str,
    violations: &mut Vec<Violation>,
) {
    let field = if before.normalization != after.normalization {
        "normalization"
    } else if region_in_use(before) != region_in_use(after) {
        "region"
    } else {
        return;
    };
    let violation = Violation::new(format!("{}.{field}", path()), why);
    // Several names may fall to one default type.
    if !violations.contains(&violation) {
        violations.push(violation);
    }
}

fn region_in_use(settings: &TypeSettings) -> Option<Region> {
    settings.region.filter(|_| settings.normalization.uses_region())
}

fn path_of(policy: &Policy, status: TypeStatus<'_>, name: &str) -> String {
    match status {
        TypeStatus::Listed { .. } => {
            let position = policy.positions.get(name).copied().unwrap_or_default();
            format!("policy.identifier_types[{position}]")
        }
        TypeStatus::Accepted { .. } | TypeStatus::Ignored | TypeStatus::Rejected => String::from("policy.default_type"),
    }
}

fn family(strategy: Strategy) -> std::mem::Discriminant<Strategy> {
    std::mem::discriminant(&strategy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::Normalization;
    use crate::policy::presets::preset;
    use crate::policy::spec::{PolicySpec, TypeSpec};

    fn fields(old: &PolicySpec, new: &PolicySpec) -> Vec<String> {
        let compiled = |spec| Policy::compile(spec).expect("a good policy").0;
        forbidden(&compiled(old), &compiled(new)).into_iter().map(|violation| violation.field).collect()
    }

    fn with_normalization(name: &str, normalization: Normalization) -> TypeSpec {
        TypeSpec { name: name.into(), normalization: Some(normalization), ..TypeSpec::default() }
    }

    #[test]
    fn other_settings_change_freely() {
        let unify = preset("unify").expect("a preset");
        assert_eq!(fields(&unify, &preset("identity_graph_rules").expect("a preset")), Vec::<String>::new());
        let mut listed = unify.clone();
        listed.identifier_types.push(with_normalization("phone", Normalization::None));
        listed.identifier_types.reverse();
        listed.identifier_types[0].region = "GB".into();
        assert_eq!(fields(&unify, &listed), Vec::<String>::new());
        assert_eq!(fields(&listed, &unify), Vec::<String>::new());
    }

    #[test]
    fn the_family_stays() {
        let (unify, default) = (preset("unify").expect("a preset"), preset("default").expect("a preset"));
        assert_eq!(fields(&unify, &default), ["policy"]);
    }

    #[test]
    fn a_listed_types_normalization_stays() {
        let old = preset("default").expect("a preset");
        let mut new = old.clone();
        new.identifier_types[1].normalization = Some(Normalization::Lower);
        assert_eq!(fields(&old, &new), ["policy.identifier_types[1].normalization"]);
        // The isolation preset ignores what it does not list: a new type has no data.
        new = old.clone();
        new.identifier_types.push(with_normalization("phone", Normalization::Phone));
        assert_eq!(fields(&old, &new), Vec::<String>::new());
        assert_eq!(fields(&new, &old), Vec::<String>::new());
    }

    #[test]
    fn a_type_taken_by_default_stays_as_it_was_when_listed() {
        let old = preset("unify").expect("a preset");
        let mut new = old.clone();
        new.identifier_types.push(with_normalization("phone", Normalization::Trim));
        assert_eq!(fields(&old, &new), ["policy.identifier_types[2].normalization"]);
        assert_eq!(fields(&new, &old), ["policy.default_type.normalization"]);
    }

    #[test]
    fn the_default_type_stays() {
        let old = preset("unify").expect("a preset");
        let mut new = old.clone();
        new.default_type = Some(with_normalization("", Normalization::Lower));
        assert_eq!(fields(&old, &new), ["policy.default_type.normalization"]);
        new.unlisted_types = Some(UnlistedTypes::Ignore);
        assert_eq!(fields(&old, &new), Vec::<String>::new());
    }

    #[test]
    fn a_phone_types_region_stays() {
        let mut old = preset("default").expect("a preset");
        old.identifier_types[2].normalization = Some(Normalization::Phone);
        let mut new = old.clone();
        new.identifier_types[2].region = "GB".into();
        assert_eq!(fields(&old, &new), ["policy.identifier_types[2].region"]);
    }
}

//! I9 No merge: no call of the isolation family ever joins profiles or copies data between them.
//!
//! Source: the seed, "Any anonymous data collected prior to the user signing up is not carried over". No code does
//! this: [`isolation`](crate::rules::isolation) calls no rule that emits a merge, and what a call writes is its own
//! content, onto the profile that it is answered with. Only a Modify takes a value from another profile (I7), and
//! then that value alone. The test holds the family to it.

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::call::CallKind;
    use crate::plan::Effect;
    use crate::testing::calls::{ISOLATION, any_calls};
    use crate::testing::view::View;
    use crate::testing::{Step, World, cases, policies};

    /// An identifier that a profile gets is one that the call carries.
    fn carried(step: &Step<'_>, type_name: &str, value: &str) -> bool {
        let sent = |name: &str, sent: &str| name == type_name && sent == value;
        step.call.identifiers.iter().any(|one| sent(&one.type_name, &one.value))
            || step.call.changes.iter().any(|one| sent(&one.type_name, &one.new_value))
    }

    /// Everything but the answered profile's own is as it was; of a Modify, another's identifiers may have gone.
    fn others_are_untouched(step: &Step<'_>) -> Result<(), TestCaseError> {
        let serial = step.serial();
        for (other, before) in step.before.people.iter().filter(|(other, _)| Some(**other) != serial) {
            let mut after = step.after.people[other].clone();
            if step.call.kind == CallKind::Modify {
                prop_assert!(after.identifiers.keys().all(|held| before.identifiers.contains_key(held)));
                after.identifiers.clone_from(&before.identifiers);
            }
            prop_assert_eq!(&after, before, "profile {:?}", other);
        }
        let of_others = |view: &View| {
            let rows = view.traits.iter().filter(|((other, _), _)| Some(*other) != serial);
            rows.map(|(key, row)| (key.clone(), row.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(of_others(step.after), of_others(step.before));
        Ok(())
    }

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn no_call_joins_profiles_or_copies_data(
            (spec, later) in (policies::any_isolation(), policies::any_isolation()),
            (calls, more) in (any_calls(ISOLATION, 15), any_calls(ISOLATION, 10)),
        ) {
            let mut look = |step: &Step<'_>| {
                for effect in step.effects {
                    match effect {
                        Effect::Merge { .. } => return Err(TestCaseError::fail("joined")),
                        Effect::CreateProfile { serial, .. } => prop_assert_eq!(Some(*serial), step.serial()),
                        Effect::Attach(one) => {
                            prop_assert_eq!(Some(one.serial), step.serial());
                            prop_assert!(carried(step, &one.type_name, &one.raw));
                        }
                        Effect::SetTrait { serial, name, value, .. } => {
                            prop_assert_eq!(Some(*serial), step.serial());
                            prop_assert!(step.call.traits.iter().any(|one| one.name == *name && one.value == *value));
                        }
                        Effect::StoreEvent { serial, record, .. } => {
                            prop_assert_eq!(*serial, step.serial());
                            prop_assert!(record.starts_with(step.call.event.name.as_bytes()));
                        }
                        Effect::Detach { .. }
                        | Effect::Seen { .. }
                        | Effect::UseRequest { .. }
                        | Effect::ChangePolicy { .. } => {}
                    }
                }
                prop_assert!(step.answer().is_none_or(|answer| answer.merged.is_empty()));
                others_are_untouched(step)
            };
            let mut world = World::new(&spec);
            world.watch(&calls, &mut look)?;
            world.change_policy(&later);
            world.watch(&more, &mut look)?;
        }
    }
}

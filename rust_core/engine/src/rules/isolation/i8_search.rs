//! I8 Search tells which profile Identify would return, and never writes; where Identify would create one → `NOT_FOUND`.
//!
//! Source: the vendor's search endpoint, which returns a profile and makes none.

use crate::answer::explain::RuleId;
use crate::answer::outcome::Outcome;
use crate::decider::asked::{self, Asked, Usable};
use crate::decider::{Context, Decider, Decision};
use crate::fault::Fault;
use crate::plan::Serials;
use crate::rules::common::{dispositions, no_match};
use crate::rules::isolation::{i3_identify, i5_attach};

/// Runs Identify's look-up and stops there.
pub(crate) fn search(
    decider: &mut Decider<'_>,
    context: &mut Context<'_>,
    asked: &[Asked<'_>],
) -> Result<Decision, Fault> {
    let usable: Vec<_> = asked::usable(asked).collect();
    let state = &*decider.state;
    let Some(serial) = i3_identify::find(state, context, &usable) else {
        let is_held = |one: &Usable<'_>| one.settings.unique && state.index.first(one.digest).is_some();
        let all_held = usable.iter().all(|(_, one)| is_held(one));
        return Err(if all_held { no_match::held_by_others() } else { no_match::fault() });
    };
    let told: Vec<_> = usable.iter().map(|(index, one)| (*index, i5_attach::judge(state, serial, one))).collect();
    Ok(Decision {
        serial: Some(serial),
        outcome: Outcome::Matched,
        merged: Serials::new(),
        identifiers: dispositions::of_asked(asked, |index| i5_attach::told_of(&told, index)),
        demoted: Vec::new(),
        changes: Vec::new(),
        decided_by: RuleId::I8,
        also_touched: Serials::new(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::answer::outcome::Outcome;
    use crate::call::CallKind;
    use crate::fault::Reason;
    use crate::testing::calls::{ISOLATION, any_call, any_calls, call, identify};
    use crate::testing::dump::dump;
    use crate::testing::{World, answer, cases, created, policies, reason};

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn it_tells_whom_identify_would_return(
            spec in policies::any_isolation(),
            history in any_calls(ISOLATION, 15),
            mut last in any_call(ISOLATION.only(&[CallKind::Search])),
        ) {
            let mut world = World::new(&spec);
            world.run_all(&history);
            let before = dump(&world.state);
            let plan = world.plan(std::slice::from_ref(&last));
            let search = &plan.decided[0].verdict;
            prop_assert!(plan.effects.is_empty() && !plan.decided[0].writes && plan.decided[0].touched.is_empty());
            last.kind = CallKind::Identify;
            let identify = world.tell(&last);
            prop_assert_eq!(dump(&world.state), before);
            match answer(&identify) {
                Some(told) if !created(told) => {
                    let search = answer(search).expect("an answer");
                    prop_assert_eq!((search.profile, search.outcome), (told.profile, Outcome::Matched));
                    prop_assert_eq!(search.source, told.source);
                    prop_assert_eq!(&search.identifiers, &told.identifiers);
                }
                Some(_) => prop_assert_eq!(reason(search), Some(Reason::NoMatch)),
                None if reason(&identify) == Some(Reason::IdentifiersHeldByOthers) => {
                    prop_assert_eq!(reason(search), Some(Reason::NoMatch));
                }
                None => prop_assert_eq!(reason(search), reason(&identify)),
            }
        }
    }

    #[test]
    fn where_identify_would_create_nobody_is_found() {
        let spec = crate::policy::presets::preset("profile_isolation").expect("a preset");
        let mut world = World::new(&spec);
        world.accept(&identify("idfv=1"));
        assert_eq!(world.refuse(&call(CallKind::Search, "idfv=2")), Reason::NoMatch);
        assert_eq!(world.refuse(&call(CallKind::Search, "email=1 idfv=1")), Reason::NoMatch);
        assert_eq!(world.serial(&call(CallKind::Search, "idfv=1")), 1);
    }
}

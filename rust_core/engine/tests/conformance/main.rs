//! Every scenario file through the engine: outcome, dispositions and the state after each step.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod file;
mod policies;
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use utterson_engine::answer::Resolution;
use utterson_engine::answer::outcome::{DemotionReason, Disposition, Outcome};
use utterson_engine::fault::{Fault, Reason};
use utterson_engine::ids::ProfileId;

use file::{Expect, File, Scenario, Step};
use world::World;

#[test]
fn every_scenario_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let (mut scenarios, mut broken) = (0, Vec::new());
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let file: File = serde_yaml_ng::from_str(&text).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        for scenario in &file.scenarios {
            scenarios += 1;
            broken.extend(run(&file, scenario));
        }
    }
    assert!(scenarios >= 30, "only {scenarios} scenarios were found in {}", folder.display());
    assert!(broken.is_empty(), "{} of {scenarios} scenarios broken:\n{}", broken.len(), broken.join("\n"));
}

/// The first thing that does not hold, if any.
fn run(file: &File, scenario: &Scenario) -> Option<String> {
    let mut world = World::new(policies::find(&file.policies, &scenario.policy));
    for given in &scenario.given {
        world.give(given);
    }
    for (place, step) in scenario.steps.iter().enumerate() {
        let answer = world.run(step);
        if let Err(difference) = compare(&world, step, answer) {
            return Some(format!("{} step {}: {difference}", scenario.id, place + 1));
        }
    }
    None
}

fn compare(world: &World, step: &Step, answer: Result<Resolution, Fault>) -> Result<(), String> {
    match (&step.expect.error, answer) {
        (Some(code), Err(fault)) => same("error", code.as_str(), code_of(fault.reason))?,
        (None, Ok(resolution)) => compare_resolution(world, step, &resolution)?,
        (Some(code), Ok(resolution)) => return Err(format!("expected {code}, was {:?}", resolution.outcome)),
        (None, Err(fault)) => return Err(format!("refused: {fault:?}")),
    }
    match &step.state {
        None => Ok(()),
        Some(state) => same("state", state, &world.live()),
    }
}

fn compare_resolution(world: &World, step: &Step, resolution: &Resolution) -> Result<(), String> {
    let expect = &step.expect;
    if let Some(outcome) = &expect.outcome {
        same("outcome", outcome.as_str(), outcome_name(resolution.outcome))?;
    }
    if let Some(profile) = &expect.profile {
        same("profile", &Some(world.id(profile)), &resolution.profile)?;
    }
    if let Some(known) = expect.known {
        same("known", &known, &resolution.known)?;
    }
    if let Some(source) = &expect.source_profile {
        same("source_profile", &Some(world.id(source)), &resolution.source)?;
    }
    let merged: Vec<ProfileId> = expect.merged.iter().map(|symbol| world.id(symbol)).collect();
    same("merged", &merged, &resolution.merged)?;
    same("demoted", &expected_demotions(expect), &told_demotions(step, resolution))?;
    same("blocked", &expect.blocked, &told_set_aside(step, resolution, Disposition::Blocked))?;
    same("invalid", &expect.invalid, &told_set_aside(step, resolution, Disposition::Invalid))?;
    if let Some(changed) = &expect.changed {
        let expected: Vec<_> = changed.iter().map(|one| (one.type_name.clone(), world.id(&one.profile))).collect();
        let told: Vec<_> = resolution.changes.iter().map(|one| (one.type_name.to_string(), one.profile)).collect();
        same("changed", &expected, &told)?;
    }
    Ok(())
}

type Demoted = (BTreeMap<String, String>, String);

fn expected_demotions(expect: &Expect) -> Vec<Demoted> {
    expect.demoted.iter().map(|one| (one.identifier.clone(), one.reason.clone())).collect()
}

fn told_demotions(step: &Step, resolution: &Resolution) -> Vec<Demoted> {
    let told = resolution.demoted.iter();
    told.map(|one| (step.identifiers[one.index].clone(), reason_name(one.reason).to_owned())).collect()
}

fn told_set_aside(step: &Step, resolution: &Resolution, disposition: Disposition) -> Vec<BTreeMap<String, String>> {
    let set_aside = resolution.identifiers.iter().filter(|one| one.disposition == disposition);
    set_aside.map(|one| sent(step, one.index)).collect()
}

/// The identifier that a step sent; of a Modify what the change at that place would set, or take away.
fn sent(step: &Step, index: usize) -> BTreeMap<String, String> {
    let Some(change) = step.changes.get(index) else {
        return step.identifiers[index].clone();
    };
    let value = change.new.clone().or_else(|| change.old.clone()).unwrap_or_default();
    BTreeMap::from([(change.type_name.clone(), value)])
}

fn same<T: PartialEq + std::fmt::Debug + ?Sized>(what: &str, expected: &T, told: &T) -> Result<(), String> {
    if expected == told { Ok(()) } else { Err(format!("{what}: expected {expected:?}, was {told:?}")) }
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "CREATED",
        Outcome::Matched => "MATCHED",
        Outcome::Merged => "MERGED",
        Outcome::Unresolved => "UNRESOLVED",
    }
}

fn reason_name(reason: DemotionReason) -> &'static str {
    match reason {
        DemotionReason::MergeLimit => "MERGE_LIMIT",
        DemotionReason::ValueLimit => "VALUE_LIMIT",
        DemotionReason::IdentifierLimit => "IDENTIFIER_LIMIT",
    }
}

/// The status code of the reasons that a decision can end with.
fn code_of(reason: Reason) -> &'static str {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other reasons are not the engine's")]
    match reason {
        Reason::FieldInvalid
        | Reason::NoUsableIdentifier
        | Reason::LoginIdentifierRequired
        | Reason::TwoValuesOfUniqueType
        | Reason::TypeRejected
        | Reason::EmptyChange => "INVALID_ARGUMENT",
        Reason::ProfileNotFound | Reason::NoMatch => "NOT_FOUND",
        Reason::RequestIdReused
        | Reason::ImmutableIdentifier
        | Reason::IdentifiersHeldByOthers
        | Reason::LimitExceeded => "FAILED_PRECONDITION",
        other => panic!("the engine does not refuse with {other:?}"),
    }
}

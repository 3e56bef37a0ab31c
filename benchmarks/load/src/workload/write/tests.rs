//! The files are what they say, and the same each time.

use std::collections::HashSet;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::calls_file::{CallsFile, read_frame, split_workspace};
use crate::files::{description, open};
use crate::workload::Workload;

const ALL: [Workload; 7] = [
    Workload::Mixed,
    Workload::IsolationDay,
    Workload::Hits,
    Workload::New,
    Workload::MergeStorm,
    Workload::HotDevice,
    Workload::Workspaces100,
];

fn asked(workload: Workload, seed: u64, output: &Path) -> Generate {
    let (workspace, output) = ("bench".to_owned(), output.to_owned());
    Generate { workload, seed, calls: 6_000, population: 10_000, workspace, request_ids: false, output }
}

fn bytes_of(workload: Workload, seed: u64) -> Vec<u8> {
    let folder = TempDir::new().expect("a folder");
    generate(&asked(workload, seed, folder.path())).expect("generated");
    [POPULATION, CALLS, DESCRIPTION].map(|name| fs::read(folder.path().join(name)).expect("a file")).concat()
}

/// The identifiers of each profile, and of each call.
fn read(folder: &Path) -> (Vec<Vec<v1::Identifier>>, Vec<Vec<v1::Identifier>>) {
    let (mut people, mut calls, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    let mut file = open(&folder.join(POPULATION)).expect("a file");
    while read_frame(&mut file, &mut bytes).expect("a frame") {
        people.push(v1::ImportProfilesRequest::decode(bytes.as_slice()).expect("a profile").identifiers);
    }
    let mut file = CallsFile::open(&folder.join(CALLS), 0).expect("a file");
    while file.next(&mut bytes).expect("a call").is_some() {
        // All requests agree in these fields.
        calls.push(v1::IdentifyRequest::decode(bytes.as_slice()).expect("a call").identifiers);
    }
    (people, calls)
}

#[test]
fn equal_seeds_give_equal_bytes() {
    for workload in ALL {
        assert_eq!(bytes_of(workload, 5), bytes_of(workload, 5), "{workload:?}");
    }
    assert_ne!(bytes_of(Workload::Mixed, 5), bytes_of(Workload::Mixed, 6));
}

#[test]
fn the_description_counts_what_is_there() {
    for workload in ALL {
        let folder = TempDir::new().expect("a folder");
        generate(&asked(workload, 1, folder.path())).expect("generated");
        let told = description(folder.path()).expect("a description");
        let mut file = CallsFile::open(&folder.path().join(CALLS), 0).expect("a file");
        let (mut bytes, mut kinds) = (Vec::new(), BTreeMap::<String, u64>::new());
        while let Some((_, kind)) = file.next(&mut bytes).expect("a call") {
            *kinds.entry(kind.method().to_lowercase()).or_default() += 1;
            let (workspace, _) = split_workspace(&bytes).expect("a workspace");
            assert!(told.presets.contains_key(std::str::from_utf8(workspace).expect("text")));
        }
        assert_eq!(told.calls_by_kind, kinds);
        assert_eq!(told.calls_by_pattern.values().sum::<u64>(), told.calls);
        assert_eq!(told.population_by_workspace.values().sum::<u64>(), 10_000);
        assert_eq!(told.presets.len() as u64, workload.workspaces());
    }
}

#[test]
#[allow(clippy::cast_precision_loss)] // Some thousands.
fn the_mixed_workload_has_its_shares() {
    let folder = TempDir::new().expect("a folder");
    generate(&asked(Workload::Mixed, 1, folder.path())).expect("generated");
    let told = description(folder.path()).expect("a description");
    let share = |name: &str| told.calls_by_pattern.get(name).copied().unwrap_or_default() as f64 / told.calls as f64;
    for (name, expected) in [
        ("look_up", 0.45),
        ("look_up_with_new_value", 0.15),
        ("new_person", 0.3),
        ("join", 0.08),
        ("shared_device", 0.02),
    ] {
        assert!((share(name) - expected).abs() < 0.02, "{name}: {}", share(name));
    }
}

#[test]
fn hits_are_known_and_new_people_are_not() {
    for (workload, known) in [(Workload::Hits, true), (Workload::New, false)] {
        let folder = TempDir::new().expect("a folder");
        generate(&asked(workload, 1, folder.path())).expect("generated");
        let (people, calls) = read(folder.path());
        let values: HashSet<_> = people.into_iter().flatten().map(|identifier| identifier.value).collect();
        assert!(calls.iter().flatten().all(|identifier| values.contains(&identifier.value) == known));
    }
}

#[test]
fn every_call_of_a_hot_device_names_it() {
    let folder = TempDir::new().expect("a folder");
    generate(&asked(Workload::HotDevice, 1, folder.path())).expect("generated");
    let (people, calls) = read(folder.path());
    let hot = people[0][2].clone();
    assert!(people.iter().chain(&calls).all(|identifiers| identifiers.contains(&hot)));
}

#[test]
fn a_storm_that_is_too_large_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let mut storm = asked(Workload::MergeStorm, 1, folder.path());
    storm.calls = 6_001;
    let refusal = generate(&storm).expect_err("refused").to_string();
    assert!(refusal.contains("10005"), "{refusal}");
}

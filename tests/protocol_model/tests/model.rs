//! Every state that the model can come to is looked at, and each safeguard that is taken out leads to one that breaks a
//! promise.

#![allow(clippy::print_stdout, reason = "figures for whoever runs it")]

use stateright::{Checker, HasDiscoveries, Model};
use utterson_protocol_model::checking::Protocol;
use utterson_protocol_model::safeguard::{SAFEGUARDS, Safeguard};
use utterson_protocol_model::world::Faults;

const THREADS: usize = 2;

fn exhaust(faults: Faults) {
    let checker = Protocol { without: None, faults }.checker().threads(THREADS).spawn_bfs().join();
    println!("{faults:?}: {} states, {} deep", checker.unique_state_count(), checker.max_depth());
    assert!(checker.is_done(), "not all states were looked at");
    checker.assert_properties();
}

/// Everything that a test without a safeguard may need.
fn faults_against(safeguard: Safeguard) -> Faults {
    let faults = Faults { cuts: 1, repeats: 1, ..Faults::default() };
    match safeguard {
        Safeguard::PredecessorCompared | Safeguard::PredecessorIdentity | Safeguard::HeadConfirmed => {
            Faults { losses: 1, kills: 1, ..faults }
        }
        Safeguard::GenesisProven => Faults { recreations: 1, ..faults },
        Safeguard::RequestIdsStored => Faults { kills: 1, ..faults },
        Safeguard::RowLocked | Safeguard::SameEntryAgain => Faults { cuts: 2, ..faults },
        Safeguard::AnswerAfterCommit
        | Safeguard::ApplyAfterCommit
        | Safeguard::NotGuessedCommitted
        | Safeguard::NotGuessedLost
        | Safeguard::LookUpByIdentity => faults,
    }
}

#[test]
#[ignore = "some seconds with --release, minutes without: make faults"]
fn connections_break_and_replicas_are_killed() {
    exhaust(Faults { kills: 1, cuts: 1, give_ups: 1, repeats: 1, ..Faults::default() });
}

#[test]
#[ignore = "some seconds with --release, minutes without: make faults"]
fn the_database_is_killed() {
    exhaust(Faults { crashes: 1, cuts: 1, give_ups: 1, repeats: 1, ..Faults::default() });
}

#[test]
#[ignore = "some seconds with --release, minutes without: make faults"]
fn the_newest_entries_are_lost() {
    exhaust(Faults { losses: 1, cuts: 1, ..Faults::default() });
    exhaust(Faults { losses: 1, kills: 1, repeats: 1, ..Faults::default() });
}

#[test]
#[ignore = "some seconds with --release, minutes without: make faults"]
fn the_workspace_is_lost_and_another_is_made() {
    exhaust(Faults { recreations: 1, cuts: 1, kills: 1, repeats: 1, ..Faults::default() });
}

#[test]
fn each_safeguard_is_needed() {
    for safeguard in SAFEGUARDS {
        let protocol = Protocol { without: Some(safeguard), faults: faults_against(safeguard) };
        let checker = protocol.checker().threads(THREADS).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        let broken: Vec<_> = checker
            .discoveries()
            .into_iter()
            .filter(|(name, _)| *name != "all are acknowledged")
            .map(|(name, path)| format!("«{name}» in {} steps", path.into_actions().len()))
            .collect();
        println!("without {safeguard:?}: {}", broken.join(", "));
        assert!(!broken.is_empty(), "nothing breaks without {safeguard:?}");
    }
}

//! Planning the take-over of an existing graph.

use std::borrow::Cow;
use std::sync::Arc;

use crate::call::{Call, CallKind, ImportPlace, ImportRow, RawIdentifier};
use crate::decider::asked::{self, Asked};
use crate::decider::{Context, Decider, Encoder};
use crate::fault::{Fault, Reason};
use crate::ids::{EntryId, Micros, Position, Serial};
use crate::keyed::digest::{Digest, Digester};
use crate::plan::{Effect, Plan};
use crate::policy::{Policy, Strategy};
use crate::rules::common::c7_once::{self, Once};
use crate::rules::common::put::put;
use crate::rules::common::{c2_refuse, c5_nothing_usable, c11_time, m8_traits, prepare};
use crate::rules::isolation;
use crate::state::State;

/// What an import comes to.
#[derive(Clone, Debug)]
pub enum Imported {
    /// New profiles, in the order of the rows.
    New {
        /// The effects to commit.
        plan: Box<Plan>,
        /// The profiles made.
        serials: Vec<Serial>,
    },
    /// The import repeats an accepted one (rule C7).
    Repeat(Digest),
}

/// Plans the take-over of an existing graph, oldest profile first: all or nothing, the first fault named by its row.
/// Limits are not judged: what is taken over is taken as it stands (rule M5).
pub fn decide_import(
    state: &mut State,
    rows: &[ImportRow<'_>],
    request_id: &str,
    (now, id): (Micros, EntryId),
    encoder: &dyn Encoder,
) -> Result<Imported, Fault> {
    let mut decider = Decider::new(state, rows.len(), now, encoder);
    let call = content_of(rows, request_id);
    let once = c7_once::check(&decider, &call, &[]).map_err(|fault| of_its_row(decider.state, rows, fault))?;
    let fingerprint = match once {
        Once::New(fingerprint) => fingerprint,
        Once::Repeated(_) => {
            return Ok(Imported::Repeat(c7_once::request_digest(decider.state, request_id)));
        }
    };
    let policy = Arc::clone(&decider.state.policy);
    let prepared = prepare_rows(decider.state, &policy, rows, decider.at.commit_time)?;
    let mut serials = Vec::with_capacity(rows.len());
    for (place, (row, asked)) in rows.iter().zip(&prepared).enumerate() {
        match take_over(&mut decider, &policy, row, asked, place) {
            Ok(serial) => serials.push(serial),
            Err(fault) => {
                decider.finish(id, Vec::new());
                return Err(fault);
            }
        }
    }
    if let Some(fingerprint) = fingerprint {
        c7_once::remember(&mut decider, &fingerprint, Position(0));
    }
    let plan = Box::new(decider.finish(id, Vec::new()));
    Ok(Imported::New { plan, serials })
}

/// The rows as one call, for the comparison of contents.
fn content_of<'c>(rows: &'c [ImportRow<'_>], request_id: &'c str) -> Call<'c> {
    let mut call = Call::new(CallKind::Import);
    call.request_id = Cow::Borrowed(request_id);
    if request_id.is_empty() {
        return call;
    }
    for row in rows {
        call.identifiers.extend(
            row.identifiers.iter().map(|one| RawIdentifier {
                type_name: Cow::Borrowed(&one.type_name),
                value: Cow::Borrowed(&one.value),
            }),
        );
        call.traits.extend(row.traits.iter().cloned());
        // Where one row ends and the next begins is content too.
        let time = row.create_time.map_or_else(String::new, |time| time.0.to_string());
        let frame = format!("{}/{}/{}/{time}", row.identifiers.len(), row.traits.len(), row.merges);
        call.traits.push(crate::call::RawTrait { name: frame, value: None });
    }
    call
}

/// C11 and C1 to C6 for every row, before anything is made.
fn prepare_rows<'c>(
    state: &State,
    policy: &'c Policy,
    rows: &'c [ImportRow<'c>],
    commit_time: Micros,
) -> Result<Vec<Vec<Asked<'c>>>, Fault> {
    let prepared = |row: &'c ImportRow<'c>| {
        c11_time::check_create_time(policy, row.create_time, commit_time)
            .and_then(|()| prepare_row(policy, &state.digester, row))
            .map_err(|fault| under(fault, row.place))
    };
    rows.iter().map(prepared).collect()
}

/// C1 to C6 for one row.
pub(super) fn prepare_row<'c>(
    policy: &'c Policy,
    digester: &Digester,
    row: &'c ImportRow<'c>,
) -> Result<Vec<Asked<'c>>, Fault> {
    let asked = prepare::prepare(policy, &row.identifiers, digester)?.asked;
    if !c5_nothing_usable::any_usable(&asked) {
        return Err(c5_nothing_usable::fault());
    }
    if !matches!(policy.strategy(), Strategy::Merge { .. }) {
        isolation::refuse_two_values(&asked)?;
    }
    Ok(asked)
}

/// What 0.1 says of a value before it tells that an id is used for another content, told of the value's row.
fn of_its_row(state: &State, rows: &[ImportRow<'_>], fault: Fault) -> Fault {
    if fault.reason != Reason::FieldInvalid {
        return fault;
    }
    let of_row = |row: &ImportRow<'_>| {
        let mut call = Call::new(CallKind::Import);
        call.identifiers.clone_from(&row.identifiers);
        c2_refuse::check_values(&state.policy, &call).err().map(|fault| under(fault, row.place))
    };
    rows.iter().find_map(of_row).unwrap_or(fault)
}

fn merges(state: &State) -> bool {
    matches!(state.policy.strategy(), Strategy::Merge { .. })
}

fn take_over(
    decider: &mut Decider<'_>,
    policy: &Policy,
    row: &ImportRow<'_>,
    asked: &[Asked<'_>],
    place: usize,
) -> Result<Serial, Fault> {
    let merging = merges(decider.state);
    let serial = decider.state.profiles.next_serial();
    let mut call = Call::new(CallKind::Import);
    call.traits.clone_from(&row.traits);
    let context = Context {
        call: &call,
        policy,
        asked: Ok(asked),
        time: row.create_time.unwrap_or(decider.at.commit_time),
        time_sent: None,
        position: Position(u32::try_from(place).unwrap_or(u32::MAX)),
        rounds: None,
        warnings: Vec::new(),
        replaced: Vec::new(),
    };
    decider.emit(Effect::CreateProfile { serial, create_time: context.time, source: None, merges: row.merges });
    for (index, usable) in asked::usable(asked) {
        if (merging || usable.settings.unique) && decider.state.index.first(usable.digest).is_some() {
            return Err(held_elsewhere(&format!("{}.identifiers[{index}]", row.place)));
        }
        let raw = &row.identifiers[index].value;
        put(decider, &context, serial, (usable, raw));
    }
    m8_traits::write(decider, &context, serial, &[]).map_err(|fault| under(fault, row.place))?;
    Ok(serial)
}

fn held_elsewhere(path: &str) -> Fault {
    let mut fault = Fault::field(path, "another profile holds this identifier: each may be taken over once");
    fault.reason = Reason::IdentifiersHeldByOthers;
    fault
}

fn under(mut fault: Fault, place: ImportPlace) -> Fault {
    for violation in &mut fault.violations {
        violation.field = format!("{place}.{}", violation.field);
    }
    if fault.violations.is_empty() {
        fault.message = format!("{place}: {}", fault.message);
    }
    fault
}

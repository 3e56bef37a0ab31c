//! Writes a workload's files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use prost::Message;
use utterson_codec::proto::v1;

use crate::Failure;
use crate::calls_file::{Kind, write_call, write_frame};
use crate::cli::Generate;
use crate::files::{CALLS, DESCRIPTION, Description, POPULATION, create};
use crate::workload::chance::{Chance, Ranks};
use crate::workload::crowd::Crowd;
use crate::workload::names::mix;
use crate::workload::{Calls, Pattern};

/// One workspace: who is there, and which calls come.
struct Space {
    name: String,
    crowd: Crowd,
    calls: Box<dyn Calls>,
}

/// What the calls turned out to be.
#[derive(Default)]
struct Counts {
    kinds: BTreeMap<Kind, u64>,
    patterns: BTreeMap<Pattern, u64>,
}

/// Writes the files of a workload; tells what `workload.json` tells.
pub fn generate(asked: &Generate) -> Result<String, Failure> {
    let mut spaces = spaces(asked)?;
    fs::create_dir_all(&asked.output)?;

    let mut out = create(&asked.output.join(POPULATION))?;
    let identifiers = write_population(&spaces, &mut out)?;
    out.flush()?;

    let mut out = create(&asked.output.join(CALLS))?;
    let counts = write_calls(asked, &mut spaces, &mut out)?;
    out.flush()?;

    let description = describe(asked, &spaces, identifiers, &counts);
    let mut out = create(&asked.output.join(DESCRIPTION))?;
    writeln!(out, "{}", serde_json::to_string_pretty(&description)?)?;
    out.flush()?;
    Ok(serde_json::to_string(&description)?)
}

fn spaces(asked: &Generate) -> Result<Vec<Space>, Failure> {
    let count = asked.workload.workspaces();
    let sizes = uneven(asked.population, count);
    let made = sizes.into_iter().zip(0..).map(|(population, place)| {
        let name = if count == 1 { asked.workspace.clone() } else { format!("{}-{place:02}", asked.workspace) };
        let crowd = asked.workload.crowd(mix(asked.seed) ^ place, population);
        let calls = asked.workload.calls(crowd.clone(), asked.calls)?;
        Ok(Space { name, crowd, calls })
    });
    made.collect()
}

/// Shares a population out: the second workspace has half as many as the first, the third a third.
fn uneven(population: u64, count: u64) -> Vec<u64> {
    const UNIT: u64 = 1_000_000;
    let weights: Vec<u64> = (1..=count).map(|rank| UNIT / rank).collect();
    let all: u64 = weights.iter().sum();
    let mut sizes: Vec<u64> = weights.iter().map(|weight| population * weight / all).collect();
    // What rounding left over.
    sizes[0] += population - sizes.iter().sum::<u64>();
    sizes
}

fn write_population(spaces: &[Space], out: &mut impl Write) -> Result<u64, Failure> {
    let (mut bytes, mut count) = (Vec::new(), 0);
    for space in spaces {
        for person in 0..space.crowd.population {
            let identifiers = space.crowd.identifiers(person);
            count += identifiers.len() as u64;
            let message = v1::ImportProfilesRequest {
                workspace: space.name.clone(),
                identifiers,
                ..v1::ImportProfilesRequest::default()
            };
            bytes.clear();
            message.encode(&mut bytes)?;
            write_frame(&bytes, out)?;
        }
    }
    Ok(count)
}

fn write_calls(asked: &Generate, spaces: &mut [Space], out: &mut impl Write) -> Result<Counts, Failure> {
    let mut chance = Chance::new(asked.seed);
    // The larger a workspace, the more calls it gets.
    let ranks = Ranks::unscattered(spaces.len() as u64)?;
    let mut counts = Counts::default();
    let mut bytes = Vec::new();
    for index in 0..asked.calls {
        let place = if spaces.len() == 1 { 0 } else { usize::try_from(ranks.draw(&mut chance))? };
        let space = &mut spaces[place];
        let (pattern, request) = space.calls.next(&mut chance);
        let kind = request.kind;
        *counts.kinds.entry(kind).or_default() += 1;
        *counts.patterns.entry(pattern).or_default() += 1;
        let request_id = if asked.request_ids { format!("{:08x}-{index}", asked.seed) } else { String::new() };
        bytes.clear();
        request.encode(&space.name, request_id, &mut bytes);
        write_call(kind, &bytes, out)?;
    }
    Ok(counts)
}

fn describe(asked: &Generate, spaces: &[Space], identifiers: u64, counts: &Counts) -> Description {
    let preset = asked.workload.preset();
    Description {
        name: asked.workload.name(),
        seed: asked.seed,
        calls: asked.calls,
        population: asked.population,
        population_identifiers: identifiers,
        request_ids: asked.request_ids,
        presets: spaces.iter().map(|space| (space.name.clone(), preset.to_owned())).collect(),
        population_by_workspace: spaces.iter().map(|space| (space.name.clone(), space.crowd.population)).collect(),
        calls_by_kind: counts.kinds.iter().map(|(kind, count)| (kind.method().to_lowercase(), *count)).collect(),
        calls_by_pattern: counts.patterns.iter().map(|(pattern, count)| (pattern.name().to_owned(), *count)).collect(),
    }
}

#[cfg(test)]
mod tests;

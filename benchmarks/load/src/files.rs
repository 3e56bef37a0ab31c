//! The files of a workload: what lies where, and what `workload.json` tells.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Failure;

/// What is imported before the calls.
pub const POPULATION: &str = "population.bin";
/// The calls.
pub const CALLS: &str = "calls.bin";
/// What the others hold.
pub const DESCRIPTION: &str = "workload.json";

const BUFFER_BYTES: usize = 1 << 20;

/// What `workload.json` tells.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Description {
    /// The workload's name.
    pub name: String,
    /// What chance began with.
    pub seed: u64,
    /// Calls in the file.
    pub calls: u64,
    /// Profiles in the population.
    pub population: u64,
    /// Identifiers of these profiles.
    pub population_identifiers: u64,
    /// Whether calls carry request ids.
    pub request_ids: bool,
    /// The preset of each workspace.
    pub presets: BTreeMap<String, String>,
    /// Profiles of each workspace.
    pub population_by_workspace: BTreeMap<String, u64>,
    /// How many calls there are of each kind.
    pub calls_by_kind: BTreeMap<String, u64>,
    /// How many calls do what.
    pub calls_by_pattern: BTreeMap<String, u64>,
}

/// Opens a file to be read from its beginning to its end.
pub fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}

/// Makes a file, or empties it.
pub fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
}

/// Reads `workload.json` of a folder.
pub fn description(folder: &Path) -> Result<Description, Failure> {
    Ok(serde_json::from_reader(open(&folder.join(DESCRIPTION))?)?)
}

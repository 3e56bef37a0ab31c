//! Imports a workload's population into a running server.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io::{self, BufReader, Read, Write};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use h2::SendStream;
use prost::Message;
use serde_json::json;
use utterson_codec::proto::v1;
use utterson_codec::proto::v1::create_workspace_request::PolicySource;

use crate::calls_file::{read_frame, split_workspace};
use crate::cli::LoadPopulation;
use crate::grpc::{Connection, Ended, Head};
use crate::{Failure, codes, files, wire};

const SERVICE: &str = "utterson.v1.WorkspaceService";
/// What is handed to the connection at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// So many profiles go in a message: a message costs the server more than the profiles in it.
const PROFILES_IN_MESSAGE: usize = 100;
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Imports the population; tells how many profiles in how many seconds.
pub fn run(asked: &LoadPopulation) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(load(asked))
}

async fn load(asked: &LoadPopulation) -> Result<String, Failure> {
    let description = files::description(&asked.input)?;
    let mut connection = Connection::open(&asked.address).await?;
    create_workspaces(&mut connection, &asked.address, &description.presets).await?;

    let head = Head::new(&asked.address, &format!("{SERVICE}/ImportProfiles"))?;
    let mut population = Population::open(files::open(&asked.input.join(files::POPULATION))?)?;
    let mut ids_out = asked.profile_ids.as_deref().map(files::create).transpose()?;
    let mut progress = Progress::new(description.population);
    let mut calls = 0_u64;
    while population.has_more() {
        let mut call = connection.begin(&head).await?;
        let sent = send(&mut population, &mut call.sending, asked.profiles_in_call, &mut progress).await;
        let answer = call.receiving.message().await?.unwrap_or_default();
        call.receiving.ending().await?.good()?;
        // Only now: where the server refused, its reason says more than a stream that broke.
        let sent = sent?;
        let ids = v1::ImportProfilesResponse::decode(answer)?.profile_ids;
        if ids.len() != sent {
            return Err(format!("{sent} profiles were sent, {} ids were answered", ids.len()).into());
        }
        if let Some(out) = &mut ids_out {
            ids.iter().try_for_each(|id| out.write_all(&id.to_le_bytes()))?;
        }
        calls += 1;
        progress.confirm();
    }
    if let Some(out) = &mut ids_out {
        out.flush()?;
    }
    progress.tell()?;
    let seconds = progress.begun.elapsed().as_secs_f64();
    Ok(json!({
        "profiles": progress.confirmed,
        "identifiers": description.population_identifiers,
        "calls": calls,
        "seconds": seconds,
        "profiles_a_second": Progress::rate(progress.confirmed, seconds),
    })
    .to_string())
}

async fn create_workspaces(
    connection: &mut Connection,
    address: &str,
    presets: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    let head = Head::new(address, &format!("{SERVICE}/CreateWorkspace"))?;
    for (workspace, preset) in presets {
        let policy_source = Some(PolicySource::Preset(preset.clone()));
        let request = v1::CreateWorkspaceRequest { workspace: workspace.clone(), policy_source, validate_only: false };
        match connection.ask::<v1::CreateWorkspaceResponse>(&head, &request).await {
            Ok(_) => {}
            Err(Ended::Refused(ending)) if ending.code == codes::ALREADY_EXISTS => {}
            Err(Ended::Refused(ending)) => ending.good()?,
            Err(Ended::Broken(failure)) => return Err(failure),
        }
    }
    Ok(())
}

/// Reads profiles ahead by one, to know where a workspace ends.
struct Population<R> {
    file: BufReader<R>,
    next: Option<Vec<u8>>,
}

impl<R: Read> Population<R> {
    fn open(file: BufReader<R>) -> Result<Self, Failure> {
        let mut population = Self { file, next: Some(Vec::new()) };
        population.advance()?;
        Ok(population)
    }

    fn has_more(&self) -> bool {
        self.next.is_some()
    }

    fn advance(&mut self) -> Result<(), Failure> {
        let mut message = self.next.take().unwrap_or_default();
        if read_frame(&mut self.file, &mut message)? {
            self.next = Some(message);
        }
        Ok(())
    }

    /// The next profile, as one of many of a message.
    fn profile(&self) -> Result<Option<v1::ImportedProfile>, Failure> {
        let Some(message) = &self.next else { return Ok(None) };
        let v1::ImportProfilesRequest { identifiers, traits, create_time, merges, .. } =
            v1::ImportProfilesRequest::decode(message.as_slice())?;
        Ok(Some(v1::ImportedProfile { identifiers, traits, create_time, merges }))
    }

    fn workspace(&self) -> Option<&[u8]> {
        self.next.as_deref().and_then(split_workspace).map(|(workspace, _)| workspace)
    }
}

/// Sends the profiles of one call, all of one workspace; tells how many.
async fn send<R: Read>(
    population: &mut Population<R>,
    sending: &mut SendStream<Bytes>,
    profiles_max: u32,
    progress: &mut Progress,
) -> Result<usize, Failure> {
    let workspace = population.workspace().map(<[u8]>::to_vec);
    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
    let name = String::from_utf8(workspace.clone().unwrap_or_default())?;
    let mut message = v1::ImportProfilesRequest { workspace: name, ..v1::ImportProfilesRequest::default() };
    let mut sent = 0;
    while sent < profiles_max as usize && population.workspace() == workspace.as_deref() {
        let Some(profile) = population.profile()? else { break };
        message.profiles.push(profile);
        population.advance()?;
        sent += 1;
        progress.sent += 1;
        if message.profiles.len() == PROFILES_IN_MESSAGE {
            put(&mut message, &mut chunk)?;
        }
        if chunk.len() >= CHUNK_BYTES {
            progress.tell_at_times()?;
            flow(sending, chunk.split().freeze()).await?;
        }
    }
    put(&mut message, &mut chunk)?;
    flow(sending, chunk.freeze()).await?;
    sending.send_data(Bytes::new(), true)?;
    Ok(sent)
}

/// Puts a message down and makes room for the profiles of the next.
fn put(message: &mut v1::ImportProfilesRequest, chunk: &mut BytesMut) -> Result<(), Failure> {
    if !message.profiles.is_empty() {
        wire::put_frame_head(message.encoded_len(), chunk);
        message.encode(chunk)?;
        message.profiles.clear();
    }
    Ok(())
}

/// Sends bytes as fast as the server takes them.
async fn flow(sending: &mut SendStream<Bytes>, mut bytes: Bytes) -> Result<(), Failure> {
    while !bytes.is_empty() {
        sending.reserve_capacity(bytes.len());
        let capacity = poll_fn(|context| sending.poll_capacity(context)).await;
        let granted = capacity.ok_or("the server ended the call")??;
        sending.send_data(bytes.split_to(granted.min(bytes.len())), false)?;
    }
    Ok(())
}

/// How far it is, for the person at the terminal.
struct Progress {
    all: u64,
    sent: u64,
    confirmed: u64,
    begun: Instant,
    told: Instant,
}

impl Progress {
    fn new(all: u64) -> Self {
        let now = Instant::now();
        Self { all, sent: 0, confirmed: 0, begun: now, told: now }
    }

    fn confirm(&mut self) {
        self.confirmed = self.sent;
    }

    #[allow(clippy::cast_precision_loss)] // Counts stay far below 2^53.
    fn rate(profiles: u64, seconds: f64) -> f64 {
        profiles as f64 / seconds.max(1e-9)
    }

    fn tell_at_times(&mut self) -> Result<(), Failure> {
        if self.told.elapsed() >= TOLD_EVERY { self.tell() } else { Ok(()) }
    }

    #[allow(clippy::cast_precision_loss)] // Counts stay far below 2^53.
    fn tell(&mut self) -> Result<(), Failure> {
        self.told = Instant::now();
        let rate = Self::rate(self.sent, self.begun.elapsed().as_secs_f64());
        let left = self.all.saturating_sub(self.sent) as f64 / rate.max(1e-9);
        let (sent, confirmed, all) = (self.sent, self.confirmed, self.all);
        writeln!(
            io::stderr(),
            "{sent} of {all} profiles sent, {confirmed} confirmed, {rate:.0} a second, {left:.0} s left"
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls_file::write_frame;

    #[test]
    fn a_population_tells_where_a_workspace_ends() {
        let mut bytes = Vec::new();
        for workspace in ["one", "one", "two"] {
            let message = v1::ImportProfilesRequest { workspace: workspace.into(), ..Default::default() };
            write_frame(&message.encode_to_vec(), &mut bytes).expect("written");
        }
        let mut population = Population::open(BufReader::new(bytes.as_slice())).expect("opened");
        let mut seen = Vec::new();
        while let Some(workspace) = population.workspace() {
            seen.push(String::from_utf8(workspace.to_vec()).expect("text"));
            population.advance().expect("read");
        }
        assert_eq!(seen, ["one", "one", "two"]);
        assert!(!population.has_more());
    }
}

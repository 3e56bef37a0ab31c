//! Sends a workload's calls to a server and tells what came of it.

mod answers;
mod callers;
mod messages;
mod pace;
mod run;
mod streams;
mod tally;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use serde_json::{Map, Value, json};
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, JoinSet};

use crate::cli::{Drive, Shape};
use crate::drive::answers::Samples;
use crate::drive::run::{Run, held};
use crate::drive::tally::{Span, Tally};
use crate::grpc::Connection;
use crate::{Failure, codes, files};

/// How long answers are waited for after the last message was sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends the calls; tells what came of it.
pub fn run(asked: &Drive) -> Result<String, Failure> {
    if asked.pace.is_some() && asked.shape == Shape::Batch {
        return Err("--pace is for unary and stream".into());
    }
    if asked.again && asked.shape == Shape::Stream {
        return Err("--again is for unary and batch: messages of a stream are numbered".into());
    }
    let queue = messages::prepare(asked)?;
    let samples = asked.answers.as_deref().map(files::create).transpose()?.map(Samples::new);
    let mut runtime = match asked.threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = runtime.enable_all().worker_threads(asked.threads.into()).build()?;
    runtime.block_on(drive(asked, queue, samples))
}

async fn drive(asked: &Drive, queue: messages::Queue, samples: Option<Samples>) -> Result<String, Failure> {
    let mut connections = Vec::new();
    for _ in 0..asked.connections {
        connections.push(Connection::open(&asked.address).await?);
    }
    let begin = Instant::now();
    let from = begin + Duration::from_secs_f64(asked.warm_up_seconds);
    let span = Span { from, until: from + Duration::from_secs_f64(asked.seconds) };
    let is_paced = asked.pace.is_some();
    let run = Run::new(&asked.address, asked.shape, is_paced, queue, span, asked.connections, samples)?;
    let run = Arc::new(run);

    let cpu = measure_cpu(span);
    let mut callers = start(asked, &run, &connections, begin);
    let deadline = tokio::time::Instant::from_std(span.until + PATIENCE);
    while let Some(done) = tokio::time::timeout_at(deadline, callers.join_next())
        .await
        .map_err(|_| format!("the server left calls unanswered for {} s", PATIENCE.as_secs()))?
    {
        done??;
    }
    drop(callers);
    // A run that ended early is measured to its end.
    cpu.waiter.abort();
    let cpu_seconds = held(&cpu.read).seconds();

    let mut run = Arc::into_inner(run).ok_or("a caller is still there")?;
    if let Some(samples) = run.samples.take() {
        samples.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).finish()?;
    }
    Ok(report(&run, cpu_seconds).to_string())
}

fn start(asked: &Drive, run: &Arc<Run>, connections: &[Connection], begin: Instant) -> JoinSet<Result<(), Failure>> {
    let mut callers = JoinSet::new();
    let mut places = (0..connections.len()).cycle().take(asked.callers.into());
    match (asked.shape, asked.pace) {
        (Shape::Unary | Shape::Batch, None) => {
            for place in places {
                callers.spawn(callers::closed_loop(Arc::clone(run), place, connections[place].clone()));
            }
        }
        (Shape::Stream, None) => {
            for place in places {
                let connection = connections[place].clone();
                callers.spawn(streams::closed_loop(Arc::clone(run), place, connection, asked.window));
            }
        }
        (Shape::Unary | Shape::Batch, Some(pace)) => {
            for due in pace::start(pace, 1, begin, run.span, 1) {
                callers.spawn(callers::open_loop(Arc::clone(run), connections.to_vec(), due));
            }
        }
        (Shape::Stream, Some(pace)) => {
            let due = pace::start(pace, asked.calls_in_message, begin, run.span, asked.callers);
            for (place, due) in places.by_ref().zip(due) {
                callers.spawn(streams::open_loop(Arc::clone(run), place, connections[place].clone(), due));
            }
        }
    }
    callers
}

/// The CPU time of this process at both ends of the span.
#[derive(Debug, Default)]
struct CpuRead {
    from: Option<ProcessTime>,
    until: Option<ProcessTime>,
}

struct Cpu {
    read: Arc<Mutex<CpuRead>>,
    waiter: JoinHandle<()>,
}

impl CpuRead {
    fn seconds(&self) -> f64 {
        let Some(from) = self.from else { return 0.0 };
        let until = self.until.unwrap_or_else(ProcessTime::now);
        until.duration_since(from).as_secs_f64()
    }
}

fn measure_cpu(span: Span) -> Cpu {
    let read = Arc::new(Mutex::new(CpuRead::default()));
    let shared = Arc::clone(&read);
    let waiter = tokio::spawn(async move {
        tokio::time::sleep_until(span.from.into()).await;
        held(&shared).from = Some(ProcessTime::now());
        tokio::time::sleep_until(span.until.into()).await;
        held(&shared).until = Some(ProcessTime::now());
    });
    Cpu { read, waiter }
}

#[allow(clippy::cast_precision_loss)] // Counts stay far below 2^53.
fn report(run: &Run, client_cpu_seconds: f64) -> Value {
    let mut all = Tally::new();
    for tally in &run.tallies {
        all.add(&held(tally));
    }
    let ran_dry = run.queue.is_dry();
    let last = all.last.unwrap_or(run.span.from).saturating_duration_since(run.span.from);
    let whole = run.span.until.duration_since(run.span.from);
    // What was due late is answered after the end; what ran dry ended before.
    let seconds = if ran_dry { last } else { whole.max(last) }.as_secs_f64();
    let refused: Map<String, Value> = all
        .refused
        .iter()
        .zip(codes::NAMES)
        .filter(|(count, _)| **count > 0)
        .map(|(count, name)| (name.to_owned(), json!(count)))
        .collect();
    json!({
        "calls": all.calls,
        "messages": all.messages,
        "seconds": seconds,
        "calls_a_second": if seconds > 0.0 { all.calls as f64 / seconds } else { 0.0 },
        "latency_ms": {
            "p50": all.quantile_ms(0.5), "p90": all.quantile_ms(0.9), "p95": all.quantile_ms(0.95),
            "p99": all.quantile_ms(0.99), "p999": all.quantile_ms(0.999),
            "max": all.max_ms(), "mean": all.mean_ms(),
        },
        "histogram": all.classes(),
        "refused": refused,
        "unreadable_answers": all.unreadable_answers,
        "used": run.queue.used(),
        "ran_dry": ran_dry,
        "client_cpu_seconds": client_cpu_seconds,
        "client_cpu_us_a_call": if all.calls > 0 { client_cpu_seconds * 1e6 / all.calls as f64 } else { 0.0 },
    })
}

#[cfg(test)]
mod tests;

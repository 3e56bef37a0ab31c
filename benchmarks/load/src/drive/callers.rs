//! Callers that wait for each answer before they send the next message, and paced ones that do not.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use crate::Failure;
use crate::drive::messages::Message;
use crate::drive::run::Run;
use crate::grpc::Connection;

/// One message after the other, until the time is up or there are no more.
pub async fn closed_loop(run: Arc<Run>, place: usize, mut connection: Connection) -> Result<(), Failure> {
    let mut now = Instant::now();
    while now < run.span.until {
        let Some(message) = run.queue.take() else { break };
        call(&run, place, &mut connection, message, now).await?;
        now = Instant::now();
    }
    Ok(())
}

/// Every message when it is due, however many are under way.
pub async fn open_loop(
    run: Arc<Run>,
    connections: Vec<Connection>,
    mut due: UnboundedReceiver<Instant>,
) -> Result<(), Failure> {
    let mut under_way = JoinSet::new();
    let mut place = 0;
    while let Some(moment) = due.recv().await {
        if run.queue.is_dry() {
            break;
        }
        place = (place + 1) % connections.len();
        let (run, mut connection) = (Arc::clone(&run), connections[place].clone());
        under_way.spawn(async move {
            let Some(message) = run.queue.take() else { return Ok(()) };
            call(&run, place, &mut connection, message, moment).await
        });
        while let Some(done) = under_way.try_join_next() {
            done??;
        }
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(())
}

async fn call(
    run: &Run,
    place: usize,
    connection: &mut Connection,
    message: &Message,
    begun: Instant,
) -> Result<(), Failure> {
    let (answer, ending) = connection.call(run.head(message.kind), message.frame.clone()).await?;
    run.record(place, message, begun, &answer, Some(&ending));
    Ok(())
}

//! Streams: several messages under way in each, answered in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::Failure;
use crate::calls_file::Kind;
use crate::drive::messages::Message;
use crate::drive::run::Run;
use crate::grpc::{Call, Connection};

/// One stream and what is under way in it.
struct Stream<'a> {
    run: &'a Run,
    place: usize,
    call: Call,
    under_way: VecDeque<(&'a Message, Instant)>,
}

impl<'a> Stream<'a> {
    async fn open(run: &'a Run, place: usize, connection: &mut Connection) -> Result<Self, Failure> {
        let call = connection.begin(run.head(Kind::Identify)).await?;
        Ok(Self { run, place, call, under_way: VecDeque::new() })
    }

    /// Sends the next message; tells whether there was one.
    fn send(&mut self, begun: Instant) -> Result<bool, Failure> {
        let Some(message) = self.run.queue.take() else { return Ok(false) };
        self.call.sending.send_data(message.frame.clone(), false)?;
        self.under_way.push_back((message, begun));
        Ok(true)
    }

    /// Takes the answer to the oldest message.
    async fn take(&mut self, answer: Option<Bytes>) -> Result<(), Failure> {
        let Some(answer) = answer else {
            self.call.receiving.ending().await?.good()?;
            return Err("the server ended a stream before all was answered".into());
        };
        let (message, begun) = self.under_way.pop_front().ok_or("an answer to nothing")?;
        self.run.record(self.place, message, begun, &answer, None);
        Ok(())
    }

    async fn close(mut self) -> Result<(), Failure> {
        self.call.sending.send_data(Bytes::new(), true)?;
        self.call.receiving.ending().await?.good()
    }
}

/// Keeps `window` messages under way, until the time is up or there are no more.
pub async fn closed_loop(run: Arc<Run>, place: usize, mut connection: Connection, window: u16) -> Result<(), Failure> {
    let mut stream = Stream::open(&run, place, &mut connection).await?;
    loop {
        let now = Instant::now();
        while now < run.span.until && stream.under_way.len() < window.into() && stream.send(now)? {}
        if stream.under_way.is_empty() {
            return stream.close().await;
        }
        let answer = stream.call.receiving.message().await?;
        stream.take(answer).await?;
    }
}

/// Sends every message when it is due.
pub async fn open_loop(
    run: Arc<Run>,
    place: usize,
    mut connection: Connection,
    mut due: UnboundedReceiver<Instant>,
) -> Result<(), Failure> {
    let mut stream = Stream::open(&run, place, &mut connection).await?;
    let mut more = true;
    while more || !stream.under_way.is_empty() {
        tokio::select! {
            answer = stream.call.receiving.message(), if !stream.under_way.is_empty() => stream.take(answer?).await?,
            moment = due.recv(), if more => match moment {
                Some(moment) => more = stream.send(moment)?,
                None => more = false,
            },
        }
    }
    stream.close().await
}

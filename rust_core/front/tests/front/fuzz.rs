//! Whatever a peer sends: others are answered, and memory and thread stay.

use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use utterson_front::Limits;

use crate::bounds::resident_bytes;
use crate::caller::Caller;
use crate::mutation::session;
use crate::world::{ECHO, World, limits};

/// How long whoever behaves may wait, whatever others do. Generous: the tests run beside each other.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// What may be there in addition at any moment: the test's own bytes, and the queue's.
const BYTES_MORE: u64 = 300 * 1024 * 1024;
/// A new connection of the well-behaved, now and then.
const ANEW_EVERY: u64 = 10 * PEERS;
/// Peers that misbehave at the same time.
const PEERS: u64 = 16;

#[tokio::test]
async fn whatever_is_sent_others_are_answered() {
    fuzz(Duration::from_secs(5)).await;
}

/// `FUZZ_S=600 FUZZ_SEED=… cargo test -p utterson-front --test front -- --ignored fuzz --nocapture`
#[tokio::test]
#[ignore = "as long as it is told to"]
async fn whatever_is_sent_for_long_others_are_answered() {
    let seconds = std::env::var("FUZZ_S").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(60);
    fuzz(Duration::from_secs(seconds)).await;
}

async fn fuzz(time: Duration) {
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    let told = format!("repeat with FUZZ_SEED={seed}");
    let narrow = Limits {
        streams_max: 50,
        queue_bytes_max: 8 * 1024 * 1024,
        handshake_timeout: Duration::from_millis(500),
        unary_timeout: Duration::from_millis(500),
        untaken_timeout: Duration::from_millis(300),
        keepalive: Duration::from_millis(300),
        keepalive_timeout: Duration::from_millis(300),
        ..limits()
    };
    let world = World::start(narrow);
    let (mut rng, began, before) = (Rng::with_seed(seed), Instant::now(), resident_bytes());
    let (mut sessions, mut slowest, mut most_bytes) = (0, Duration::ZERO, 0);
    let mut caller = Caller::connect(&world).await;
    while began.elapsed() < time {
        let peers: Vec<_> = (0..PEERS).map(|_| tokio::spawn(send(world.address(), session(&mut rng)))).collect();
        if sessions % ANEW_EVERY == 0 {
            caller = Caller::connect(&world).await;
        }
        let asked = Instant::now();
        let reply = tokio::time::timeout(ANSWERED_WITHIN, caller.call(ECHO, b"still there")).await;
        let reply = reply.unwrap_or_else(|_| panic!("no answer in session {sessions}; {told}")).expect(&told);
        assert_eq!(reply.message(), b"still there", "{told}");
        slowest = slowest.max(asked.elapsed());
        for peer in peers {
            peer.await.expect(&told);
        }
        sessions += PEERS;
        assert!(world.front.is_running(), "{told}");
        most_bytes = most_bytes.max(resident_bytes().saturating_sub(before));
        assert!(most_bytes < BYTES_MORE, "{most_bytes} bytes more; {told}");
    }
    println!("{sessions} sessions, slowest answer {slowest:?}, {} MB more at most; {told}", most_bytes / 1_000_000);
}

/// Sends all, listens for a moment, and goes.
async fn send(address: std::net::SocketAddr, bytes: Vec<u8>) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let talk = async {
        let (reader, mut writer) = stream.split();
        let mut reader = reader.take(1_000_000);
        let mut answer = Vec::new();
        // The peer may close in the middle of it.
        let _ = tokio::join!(writer.write_all(&bytes), reader.read_to_end(&mut answer));
    };
    let _ = tokio::time::timeout(Duration::from_millis(30), talk).await;
}

//! File descriptors: each connection may take two, and the rest of the process needs some as well.

use rustix::process::{Resource, getrlimit, setrlimit};

/// What the process keeps for itself: its database, its files, its loop.
const KEPT: u64 = 256;
/// A connection's own, and its way to the server behind.
const PER_CONNECTION: u64 = 2;

/// Raises the process's limit as far as the system lets it, and tells how many connections fit, at most `wanted`.
///
/// Without this a server with the usual 1024 would run out of them by connections, and the database be the one to miss them.
pub fn connections_that_fit(wanted: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let needed = (wanted as u64).saturating_mul(PER_CONNECTION) + KEPT;
    if limit.current.is_some_and(|current| current < needed) {
        let before = limit.current;
        limit.current = Some(limit.maximum.map_or(needed, |maximum| maximum.min(needed)));
        if setrlimit(Resource::Nofile, limit).is_err() {
            limit.current = before;
        }
    }
    let fitting = limit.current.map_or(u64::MAX, |current| current.saturating_sub(KEPT) / PER_CONNECTION);
    wanted.min(usize::try_from(fitting).unwrap_or(usize::MAX)).max(1)
}

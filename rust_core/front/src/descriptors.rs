//! File descriptors: each connection may take three, and the rest of the process needs some as well.

use rustix::process::{Resource, getrlimit, setrlimit};

/// What the process keeps for itself: its database, and what it starts it by, the pool of connections to it, its files, its
/// loop, and connections that were accepted and wait for their turn.
const KEPT: u64 = 256;
/// A connection's own, and both ends of its way to the server behind, which is in the same process.
const PER_CONNECTION: u64 = 3;

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
    limit.current.map_or(wanted, |current| fitting(current, wanted))
}

fn fitting(descriptors: u64, wanted: usize) -> usize {
    let fitting = descriptors.saturating_sub(KEPT) / PER_CONNECTION;
    wanted.min(usize::try_from(fitting).unwrap_or(usize::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_connections_do_the_database_has_its_own() {
        for (descriptors, connections) in
            [(0, 1), (256, 1), (1024, 256), (12_543, 4095), (12_544, 4096), (65_536, 4096)]
        {
            assert_eq!(fitting(descriptors, 4096), connections);
            assert!(connections == 1 || connections as u64 * PER_CONNECTION + KEPT <= descriptors);
        }
    }
}

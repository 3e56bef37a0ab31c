//! How many calls of each workspace are with the loop, and how fast they come back: what is too many is refused here, in
//! a few microseconds and with an honest time to come back, before it costs the loop anything.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::inbox::WorkspaceDigest;
use crate::numbered::NumberedMap;
use crate::pace::Pace;

/// The calls of all workspaces that are with the loop. Belongs to the front's thread alone.
#[derive(Debug)]
pub struct Underway {
    calls_max: usize,
    paces: RefCell<NumberedMap<WorkspaceDigest, Pace>>,
    all: RefCell<Pace>,
}

/// A workspace has too many calls with the loop.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany {
    /// How long those take, as far as can be told.
    pub drained_in: Option<Duration>,
}

/// Calls that are with the loop until this is dropped.
#[derive(Debug)]
pub struct Counted {
    underway: Rc<Underway>,
    workspace: WorkspaceDigest,
    calls: usize,
}

impl Underway {
    /// Nothing is under way yet; of each workspace `calls_max` calls may be.
    pub fn new(calls_max: usize) -> Rc<Self> {
        Rc::new(Self { calls_max, paces: RefCell::default(), all: RefCell::new(Pace::new(Instant::now())) })
    }

    /// Counts the calls of a message. Where a workspace has none, a message may be larger than the bound.
    ///
    /// # Errors
    /// [`TooMany`]: nothing was counted.
    pub fn begin(self: &Rc<Self>, workspace: WorkspaceDigest, calls: usize) -> Result<Counted, TooMany> {
        let mut paces = self.paces.borrow_mut();
        let pace = paces.entry(workspace).or_insert_with(|| Pace::new(Instant::now()));
        if pace.calls > 0 && pace.calls + calls > self.calls_max {
            // Where nothing is known of this one, it is taken to be as quick as all others.
            let known = pace.drained_in(Instant::now());
            return Err(TooMany { drained_in: known.or_else(|| self.all.borrow().time_of(pace.calls)) });
        }
        pace.begin(calls, Instant::now);
        self.all.borrow_mut().begin(calls, Instant::now);
        Ok(Counted { underway: Rc::clone(self), workspace, calls })
    }

    /// How long all that is with the loop will take, as far as can be told.
    pub fn drained_in(&self) -> Option<Duration> {
        self.all.borrow().drained_in(Instant::now())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut paces = self.underway.paces.borrow_mut();
        let now = Instant::now();
        self.underway.all.borrow_mut().answered(self.calls, now);
        let Some(pace) = paces.get_mut(&self.workspace) else { return };
        pace.answered(self.calls, now);
        // Whoever has nothing here takes no memory.
        if pace.calls == 0 {
            paces.remove(&self.workspace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOHO: WorkspaceDigest = WorkspaceDigest(1);
    const MAYFAIR: WorkspaceDigest = WorkspaceDigest(2);

    #[test]
    fn one_workspace_takes_nothing_from_another() {
        let underway = Underway::new(10);
        let soho = underway.begin(SOHO, 10).expect("there is room");
        assert!(underway.begin(SOHO, 1).is_err());
        let _mayfair = underway.begin(MAYFAIR, 20).expect("a message may be larger where nothing is under way");
        drop(soho);
        assert!(underway.begin(SOHO, 1).is_ok());
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let underway = Underway::new(10);
        drop(underway.begin(SOHO, 1).expect("there is room"));
        assert!(underway.paces.borrow().is_empty());
    }

    #[test]
    fn the_time_to_come_back_is_that_which_the_calls_take() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.begin(1000, || now);
        assert_eq!(pace.drained_in(now), None);
        pace.answered(200, now + Duration::from_millis(200));
        let told = pace.drained_in(now + Duration::from_millis(200)).expect("it is known");
        assert!((799..=801).contains(&told.as_millis()), "{told:?}");
        // Nothing has come back since.
        let told = pace.drained_in(now + Duration::from_secs(5)).expect("it is known");
        assert!(told.as_secs_f64() >= 4.7, "{told:?}");
    }

    #[test]
    fn a_time_without_calls_is_no_time_that_calls_take() {
        let began = Instant::now();
        let (idle, busy) = (Duration::from_secs(60), Duration::from_millis(60));
        let mut pace = Pace::new(began);
        let mut now = began;
        for _ in 0..2 {
            now += idle;
            pace.begin(100, || now);
            now += busy;
            pace.answered(100, now);
        }
        let told = pace.time_of(1000).expect("it is known");
        assert!((599..=601).contains(&told.as_millis()), "{told:?}");
    }
}

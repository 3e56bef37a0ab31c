//! The hand-over between the two threads, in every order in which they can meet.
//!
//! `make test-loom`. Not by the usual name of the setting, for tokio listens to that as well and gives up its sockets.

#![cfg(utterson_loom)]

use bytes::Bytes;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use utterson_front::inbox::{Call, ConnectionId, Inbox, MethodIndex, Origin, Part, Token, WorkspaceDigest};
use utterson_front::wake::Wake;

/// A descriptor that is readable, or is not.
#[derive(Default)]
struct Readable(AtomicBool);

impl Wake for Readable {
    fn wake(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn rest(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

type Shared = Arc<Inbox<Readable>>;

fn call(token: u64) -> Call {
    let (token, method, part) = (Token(token), MethodIndex(0), Part::Whole);
    Call { token, method, part, calls: 1, request: Bytes::new(), request_id: None }
}

fn origin(connection: u64) -> Origin {
    Origin { workspace: WorkspaceDigest(connection), connection: ConnectionId(connection) }
}

/// Takes whenever it is told to, until it has so many of calls and of those who have gone. A wake-up that is lost lets it
/// wait for ever, which loom tells.
fn take_until(inbox: &Shared, enough: impl Fn(&[u64], &[u64]) -> bool) -> (Vec<u64>, Vec<u64>) {
    let (mut calls, mut gone) = (Vec::new(), Vec::new());
    while !enough(&calls, &gone) {
        if inbox.wake().0.load(Ordering::SeqCst) {
            let taken = inbox.take(1);
            calls.extend(taken.calls.iter().map(|call| call.token.0));
            gone.extend(taken.gone.iter().map(|token| token.0));
        } else {
            thread::yield_now();
        }
    }
    (calls, gone)
}

#[test]
fn every_call_is_taken_once_and_no_wake_up_is_lost() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new(8, Readable::default()));
        let shared = Arc::clone(&inbox);
        let front = thread::spawn(move || {
            for token in 1..=3 {
                shared.push(origin(token % 2), call(token)).expect("there is room");
                shared.signal();
            }
        });
        let (mut calls, gone) = take_until(&inbox, |calls, _| calls.len() == 3);
        calls.sort_unstable();
        assert_eq!((calls, gone), (vec![1, 2, 3], vec![]));
        front.join().expect("it ends");
    });
}

#[test]
fn whoever_goes_is_never_asked_or_is_told_of() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new(8, Readable::default()));
        let shared = Arc::clone(&inbox);
        let front = thread::spawn(move || {
            for token in 1..=2 {
                shared.push(origin(1), call(token)).expect("there is room");
            }
            shared.signal();
            shared.withdraw(origin(1), Token(1));
            shared.signal();
        });
        let (calls, mut gone) = take_until(&inbox, |calls, _| calls.contains(&2));
        front.join().expect("it ends");
        let rest = inbox.take(8);
        gone.extend(rest.gone.iter().map(|token| token.0));
        let taken = if calls.contains(&1) { (vec![1, 2], vec![1]) } else { (vec![2], vec![]) };
        assert_eq!((calls, gone), taken);
        assert!(rest.calls.is_empty());
    });
}

#[test]
fn who_has_gone_is_told_of_though_nothing_else_comes() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new(8, Readable::default()));
        inbox.push(origin(1), call(1)).expect("there is room");
        inbox.signal();
        assert_eq!(inbox.take(8).calls.len(), 1);
        let shared = Arc::clone(&inbox);
        let front = thread::spawn(move || {
            shared.withdraw(origin(1), Token(1));
            shared.signal();
        });
        assert_eq!(take_until(&inbox, |_, gone| gone == [1]).1, [1]);
        front.join().expect("it ends");
    });
}

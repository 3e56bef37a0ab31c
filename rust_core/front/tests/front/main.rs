//! A whole front on a free port: a loop of the test's takes its calls, a server of the test's stands behind it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod behind;
mod caller;
mod world;

mod bounds;
mod deadlines;
mod ending;

mod health;

mod pass_through;
mod streams;
mod unary;
mod untaken;

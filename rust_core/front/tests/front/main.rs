//! A whole front on a free port: a loop of the test's takes its calls, a server of the test's stands behind it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "a seed has to be told")]

mod behind;
mod caller;
mod world;

mod bounds;
mod bytes_of_http2;
mod deadlines;
mod ending;
mod floods;

mod fuzz;
mod halves;
mod health;
mod mutation;

mod pass_through;
mod passing;
mod room;
mod sharing;
mod streams;
mod unary;
mod unpacking;
mod untaken;

//! The front: HTTP/2 before asyncio, in a thread of its own that never waits for Python.
//!
//! It listens at the public address. The methods that it was told to take it answers by way of the loop: their requests
//! gather in the [`inbox`], one wake-up tells the loop, which takes all of them at once and brings their answers back
//! together. The other methods that there are are passed through to the server behind, as they are
//! ([`passing`]). Bounds, deadlines,
//! health and shedding are kept here, so that a loop that stands still stops nobody from being told so.
//!
//! Why it is there: docs/decisions/0018-a-front-in-rust.md.

#![forbid(unsafe_code)]

mod answer_body;
mod answers;
mod backlog;
mod budget;
pub mod codec;
mod connection;
mod deadline;
mod descriptors;
mod door;
mod executor;
mod fair;
mod frames;
mod framing;
mod front;
mod health;
pub mod inbox;
mod life;
mod listening;
mod message;
mod numbered;
mod outbox;
pub mod outline;
mod pace;
mod pacing;
mod packed_messages;
mod packing;
mod pass_through;
mod passed_headers;
mod passed_request;
mod passing;
mod patience;
mod refusal;
mod request_id;
mod room;
mod settings;
mod shedding;
mod stream;
mod unary;
mod underway;
mod unpacker;
pub mod wake;
mod whole_messages;

pub use crate::answers::Answer;
pub use crate::front::{Front, StartError};
pub use crate::inbox::{Call, Part, Taken};
pub use crate::refusal::{Later, Refusal, Refusals};
pub use crate::settings::{Limits, Method, PassedMethod, Places, Settings};

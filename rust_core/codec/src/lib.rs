//! Bytes in, bytes out: the API's messages, the log's records, the tables' columns and COPY rows, to and from the
//! engine's types. Pure, and free of Python, so that all of it can be tested as it is.

#![forbid(unsafe_code)]

pub mod audit;
pub mod bounds;
pub mod columns;
pub mod copy;
pub mod decode;
pub mod encode;
pub mod hit;
pub mod import_line;
pub mod load;
pub mod log;
pub mod policy;
pub mod proto;
pub mod token;
mod wire;

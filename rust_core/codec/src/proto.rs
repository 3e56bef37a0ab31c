//! The generated messages.

#[allow(clippy::all, clippy::pedantic, missing_docs, dead_code)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

pub use generated::utterson::internal::v1 as internal;
pub use generated::utterson::v1;

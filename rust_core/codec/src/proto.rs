//! The generated messages, and the tags of their fields.

#[allow(clippy::all, clippy::pedantic, missing_docs, dead_code)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

/// The greatest tag whose key is one byte, which is what the codec writes.
const TAG_MAX: u32 = 15;

/// Lets a tag pass whose key is one byte; another does not compile.
const fn of_one_byte(tag: u32) -> u32 {
    assert!(tag <= TAG_MAX, "keys of more than one byte are not written: see wire.rs");
    tag
}

/// The tags of the messages' fields, by message: what is written and read field by field says them by name.
#[allow(dead_code, reason = "a name for every field; not every one is written by hand")]
pub(crate) mod tags {
    include!(concat!(env!("OUT_DIR"), "/tags.rs"));
}

pub use generated::utterson::internal::v1 as internal;
pub use generated::utterson::v1;

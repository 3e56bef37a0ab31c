//! What takes bytes, a file each.

pub mod decoding;
pub mod import_lines;
pub mod loading;
pub mod normalising;
pub mod payloads;
pub mod policies;
pub mod requests;
pub mod tokens;

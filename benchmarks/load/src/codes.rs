//! gRPC's status codes by name.

/// The names, in the order of their numbers.
pub const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The number of a good end.
pub const OK: u8 = 0;
/// The number of an end that tells nothing, or nothing that this list knows.
pub const UNKNOWN: u8 = 2;
/// The number of what is there already.
pub const ALREADY_EXISTS: u8 = 6;

/// Tells a code's name.
pub fn name(code: u8) -> &'static str {
    NAMES.get(usize::from(code)).unwrap_or(&NAMES[usize::from(UNKNOWN)])
}

//! The headers of a request that is passed through. gRPC's library reads some of them as its own, and writes a line to the
//! standard error about each value that it does not understand; so whoever calls could fill that.

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use tonic::Status;

use crate::deadline;

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ENCODINGS: [&[u8]; 3] = [b"identity", b"gzip", b"deflate"];
/// What says nothing to our server: headers of answers, of balancers, and of attempts before.
const DROPPED: [&str; 6] = [
    "grpc-internal-encoding-request",
    "grpc-previous-rpc-attempts",
    "grpc-retry-pushback-ms",
    "grpc-status",
    "grpclb_client_stats",
    "lb-cost-bin",
];

/// Leaves of the library's own headers those that it understands.
///
/// # Errors
/// The messages are compressed in a way that the server does not know.
pub fn tidy(headers: &mut HeaderMap<HeaderValue>) -> Result<(), Status> {
    if headers.get_all(ENCODING).iter().any(|name| !ENCODINGS.contains(&name.as_bytes())) {
        return Err(Status::unimplemented("the messages are compressed in a way that the server does not know"));
    }
    deadline::tidy(headers);
    for name in DROPPED {
        headers.remove(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_would_complain_of_is_not_passed_on() {
        let mut headers = HeaderMap::new();
        for name in DROPPED.into_iter().chain(["grpc-timeout", "x-of-the-caller"]) {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("x"));
        }
        assert!(tidy(&mut headers).is_ok());
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-of-the-caller"]);
        for (encoding, is_known) in [("gzip", true), ("identity", true), ("br", false), ("", false)] {
            headers.insert(ENCODING, HeaderValue::from_static(encoding));
            assert_eq!(tidy(&mut headers).is_ok(), is_known, "{encoding}");
        }
    }
}

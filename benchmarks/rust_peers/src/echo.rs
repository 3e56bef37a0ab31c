//! The bare echo: what a server in Rust of the front's own library reaches that does nothing but answer.

use std::future::{Ready, ready};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use prost::Message;
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use utterson_codec::proto::v1::{IdentifyResponse, Outcome, Resolution};

use crate::serving::Serve;
use utterson_front::codec::BytesCodec;

/// Answers of one size, in the form of real ones.
#[derive(Clone, Debug)]
pub struct Echo {
    answer: Bytes,
}

impl Echo {
    /// Answers of that size: the token takes what the other fields leave.
    pub fn new(answer_bytes: usize) -> Self {
        let missing = answer_bytes.saturating_sub(response(1).encoded_len());
        Self { answer: response(missing.max(1)).encode_to_vec().into() }
    }
}

fn response(token_bytes: usize) -> IdentifyResponse {
    let resolution = Resolution {
        profile_id: 1 << 52,
        outcome: Outcome::Matched.into(),
        policy_revision: 1,
        revision: "x".repeat(token_bytes),
        ..Resolution::default()
    };
    IdentifyResponse { resolution: Some(resolution) }
}

impl Serve for Echo {
    async fn identify(&self, request: Request<Incoming>) -> Response<Body> {
        Grpc::new(BytesCodec).unary(self.clone(), request).await
    }
}

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = Ready<Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, _request: tonic::Request<Bytes>) -> Self::Future {
        ready(Ok(tonic::Response::new(self.answer.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_real_form_and_size() {
        for answer_bytes in [60, 150, 195, 400] {
            let answer = Echo::new(answer_bytes).answer;
            assert!(answer.len().abs_diff(answer_bytes) <= 3, "{} instead of {answer_bytes}", answer.len());
            let resolution = IdentifyResponse::decode(answer).expect("a response").resolution.expect("a resolution");
            assert_eq!(resolution.outcome(), Outcome::Matched);
        }
    }
}

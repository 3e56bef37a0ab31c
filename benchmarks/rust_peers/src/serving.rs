//! What a peer does with a request, apart from HTTP/2.

use http::{Request, Response};
use hyper::body::Incoming;
use tonic::Status;
use tonic::body::Body;

/// The one method that the peers know.
pub const IDENTIFY: &str = "/utterson.v1.IdentityService/Identify";

/// A peer; clones share it.
pub trait Serve: Clone + Send + Sync + 'static {
    /// Answers an Identify.
    fn identify(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;
}

/// Answers a request, whatever its method.
pub async fn answer(peer: &impl Serve, request: Request<Incoming>) -> Response<Body> {
    if request.uri().path() == IDENTIFY {
        peer.identify(request).await
    } else {
        Status::unimplemented("this peer knows Identify only").into_http()
    }
}

//! Runs what hyper starts on the front's own thread.

use std::future::Future;

use hyper::rt::Executor;

/// Starts futures on the current thread.
#[derive(Clone, Copy, Debug)]
pub struct OnThisThread;

impl<F> Executor<F> for OnThisThread
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

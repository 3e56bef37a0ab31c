//! Refusing what is too much: with a reason, and an honest time to come back.

use std::time::Duration;

use tonic::Status;

use crate::door::Context;
use crate::underway::TooMany;

/// A refusal for overload waits this long: whoever comes back at once, a thousand times a second, would else take the
/// time that accepted calls need.
const PAUSE: Duration = Duration::from_millis(15);
/// The time to come back where nothing is known yet.
const UNKNOWN: Duration = Duration::from_millis(200);

impl Context {
    /// There is no room for one more call, whatever its workspace.
    pub async fn overloaded(&self) -> Status {
        let status = self.overloaded_now();
        tokio::time::sleep(PAUSE).await;
        status
    }

    /// As [`Context::overloaded`], without the pause.
    pub fn overloaded_now(&self) -> Status {
        self.settings.refusals.overloaded.status(self.underway.drained_in().unwrap_or(UNKNOWN))
    }

    /// There is no room for one more call that is passed through, until those end that are under way.
    pub async fn passing_full(&self, drained_in: Option<Duration>) -> Status {
        tokio::time::sleep(PAUSE).await;
        self.settings.refusals.overloaded.status(drained_in.unwrap_or(UNKNOWN))
    }

    /// There is no room for one more call of its workspace.
    pub async fn workspace_full(&self, too_many: &TooMany) -> Status {
        let status = self.settings.refusals.workspace_full.status(too_many.drained_in.unwrap_or(UNKNOWN));
        tokio::time::sleep(PAUSE).await;
        status
    }
}

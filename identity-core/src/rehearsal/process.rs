//! The operator's machine: what ends when it dies, and what does not.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// A process of the run. When it is killed, whatever it does next never comes to an end: its orders that had
/// left stay done, and what it had not recorded is not recorded. As by `kill -9`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Process(Arc<CancellationToken>);

impl Process {
    /// Ends it between two instructions.
    pub(crate) fn kill(&self) {
        self.0.cancel();
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Returns at once while it lives, and never afterwards.
    pub(crate) async fn alive(&self) {
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when it is killed.
    pub(crate) async fn killed(&self) {
        self.0.cancelled().await;
    }
}

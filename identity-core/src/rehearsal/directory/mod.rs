//! A directory that behaves as a real one of its shape does, in virtual time.

mod apply;
mod read;
mod server;
mod state;
mod trouble;
mod window;

pub(crate) use server::Server;
pub(crate) use trouble::Counts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::process::Process;
use super::shape::{Shape, latency};
use crate::directory::{
    Backend, Capabilities, Directory, DirectoryInfo, Finding, Preflight, RateLimitedBatching, Severity,
};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{Feedback, Governor, Limits, OperationClass, Signal, clock};
use crate::reset::Action;

/// A simulated directory: what one process sees of it. It answers as late as the shape says, keeps to the quotas
/// of its kind, and can do what its original can. What it answers depends on the seed and on what it was
/// asked, not on the order.
///
/// ```no_run
/// # use identity_core::error::Result;
/// use identity_core::rehearsal::{Shape, SimulatedDirectory};
///
/// # fn example() -> Result<()> {
/// let backends = SimulatedDirectory::of_shape(&Shape::open("shape.jsonl")?, 7)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SimulatedDirectory {
    pub(super) server: Arc<Server>,
    governor: Arc<Governor>,
    process: Process,
    limits: Limits,
}

impl SimulatedDirectory {
    /// Every directory of a shape. They wait by tokio's clock: pause it, or a run takes as long as a real one.
    ///
    /// # Errors
    /// When the limits of the shape cannot be.
    pub fn of_shape(shape: &Shape, seed: u64) -> Result<Vec<Arc<dyn Backend>>> {
        let servers = Server::of_shape(shape, seed)?;
        Ok(servers.into_iter().map(|server| Self::connect(server, Process::default()) as Arc<dyn Backend>).collect())
    }

    /// What a process sees of a server: with a governor of its own, which ends with it.
    pub(crate) fn connect(server: Arc<Server>, process: Process) -> Arc<Self> {
        let governor = Governor::new(&server.limits);
        Arc::new(Self { governor, process, limits: server.limits.clone(), server })
    }

    /// One that states limits as its answers tell them, for estimates.
    pub(crate) fn for_estimates(server: Arc<Server>) -> Arc<Self> {
        let limits = server.told_limits();
        Arc::new(Self { governor: Governor::new(&limits), process: Process::default(), limits, server })
    }

    fn error(&self, kind: ErrorKind, operation: &'static str) -> Error {
        Error::new(kind, operation).with_directory(self.server.info.id.clone())
    }

    /// One request that reads: paced, admitted, answered after a while, and repeated where the server said later.
    async fn read(&self, class: OperationClass, operation: &'static str, what: &[u8]) -> Result<()> {
        for attempt in 0..READ_TRIES {
            let permit = self.governor.acquire(class, 1).await;
            self.process.alive().await;
            let admitted = self.server.admit(class);
            let late = latency::drawn(self.server.latency().read, self.server.seed, &[what, &attempt.to_le_bytes()]);
            clock::sleep(late).await;
            self.process.alive().await;
            drop(permit);
            if self.server.is_down() {
                self.governor.feedback(&Feedback::new(class, Signal::Busy));
                let error = self.error(ErrorKind::Unavailable, operation);
                return Err(error.with_detail("the directory does not answer").with_advice("wait until it is back"));
            }
            match admitted {
                Ok(hint) => {
                    let mut feedback = Feedback::new(class, Signal::Ok);
                    feedback.window = hint;
                    self.governor.feedback(&feedback);
                    return Ok(());
                }
                Err((wait, hint)) => {
                    let mut feedback = Feedback::new(class, Signal::Throttled).with_retry_after(wait);
                    feedback.window = hint;
                    self.governor.feedback(&feedback);
                    clock::sleep(wait).await;
                }
            }
        }
        let error = self.error(ErrorKind::RateLimited, operation).with_attempts(READ_TRIES);
        Err(error.with_detail("the directory keeps asking to slow down").with_advice("lower the share of the quota"))
    }
}

/// How often a read that was told to slow down is sent again.
const READ_TRIES: u32 = 20;

#[async_trait]
impl Directory for SimulatedDirectory {
    fn info(&self) -> &DirectoryInfo {
        &self.server.info
    }

    fn capabilities(&self) -> Capabilities {
        self.server.capabilities
    }

    async fn preflight(&self) -> Result<Preflight> {
        self.read(self.server.look_up, "preflight", b"preflight").await?;
        let shaped = self.server.shaped();
        let mut preflight = Preflight::default();
        preflight.principal.clone_from(&shaped.principal);
        preflight.server_time = Some(clock::now());
        preflight.password_policy = shaped.password_policy;
        let mut tell = |severity, count: u32, text: &str| {
            if count > 0 {
                preflight.findings.push(Finding { severity, text: format!("{count} {text}") });
            }
        };
        tell(Severity::Fatal, shaped.fatal_findings, "findings said that a run cannot work when the shape was taken");
        tell(
            Severity::Warning,
            shaped.warnings,
            "warnings were given when the shape was taken; a shape does not hold them",
        );
        Ok(preflight)
    }
}

impl RateLimitedBatching for SimulatedDirectory {
    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn class_of(&self, action: Action) -> OperationClass {
        self.server.class_of(action)
    }

    fn governor(&self) -> &Arc<Governor> {
        &self.governor
    }
}

impl fmt::Debug for SimulatedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedDirectory").field("info", &self.server.info).finish_non_exhaustive()
    }
}

/// As long as a directory that is down takes not to answer.
pub(super) const NO_ANSWER: Duration = Duration::from_secs(5);

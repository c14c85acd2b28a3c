//! Who is privileged, as one directory was asked last: one answer for all passes of a run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::lane::Lane;
use crate::error::Result;
use crate::limits::{clock, retried_read};
use crate::privilege::PrivilegeIndex;

/// So long a look holds for a wave that begins, counted from when it was read to its end.
pub(super) const FOR_A_WAVE: Duration = Duration::from_secs(10);

/// So long a look holds within a pass behind the leading one.
pub(super) const WITHIN_A_PASS: Duration = Duration::from_secs(15 * 60);

/// Who is privileged, and when that was read to its end.
#[derive(Clone)]
pub(super) struct Look {
    pub(super) index: Arc<PrivilegeIndex>,
    pub(super) at: Instant,
}

/// The newest look of one directory. Passes that wait hold none, and take this one when they begin.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<Option<Look>>);

impl Look {
    /// A look that has been read to its end now.
    pub(super) fn now(index: Arc<PrivilegeIndex>) -> Self {
        Self { index, at: clock::instant() }
    }

    pub(super) fn is_older_than(&self, age: Duration) -> bool {
        clock::instant().duration_since(self.at) >= age
    }
}

impl Looks {
    /// Begins with a look that there is already, such as the preflight's.
    pub(super) fn beginning_with(first: Option<Look>) -> Self {
        Self(Mutex::new(first))
    }

    /// The newest look, or a fresh one when that is as old as `holds`. Of several who need a fresh one
    /// at the same time, one reads it.
    ///
    /// # Errors
    /// When it cannot be read; [`ErrorKind::Stopped`](crate::error::ErrorKind::Stopped) when the run
    /// stops meanwhile.
    pub(super) async fn recent(&self, lane: &Lane, holds: Duration) -> Result<Look> {
        let mut newest = self.0.lock().await;
        if let Some(look) = newest.as_ref().filter(|look| !look.is_older_than(holds)) {
            return Ok(look.clone());
        }
        // Not both in memory while the new one is read.
        *newest = None;
        let read = retried_read(lane.backend.governor(), &lane.policy, || lane.backend.privileges());
        let look = Look::now(Arc::new(lane.guard.unless_stopped(read).await?));
        *newest = Some(look.clone());
        Ok(look)
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Look").field("at", &self.at).finish_non_exhaustive()
    }
}

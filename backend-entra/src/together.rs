//! Reads that go together: up to twenty in one `$batch`.
//!
//! Each of them costs what it costs alone; what is saved is the way there and back. Whatever does not
//! come to a plain answer is asked for alone afterwards: so a refusal is judged, a fault repeated and
//! a second page followed in the one place where that is done.

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::error::{Result, Status};
use identity_core::http::{Request, Response};
use identity_core::limits::{OperationClass, RetryCause};
use serde::de::DeserializeOwned;

use crate::batch::{self, LARGEST};
use crate::graph::Graph;

/// Batches of one call that wait for their permits at the same time.
const AT_ONCE: usize = 8;

impl Graph {
    /// Sends requests that read in batches, once. One place for each, in their order; `None` is to be
    /// asked for alone: it has nothing to go with, or its answer is not a success.
    ///
    /// # Errors
    /// A fault that would have to be repeated when the retry budget is spent.
    pub(crate) async fn together<T>(
        &self,
        operation: &'static str,
        class: OperationClass,
        requests: &[Request],
    ) -> Result<Vec<Option<T>>>
    where
        T: DeserializeOwned + Send,
    {
        let room = self.client().governor().batch_room(class).max(1) as usize;
        let batches: Vec<Vec<Request>> = requests.chunks(room.min(LARGEST)).map(<[Request]>::to_vec).collect();
        let answers = stream::iter(batches)
            .map(|batch| async move { self.one_batch::<T>(operation, class, &batch).await })
            .buffered(AT_ONCE);
        Ok(answers.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    async fn one_batch<T>(
        &self,
        operation: &'static str,
        class: OperationClass,
        batch: &[Request],
    ) -> Result<Vec<Option<T>>>
    where
        T: DeserializeOwned,
    {
        let count = match batch {
            [] | [_] => return Ok(batch.iter().map(|_| None).collect()),
            _ => u32::try_from(batch.len()).unwrap_or(u32::MAX),
        };
        let permit = self.client().governor().acquire(class, count).await;
        let results = batch::send(self.client(), operation, class, batch).await;
        drop(permit);
        results.into_iter().map(|result| self.plain(operation, result)).collect()
    }

    /// A plain answer, or nothing where it is to be asked for alone.
    fn plain<T: DeserializeOwned>(&self, operation: &'static str, result: Result<Response>) -> Result<Option<T>> {
        let error = match result {
            Ok(response) => return Ok(response.json(operation).ok()),
            Err(error) => error,
        };
        let cause = RetryCause::from(&error);
        let is_fault = error.is_temporary() || cause == RetryCause::Timeout;
        if is_fault && !self.client().governor().retry_budget().withdraw(cause) {
            return Err(self.named(error.with_status(Status::Persistent)));
        }
        Ok(None)
    }
}

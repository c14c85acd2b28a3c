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
    /// A fault that a repeat could help when the retry budget is spent.
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
        T: DeserializeOwned + Send,
    {
        if batch.len() < 2 {
            return Ok(batch.iter().map(|_| None).collect());
        }
        let (client, count) = (self.client(), u32::try_from(batch.len()).unwrap_or(u32::MAX));
        let permit = client.governor().acquire(class, count).await;
        let results = batch::send(client, operation, class, batch).await;
        drop(permit);
        let mut fault = None;
        let mut plain = |result: Result<Response>| match result {
            Ok(response) => response.json(operation).ok(),
            Err(error) => {
                if error.is_temporary() || RetryCause::from(&error) == RetryCause::Timeout {
                    fault.get_or_insert(error);
                }
                None
            }
        };
        let answers = results.into_iter().map(&mut plain).collect();
        // Most often the connection is to blame, which is one. To ask each alone is the repeat.
        match fault {
            Some(error) if !client.governor().retry_budget().withdraw(RetryCause::from(&error)) => {
                Err(self.named(error.with_status(Status::Persistent)))
            }
            _ => Ok(answers),
        }
    }
}

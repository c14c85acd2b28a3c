//! Reads that go together: up to twenty in one `$batch`.
//!
//! Each of them costs what it costs alone; what is saved is the way there and back. Whatever does not
//! come to a plain answer is asked for alone afterwards: so a refusal is judged and a second page
//! followed in the one place where that is done.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::error::Result;
use identity_core::http::{Request, Response};
use identity_core::limits::{OperationClass, RetryCause, RetryPolicy, retried_read};
use serde::de::DeserializeOwned;

use crate::batch::{self, LARGEST};
use crate::graph::Graph;

/// Batches of one call that wait for their permits at the same time.
const AT_ONCE: usize = 8;

impl Graph {
    /// Sends requests that read in batches, those again that a repeat can help. One place for each, in
    /// their order; `None` is to be asked for alone: it has nothing to go with, or its answer is not
    /// a success.
    ///
    /// # Errors
    /// The last fault when policy or retry budget allow no more repeats.
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
        let (client, policy) = (self.client(), RetryPolicy::default());
        let open =
            Mutex::new(Open { places: (0..batch.len()).collect(), answers: batch.iter().map(|_| None).collect() });
        let attempt = || async {
            let places = lock(&open).places.clone();
            let requests: Vec<Request> = places.iter().filter_map(|place| batch.get(*place).cloned()).collect();
            let count = u32::try_from(requests.len()).unwrap_or(u32::MAX);
            let permit = client.governor().acquire(class, count).await;
            let results = batch::send(client, operation, class, &requests).await;
            drop(permit);
            lock(&open).take_in(operation, places, results)
        };
        retried_read(client.governor(), &policy, attempt).await.map_err(|error| self.named(error))?;
        Ok(open.into_inner().unwrap_or_else(PoisonError::into_inner).answers)
    }
}

/// What is not answered of a batch yet, and what is.
struct Open<T> {
    /// The places of those to send again.
    places: Vec<usize>,
    answers: Vec<Option<T>>,
}

impl<T: DeserializeOwned> Open<T> {
    /// Keeps plain answers; the error is that of one that a repeat can help.
    fn take_in(&mut self, operation: &'static str, places: Vec<usize>, results: Vec<Result<Response>>) -> Result<()> {
        let mut fault = None;
        self.places.clear();
        for (place, result) in places.into_iter().zip(results) {
            match result {
                Ok(response) => {
                    if let Some(answer) = self.answers.get_mut(place) {
                        *answer = response.json(operation).ok();
                    }
                }
                Err(error) if error.is_temporary() || RetryCause::from(&error) == RetryCause::Timeout => {
                    self.places.push(place);
                    fault = fault.or(Some(error));
                }
                // Asked for alone it says the same, where that is judged.
                Err(_) => {}
            }
        }
        fault.map_or(Ok(()), Err)
    }
}

fn lock<T>(open: &Mutex<Open<T>>) -> MutexGuard<'_, Open<T>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

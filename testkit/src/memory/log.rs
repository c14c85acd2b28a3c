//! The directory's own audit log: late, out of order, and some of it twice.

use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use identity_core::account::AccountId;
use identity_core::error::{Error, Result};
use identity_core::evidence::{Actor, AuditEvent, AuditLog};
use identity_core::limits::clock;
use identity_core::reset::Action;
use jiff::Timestamp;
use tokio::time::Instant;

use super::MemoryDirectory;
use super::directory::Inner;

/// Whom the log names for writes through the API.
const RUNNER: &str = "identity-reset";

/// What was done, in order, each with the moment at which it shows.
#[derive(Debug)]
pub(super) struct Log {
    latest: Duration,
    events: Vec<(Instant, AuditEvent)>,
}

impl Log {
    pub(super) fn new(latest: Duration) -> Self {
        Self { latest, events: Vec::new() }
    }

    fn add(&mut self, event: impl FnOnce(String) -> AuditEvent) {
        let number = self.events.len();
        // The fifth is not as late as the fourth: what happens later can show earlier.
        let late = self.latest.saturating_mul(u32::try_from(number * 7 % 5).unwrap_or_default()) / 4;
        self.events.push((clock::instant() + late, event(format!("event-{number}"))));
    }
}

impl MemoryDirectory {
    /// Writes down what the run's principal did; `request` is nothing for what took effect late.
    pub(super) fn note_write(&self, inner: &mut Inner, action: Action, account: &AccountId, request: Option<String>) {
        let (at, actor) = (self.now(), Actor::new(self.runner()));
        if let Some(log) = &mut inner.log {
            log.add(|id| {
                let request = request.unwrap_or_else(|| format!("late-{id}"));
                AuditEvent::new(id, at, action.as_str(), actor).on(account.clone()).with_request_id(request)
            });
        }
    }

    /// Somebody does something to an account: the log has it, and nothing else happens. `what` is
    /// [`Action::as_str`], or a word that no action has.
    pub fn somebody_did(&self, what: &str, account: &AccountId, actor: &str) {
        let at = self.now();
        if let Some(log) = &mut self.inner().log {
            log.add(|id| {
                let request = format!("other-{id}");
                AuditEvent::new(id, at, what, Actor::new(actor)).on(account.clone()).with_request_id(request)
            });
        }
    }

    fn runner(&self) -> String {
        self.world.principal.as_ref().map_or_else(|| RUNNER.to_owned(), |account| account.as_str().to_owned())
    }
}

impl AuditLog for MemoryDirectory {
    fn events(&self, from: Timestamp, until: Timestamp) -> BoxStream<'static, Result<AuditEvent>> {
        let directory = self.clone();
        stream::once(async move {
            directory.read("read the audit log", 1).await?;
            let now = clock::instant();
            let inner = directory.inner();
            let all = inner.log.iter().flat_map(|log| &log.events);
            let mut shown: Vec<_> =
                all.filter(|(shows, event)| *shows <= now && event.at >= from && event.at < until).cloned().collect();
            drop(inner);
            shown.sort_by_key(|(shows, _)| *shows);
            let twice = shown
                .into_iter()
                .zip(0_u32..)
                .flat_map(|((_, event), number)| std::iter::repeat_n(event, if number % 3 == 0 { 2 } else { 1 }));
            Ok::<_, Error>(stream::iter(twice.map(Ok).collect::<Vec<_>>()))
        })
        .try_flatten()
        .boxed()
    }

    fn actor(&self) -> Option<String> {
        Some(self.runner())
    }

    fn shows(&self, what: &str, action: Action) -> bool {
        what == action.as_str()
    }

    fn lag(&self) -> Duration {
        self.inner().log.as_ref().map_or(Duration::ZERO, |log| log.latest)
    }
}

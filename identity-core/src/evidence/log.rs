//! What a directory's own audit log tells.

use std::fmt;
use std::time::Duration;

use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::error::Result;
use crate::reset::Action;

/// A directory that keeps a log of what was done to its accounts, and by whom.
///
/// ```
/// use futures::TryStreamExt;
/// use identity_core::error::Result;
/// use identity_core::evidence::AuditLog;
/// use jiff::Timestamp;
///
/// /// Who did something to accounts between two moments, besides ourselves.
/// async fn others(log: &dyn AuditLog, from: Timestamp, until: Timestamp) -> Result<Vec<String>> {
///     let ours = log.actor();
///     let events = log.events(from, until).try_filter(|event| {
///         let other = Some(event.actor.id.as_str()) != ours.as_deref();
///         async move { other }
///     });
///     events.map_ok(|event| format!("{} {} by {}", event.at, event.what, event.actor)).try_collect().await
/// }
/// ```
pub trait AuditLog: fmt::Debug + Send + Sync {
    /// The events of between two moments (the second one not included), by the directory's clock,
    /// as they arrive: those that the actions of a run leave, and what else is done to passwords,
    /// sessions, authenticators, roles and the state of accounts, by whomever.
    ///
    /// # Behavior
    /// Lazy. In any order, and an event may come twice; it is told by [`AuditEvent::id`]. An event
    /// that happened a moment ago may be missing: ask again.
    ///
    /// # Errors
    /// In the stream, which ends there: when the log may not be read, or cannot be read to its end.
    fn events(&self, from: Timestamp, until: Timestamp) -> BoxStream<'static, Result<AuditEvent>>;

    /// As whom the log names the run's own principal, in [`Actor::id`]; `None` where that is not
    /// known: then events are the run's by the id of the request only.
    fn actor(&self) -> Option<String>;

    /// Whether an event of this sort ([`AuditEvent::what`]) is what the action leaves behind.
    fn shows(&self, what: &str, action: Action) -> bool;

    /// How late an event may show up without anything being wrong.
    fn lag(&self) -> Duration;
}

/// One event of an audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEvent {
    /// Its id in the log.
    pub id: String,
    /// When it happened, by the directory's clock.
    pub at: Timestamp,
    /// What happened, in the directory's own word.
    pub what: String,
    /// The ids by which it names the request that it belongs to, one of which an answer told too.
    pub request_ids: Vec<String>,
    /// Who did it.
    pub actor: Actor,
    /// The accounts that it was done to.
    pub accounts: Vec<AccountId>,
    /// Whether it took effect.
    pub success: bool,
    /// Why it did not, or what else the log says of its outcome.
    pub detail: Option<String>,
    /// The network address that it was asked for from, where the log tells.
    pub address: Option<String>,
}

impl AuditEvent {
    /// An event that took effect, on no account yet.
    #[must_use]
    pub fn new(id: impl Into<String>, at: Timestamp, what: impl Into<String>, actor: Actor) -> Self {
        Self {
            id: id.into(),
            at,
            what: what.into(),
            request_ids: Vec::new(),
            actor,
            accounts: Vec::new(),
            success: true,
            detail: None,
            address: None,
        }
    }

    /// Adds an id of the request that it belongs to.
    #[must_use]
    pub fn with_request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_ids.push(request_id.into());
        self
    }

    /// Adds an account that it was done to.
    #[must_use]
    pub fn on(mut self, account: AccountId) -> Self {
        self.accounts.push(account);
        self
    }

    /// Says that it took no effect.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.success = false;
        self
    }
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Actor {
    /// Its id in the directory: of an account, an app, or of the directory itself.
    pub id: String,
    /// Its name for people.
    pub name: Option<String>,
}

impl Actor {
    /// An actor without a name.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), name: None }
    }

    /// Adds the name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.id),
            None => f.write_str(&self.id),
        }
    }
}

//! The directory's own audit log.

use std::time::Duration;

use futures::TryStreamExt;
use identity_core::evidence::AuditEvent;
use identity_core::limits::clock;
use identity_core::reset::{Action, Order, Outcome};
use jiff::{SignedDuration, Timestamp};

use super::stage::{ensure, in_words};
use super::{Check, Halt, Stage};

/// Between two readings of the log.
const PAUSE: Duration = Duration::from_secs(1);
/// How far the clocks of the directory and of this machine may differ.
const SKEW: SignedDuration = SignedDuration::from_secs(600);

/// What was done is in the log, once its lag is over: by the id of the request, on the account, as
/// what shows the action, by the principal that the log is said to name; and nothing of outside the
/// time that was asked for.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn log_has_what_was_done(stage: &Stage<'_>) -> Check {
    let directory = stage.directory();
    stage.need(directory.capabilities().audit_log, "audit_log")?;
    let Some(log) = directory.audit_log() else {
        return Err(Halt::Fail("audit_log is a capability, and audit_log() has nothing".into()));
    };
    let action = Action::SetPassword { must_change: false };
    stage.need_action(action)?;
    let account = stage.account().await?;
    let order = Order::new(account.id.clone(), action).with_password(stage.password());
    let receipt = match stage.order(order).await? {
        Outcome::Done(receipt) => receipt,
        other => return Err(Halt::Fail(format!("{action} is not done: {}", in_words(&other)))),
    };
    let Some(request) = receipt.request_id else {
        return Err(Halt::Fail("there is an audit log, and the receipt has no id of a request to look for".into()));
    };
    let at = receipt.at.unwrap_or_else(clock::now);
    let (from, until) = (at.checked_sub(SKEW).unwrap_or(at), at.checked_add(SKEW).unwrap_or(at));
    let latest = clock::instant() + log.lag() + PAUSE;
    let event = loop {
        let read: Vec<AuditEvent> = log.events(from, until).try_collect().await?;
        let outside = read.iter().find(|event| !within(event.at, from, until));
        ensure!(outside.is_none(), "{outside:?} is not between {from} and {until}");
        let ours = |event: &AuditEvent| event.request_ids.contains(&request) && log.shows(&event.what, action);
        if let Some(event) = read.into_iter().find(ours) {
            break event;
        }
        ensure!(clock::instant() < latest, "request {request} is not in the log after {:?}", log.lag());
        clock::sleep(PAUSE).await;
    };
    ensure!(event.success, "{} was done, and the log says that it failed", account.name);
    ensure!(event.accounts.contains(&account.id), "the log says that {:?} was changed", event.accounts);
    let actor = log.actor();
    let named = actor.as_deref().is_none_or(|actor| actor == event.actor.id);
    ensure!(named, "the log names {}, and its actor is said to be {actor:?}", event.actor);
    Ok(())
}

fn within(at: Timestamp, from: Timestamp, until: Timestamp) -> bool {
    from <= at && at < until
}

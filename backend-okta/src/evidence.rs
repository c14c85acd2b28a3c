//! What the System Log says that happened.
//!
//! The log is asked for stretches of time with an end (a bounded query): it is answered then by when
//! things happened, and has an end itself. Events come late and out of order, so that whoever waits
//! for one asks again. An event belongs to a request by its transaction; which of the two ids in an
//! event is the one that the answer carries as `x-okta-request-id` is not documented, so that both
//! are taken.

use std::time::Duration;

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use identity_core::account::AccountId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::evidence::{Actor, AuditEvent, AuditLog};
use identity_core::http::Request;
use identity_core::reset::Action;
use jiff::Timestamp;

use crate::OktaDirectory;
use crate::limits::LOGS;
use crate::org::Caller;
use crate::wire::log::{Entity, LogEvent};

const OPERATION: &str = "read the System Log";
/// The most events of a page (Okta API reference, "List all System Log events").
const ROWS: &str = "1000";
/// How late an event may come. Okta says "near real time", and not how near; readers of the log that
/// are in use look a minute back.
const LAG: Duration = Duration::from_secs(60);

/// What is asked for (Okta, "Event types catalog"): what the actions of a run leave, and what an
/// attacker or an administrator would do to accounts in the same minutes.
const ASKED: [&str; 29] = [
    UPDATE_PASSWORD,
    RESET_PASSWORD,
    EXPIRE_PASSWORD,
    UNLOCK,
    SUSPEND,
    CLEAR_SESSIONS,
    UNIVERSAL_LOGOUT,
    RESET_FACTORS,
    DEACTIVATE_FACTOR,
    RECOVERY_MAIL,
    "app.oauth2.as.consent.revoke.implicit.user",
    "app.oauth2.token.revoke.implicit.user",
    "group.user_membership.add",
    "system.agent.ad.reset_user_password",
    "system.api_token.create",
    "user.account.lock",
    "user.account.privilege.grant",
    "user.account.privilege.revoke",
    "user.account.unlock",
    "user.authentication.universal_logout.scheduled",
    "user.lifecycle.activate",
    "user.lifecycle.create",
    "user.lifecycle.deactivate",
    "user.lifecycle.password_mass_expiry",
    "user.lifecycle.reactivate",
    "user.lifecycle.unsuspend",
    "user.mfa.factor.activate",
    "user.mfa.factor.update",
    "user.session.impersonation.initiate",
];

const UPDATE_PASSWORD: &str = "user.account.update_password";
const RESET_PASSWORD: &str = "user.account.reset_password";
const EXPIRE_PASSWORD: &str = "user.account.expire_password";
const UNLOCK: &str = "user.account.unlock_by_admin";
const SUSPEND: &str = "user.lifecycle.suspend";
const CLEAR_SESSIONS: &str = "user.session.clear";
const UNIVERSAL_LOGOUT: &str = "user.authentication.universal_logout";
const RESET_FACTORS: &str = "user.mfa.factor.reset_all";
const DEACTIVATE_FACTOR: &str = "user.mfa.factor.deactivate";
const RECOVERY_MAIL: &str = "system.email.password_reset.sent_message";

impl AuditLog for OktaDirectory {
    fn events(&self, from: Timestamp, until: Timestamp) -> BoxStream<'static, Result<AuditEvent>> {
        let any: Vec<String> = ASKED.iter().map(|word| format!("eventType eq \"{word}\"")).collect();
        let request = Request::get("/api/v1/logs")
            .query("since", format!("{from:.3}"))
            .query("until", format!("{until:.3}"))
            .query("limit", ROWS)
            .query("filter", any.join(" or "));
        self.org.okta.list::<LogEvent>(OPERATION, LOGS, request).map_ok(audit_event).map_err(lacking).boxed()
    }

    fn actor(&self) -> Option<String> {
        Some(match &self.org.caller {
            Caller::User { id, .. } => id.clone(),
            Caller::App(client_id) => client_id.clone(),
        })
    }

    fn shows(&self, what: &str, action: Action) -> bool {
        shows(what, action)
    }

    fn lag(&self) -> Duration {
        LAG
    }
}

/// Whether an event of this type is what an action leaves. A temporary password is logged as an
/// expiry since 2024.01.2, and was logged as a reset or a change before; a recovery that is begun for
/// somebody is logged as the mail or as a reset: all are taken, since the request is the same.
fn shows(what: &str, action: Action) -> bool {
    let left: &[&str] = match action {
        Action::SetPassword { .. } | Action::Scramble => &[UPDATE_PASSWORD],
        Action::SetTemporaryPassword => &[EXPIRE_PASSWORD, RESET_PASSWORD, UPDATE_PASSWORD],
        Action::ResetToRecovery { .. } => &[RESET_PASSWORD],
        Action::ExpirePassword => &[EXPIRE_PASSWORD],
        Action::SendRecoveryLink => &[RECOVERY_MAIL, RESET_PASSWORD],
        Action::Unlock => &[UNLOCK],
        Action::Disable => &[SUSPEND],
        Action::RevokeSessions => &[CLEAR_SESSIONS, UNIVERSAL_LOGOUT],
        Action::ResetAuthenticators => &[RESET_FACTORS, DEACTIVATE_FACTOR],
        _ => &[],
    };
    left.contains(&what)
}

fn audit_event(event: LogEvent) -> AuditEvent {
    let actor = event.actor.map_or_else(|| Actor::new("unknown"), actor);
    let mut read = AuditEvent::new(event.uuid, event.published, event.event_type, actor);
    let debugged = event.debug_context.and_then(|context| context.debug_data).and_then(|found| found.request_id);
    let transaction = event.transaction.and_then(|transaction| transaction.id);
    read.request_ids.extend(transaction);
    read.request_ids.extend(debugged.filter(|id| !read.request_ids.contains(id)));
    for target in event.target.unwrap_or_default() {
        let is_user = target.sort.as_deref() == Some("User");
        let account = target.id.filter(|_| is_user).and_then(|id| AccountId::new(id).ok());
        read.accounts.extend(account.filter(|account| !read.accounts.contains(account)));
    }
    if let Some(outcome) = event.outcome {
        read.success = outcome.result.as_deref().is_none_or(|result| matches!(result, "SUCCESS" | "ALLOW" | "UNKNOWN"));
        read.detail = outcome.reason.or_else(|| outcome.result.filter(|_| !read.success));
    }
    read.address = event.client.and_then(|client| client.ip_address);
    read
}

fn actor(entity: Entity) -> Actor {
    let actor = Actor::new(entity.id.unwrap_or_else(|| "unknown".to_owned()));
    match entity.alternate_id.filter(|name| name != "unknown").or(entity.display_name) {
        Some(name) => actor.named(name),
        None => actor,
    }
}

/// What to do where the log may not be read.
fn lacking(error: Error) -> Error {
    if matches!(error.kind(), ErrorKind::InsufficientPrivilege | ErrorKind::Unsupported) {
        return error.with_advice(
            "grant the app okta.logs.read and a role that reads the System Log, then match the log again",
        );
    }
    error
}

#[cfg(test)]
mod tests;

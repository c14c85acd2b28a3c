//! `POST /api/v1/users/{id}/lifecycle/…`: a machine of statuses.

use std::sync::MutexGuard;

use serde_json::{Value, json};

use super::super::access;
use super::super::org::{OktaUser, Org, Provider, SetBy, Status};
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::settings::{Agents, Settings};
use super::{find, row};
use crate::mock_http::Answer;

/// A write that may be made, as far as that does not depend on what it is.
pub(super) struct Write<'a> {
    pub(super) org: MutexGuard<'a, Org>,
    pub(super) number: u64,
    /// As it was before.
    pub(super) user: OktaUser,
    pub(super) settings: Settings,
}

impl<'a> Write<'a> {
    pub(super) fn begin(service: &'a Service, visit: &Visit<'_>) -> Result<Self, Refusal> {
        let settings = service.settings();
        let mut org = service.org();
        let number = find(&mut org, visit)?;
        let user = org.view(number).map(|view| view.user);
        let user = user.ok_or_else(|| Refusal::not_found(visit.first(), "User"))?;
        access::may_write(&org, visit.caller, number)?;
        if user.activating {
            return Err(Refusal::still_activating());
        }
        Ok(Self { org, number, user, settings })
    }

    /// Whether the status is one of these.
    pub(super) fn in_status(&self, statuses: &[Status], otherwise: fn() -> Refusal) -> Result<(), Refusal> {
        if statuses.contains(&self.user.status()) { Ok(()) } else { Err(otherwise()) }
    }

    /// Whether the agents can be asked about a password that is not here.
    pub(super) fn ask_agents(&self) -> Result<(), Refusal> {
        match self.settings.agents {
            _ if !self.user.provider().is_delegated() => Ok(()),
            Agents::Connected | Agents::Late => Ok(()),
            Agents::Offline => Err(Refusal::no_agents()),
            Agents::Powerless => Err(Refusal::reset_failed("The agent is not allowed to change the user's password.")),
        }
    }

    /// Whether a mail may go to the user, where one is asked for.
    pub(super) fn may_mail(&self, mail: bool) -> Result<(), Refusal> {
        let too_soon = mail && self.org.was_mailed_within(self.number, self.settings.mail_pause);
        if too_soon { Err(Refusal::mailed_already()) } else { Ok(()) }
    }

    /// What is answered, where the agents did not answer too late.
    pub(super) fn answered(&self, answer: Answer) -> Result<Answer, Refusal> {
        match self.settings.agents {
            Agents::Late if self.user.provider().is_delegated() => Err(Refusal::agent_timed_out()),
            _ => Ok(answer),
        }
    }

    /// Writes down what happened.
    pub(super) fn tell(&mut self, visit: &Visit<'_>, event_type: &'static str) {
        let actor = visit.caller.owner.map_or_else(|| visit.caller.principal.clone(), |owner| self.org.id_of(owner));
        self.org.tell(event_type, &actor, self.number, true, visit.request);
    }

    /// Ends sessions where the request asks for it.
    pub(super) fn revoke(&mut self, visit: &Visit<'_>) -> Result<(), Refusal> {
        if visit.flag("revokeSessions")? == Some(true) {
            self.org.revoke(self.number, false, false);
            self.tell(visit, "user.session.clear");
        }
        Ok(())
    }
}

/// Statuses that a password can be expired in.
const EXPIRABLE: &[Status] = &[Status::Active, Status::PasswordExpired, Status::LockedOut];
/// Statuses that a password can be reset in.
pub(super) const RESETTABLE: &[Status] =
    &[Status::Active, Status::PasswordExpired, Status::Recovery, Status::LockedOut];

fn nothing() -> Answer {
    Answer::ok(json!({}))
}

pub(super) fn expire_password(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    // The older form of the same.
    if visit.flag("tempPassword")? == Some(true) {
        return expire_with_temp_password(service, visit);
    }
    let mut write = Write::begin(service, visit)?;
    write.in_status(EXPIRABLE, Refusal::not_in_this_status)?;
    if !write.user.standing.has_password {
        return Err(Refusal::not_in_this_status());
    }
    write.ask_agents()?;
    let before = write.org.set_status(write.number, Status::PasswordExpired, write.settings.index_lag);
    write.tell(visit, "user.account.expire_password");
    let view = write.org.view(write.number).ok_or_else(|| Refusal::not_found(visit.first(), "User"))?;
    let mut shown = row::row(&view, &write.settings, visit.call, &service.url);
    // Seen in recordings: the answer shows when the status changed before that.
    if let Some(outcome) = before {
        shown.insert("statusChanged".into(), row::moments(outcome.before.status_changed));
    }
    shown.insert("_links".into(), row::links(&view, service, visit.call));
    write.answered(Answer::ok(shown.into()))
}

pub(super) fn expire_with_temp_password(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    visit.flag("revokeSessions")?;
    let mut write = Write::begin(service, visit)?;
    write.in_status(EXPIRABLE, Refusal::not_in_this_status)?;
    if !write.user.standing.has_password {
        return Err(Refusal::not_in_this_status());
    }
    write.ask_agents()?;
    let password = write.org.temporary_password(write.number);
    write.org.set_password(write.number, &password, SetBy::Temporary, write.settings.index_lag);
    if !write.settings.temporary_moves_time {
        write.org.keep_password_time(write.number, write.user.standing.password_changed);
    }
    service.counts().passwords += 1;
    write.tell(visit, "user.account.expire_password");
    write.revoke(visit)?;
    write.answered(Answer::ok(json!({ "tempPassword": password })))
}

pub(super) fn reset_password(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let missing = || Refusal::validation("sendEmail", "sendEmail: The field cannot be left blank");
    let mail = visit.flag("sendEmail")?.ok_or_else(missing)?;
    visit.flag("revokeSessions")?;
    let mut write = Write::begin(service, visit)?;
    write.in_status(RESETTABLE, Refusal::not_in_this_status)?;
    let (number, lag) = (write.number, write.settings.index_lag);
    match visit.parameter("provider") {
        None | Some("OKTA") => {}
        Some("FEDERATION") if !mail => {
            write.org.federate(number, lag);
            return Ok(nothing());
        }
        Some(_) => return Err(Refusal::validation("provider", "provider: The provider is not valid.")),
    }
    write.may_mail(mail)?;
    write.ask_agents()?;
    if write.user.provider() == Provider::Federation {
        service.counts().conversions += 1;
    }
    let token = write.org.await_recovery(number, lag, write.settings.recovery_lifetime);
    write.tell(visit, "user.account.reset_password");
    write.revoke(visit)?;
    let answer =
        recovery_answer(service, &mut write, visit, mail, "reset_password", token.as_deref().unwrap_or_default());
    write.answered(answer)
}

/// A link for whoever asked, or a mail with it.
pub(super) fn recovery_answer(
    service: &Service,
    write: &mut Write<'_>,
    visit: &Visit<'_>,
    mail: bool,
    path: &str,
    token: &str,
) -> Answer {
    if mail {
        service.counts().mails += 1;
        write.org.mail(write.number);
        write.tell(visit, "system.email.password_reset.sent_message");
        return nothing();
    }
    Answer::ok(json!({ "resetPasswordUrl": service.address(&format!("/{path}/{token}")) }))
}

pub(super) fn reset_factors(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut write = Write::begin(service, visit)?;
    write.org.reset_factors(write.number);
    write.tell(visit, "user.mfa.factor.reset_all");
    Ok(nothing())
}

pub(super) fn unlock(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut write = Write::begin(service, visit)?;
    write.in_status(&[Status::LockedOut], || Refusal::unlock_not_allowed("The user is not locked out."))?;
    if write.user.provider().is_delegated() {
        return Err(Refusal::unlock_not_allowed("The user is not sourced by Okta."));
    }
    write.org.set_status(write.number, Status::Active, write.settings.index_lag);
    write.tell(visit, "user.account.unlock_by_admin");
    Ok(nothing())
}

pub(super) fn suspend(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut write = Write::begin(service, visit)?;
    let refused = || Refusal::validation("suspend", "Cannot suspend a user that is not active");
    // The link is offered to those whose password expired, too.
    write.in_status(&[Status::Active, Status::PasswordExpired], refused)?;
    write.org.set_status(write.number, Status::Suspended, write.settings.index_lag);
    write.tell(visit, "user.lifecycle.suspend");
    Ok(nothing())
}

pub(super) fn unsuspend(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut write = Write::begin(service, visit)?;
    let refused = || Refusal::validation("unsuspend", "Cannot unsuspend a user that is not suspended");
    write.in_status(&[Status::Suspended], refused)?;
    write.org.set_status(write.number, Status::Active, write.settings.index_lag);
    write.tell(visit, "user.lifecycle.unsuspend");
    Ok(nothing())
}

pub(super) fn activate(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mail = visit.flag("sendEmail")?.unwrap_or(true);
    let mut write = Write::begin(service, visit)?;
    write.in_status(&[Status::Staged, Status::Deprovisioned], Refusal::already_active)?;
    let status = if write.user.standing.has_password { Status::Active } else { Status::Provisioned };
    write.org.set_status(write.number, status, write.settings.index_lag);
    write.tell(visit, "user.lifecycle.activate");
    Ok(activation(service, &mut write, mail))
}

pub(super) fn reactivate(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mail = visit.flag("sendEmail")?.unwrap_or(false);
    let mut write = Write::begin(service, visit)?;
    write.in_status(&[Status::Provisioned, Status::Recovery], Refusal::not_in_this_status)?;
    write.tell(visit, "user.lifecycle.reactivate");
    Ok(activation(service, &mut write, mail))
}

fn activation(service: &Service, write: &mut Write<'_>, mail: bool) -> Answer {
    let token = write.org.link(write.number, write.settings.recovery_lifetime);
    if mail {
        service.counts().mails += 1;
        return nothing();
    }
    let url: Value = service.address(&format!("/welcome/{token}")).into();
    Answer::ok(json!({ "activationUrl": url, "activationToken": token }))
}

pub(super) fn deactivate(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    visit.flag("sendEmail")?;
    let mut write = Write::begin(service, visit)?;
    if write.user.status() == Status::Deprovisioned {
        return Err(Refusal::not_in_this_status());
    }
    write.org.set_status(write.number, Status::Deprovisioned, write.settings.index_lag);
    write.org.revoke(write.number, true, true);
    write.tell(visit, "user.lifecycle.deactivate");
    Ok(nothing())
}

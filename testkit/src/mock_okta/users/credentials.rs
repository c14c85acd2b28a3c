//! `POST /api/v1/users/{id}` and `…/credentials/…`: passwords, by an administrator or by their owner.

use serde_json::{Map, Value, json};

use super::super::org::{Provider, SetBy, Status, password_refusal};
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::settings::WeakPassword;
use super::lifecycle::{Write, recovery_answer};
use super::row;
use crate::mock_http::Answer;

/// Members of a profile that come from elsewhere, where the user does.
const MASTERED: &[&str] = &["firstName", "lastName", "login", "email", "displayName", "department"];

/// What a body says of a user.
#[derive(Default)]
struct Update {
    password: Option<String>,
    profile: Map<String, Value>,
}

impl Update {
    fn read(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let wrong = |member: &str| Refusal::validation(member, format!("{member}: The member is not known here."));
        let mut update = Self::default();
        for (name, value) in body {
            match (name.as_str(), value) {
                ("profile", Value::Object(members)) => update.profile = members.clone(),
                ("credentials", Value::Object(members)) => {
                    for (name, value) in members {
                        match (name.as_str(), value) {
                            ("password", Value::Object(members)) => update.password = Some(password(members)?),
                            // What a read shows may be sent back.
                            ("provider" | "recovery_question" | "emails", _) => {}
                            _ => return Err(wrong(name)),
                        }
                    }
                }
                ("type" | "realmId", _) => {}
                _ => return Err(wrong(name)),
            }
        }
        Ok(update)
    }
}

fn password(members: &Map<String, Value>) -> Result<String, Refusal> {
    let wrong = || Refusal::validation("password", "password: The password is not a value.");
    match members.get("value").and_then(Value::as_str) {
        Some(value) if members.len() == 1 => Ok(value.to_owned()),
        _ => Err(wrong()),
    }
}

/// The refusal of a password, in the form that the org has it in.
fn weak(answer: WeakPassword, cause: &str) -> Refusal {
    match answer {
        WeakPassword::CredentialsNotUpdated => Refusal::credentials_not_updated(cause),
        WeakPassword::Policy => Refusal::password_too_weak(),
        WeakPassword::Validation => Refusal::validation("password", cause),
    }
}

pub(super) fn update(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let strict = visit.flag("strict")?.unwrap_or(false);
    let given = Update::read(&visit.body)?;
    let mut write = Write::begin(service, visit)?;
    if let Some(wanted) = visit.call.header("if-match") {
        let view = write.org.view(write.number).ok_or_else(|| Refusal::not_found(visit.first(), "User"))?;
        if row::etag(&row::single(&view, service, visit, &write.settings)) != wanted {
            return Err(Refusal::etag_mismatch());
        }
    }
    write.in_status(
        &[
            Status::Active,
            Status::PasswordExpired,
            Status::Recovery,
            Status::LockedOut,
            Status::Suspended,
            Status::Staged,
            Status::Provisioned,
        ],
        Refusal::not_in_this_status,
    )?;
    let elsewhere = !matches!(write.user.provider(), Provider::Okta | Provider::Import);
    if elsewhere && given.profile.keys().any(|name| MASTERED.contains(&name.as_str())) {
        return Err(Refusal::mastered_elsewhere());
    }
    let lag = write.settings.index_lag;
    if let Some(password) = &given.password {
        if elsewhere {
            return Err(Refusal::credentials_not_updated("The user's password is not managed by Okta."));
        }
        if visit.refuse_password {
            return Err(weak(write.settings.weak_password, "Password requirements were not met."));
        }
        if let Some(cause) = password_refusal(&write.user.login, password, &write.settings.common) {
            return Err(weak(write.settings.weak_password, cause));
        }
        // Only a strict request minds what was before.
        if strict && write.org.was_used(write.number, password, write.settings.history) {
            return Err(weak(write.settings.weak_password, "Password has been used too recently."));
        }
        write.org.set_password(write.number, password, SetBy::Administrator, lag);
        service.counts().passwords += 1;
        write.tell(visit, "user.account.update_password");
    }
    if !given.profile.is_empty() {
        write.org.write_profile(write.number, lag);
        write.org.touch(write.number).profile.extend(given.profile);
        write.tell(visit, "user.account.update_profile");
    }
    let view = write.org.view(write.number).ok_or_else(|| Refusal::not_found(visit.first(), "User"))?;
    Ok(Answer::ok(row::single(&view, service, visit, &write.settings).into()))
}

pub(super) fn forgot_password(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mail = visit.flag("sendEmail")?.unwrap_or(true);
    let mut write = Write::begin(service, visit)?;
    if !write.user.standing.has_password {
        return Err(Refusal::reset_failed("Forgot password is not supported for the user's login type"));
    }
    write.in_status(&[Status::Active], Refusal::forgot_password_not_allowed)?;
    if !write.user.recovery_question {
        return Err(Refusal::forgot_password_not_allowed());
    }
    write.may_mail(mail)?;
    write.ask_agents()?;
    let token = write.org.link(write.number, write.settings.recovery_lifetime);
    Ok(recovery_answer(service, &mut write, visit, mail, "signin/reset-password", &token))
}

pub(super) fn change_password(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let strict = visit.flag("strict")?.unwrap_or(false);
    let member = |name: &str| {
        let members = visit.body.get(name).and_then(Value::as_object);
        members
            .map_or_else(|| Err(Refusal::validation(name, format!("{name}: The field cannot be left blank"))), password)
    };
    let (old, new) = (member("oldPassword")?, member("newPassword")?);
    let mut write = Write::begin(service, visit)?;
    write.in_status(&[Status::Active, Status::PasswordExpired, Status::Recovery], Refusal::not_in_this_status)?;
    if !write.user.has_okta_password() || !write.org.is_password(write.number, &old) {
        return Err(Refusal::credentials_not_updated("Old Password is not correct"));
    }
    if let Some(cause) = password_refusal(&write.user.login, &new, &write.settings.common) {
        return Err(weak(write.settings.weak_password, cause));
    }
    if strict && write.org.was_used(write.number, &new, write.settings.history) {
        return Err(weak(write.settings.weak_password, "Password has been used too recently."));
    }
    write.org.set_password(write.number, &new, SetBy::Owner, write.settings.index_lag);
    service.counts().passwords += 1;
    if visit.body.get("revokeSessions") == Some(&Value::Bool(true)) {
        write.org.revoke(write.number, false, false);
    }
    write.tell(visit, "user.account.update_password");
    let provider = json!({ "type": write.user.provider().as_str(), "name": "OKTA" });
    Ok(Answer::ok(json!({ "password": {}, "provider": provider })))
}

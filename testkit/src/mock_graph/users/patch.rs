//! `PATCH /users/{id}`: passwords, enabling and disabling, other properties.

use serde_json::{Map, Value};

use super::super::access::{self, Deed};
use super::super::objects;
use super::super::query::Written;
use super::super::refusal::{COMPLEXITY, ON_PREM_MASTERED, Refusal};
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::settings::{FederatedReset, FlagAlone, SyncedReset};
use super::super::tenant::{CloudUser, Sort, Tenant, acceptable};
use super::find;
use super::properties::USER;
use crate::mock_http::Answer;

const UPDATE: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
const PASSWORD: &str = "User-PasswordProfile.ReadWrite.All";
const ENABLE: &str = "User.EnableDisableAccount.All";

/// Any of these may come in; what a body asks for needs its own.
pub(super) const PERMISSIONS: &[&str] = &[PASSWORD, ENABLE, "User.ReadWrite.All", "Directory.ReadWrite.All"];

/// Properties of which each has rights of its own ("sensitive actions").
const SENSITIVE: &[&str] = &[
    "accountEnabled",
    "businessPhones",
    "mobilePhone",
    "onPremisesImmutableId",
    "otherMails",
    "passwordProfile",
    "userPrincipalName",
];
/// Properties that a synchronised user may be given in the cloud.
const CLOUD_MASTERED: &[&str] =
    &["accountEnabled", "passwordProfile", "passwordPolicies", "usageLocation", "otherMails"];

/// Names of properties, with what they are to become.
type Members<'a> = Vec<(&'static str, &'a Value)>;

/// What a `passwordProfile` asks for.
#[derive(Debug)]
struct Profile<'a> {
    password: Option<&'a str>,
    must_change: Option<bool>,
    with_mfa: Option<bool>,
}

pub(super) fn answer(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let (members, object_type) = members(&visit.body)?;
    may_write(visit, &members)?;
    let app = objects::app(service);
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    let user = tenant.view(number).ok_or_else(|| Refusal::not_found(visit.first()))?.user;
    let wanted = if user.sort == Sort::Agent { "#microsoft.graph.agentUser" } else { "#microsoft.graph.user" };
    match object_type {
        None if user.sort == Sort::Agent => {
            return Err(Refusal::bad_request("The request body must have @odata.type '#microsoft.graph.agentUser'."));
        }
        Some(given) if given != wanted => {
            return Err(Refusal::bad_request(format!("The resource is of type '{wanted}', not '{given}'.")));
        }
        _ => {}
    }
    for (name, _) in &members {
        let deed = match *name {
            "passwordProfile" => Deed::Password,
            name if SENSITIVE.contains(&name) => Deed::Sensitive,
            _ => continue,
        };
        access::may(&tenant, &app, visit.caller, deed, number, &service.settings)?;
    }
    let mastered = |name: &str| {
        !CLOUD_MASTERED.contains(&name)
            || (SENSITIVE.contains(&name) && service.settings.synced == SyncedReset::Refused)
    };
    if user.on_prem.is_some() && members.iter().any(|(name, _)| mastered(name)) {
        return Err(Refusal::bad_request(ON_PREM_MASTERED));
    }
    // Everything is looked at before anything takes effect.
    for (name, value) in &members {
        if *name == "passwordProfile" {
            check_profile(service, visit, &user, &profile(value)?)?;
        }
    }
    for (name, value) in members {
        write(service, &mut tenant, number, name, value)?;
    }
    Ok(Answer::no_content())
}

/// The members that are to be written, each of a known name and the right type, and `@odata.type`.
fn members(body: &Map<String, Value>) -> Result<(Members<'_>, Option<&str>), Refusal> {
    let (mut members, mut object_type) = (Vec::new(), None);
    for (name, value) in body {
        if name == "@odata.type" {
            object_type = Some(value.as_str().ok_or_else(|| Refusal::bad_request("@odata.type must be a string."))?);
            continue;
        }
        let property = USER.property(name).ok_or_else(|| {
            Refusal::bad_request(format!(
                "One or more property values specified are invalid: property '{name}' is not known."
            ))
        })?;
        let texts = |value: &Value| value.as_array().is_some_and(|each| each.iter().all(Value::is_string));
        let fits = match property.written {
            Written::Never => {
                return Err(Refusal::bad_request(format!("Property '{name}' is read-only and cannot be set.")));
            }
            Written::Text => value.is_string() || value.is_null(),
            Written::Texts => texts(value),
            Written::Flag => value.is_boolean(),
            Written::Profile => value.is_object(),
        };
        if !fits {
            return Err(Refusal::bad_request(format!(
                "Invalid value specified for property '{name}' of resource 'User'."
            )));
        }
        members.push((property.name, value));
    }
    if members.is_empty() {
        return Err(Refusal::bad_request("The request body has no property to update."));
    }
    Ok((members, object_type))
}

/// Whether the token's permissions cover every member. Sensitive properties do not mix: such a
/// request is refused as a whole.
fn may_write(visit: &Visit<'_>, members: &Members<'_>) -> Result<(), Refusal> {
    let caller = visit.caller;
    let sensitive = members.iter().filter(|(name, _)| SENSITIVE.contains(name)).count();
    let each = members.iter().all(|(name, _)| match *name {
        "passwordProfile" => caller.has_any(&[PASSWORD]),
        "accountEnabled" => caller.has_any(UPDATE) || (caller.has_any(&[ENABLE]) && caller.has_any(&["User.Read.All"])),
        _ => caller.has_any(UPDATE),
    });
    if each && sensitive <= 1 { Ok(()) } else { Err(Refusal::forbidden()) }
}

fn profile(value: &Value) -> Result<Profile<'_>, Refusal> {
    let mut read = Profile { password: None, must_change: None, with_mfa: None };
    for (name, value) in value.as_object().into_iter().flatten() {
        let wrong = || Refusal::bad_request(format!("Invalid value specified for '{name}' of 'passwordProfile'."));
        match name.as_str() {
            "password" => read.password = Some(value.as_str().ok_or_else(wrong)?),
            "forceChangePasswordNextSignIn" => read.must_change = Some(value.as_bool().ok_or_else(wrong)?),
            "forceChangePasswordNextSignInWithMfa" => read.with_mfa = Some(value.as_bool().ok_or_else(wrong)?),
            _ => {
                let message =
                    format!("The property '{name}' does not exist on type 'microsoft.graph.passwordProfile'.");
                return Err(Refusal::bad_request(message));
            }
        }
    }
    match (read.password, read.must_change, read.with_mfa) {
        (None, None, None) => Err(Refusal::bad_request("passwordProfile has no property to update.")),
        _ => Ok(read),
    }
}

fn check_profile(service: &Service, visit: &Visit<'_>, user: &CloudUser, profile: &Profile<'_>) -> Result<(), Refusal> {
    if !user.signs_in_here() {
        return Err(match service.settings.federated {
            FederatedReset::BadRequest => {
                Refusal::bad_request("The password profile cannot be used for users whose sign-in is federated.")
            }
            FederatedReset::Forbidden => Refusal::forbidden(),
        });
    }
    let strong = !user.password_policies.is_some_and(|policies| policies.contains("DisableStrongPassword"));
    match profile.password {
        Some(password) if visit.refuse_password || !acceptable(password, strong, &service.settings.banned) => {
            Err(Refusal::bad_request(COMPLEXITY))
        }
        _ => Ok(()),
    }
}

fn write(
    service: &Service,
    tenant: &mut Tenant,
    number: u64,
    name: &'static str,
    value: &Value,
) -> Result<(), Refusal> {
    match name {
        "passwordProfile" => {
            let profile = profile(value)?;
            if let Some(password) = profile.password {
                tenant.set_password(number, password, &service.settings);
                service.counts().passwords += 1;
            } else if service.settings.flag_alone == FlagAlone::Nothing {
                return Ok(());
            }
            let state = tenant.touch(number);
            if profile.password.is_some() {
                // Without a word about it, a new password has to be changed.
                state.must_change = Some(profile.must_change.unwrap_or(true));
                state.must_change_with_mfa = profile.with_mfa.unwrap_or(false);
            } else {
                state.must_change = profile.must_change.or(state.must_change);
                state.must_change_with_mfa = profile.with_mfa.unwrap_or(state.must_change_with_mfa);
            }
        }
        "accountEnabled" => {
            tenant.enable(number, value.as_bool().unwrap_or(true), &service.settings);
        }
        "userPrincipalName" => {
            let renamed = value.as_str().filter(|name| name.contains('@'));
            let renamed = renamed.ok_or_else(|| Refusal::bad_request("Property userPrincipalName is invalid."))?;
            if tenant.resolve(renamed).is_some_and(|other| other != number) {
                return Err(Refusal::bad_request(
                    "Another object with the same value for property userPrincipalName already exists.",
                ));
            }
            tenant.change(number, |user| renamed.clone_into(&mut user.principal_name));
        }
        _ => {
            tenant.touch(number).written.insert(name, value.clone());
        }
    }
    tenant.touch(number).written_to = true;
    Ok(())
}

//! How a user is shown.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::super::org::{Provider, Status, View};
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::settings::Settings;
use crate::mock_http::Call;

/// The default user type.
const TYPE: &str = "otyK7q2mVb3Xw9Lr5d7A";

/// A moment as Okta writes it: milliseconds that are zero, and `Z`.
pub(in crate::mock_okta) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

pub(super) fn moments(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| moment(at).into())
}

/// What `okta-response` in `Content-Type` leaves out.
fn left_out(call: &Call) -> Vec<String> {
    let value = call.header("content-type").unwrap_or_default();
    let given = value.split(';').find_map(|part| part.trim().strip_prefix("okta-response="));
    given.map(|list| list.trim_matches('"').split(',').map(|one| one.trim().to_owned()).collect()).unwrap_or_default()
}

/// A user as a row, with the link that every row has.
pub(in crate::mock_okta) fn row(view: &View<'_>, settings: &Settings, call: &Call, url: &str) -> Map<String, Value> {
    let (user, standing) = (&view.user, &view.user.standing);
    let left_out = left_out(call);
    let leaves_out = |what: &str| left_out.iter().any(|one| one == what);
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("id", json!(user.id));
    put("status", json!(standing.status.as_str()));
    put("created", json!(moment(user.created)));
    put("activated", moments(standing.activated));
    put("statusChanged", moments(standing.status_changed));
    put("lastLogin", moments(user.last_login));
    put("lastUpdated", json!(moment(standing.last_updated)));
    put("passwordChanged", moments(standing.password_changed));
    if user.activating && !leaves_out("omitTransitioningToStatus") {
        put("transitioningToStatus", json!(Status::Active.as_str()));
    }
    put("type", json!({ "id": TYPE }));
    put("profile", profile(view, settings));
    if !leaves_out("omitCredentials") {
        put("credentials", credentials(view));
    }
    put("_links", json!({ "self": { "href": format!("{url}/api/v1/users/{}", user.id) } }));
    shown
}

fn profile(view: &View<'_>, settings: &Settings) -> Value {
    let user = &view.user;
    let mut profile = json!({
        "firstName": user.first_name,
        "lastName": user.last_name,
        "mobilePhone": user.mobile_phone,
        "secondEmail": user.second_email,
        "login": user.login,
        "email": user.email,
    });
    let Some(members) = profile.as_object_mut() else { return profile };
    for (name, value) in [("displayName", &user.display_name), ("department", &user.department)] {
        if let Some(value) = value {
            members.insert(name.into(), json!(value));
        }
    }
    if let (true, Some(on_prem)) = (settings.mapped_anchors, &user.on_prem) {
        members.insert("samAccountName".into(), json!(on_prem.sam_account_name));
        members.insert("objectGUID".into(), json!(on_prem.guid.to_string()));
        members.insert("objectSid".into(), json!(on_prem.security_id));
        members.insert("dn".into(), json!(on_prem.distinguished_name));
    }
    if let Some(state) = view.state {
        members.extend(state.profile.clone());
    }
    profile
}

/// An attribute as searches name it.
pub(super) fn value(view: &View<'_>, settings: &Settings, attribute: &str) -> Value {
    let (user, standing) = (&view.user, &view.user.standing);
    match attribute {
        "id" => json!(user.id),
        "status" => json!(standing.status.as_str()),
        "created" => json!(moment(user.created)),
        "activated" => moments(standing.activated),
        "statusChanged" => moments(standing.status_changed),
        "lastUpdated" => json!(moment(standing.last_updated)),
        "type.id" => json!(TYPE),
        other => {
            let name = other.strip_prefix("profile.").unwrap_or_default();
            profile(view, settings).get(name).cloned().unwrap_or(Value::Null)
        }
    }
}

fn credentials(view: &View<'_>) -> Value {
    let user = &view.user;
    let name = match user.provider() {
        Provider::Okta | Provider::Import => "OKTA",
        Provider::ActiveDirectory => "corp.example.test",
        Provider::Ldap => "ldap.example.test",
        Provider::Federation => "FEDERATION",
        Provider::Social => "SOCIAL",
    };
    let mut shown = Map::new();
    // Whether it is shown where an agent checks it is not confirmed.
    if user.standing.has_password && !user.provider().is_delegated() {
        shown.insert("password".into(), json!({}));
    }
    if user.recovery_question {
        shown.insert("recovery_question".into(), json!({ "question": "What was the name of the first pet?" }));
    }
    shown.insert("emails".into(), json!([{ "value": user.email, "status": "VERIFIED", "type": "PRIMARY" }]));
    shown.insert("provider".into(), json!({ "type": user.provider().as_str(), "name": name }));
    shown.into()
}

/// The weak validator of what is shown.
pub(super) fn etag(shown: &Map<String, Value>) -> String {
    let digest = Sha256::digest(Value::from(shown.clone()).to_string());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hex}\"")
}

/// What may be done to a user now, as the links of a single read name it.
pub(super) fn operations(view: &View<'_>) -> Vec<(&'static str, &'static str)> {
    let user = &view.user;
    let usable =
        matches!(user.status(), Status::Active | Status::PasswordExpired | Status::Recovery | Status::LockedOut);
    let has_password = user.standing.has_password;
    let resettable = usable && user.provider() != Provider::Social;
    let mut operations = Vec::new();
    let mut offer = |offered: bool, name: &'static str, path: &'static str| {
        if offered {
            operations.push((name, path));
        }
    };
    offer(matches!(user.status(), Status::Active | Status::PasswordExpired), "suspend", "lifecycle/suspend");
    offer(user.status() == Status::Suspended, "unsuspend", "lifecycle/unsuspend");
    offer(user.status() == Status::LockedOut, "unlock", "lifecycle/unlock");
    offer(user.status() == Status::Staged || user.status() == Status::Deprovisioned, "activate", "lifecycle/activate");
    offer(user.status() == Status::Provisioned, "reactivate", "lifecycle/reactivate");
    offer(user.status() != Status::Deprovisioned, "deactivate", "lifecycle/deactivate");
    offer(resettable, "resetPassword", "lifecycle/reset_password");
    let expirable = usable && has_password && user.status() != Status::Recovery;
    offer(expirable, "expirePassword", "lifecycle/expire_password");
    let forgets = user.status() == Status::Active && has_password && user.recovery_question;
    offer(forgets, "forgotPassword", "credentials/forgot_password");
    offer(usable && user.has_okta_password(), "changePassword", "credentials/change_password");
    offer(usable && user.has_okta_password(), "changeRecoveryQuestion", "credentials/change_recovery_question");
    offer(usable, "resetFactors", "lifecycle/reset_factors");
    operations
}

/// Links that `omitCredentialsLinks` leaves out.
const OF_CREDENTIALS: &[&str] =
    &["changePassword", "changeRecoveryQuestion", "forgotPassword", "resetPassword", "resetFactors", "unlock"];

/// A user as a single read shows it.
pub(super) fn single(view: &View<'_>, service: &Service, visit: &Visit<'_>, settings: &Settings) -> Map<String, Value> {
    let mut shown = row(view, settings, visit.call, &service.url);
    shown.insert("_links".into(), links(view, service, visit.call));
    shown
}

/// The links of a single read.
pub(super) fn links(view: &View<'_>, service: &Service, call: &Call) -> Value {
    let fewer = left_out(call).iter().any(|what| what == "omitCredentialsLinks");
    let own = service.address(&format!("/api/v1/users/{}", view.user.id));
    let mut links = Map::new();
    for (name, path) in operations(view) {
        if fewer && OF_CREDENTIALS.contains(&name) {
            continue;
        }
        links.insert(name.to_owned(), json!({ "href": format!("{own}/{path}"), "method": "POST" }));
    }
    links.insert("self".into(), json!({ "href": own }));
    links.insert("schema".into(), json!({ "href": service.address("/api/v1/meta/schemas/user/oscK7q2mVb3Xw9Lr5d7A") }));
    links.insert("type".into(), json!({ "href": service.address("/api/v1/meta/types/user/otyK7q2mVb3Xw9Lr5d7A") }));
    links.into()
}

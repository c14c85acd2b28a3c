//! From a user of Okta to an account.

mod anchors;
mod provider;
mod status;

use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
use identity_core::error::{Error, ErrorKind, Result};
use jiff::Timestamp;

use crate::key::UserKey;
use crate::wire::user::{Credentials, User};
pub use anchors::AnchorAttributes;
pub(crate) use status::is_deprovisioned;

/// The attributes that accounts have besides those of the profile, for choosing populations: the
/// status as Okta has it, who checks the password (type and name), whether there is a recovery question,
/// the type of the user, the realm.
pub(crate) const STATUS: &str = "status";
const PROVIDER_TYPE: &str = "credentials.provider.type";
const PROVIDER_NAME: &str = "credentials.provider.name";
/// `set` where the account has a question of the Classic Engine; what it asks is not kept.
pub(crate) const RECOVERY_QUESTION: &str = "credentials.recovery_question";
const TYPE: &str = "type.id";
const REALM: &str = "realmId";

/// Attributes of the profile for choosing populations. Those are the ones that every org has; any
/// other can be searched for.
const FOR_POPULATIONS: [&str; 17] = [
    "city",
    "costCenter",
    "countryCode",
    "department",
    "division",
    "employeeNumber",
    "externalId",
    "locale",
    "manager",
    "managerId",
    "organization",
    "preferredLanguage",
    "secondEmail",
    "state",
    "timezone",
    "title",
    "userType",
];

/// Reads a row as an account.
///
/// Okta has no mark for programs, rooms or guests: everybody is a person.
///
/// # Errors
/// [`ErrorKind::Protocol`] for an id that is none of Okta's; [`ErrorKind::InsufficientPrivilege`] for
/// a row without its login: so little can be seen that nothing else would be told right.
pub(crate) fn account(directory: &DirectoryId, anchors: &AnchorAttributes, user: &User) -> Result<Account> {
    let id = match AccountId::new(&user.id) {
        Ok(id) if UserKey::of(&user.id).is_some() => id,
        _ => return Err(unreadable(directory, user, ErrorKind::Protocol, "Okta gave a user with an id that is none")),
    };
    let profile = &user.profile;
    let Some(login) = profile.text("login") else {
        let error = unreadable(directory, user, ErrorKind::InsufficientPrivilege, "Okta shows no login of a user");
        return Err(error.with_advice(
            "give the admin role the permission to view users without a condition that hides the profile's login",
        ));
    };
    let mut account = Account::new(directory.clone(), id, login, AccountKind::Person);
    let credentials = user.credentials.as_ref();
    let standing = provider::standing(&user.status, credentials);
    account.authority = standing.authority;
    account.procedure = standing.procedure.map(str::to_owned);
    status::apply(&user.status, &mut account);
    account.state.status_changed = moment(user.status_changed.as_deref());
    account.password.last_set = moment(user.password_changed.as_deref());
    account.last_sign_in = moment(user.last_login.as_deref());
    account.created = moment(user.created.as_deref());
    account.display_name = profile.text("displayName").or_else(|| full_name(user));
    account.mail = profile.text("email").or_else(|| profile.text("secondEmail"));
    account.owner = profile.text("manager").or_else(|| profile.text("managerId"));
    anchors.fill(&mut account, profile);
    attributes(&mut account, user, credentials);
    Ok(account)
}

fn full_name(user: &User) -> Option<String> {
    let names = ["firstName", "lastName"].map(|part| user.profile.text(part));
    let names: Vec<String> = names.into_iter().flatten().collect();
    (!names.is_empty()).then(|| names.join(" "))
}

fn attributes(account: &mut Account, user: &User, credentials: Option<&Credentials>) {
    let provider = credentials.and_then(|credentials| credentials.provider.as_ref());
    let has_question = credentials.is_some_and(Credentials::has_recovery_question);
    let of_profile = FOR_POPULATIONS.map(|name| (name, user.profile.text(name)));
    let own = [
        (STATUS, Some(user.status.clone())),
        (PROVIDER_TYPE, provider.and_then(|provider| provider.sort.clone())),
        (PROVIDER_NAME, provider.and_then(|provider| provider.name.clone())),
        (RECOVERY_QUESTION, has_question.then(|| "set".to_owned())),
        (TYPE, user.user_type.as_ref().and_then(|sort| sort.id.clone())),
        (REALM, user.realm_id.clone()),
    ];
    for (name, value) in of_profile.into_iter().chain(own) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            account.attributes.insert(name.to_owned(), value);
        }
    }
}

/// A time of Okta (ISO 8601, milliseconds, UTC). What cannot be read says nothing.
pub(crate) fn moment(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn unreadable(directory: &DirectoryId, user: &User, kind: ErrorKind, what: &str) -> Error {
    let id: String = user.id.chars().take(40).collect();
    Error::new(kind, "read an account").with_directory(directory.clone()).with_detail(format!("{what}: {id:?}"))
}

#[cfg(test)]
mod tests;

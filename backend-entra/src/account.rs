//! From a user of Graph to an account.

mod kind;
mod moment;

use identity_core::account::{Account, AccountId, Anchors, DirectoryId};
use identity_core::error::{Error, ErrorKind, Result};

use crate::domains::Domains;
use crate::sync_accounts::SyncAccounts;
use crate::wire::user::User;
use moment::moment;

/// Reads a row as an account.
///
/// # Errors
/// [`ErrorKind::InsufficientPrivilege`] for a row that shows less than is needed to tell what it is: a
/// synchronised account would look like one of the cloud.
pub(crate) fn account(directory: &DirectoryId, domains: &Domains, sync: &SyncAccounts, user: User) -> Result<Account> {
    let (id, name, enabled) = match (AccountId::new(&user.id), &user.user_principal_name, user.account_enabled) {
        (Ok(id), Some(name), Some(enabled)) => (id, name.clone(), enabled),
        _ => return Err(unreadable(directory, &user)),
    };
    let standing = kind::standing(&user, &name, domains, sync);
    let mut account = Account::new(directory.clone(), id, name, standing.kind);
    account.authority = standing.authority;
    account.procedure = standing.procedure.map(str::to_owned);
    account.state.enabled = enabled;
    account.state.sessions_valid_from = moment(user.sign_in_sessions_valid_from_date_time.as_deref());
    password(&mut account, &user);
    let activity = user.sign_in_activity.as_ref();
    account.last_sign_in = [
        activity.and_then(|activity| activity.last_sign_in_date_time.as_deref()),
        activity.and_then(|activity| activity.last_non_interactive_sign_in_date_time.as_deref()),
    ]
    .into_iter()
    .filter_map(moment)
    .max();
    account.created = moment(user.created_date_time.as_deref());
    account.anchors = anchors(&user);
    attributes(&mut account, &user);
    account.display_name = filled(user.display_name);
    account.mail = filled(user.mail);
    Ok(account)
}

fn password(account: &mut Account, user: &User) {
    let state = &mut account.password;
    state.last_set = moment(user.last_password_change_date_time.as_deref());
    if let Some(profile) = &user.password_profile {
        state.change_after_mfa = profile.force_change_password_next_sign_in_with_mfa == Some(true);
        state.must_change = state.change_after_mfa || profile.force_change_password_next_sign_in == Some(true);
    }
}

fn anchors(user: &User) -> Anchors {
    let mut anchors = Anchors::default();
    anchors.security_id = user.on_premises_security_identifier.clone().filter(|sid| sid.starts_with("S-1-"));
    anchors.immutable_id = user.on_premises_immutable_id.as_deref().and_then(object_guid);
    anchors.principal_name.clone_from(&user.user_principal_name);
    anchors
}

/// The objectGUID that an immutable id holds: base64 of its 16 bytes as they lie in Active Directory
/// (the first three groups little-endian). Whoever feeds the id from another attribute has something
/// else in it.
fn object_guid(immutable_id: &str) -> Option<String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(immutable_id).ok()?;
    Some(uuid::Uuid::from_bytes_le(bytes.try_into().ok()?).to_string())
}

fn attributes(account: &mut Account, user: &User) {
    let restricted = user.is_management_restricted.filter(|restricted| *restricted).map(|_| "true".to_owned());
    let policies = filled(user.password_policies.clone()).filter(|policies| policies != "None");
    let soft_id = user.on_premises_immutable_id.clone().filter(|id| object_guid(id).is_none());
    let named = [
        ("department", user.department.clone()),
        ("companyName", user.company_name.clone()),
        ("employeeId", user.employee_id.clone()),
        ("employeeType", user.employee_type.clone()),
        ("jobTitle", user.job_title.clone()),
        ("city", user.city.clone()),
        ("country", user.country.clone()),
        ("usageLocation", user.usage_location.clone()),
        ("preferredLanguage", user.preferred_language.clone()),
        ("userType", user.user_type.clone()),
        ("creationType", user.creation_type.clone()),
        ("externalUserState", user.external_user_state.clone()),
        ("onPremisesDomainName", user.on_premises_domain_name.clone()),
        ("onPremisesSamAccountName", user.on_premises_sam_account_name.clone()),
        ("onPremisesImmutableId", soft_id),
        ("passwordPolicies", policies),
        ("isManagementRestricted", restricted),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), filled(value)?)));
    account.attributes.extend(named);
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn unreadable(directory: &DirectoryId, user: &User) -> Error {
    let id: String = user.id.chars().take(40).collect();
    Error::new(ErrorKind::InsufficientPrivilege, "read an account")
        .with_directory(directory.clone())
        .with_detail(format!("Graph shows so little of the user {id} that nothing can be told of it"))
        .with_advice("grant the app User.Read.All (User.ReadBasic.All is not enough), with an administrator's consent")
}

#[cfg(test)]
mod tests;

//! What a user is, and where its password is mastered.

use identity_core::account::{AccountKind, PasswordAuthority};

use crate::domains::{Checked, Domains};
use crate::sync_accounts::{SyncAccounts, Synchronises};
use crate::wire::user::User;

/// What a user is.
pub(super) struct Standing {
    pub(super) kind: AccountKind,
    pub(super) authority: PasswordAuthority,
    pub(super) procedure: Option<&'static str>,
}

const AGENT: &str =
    "the user object of an agent has no password: disable it, or block its agent identity, and ask its sponsor";
const SYNC: &str =
    "Entra Connect signs in with it: renew it on the Connect server by its own procedure, or the synchronisation stops";
const PERHAPS_SYNC: &str = "it is named like an account of Entra Connect, and who holds that role may not be read: grant the app RoleManagement.Read.Directory and plan again, or find out; if it is one, renew it on the Connect server, or the synchronisation stops";
const GUEST: &str = "its password is in its home tenant: tell that organisation; here it can be disabled or removed";

/// Tells what a user is from its row and from what is known of the tenant.
///
/// Mailboxes of rooms and teams are users like all others in Graph: nothing in a row tells them for
/// certain, so that they count as persons.
pub(super) fn standing(user: &User, name: &str, domains: &Domains, sync: &SyncAccounts) -> Standing {
    let is = |kind, authority, procedure| Standing { kind, authority, procedure };
    if user.odata_type.as_deref().is_some_and(|sort| sort.eq_ignore_ascii_case("#microsoft.graph.agentUser")) {
        return is(AccountKind::Service, PasswordAuthority::Nowhere, Some(AGENT));
    }
    let synchronises = sync.judge(&user.id, name);
    if synchronises == Synchronises::Yes {
        return is(AccountKind::DirectorySync, PasswordAuthority::Here, Some(SYNC));
    }
    if is_from_elsewhere(user, name) {
        return is(AccountKind::Guest, PasswordAuthority::Unknown, Some(GUEST));
    }
    if synchronises == Synchronises::ByItsName {
        // A name is no proof: people look at it.
        return is(AccountKind::Unknown, authority(user, name, domains), Some(PERHAPS_SYNC));
    }
    is(AccountKind::Person, authority(user, name, domains), None)
}

/// Whether the user signs in at another place: an invited guest, or somebody with an external
/// identity only. `userType` alone does not tell: an internal guest signs in here.
fn is_from_elsewhere(user: &User, name: &str) -> bool {
    let signs_in = |sort: &str| user.identities.iter().any(|own| own.sign_in_type.as_deref() == Some(sort));
    if is_local(user) {
        return false;
    }
    if user.creation_type.as_deref() == Some("Invitation") || user.external_user_state.is_some() {
        return true;
    }
    let signs_in_here = user.identities.iter().any(|own| {
        let here = matches!(own.sign_in_type.as_deref(), Some("userPrincipalName" | "emailAddress" | "userName"));
        here && own.issuer.is_some()
    });
    // A name of this form is made for those who come from elsewhere.
    let external_name = name.to_ascii_uppercase().contains("#EXT#");
    signs_in("federated") && (external_name || !signs_in_here) || external_name && user.identities.is_empty()
}

/// Whether it is a customer's local account (B2C, External ID).
fn is_local(user: &User) -> bool {
    user.creation_type.as_deref() == Some("LocalAccount")
}

fn authority(user: &User, name: &str, domains: &Domains) -> PasswordAuthority {
    if is_local(user) {
        return PasswordAuthority::Here;
    }
    let synced = user.on_premises_sync_enabled == Some(true);
    match (domains.checked(name), synced) {
        (Checked::Elsewhere, _) => {
            let domain = name.rsplit_once('@').map_or("", |(_, domain)| domain);
            PasswordAuthority::Federated(domain.to_lowercase())
        }
        (_, true) => PasswordAuthority::OnPrem,
        (Checked::Here, false) => PasswordAuthority::Here,
        (Checked::Unknown, false) => PasswordAuthority::Unknown,
    }
}

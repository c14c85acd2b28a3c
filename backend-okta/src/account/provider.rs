//! Where the password of a user is mastered.

use identity_core::account::PasswordAuthority;

use crate::wire::user::Credentials;

/// Where the password is mastered, and what is done by hand where a mass run leaves it alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) authority: PasswordAuthority,
    pub(super) procedure: Option<&'static str>,
}

const NONE_YET: &str = "it has no password yet, its owner has not set it up: deactivate it if it should not be there";
const PASSWORDLESS: &str =
    "it has no password and signs in by other authenticators: clear its sessions and have its authenticators reset";
const FEDERATED: &str = "its password is at its identity provider: reset it there, and clear its sessions here; a password reset here would turn it into an account of Okta's own";
const HIDDEN: &str = "Okta does not tell who checks its password: look at its profile in the Admin Console (a role that hides credentials does this)";
const NEW_PROVIDER: &str =
    "its password is checked by a kind of provider that is not known here: look it up in the Admin Console";

/// Tells where a password is mastered from who checks it ("AuthenticationProviderType" of the
/// Management API).
///
/// A user that was imported from Active Directory and signs in with a password of Okta (no delegated
/// authentication) has the provider Okta: it is who checks the password that counts, not where the
/// profile comes from.
pub(super) fn standing(status: &str, credentials: Option<&Credentials>) -> Standing {
    let is = |authority, procedure| Standing { authority, procedure };
    let provider = credentials.and_then(|credentials| credentials.provider.as_ref());
    let sort = provider.and_then(|provider| provider.sort.as_deref());
    let (Some(credentials), Some(provider), Some(sort)) = (credentials, provider, sort) else {
        return is(PasswordAuthority::Unknown, Some(HIDDEN));
    };
    match sort {
        "OKTA" if credentials.has_password() => is(PasswordAuthority::Here, None),
        // These are of a password that was: void, expired, guessed at too often.
        "OKTA" if matches!(status, "RECOVERY" | "PASSWORD_EXPIRED" | "LOCKED_OUT") => is(PasswordAuthority::Here, None),
        "OKTA" if matches!(status, "STAGED" | "PROVISIONED") => is(PasswordAuthority::Nowhere, Some(NONE_YET)),
        "OKTA" => is(PasswordAuthority::Nowhere, Some(PASSWORDLESS)),
        // A hash came from elsewhere, and the password is checked and changed here.
        "IMPORT" => is(PasswordAuthority::Here, None),
        // Delegated authentication: the directory has the password, and its agent checks it.
        "ACTIVE_DIRECTORY" | "LDAP" => is(PasswordAuthority::OnPrem, None),
        "FEDERATION" | "SOCIAL" => {
            // Without a name of its own it is named like its kind.
            let name = provider.name.clone().filter(|name| name != sort).unwrap_or_default();
            is(PasswordAuthority::Federated(name), Some(FEDERATED))
        }
        _ => is(PasswordAuthority::Unknown, Some(NEW_PROVIDER)),
    }
}

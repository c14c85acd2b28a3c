//! What a refusal means for an order of this action, beyond what the [dialect](crate::dialect) reads
//! in it for any request.

use identity_core::error::{Error, ErrorKind, Status};
use identity_core::reset::Action;

use crate::dialect::code;
use crate::retold::{fault, retold_as};

/// What to do where the policy allows no pass.
pub(super) const PASS_POLICY: &str =
    "let the authentication methods policy of the tenant allow this account a Temporary Access Pass";

/// The error with its meaning for an order of this action.
pub(super) fn explained(error: Error, action: Action) -> Error {
    if error.status() != Status::Permanent || fault(&error).is_none() {
        return error;
    }
    match error.kind() {
        // Nothing but our password is in the request, and the words for a banned one are not
        // documented. Taken for one wrongly, a refusal costs two more requests; missed, it leaves the
        // account with its old password.
        ErrorKind::InputInvalid if action.needs_password() && says(&error, &["password"]) => {
            retold_as(&error, ErrorKind::PasswordRejected, Status::Permanent)
        }
        ErrorKind::InputInvalid | ErrorKind::InsufficientPrivilege
            if action == Action::IssueAccessPass && says(&error, &["policy", "access pass", "not enabled"]) =>
        {
            retold_as(&error, ErrorKind::Unsupported, Status::Permanent).with_advice(PASS_POLICY)
        }
        ErrorKind::InsufficientPrivilege if !has_code(&error, code::CLAIMS) => {
            let advice = privilege(action);
            error.with_advice(advice)
        }
        ErrorKind::Unsupported if action == Action::FlagCompromised && has_code(&error, code::NO_LICENCE) => {
            error.with_advice("needs Microsoft Entra ID P2; leave this action out of the playbook")
        }
        _ => error,
    }
}

/// Whether it says that the default method goes last.
pub(super) fn is_of_the_default_method(error: &Error) -> bool {
    says(error, &["default method"])
}

fn says(error: &Error, words: &[&str]) -> bool {
    fault(error).is_some_and(|fault| {
        let message = fault.message.to_ascii_lowercase();
        words.iter().any(|word| message.contains(word))
    })
}

fn has_code(error: &Error, code: &str) -> bool {
    fault(error).is_some_and(|fault| fault.code.eq_ignore_ascii_case(code) || fault.inner_code.as_deref() == Some(code))
}

/// The application permission that each action needs (Microsoft's permissions reference, 2026-08-07).
fn permission(action: Action) -> &'static str {
    match action {
        Action::Disable => "User.EnableDisableAccount.All with User.Read.All",
        Action::RevokeSessions => "User.RevokeSessions.All",
        Action::ResetAuthenticators => "UserAuthenticationMethod.ReadWrite.All",
        Action::IssueAccessPass => "UserAuthMethod-TAP.ReadWrite.All",
        Action::FlagCompromised => "IdentityRiskyUser.ReadWrite.All",
        _ => "User-PasswordProfile.ReadWrite.All",
    }
}

/// Graph answers a missing permission and a missing role alike; what tells them apart is the
/// token, which the preflight compares.
fn privilege(action: Action) -> String {
    let needed = permission(action);
    match action {
        // No directory role is asked for beside the permission.
        Action::FlagCompromised => format!("grant the app {needed}; the tenant needs Microsoft Entra ID P2"),
        _ => format!(
            "if the app lacks {needed}, grant it (preflight tells); if it has it, the account outranks the app: give \
             the app's service principal the directory role Privileged Authentication Administrator, or User \
             Administrator where the account holds no role and is in no role-assignable group"
        ),
    }
}

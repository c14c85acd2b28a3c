//! What a refusal means for an order of this action, beyond what the [dialect](crate::dialect) reads
//! in it for any request.

use identity_core::error::{Error, ErrorKind, Status};
use identity_core::http::ServerFault;
use identity_core::reset::Action;

use crate::dialect::code;
use crate::permissions::{Granted, missing};

/// What to do where the policy allows no pass.
pub(super) const PASS_POLICY: &str =
    "let the authentication methods policy of the tenant allow this account a Temporary Access Pass";

/// The error with its meaning for an order of this action.
pub(super) fn explained(error: Error, action: Action) -> Error {
    if error.status() != Status::Permanent || ServerFault::of(&error).is_none() {
        return error;
    }
    match error.kind() {
        // Nothing but our password is in the request, and the words for a banned one are not
        // documented. Taken for one wrongly, a refusal costs two more requests; missed, it leaves the
        // account with its old password.
        ErrorKind::InputInvalid if action.needs_password() && says(&error, &["password"]) => {
            error.with_meaning(ErrorKind::PasswordRejected, Status::Permanent)
        }
        ErrorKind::InputInvalid | ErrorKind::InsufficientPrivilege
            if action == Action::IssueAccessPass && says(&error, &["policy", "access pass", "not enabled"]) =>
        {
            error.with_meaning(ErrorKind::Unsupported, Status::Permanent).with_advice(PASS_POLICY)
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
    ServerFault::of(error).is_some_and(|fault| {
        let message = fault.message.to_ascii_lowercase();
        words.iter().any(|word| message.contains(word))
    })
}

fn has_code(error: &Error, code: &str) -> bool {
    ServerFault::of(error)
        .is_some_and(|fault| fault.code.eq_ignore_ascii_case(code) || fault.inner_code.as_deref() == Some(code))
}

/// Whether a permission or a role is missing, and not something that the dialect has named.
pub(super) fn is_of_privilege(error: &Error) -> bool {
    error.kind() == ErrorKind::InsufficientPrivilege && !has_code(error, code::CLAIMS)
}

/// Graph answers a missing permission and a missing role alike. What tells them apart is the
/// token: `granted` is what it says, where it can be read.
pub(super) fn privilege(action: Action, granted: Option<&Granted>) -> String {
    const ROLE: &str = "the account outranks the app: give the app's service principal the directory role Privileged \
        Authentication Administrator, or User Administrator where the account holds no role and is in no \
        role-assignable group";
    match granted.map(|granted| missing(granted, action)) {
        Some(missing) if !missing.is_empty() => {
            format!("grant the app {}; a token that is out does not have it yet", missing.join(" and "))
        }
        Some(_) if action == Action::FlagCompromised => "the tenant needs Microsoft Entra ID P2".to_owned(),
        Some(_) => format!("the app has the permission; {ROLE}"),
        None => {
            let needed = missing(&Granted::default(), action).join(" and ");
            format!("if the app lacks {needed}, grant it; if it has it, {ROLE}")
        }
    }
}

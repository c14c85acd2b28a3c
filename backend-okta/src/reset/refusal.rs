//! What a refusal means for an order of this action, beyond what the [dialect](crate::dialect) reads in
//! it for any request.

use identity_core::error::{Error, ErrorKind, Status};
use identity_core::http::ServerFault;
use identity_core::reset::Action;

/// Codes that Okta refuses a password with; which of them comes depends on the rule that it breaks
/// and on the age of the org.
const PASSWORD_CODES: [&str; 3] = ["E0000001", "E0000014", "E0000080"];

/// The error with its meaning for an order of this action.
pub(super) fn explained(error: Error, action: Action) -> Error {
    if error.status() != Status::Permanent {
        return error;
    }
    let Some(fault) = ServerFault::of(&error) else { return error };
    let code = fault.code.clone();
    let says = |words: &str| fault.message.to_ascii_lowercase().contains(words);
    // Of a change to a user nothing but our password is in the request. Taken for a refusal of it
    // wrongly, another one costs two more requests; missed, it leaves the account with its old one.
    let of_password = action.needs_password()
        && PASSWORD_CODES.contains(&code.as_str())
        && (code != "E0000001" || says("password"))
        && !says("not supported")
        && !says("not allowed");
    if of_password {
        return error.with_meaning(ErrorKind::PasswordRejected, Status::Permanent).with_advice(
            "another password may be taken; look at the org's password policy and its list of common passwords",
        );
    }
    match (action, code.as_str()) {
        // Another provider checks its password: no way of recovery is any better than the one that was refused.
        (_, "E0000017") if says("login type") => error,
        (Action::ResetToRecovery { mail: true }, "E0000017" | "E0000034") => error
            .with_meaning(ErrorKind::Unsupported, Status::Permanent)
            .with_advice("let the vault keep the link (reset_to_recovery), and hand it over in person"),
        (Action::SendRecoveryLink, "E0000006") => {
            let advice = error.advice().unwrap_or("the administrator role or the scopes do not allow this").to_owned();
            error.with_advice(format!("{advice}; or the account has no password, or its policy allows no such link"))
        }
        (Action::SendRecoveryLink, "E0000017" | "E0000034") => error
            .with_meaning(ErrorKind::Unsupported, Status::Permanent)
            .with_advice("the password policy of the account allows no self-service recovery, or it has no password"),
        (Action::Disable, "E0000001") => error
            .with_meaning(ErrorKind::Conflict, Status::Permanent)
            .with_advice("only active accounts can be suspended; look at the status of this one"),
        _ => error,
    }
}

/// Whether it says that what was ordered is so already: a lock-out that ended by itself.
pub(super) fn is_so_already(error: &Error, action: Action) -> bool {
    action == Action::Unlock
        && ServerFault::of(error)
            .is_some_and(|fault| fault.code == "E0000032" && fault.message.to_ascii_lowercase().contains("not locked"))
}

/// Whether it can mean that the account is suspended already: Okta says no more than that it is not active.
pub(super) fn may_be_suspended(error: &Error, action: Action) -> bool {
    action == Action::Disable && ServerFault::of(error).is_some_and(|fault| fault.code == "E0000001")
}

//! What a server's result means: the LDAP result code and the error of the password policy, and what
//! both together say to the reader. A table of its own: Active Directory uses the codes differently.
//!
//! Codes: RFC 4511 appendix A.2. Policy errors: draft-behera-ldap-password-policy-10 section 6.2. What
//! slapd uses a code for beyond that is what version 2.5 was seen to answer.

use std::fmt;

use identity_core::error::{Error, ErrorKind, Status};

use crate::wire::answer::{AdError, ResultCode};
use crate::wire::{Fault, Reply};

/// The text with which slapd refuses the password that the account has already; one that it had
/// before is refused with another text and the same code.
const SAME_AS_NOW: &str = "Password is not being changed from existing value";

/// What a plain LDAP server answered when it did not do what was asked. It is the `source` of the
/// library's error: `error.source().downcast_ref::<PlainError>()`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
#[non_exhaustive]
pub struct PlainError {
    /// The LDAP result code.
    pub code: ResultCode,
    /// Why the password policy refuses, where the server says so.
    pub policy: Option<PolicyError>,
    /// The server's text.
    pub text: String,
}

/// An error of the password policy (draft-behera-ldap-password-policy-10 section 6.2; the last one is
/// of OpenLDAP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PolicyError {
    /// 0: the password has expired.
    PasswordExpired,
    /// 1: the account is locked.
    AccountLocked,
    /// 2: the one who asks must change the own password first.
    ChangeAfterReset,
    /// 3: the password may not be changed.
    ModificationNotAllowed,
    /// 4: the old password has to be given.
    MustSupplyOldPassword,
    /// 5: the password is too weak.
    InsufficientQuality,
    /// 6: the password is too short.
    TooShort,
    /// 7: the password was set too recently.
    TooYoung,
    /// 8: the account has, or had, this password.
    InHistory,
    /// 9: the password is too long.
    TooLong,
}

impl PolicyError {
    /// By its number on the wire.
    fn of(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::PasswordExpired,
            1 => Self::AccountLocked,
            2 => Self::ChangeAfterReset,
            3 => Self::ModificationNotAllowed,
            4 => Self::MustSupplyOldPassword,
            5 => Self::InsufficientQuality,
            6 => Self::TooShort,
            7 => Self::TooYoung,
            8 => Self::InHistory,
            9 => Self::TooLong,
            _ => return None,
        })
    }

    /// Its name in the draft.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PasswordExpired => "passwordExpired",
            Self::AccountLocked => "accountLocked",
            Self::ChangeAfterReset => "changeAfterReset",
            Self::ModificationNotAllowed => "passwordModNotAllowed",
            Self::MustSupplyOldPassword => "mustSupplyOldPassword",
            Self::InsufficientQuality => "insufficientPasswordQuality",
            Self::TooShort => "passwordTooShort",
            Self::TooYoung => "passwordTooYoung",
            Self::InHistory => "passwordInHistory",
            Self::TooLong => "passwordTooLong",
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PlainError {
    /// Reads an answer; `Ok` if it is success.
    pub(crate) fn check(reply: &Reply) -> Result<(), Self> {
        let error = Self::new(reply.code, &reply.text, reply.policy);
        if error.code == ResultCode::SUCCESS { Ok(()) } else { Err(error) }
    }

    fn new(code: u32, text: &str, policy: Option<u8>) -> Self {
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).chars().take(400).collect();
        Self { code: ResultCode(code), policy: policy.and_then(PolicyError::of), text }
    }

    /// Whether the server refuses the password because the account has it already: what was to be
    /// done was done before.
    pub(crate) fn is_set_already(&self) -> bool {
        self.code.0 == 19 && self.text == SAME_AS_NOW
    }

    /// Whether the server has too much to do.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.code, ResultCode::BUSY | ResultCode::UNAVAILABLE)
    }

    /// The answer as the library's error: nothing was changed.
    pub(crate) fn into_error(self, operation: &'static str) -> Error {
        let (kind, status, advice) = self.meaning();
        let reason = self.policy.map_or_else(String::new, |policy| format!("{policy}, "));
        let detail = format!("{reason}{}: {}", self.code, self.text);
        Error::new(kind, operation).with_status(status).with_detail(detail).with_advice(advice).with_source(self)
    }

    fn meaning(&self) -> (ErrorKind, Status, &'static str) {
        use ErrorKind as Kind;
        use PolicyError as Policy;
        use Status::{Permanent, Temporary};
        match (self.code.0, self.policy) {
            (_, Some(Policy::ChangeAfterReset | Policy::PasswordExpired)) => (
                Kind::Unauthenticated,
                Permanent,
                "the account that the run signs in with must change its own password first: do so, then start again",
            ),
            (_, Some(Policy::MustSupplyOldPassword)) => (
                Kind::Unsupported,
                Permanent,
                "the account's policy wants the old password with each change: set pwdSafeModify to FALSE for the time of the run, or sign in as the rootdn",
            ),
            (_, Some(Policy::ModificationNotAllowed)) => (
                Kind::InsufficientPrivilege,
                Permanent,
                "the account's policy does not let its password be changed (pwdAllowUserChange)",
            ),
            (_, Some(Policy::TooYoung)) => (
                Kind::Conflict,
                Permanent,
                "the password was set less than pwdMinAge ago: set pwdMinAge to 0 for the time of the run, or sign in as the rootdn",
            ),
            (19, Some(Policy::InsufficientQuality | Policy::TooShort | Policy::TooLong | Policy::InHistory)) => {
                (Kind::PasswordRejected, Permanent, "the password policy refuses it: generate another, longer one")
            }
            // Servers that send no control say it in words only, and 19 is said of little else here.
            (19, _) if self.text.to_lowercase().contains("password") => {
                (Kind::PasswordRejected, Permanent, "the password policy refuses it: generate another, longer one")
            }
            (2, _) if self.text.contains("extended") => (
                Kind::Unsupported,
                Permanent,
                "the server has no Password Modify operation (RFC 3062): configure password_by as modify if it hashes what it is given",
            ),
            (3 | 4 | 11, _) => (
                Kind::Unavailable,
                Permanent,
                "the listing is larger than the server allows: give the account that the run signs in with `limits … size=unlimited time=unlimited`",
            ),
            (8 | 13, _) => {
                (Kind::ConfigInvalid, Permanent, "the server asks for an encrypted connection: use ldaps://")
            }
            (10, _) => (
                Kind::Unsupported,
                Permanent,
                "this server is a read-only copy, or the account is on another server: give the url of the provider",
            ),
            (12, _) => {
                (Kind::Unavailable, Temporary, "the server dropped the listing's position: begin the listing again")
            }
            (16 | 20, _) => {
                (Kind::Conflict, Temporary, "somebody else changed the account at the same moment: read it again")
            }
            (17 | 65, _) => (
                Kind::Unsupported,
                Permanent,
                "the server does not know this attribute: the overlay ppolicy is not loaded",
            ),
            (32, _) => (Kind::AccountNotFound, Permanent, "the account was deleted, or this sign-in may not see it"),
            (34, _) => (Kind::InputInvalid, Permanent, "this is not a distinguished name"),
            (48 | 7, _) => (Kind::ConfigInvalid, Permanent, "the server does not allow a simple bind for this account"),
            (49, _) => (
                Kind::Unauthenticated,
                Permanent,
                "check bind_dn and its password; it is not tried again, so that the account is not locked out",
            ),
            (50, _) if self.text.contains("restricted to bind") => (
                Kind::Unauthenticated,
                Permanent,
                "the account that the run signs in with must change its own password first: do so, then start again",
            ),
            (50, _) => (
                Kind::InsufficientPrivilege,
                Permanent,
                "grant write on userPassword, pwdReset and pwdAccountLockedTime (docs/plain-ldap.md)",
            ),
            (51, _) => (Kind::RateLimited, Temporary, "the server is busy: it is tried again later"),
            (52, _) => (Kind::Unavailable, Temporary, "the server is stopping or starting: it is tried again later"),
            (53, _) => (
                Kind::Unsupported,
                Permanent,
                "the server will not do this: it may be read-only, or take no passwords for this account",
            ),
            (1 | 2, _) => {
                (Kind::Protocol, Permanent, "the server did not understand the request: report this as a fault")
            }
            _ => (Kind::Unexpected, Permanent, "look the code up in the server's log"),
        }
    }
}

/// A fault as the library's error, with this dialect's meaning of what was answered.
pub(crate) fn error(fault: Fault, operation: &'static str, is_change: bool) -> Error {
    match fault {
        Fault::Answered(AdError { code, text, .. }) => PlainError::new(code.0, &text, None).into_error(operation),
        other => other.into_error(operation, is_change),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::error::Error as _;

    fn of(code: u32, policy: Option<u8>, text: &str) -> (ErrorKind, Status) {
        let reply = Reply { code, text: text.to_owned(), policy, after: None };
        let error = PlainError::check(&reply).expect_err("no success").into_error("set password");
        assert!(error.advice().is_some_and(|advice| !advice.is_empty()));
        assert!(error.source().and_then(|source| source.downcast_ref::<PlainError>()).is_some());
        (error.kind(), error.status())
    }

    #[test]
    fn answers_of_slapd_have_their_meaning_and_a_remedy() {
        use ErrorKind::*;
        use Status::{Permanent, Temporary};
        let table = [
            (19, Some(6), "Password fails quality checking policy", PasswordRejected, Permanent),
            (19, Some(8), "Password is in history of old passwords", PasswordRejected, Permanent),
            (19, None, "Password fails quality checking policy", PasswordRejected, Permanent),
            (19, None, "structuralObjectClass: no user modification allowed", Unexpected, Permanent),
            (19, Some(7), "Password is too young to change", Conflict, Permanent),
            (50, Some(4), "Must supply old password to be changed as well as new one", Unsupported, Permanent),
            (50, None, "no write access to parent", InsufficientPrivilege, Permanent),
            (
                50,
                None,
                "Operations are restricted to bind/unbind/abandon/StartTLS/modify password",
                Unauthenticated,
                Permanent,
            ),
            (4, None, "", Unavailable, Permanent),
            (10, None, "", Unsupported, Permanent),
            (16, None, "modify/delete: pwdAccountLockedTime: no such value", Conflict, Temporary),
            (17, None, "pwdReset: attribute type undefined", Unsupported, Permanent),
            (32, None, "", AccountNotFound, Permanent),
            (51, None, "", RateLimited, Temporary),
            (52, None, "", Unavailable, Temporary),
            (53, None, "operation restricted", Unsupported, Permanent),
            (2, None, "unsupported extended operation", Unsupported, Permanent),
        ];
        for (code, policy, text, kind, status) in table {
            assert_eq!(of(code, policy, text), (kind, status), "{code} {policy:?} {text}");
        }
    }

    #[test]
    fn the_password_that_is_there_is_told_from_one_that_was() {
        let error = |text: &str| PlainError::new(19, text, Some(8));
        assert!(error("Password is not being changed from existing value").is_set_already());
        assert!(!error("Password is in history of old passwords").is_set_already());
        assert!(PlainError::check(&Reply { code: 0, text: String::new(), policy: None, after: None }).is_ok());
    }

    proptest! {
        #[test]
        fn any_answer_is_read(code in 1u32..200, policy: Option<u8>, text in "(?s).{0,80}") {
            let error = PlainError::new(code, &text, policy).into_error("search");
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}

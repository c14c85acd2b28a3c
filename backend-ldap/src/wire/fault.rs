//! Why an operation brought no success.

use identity_core::error::{Error, ErrorKind, Status};
use ldap3::LdapResult;

use super::answer::{AdError, ResultCode};

/// Why an operation brought no success.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The controller answered that it did not do it.
    Answered(AdError),
    /// Nothing was sent.
    NotSent(String),
    /// It was sent, or may have been, and no answer came.
    Unanswered(String),
    /// An answer came that is none.
    Malformed(&'static str),
    /// The filter is not one.
    Filter,
}

impl Fault {
    /// The fault as the library's error. A read has no effect and can be repeated; a change
    /// that was sent and not answered is unknown.
    pub(crate) fn into_error(self, operation: &'static str, is_change: bool) -> Error {
        let unanswered = if is_change { Status::Unknown } else { Status::Temporary };
        match self {
            Self::Answered(answer) => answer.into_error(operation),
            Self::NotSent(cause) => Error::new(ErrorKind::Transport, operation)
                .with_status(Status::Temporary)
                .with_detail(format!("not sent: {cause}"))
                .with_advice("it is tried again on a new connection"),
            Self::Unanswered(cause) => Error::new(ErrorKind::Transport, operation)
                .with_status(unanswered)
                .with_detail(format!("sent, but not answered: {cause}"))
                .with_advice(if is_change {
                    "it is read back before anything is repeated: on the same controller if that comes back in time, \
                     otherwise on another one; check the controller and the network to it"
                } else {
                    "check the controller and the network to it"
                }),
            Self::Malformed(what) => Error::new(ErrorKind::Protocol, operation)
                .with_status(if is_change { Status::Unknown } else { Status::Permanent })
                .with_detail(format!("the controller sent {what}"))
                .with_advice("report this as a fault, with the controller's version"),
            Self::Filter => Error::new(ErrorKind::InputInvalid, operation)
                .with_detail("this is not an LDAP filter")
                .with_advice("write it as RFC 4515 has it, for example (department=Finance)"),
        }
    }

    /// The code that the controller answered with, if it answered.
    pub(crate) fn code(&self) -> Option<ResultCode> {
        match self {
            Self::Answered(answer) => Some(answer.code),
            _ => None,
        }
    }

    /// Whether the object or the name asked for does not exist.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self.code(), Some(ResultCode::NO_SUCH_OBJECT | ResultCode::INVALID_DN))
    }
}

/// An error if the result is not success.
pub(super) fn done(result: &LdapResult) -> Result<(), Fault> {
    let answer = AdError::new(result.rc, &result.text).with_referrals(&result.refs);
    if answer.code == ResultCode::SUCCESS { Ok(()) } else { Err(Fault::Answered(answer)) }
}

//! What an HTTP status means for a read and for a write.

use http::StatusCode;

use super::Effect;
use crate::error::{ErrorKind, Status};

/// What a refusal means: the kind and status of the error, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub status: Status,
    /// What the user can do.
    pub advice: Option<String>,
}

impl Verdict {
    /// An error of `kind` and `status`.
    #[must_use]
    pub fn new(kind: ErrorKind, status: Status) -> Self {
        Self { kind, status, advice: None }
    }

    /// Says what the user can do.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// What a status other than 2xx means for a request of this effect; `of_account` where one account
/// was asked for.
///
/// A write that a gateway or the server itself broke off (500, 502, 504, 408) may have landed.
///
/// ```
/// use http::StatusCode;
/// use identity_core::error::{ErrorKind, Status};
/// use identity_core::http::{Effect, Verdict, classify};
///
/// let of = |effect| classify(StatusCode::BAD_GATEWAY, effect, false);
/// assert_eq!(of(Effect::Read), Verdict::new(ErrorKind::Unavailable, Status::Temporary));
/// assert_eq!(of(Effect::Write), Verdict::new(ErrorKind::Unavailable, Status::Unknown));
/// ```
#[must_use]
pub fn classify(status: StatusCode, effect: Effect, of_account: bool) -> Verdict {
    use ErrorKind as Kind;
    // What it means that the server did not say how the request ended.
    let unsaid = match effect {
        Effect::Read => Status::Temporary,
        Effect::Write => Status::Unknown,
    };
    let (kind, status) = match status.as_u16() {
        300..=399 => {
            let advice = "redirects are not followed; check the address of the service";
            return Verdict::new(Kind::Protocol, Status::Permanent).with_advice(advice);
        }
        401 => (Kind::Unauthenticated, Status::Permanent),
        403 => (Kind::InsufficientPrivilege, Status::Permanent),
        404 | 410 if of_account => (Kind::AccountNotFound, Status::Permanent),
        405 => (Kind::Unsupported, Status::Permanent),
        407 => {
            let advice = "the proxy wants a sign-in; let this machine reach the service without it";
            return Verdict::new(Kind::ConfigInvalid, Status::Permanent).with_advice(advice);
        }
        408 | 504 => (Kind::Timeout, unsaid),
        409 | 410 | 412 | 423 => (Kind::Conflict, Status::Permanent),
        // What this request depended on failed, so that it was not carried out.
        424 => (Kind::Conflict, Status::Temporary),
        425 | 503 => (Kind::Unavailable, Status::Temporary),
        429 => (Kind::RateLimited, Status::Temporary),
        400..=499 => (Kind::InputInvalid, Status::Permanent),
        501 | 505 => (Kind::Unsupported, Status::Permanent),
        500..=599 => (Kind::Unavailable, unsaid),
        _ => (Kind::Protocol, if effect == Effect::Write { Status::Unknown } else { Status::Permanent }),
    };
    Verdict::new(kind, status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorKind::{
        AccountNotFound, ConfigInvalid, Conflict, InputInvalid, InsufficientPrivilege, Protocol, RateLimited, Timeout,
        Unauthenticated, Unavailable, Unsupported,
    };
    use Status::{Permanent, Temporary, Unknown};

    #[test]
    fn what_each_status_means_for_a_read_and_for_a_write() {
        for (code, kind, read, write) in [
            (301, Protocol, Permanent, Permanent),
            (304, Protocol, Permanent, Permanent),
            (307, Protocol, Permanent, Permanent),
            (400, InputInvalid, Permanent, Permanent),
            (401, Unauthenticated, Permanent, Permanent),
            (403, InsufficientPrivilege, Permanent, Permanent),
            (404, InputInvalid, Permanent, Permanent),
            (405, Unsupported, Permanent, Permanent),
            (407, ConfigInvalid, Permanent, Permanent),
            (408, Timeout, Temporary, Unknown),
            (409, Conflict, Permanent, Permanent),
            (410, Conflict, Permanent, Permanent),
            (412, Conflict, Permanent, Permanent),
            (413, InputInvalid, Permanent, Permanent),
            (422, InputInvalid, Permanent, Permanent),
            (423, Conflict, Permanent, Permanent),
            (424, Conflict, Temporary, Temporary),
            (425, Unavailable, Temporary, Temporary),
            (429, RateLimited, Temporary, Temporary),
            (500, Unavailable, Temporary, Unknown),
            (501, Unsupported, Permanent, Permanent),
            (502, Unavailable, Temporary, Unknown),
            (503, Unavailable, Temporary, Temporary),
            (504, Timeout, Temporary, Unknown),
            (507, Unavailable, Temporary, Unknown),
            (599, Unavailable, Temporary, Unknown),
            (600, Protocol, Permanent, Unknown),
            (101, Protocol, Permanent, Unknown),
        ] {
            let status = StatusCode::from_u16(code).unwrap();
            for (effect, expected) in [(Effect::Read, read), (Effect::Write, write)] {
                let verdict = classify(status, effect, false);
                assert_eq!((verdict.kind, verdict.status), (kind, expected), "{code} {effect:?}");
            }
        }
    }

    #[test]
    fn an_account_that_is_not_there_is_not_a_bad_request() {
        for code in [404, 410] {
            let status = StatusCode::from_u16(code).unwrap();
            for effect in [Effect::Read, Effect::Write] {
                assert_eq!(classify(status, effect, true), Verdict::new(AccountNotFound, Permanent));
            }
        }
        assert_eq!(classify(StatusCode::FORBIDDEN, Effect::Read, true).kind, InsufficientPrivilege);
    }
}

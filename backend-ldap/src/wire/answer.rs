//! What a controller's result means: the LDAP result code, the Windows code in its text, and what
//! both together say to the reader.
//!
//! The table is facts of MS-ADTS 3.1.1.3.1.9 (errors), MS-ERREF 2.2 (Windows codes) and of what AD
//! and Samba were seen to answer; where the two differ, both are here.

use std::fmt;

use identity_core::error::{Error, ErrorKind, Status};

/// A result code of RFC 4511 section 4.1.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResultCode(pub u32);

impl ResultCode {
    pub(crate) const SUCCESS: Self = Self(0);
    pub(crate) const OPERATIONS_ERROR: Self = Self(1);
    pub(crate) const PROTOCOL_ERROR: Self = Self(2);
    pub(crate) const REFERRAL: Self = Self(10);
    pub(crate) const UNAVAILABLE_CRITICAL_EXTENSION: Self = Self(12);
    pub(crate) const NO_SUCH_OBJECT: Self = Self(32);
    pub(crate) const INVALID_DN: Self = Self(34);
    pub(crate) const INVALID_CREDENTIALS: Self = Self(49);
    pub(crate) const BUSY: Self = Self(51);
    pub(crate) const UNAVAILABLE: Self = Self(52);

    /// The code's name in RFC 4511, or `unknown`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "success",
            1 => "operationsError",
            2 => "protocolError",
            3 => "timeLimitExceeded",
            4 => "sizeLimitExceeded",
            7 => "authMethodNotSupported",
            8 => "strongerAuthRequired",
            10 => "referral",
            11 => "adminLimitExceeded",
            12 => "unavailableCriticalExtension",
            13 => "confidentialityRequired",
            16 => "noSuchAttribute",
            17 => "undefinedAttributeType",
            18 => "inappropriateMatching",
            19 => "constraintViolation",
            20 => "attributeOrValueExists",
            21 => "invalidAttributeSyntax",
            32 => "noSuchObject",
            34 => "invalidDNSyntax",
            48 => "inappropriateAuthentication",
            49 => "invalidCredentials",
            50 => "insufficientAccessRights",
            51 => "busy",
            52 => "unavailable",
            53 => "unwillingToPerform",
            65 => "objectClassViolation",
            68 => "entryAlreadyExists",
            80 => "other",
            _ => "unknown",
        }
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

/// What a controller answered when it did not do what was asked. It is the `source` of the
/// library's error: `error.source().downcast_ref::<AdError>()`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
#[non_exhaustive]
pub struct AdError {
    /// The LDAP result code.
    pub code: ResultCode,
    /// The Windows code at the front of the text (`0000052D: …`).
    pub windows: Option<u32>,
    /// The reason of a refused sign-in (`… data 52e …`).
    pub sign_in: Option<u32>,
    /// The text, without the trailing NUL and line break that AD sends.
    pub text: String,
    /// Where the answer refers to: `ldap://host/name`. It is not followed.
    pub referrals: Vec<String>,
}

/// Windows codes (MS-ERREF 2.2).
const GEN_FAILURE: u32 = 0x1F;
const INVALID_PARAMETER: u32 = 0x57;
const INVALID_PASSWORD: u32 = 0x56;
const PASSWORD_RESTRICTION: u32 = 0x52D;
const CONNECTION_INVALID: u32 = 0x4DC;
const DS_ILLEGAL_MOD_OPERATION: u32 = 0x2077;
const DS_SECURITY_ILLEGAL_MODIFY: u32 = 0x2081;
/// Samba's answer to an operation on a connection that is not signed in.
const DS_OPERATIONS_ERROR: u32 = 0x2020;

impl AdError {
    /// Reads a result's code and diagnostic text.
    pub(crate) fn new(code: u32, text: &str) -> Self {
        let text: String = text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).chars().take(400).collect();
        let windows =
            text.get(..8).filter(|_| text.get(8..9) == Some(":")).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let sign_in = text.split_once(", data ").and_then(|(_, rest)| {
            let hex: String = rest.chars().take_while(char::is_ascii_hexdigit).take(8).collect();
            u32::from_str_radix(&hex, 16).ok()
        });
        Self { code: ResultCode(code), windows, sign_in, text, referrals: Vec::new() }
    }

    /// The same with what it refers to.
    pub(crate) fn with_referrals(mut self, urls: &[String]) -> Self {
        let clean = |url: &String| url.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        self.referrals = urls.iter().take(8).map(clean).collect();
        self
    }

    /// Whether the connection has lost its sign-in and has to be made anew.
    pub(crate) fn lost_sign_in(&self) -> bool {
        self.code == ResultCode::OPERATIONS_ERROR
            && matches!(self.windows, Some(CONNECTION_INVALID | DS_OPERATIONS_ERROR))
            || self.code == ResultCode::UNAVAILABLE
    }

    /// Whether the answer says that the controller has too much to do.
    pub(crate) fn is_busy(&self) -> bool {
        self.code == ResultCode::BUSY || self.code == ResultCode::UNAVAILABLE
    }

    /// Whether the answer says that so much at once is not allowed: time, size or administrative limit.
    pub(crate) fn is_too_much(&self) -> bool {
        matches!(self.code.0, 3 | 4 | 11)
    }

    /// Whether the answer may say that the position in a listing is no longer known.
    pub(crate) fn lost_position(&self) -> bool {
        self.code == ResultCode::UNAVAILABLE_CRITICAL_EXTENSION || self.code == ResultCode::PROTOCOL_ERROR
    }

    /// The answer as the library's error. Every result means that nothing was changed: a Modify is
    /// done whole or not at all (RFC 4511 4.6).
    pub(crate) fn into_error(self, operation: &'static str) -> Error {
        let (kind, status, advice) = self.meaning();
        let advice = match self.referrals.first() {
            Some(url) if self.code == ResultCode::REFERRAL => format!(
                "{advice}; the answer names {url}, which is not followed: configure that domain as a directory of its own"
            ),
            _ => advice.to_owned(),
        };
        let detail = match self.sign_in.filter(|_| self.code == ResultCode::INVALID_CREDENTIALS) {
            Some(reason) => format!("{} (data {reason:x}): {}", sign_in_reason(reason).0, self.code),
            None => format!("{}: {}", self.code, self.text),
        };
        Error::new(kind, operation).with_status(status).with_detail(detail).with_advice(advice).with_source(self)
    }

    fn meaning(&self) -> (ErrorKind, Status, &'static str) {
        use ErrorKind as Kind;
        use Status::{Permanent, Temporary};
        match (self.code.0, self.windows) {
            (19 | 53, Some(PASSWORD_RESTRICTION)) => (
                Kind::PasswordRejected,
                Permanent,
                "the password policy or a password filter refuses it: generate another, longer one",
            ),
            (53, Some(GEN_FAILURE)) => (
                Kind::ConfigInvalid,
                Permanent,
                "the controller does not accept passwords on this connection: it needs TLS of 128 bit or more",
            ),
            (53, Some(DS_ILLEGAL_MOD_OPERATION)) => (
                Kind::Unsupported,
                Permanent,
                "this object does not take this change, or the connection is not encrypted",
            ),
            (19, Some(DS_SECURITY_ILLEGAL_MODIFY | INVALID_PASSWORD)) => (
                Kind::Protocol,
                Permanent,
                "the controller did not understand the password's form: report this as a fault",
            ),
            (1, Some(CONNECTION_INVALID | DS_OPERATIONS_ERROR)) => {
                (Kind::Unavailable, Temporary, "the connection lost its sign-in; it is made anew")
            }
            (3 | 4 | 11, _) => (
                Kind::Unavailable,
                Permanent,
                "the listing is larger than the controller allows: choose a smaller page_size or base",
            ),
            (8 | 13, _) => {
                (Kind::ConfigInvalid, Permanent, "the controller asks for an encrypted connection: use ldaps://")
            }
            (10, _) => (
                Kind::Unsupported,
                Permanent,
                "the account belongs to another domain, or this controller is read-only: use a writable controller of its domain",
            ),
            (12, _) => {
                (Kind::Unavailable, Temporary, "the controller dropped the listing's position: begin the listing again")
            }
            (16 | 20, _) => {
                (Kind::Conflict, Temporary, "somebody else changed the account at the same moment: read it again")
            }
            (32, _) => (Kind::AccountNotFound, Permanent, "the account was deleted, or this sign-in may not see it"),
            (34, _) => (Kind::InputInvalid, Permanent, "this is not a distinguished name"),
            (48 | 7, _) => {
                (Kind::ConfigInvalid, Permanent, "the controller does not allow a simple bind for this account")
            }
            (49, _) => (Kind::Unauthenticated, Permanent, sign_in_reason(self.sign_in.unwrap_or_default()).1),
            (50, _) => (
                Kind::InsufficientPrivilege,
                Permanent,
                "grant Reset Password and write pwdLastSet, lockoutTime and userAccountControl; accounts under AdminSDHolder need a grant there",
            ),
            (51, _) => (Kind::RateLimited, Temporary, "the controller is busy: it is tried again later"),
            (52, _) => {
                (Kind::Unavailable, Temporary, "the controller is stopping or starting: it is tried again later")
            }
            (2, _) => {
                (Kind::Protocol, Permanent, "the controller did not understand the request: report this as a fault")
            }
            (53, _) => (Kind::Unsupported, Permanent, "the controller will not do this to this account"),
            (80, Some(INVALID_PARAMETER)) => {
                (Kind::Protocol, Permanent, "the controller did not accept the value: report this as a fault")
            }
            _ => (Kind::Unexpected, Permanent, "look the code up in the controller's event log"),
        }
    }
}

/// The reason and remedy of a refused sign-in (MS-ERREF 2.2, as AD puts it in `data …`).
fn sign_in_reason(data: u32) -> (&'static str, &'static str) {
    match data {
        0x525 => ("there is no such account", "check bind_dn"),
        0x52e => (
            "the name or the password is wrong",
            "check bind_dn and its password; it is not tried again, so that the account is not locked out",
        ),
        0x530 => ("not allowed at this hour", "change the account's logon hours"),
        0x531 => ("not allowed from this machine", "change the account's logon workstations"),
        0x532 => ("the password has expired", "set a new password for the account that the run signs in with"),
        0x533 => ("the account is disabled", "enable the account that the run signs in with"),
        0x568 => ("the account is in too many groups", "sign in with an account that is in fewer groups"),
        0x701 => ("the account has expired", "extend the account that the run signs in with"),
        0x773 => {
            ("the password must be changed first", "change the password of the account that the run signs in with")
        }
        0x775 => ("the account is locked out", "unlock it and find out who locked it; it is not tried again"),
        _ => ("the sign-in was refused", "check bind_dn and its password; it is not tried again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::error::Error as _;

    /// Code, text, kind, status: AD's own texts, then Samba's.
    const TABLE: &[(u32, &str, ErrorKind, Status)] = {
        use ErrorKind::*;
        use Status::{Permanent, Temporary};
        &[
            (
                53,
                "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\0",
                PasswordRejected,
                Permanent,
            ),
            (
                19,
                "0000052D: AtrErr: DSID-03191083, #1:\n\t0: 0000052D: DSID-03191083, problem 1005 (CONSTRAINT_ATT_TYPE), data 0, Att 9005a (unicodePwd)\n\0",
                PasswordRejected,
                Permanent,
            ),
            (
                53,
                "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\0",
                ConfigInvalid,
                Permanent,
            ),
            (
                50,
                "00002098: SecErr: DSID-03150BB9, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0\n\0",
                InsufficientPrivilege,
                Permanent,
            ),
            (
                32,
                "0000208D: NameErr: DSID-0310021B, problem 2001 (NO_OBJECT), data 0, best match of:\n\0",
                AccountNotFound,
                Permanent,
            ),
            (10, "0000202B: RefErr: DSID-031007F3, data 0, 1 access points\n\0", Unsupported, Permanent),
            (
                1,
                "000004DC: LdapErr: DSID-0C09075A, comment: In order to perform this operation a successful bind must be completed\0",
                Unavailable,
                Temporary,
            ),
            (51, "000020EE: SvcErr: busy\0", RateLimited, Temporary),
            (52, "", Unavailable, Temporary),
            (16, "00000057: AtrErr", Conflict, Temporary),
            (
                19,
                "0000052D: Constraint violation - check_password_restrictions: the password is too short. It should be equal or longer than 7 characters!",
                PasswordRejected,
                Permanent,
            ),
            (8, "BindSimple: Transport encryption required.", ConfigInvalid, Permanent),
            (80, "00000057: invalid", Protocol, Permanent),
            (999, "?", Unexpected, Permanent),
        ]
    };

    #[test]
    fn every_known_answer_has_its_meaning_and_a_remedy() {
        for (code, text, kind, status) in TABLE {
            let error = AdError::new(*code, text).into_error("set password");
            assert_eq!((error.kind(), error.status()), (*kind, *status), "{code} {text}");
            assert!(error.advice().is_some_and(|advice| !advice.is_empty()));
            assert!(!error.to_string().contains(['\0', '\n']), "{error}");
            assert!(error.source().and_then(|source| source.downcast_ref::<AdError>()).is_some());
        }
    }

    #[test]
    fn a_referral_names_the_other_domain() {
        let answer = AdError::new(10, "0000202B: RefErr: DSID-031007F3, data 0, 1 access points")
            .with_referrals(&["ldap://child.example.test/DC=child,DC=example,DC=test\0".to_owned()]);
        let error = answer.into_error("set password");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let advice = error.advice().unwrap_or_default();
        assert!(advice.contains("child.example.test/DC=child,DC=example,DC=test, which is not followed"), "{advice}");
    }

    #[test]
    fn a_refused_sign_in_says_why() {
        let text = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 775, v4563\0";
        let answer = AdError::new(49, text);
        assert_eq!((answer.windows, answer.sign_in), (Some(0x8009_0308), Some(0x775)));
        let error = answer.into_error("sign in");
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(error.detail().contains("locked out") && error.detail().contains("775"), "{error}");
        assert!(AdError::new(49, "").into_error("sign in").advice().is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_read(code: u32, text in "(?s).{0,120}") {
            let answer = AdError::new(code, &text);
            let error = answer.into_error("search");
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}

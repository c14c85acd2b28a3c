//! What Okta's error codes mean (Okta API reference, "Okta API error codes", 2026.08.1; and "OAuth
//! 2.0 and OpenID Connect error codes").

use std::time::Duration;

use identity_core::error::{ErrorKind, Status};
use identity_core::http::Verdict;

use super::{MAIL_EVERY, MESSAGE_EVERY};
use crate::wire::fault::Refusal;

/// The token is not taken: expired, revoked, or from a place where it must not be used.
pub(crate) const INVALID_TOKEN: &str = "E0000011";
/// The org has no licence for a feature. It comes as 401.
pub(crate) const NO_LICENCE: &str = "E0000015";
/// The role or the scopes do not allow it, or the account outranks the caller.
pub(crate) const DENIED: &str = "E0000006";
/// As of RFC 6750, section 3.1.
pub(crate) const INVALID_BEARER: &str = "invalid_token";
pub(crate) const INSUFFICIENT_SCOPE: &str = "insufficient_scope";
/// As of RFC 9449, sections 5 and 8.
pub(crate) const INVALID_PROOF: &str = "invalid_dpop_proof";
pub(crate) const NONCE_WANTED: &str = "use_dpop_nonce";

pub(super) const TOKEN_REFUSED: &str = "the token is not taken: an API token ends 30 days after its last use or with its administrator, and may be bound to network zones; of a service app, check that it is active";
pub(super) const SCOPE_LACKING: &str =
    "the app lacks the scope for this: grant it under Okta API Scopes of the app (docs/permissions-okta.md)";
const AGENT: &str = "the agent of the account's own directory did not answer: check the org's AD or LDAP agents; what was ordered may have been done";

/// How long the trouble of one account alone lasts, where the code is of that kind: no other request
/// has to wait for it. `Some(None)` where nothing is said of how long.
pub(super) fn of_one_account(code: &str) -> Option<Option<Duration>> {
    match code {
        "E0000118" => Some(Some(MAIL_EVERY)),
        "E0000109" | "E0000133" => Some(Some(MESSAGE_EVERY)),
        // Quotas of text messages and calls; an agent that is away.
        "E0000146" | "E0000147" | "E0000186" | "E0000204" | "E0000205" | "E0000240" | "E0000241" => Some(None),
        _ => None,
    }
}

/// What a refusal means, where its code or words say more than the status.
pub(super) fn refine(refusal: &Refusal, verdict: Verdict) -> Verdict {
    let of = |kind, status, advice: &str| Verdict::new(kind, status).with_advice(advice);
    let permanent = |kind, advice: &str| of(kind, Status::Permanent, advice);
    match refusal.code.as_str() {
        INVALID_TOKEN | INVALID_BEARER => permanent(ErrorKind::Unauthenticated, TOKEN_REFUSED),
        // The same proof came before, so the same request did: what it had Okta do, nobody heard.
        INVALID_PROOF if is_replay(&refusal.summary) => of(
            ErrorKind::Timeout,
            Status::Unknown,
            "the request came twice with one proof, and the first may have been carried out: see whether something between here and Okta repeats requests",
        ),
        INVALID_PROOF | NONCE_WANTED => permanent(
            ErrorKind::Unauthenticated,
            "the proof that goes with the token is not taken: check this machine's clock, and what the app says of DPoP",
        ),
        "invalid_request" if refusal.message().to_ascii_lowercase().contains("dpop") => permanent(
            ErrorKind::Unauthenticated,
            "the app is set to need a proof with each request (DPoP): turn it on here too",
        ),
        INSUFFICIENT_SCOPE => permanent(ErrorKind::InsufficientPrivilege, SCOPE_LACKING),
        "E0000005" | "E0000013" => permanent(ErrorKind::Unauthenticated, TOKEN_REFUSED),
        NO_LICENCE => permanent(ErrorKind::Unsupported, "the org has no licence for this feature, or it is turned off"),
        DENIED => permanent(
            ErrorKind::InsufficientPrivilege,
            "the administrator role or the scopes do not allow this, or the account outranks them (docs/permissions-okta.md); for accounts of Active Directory, the agent's own rights decide too",
        ),
        "E0000260" => permanent(ErrorKind::Unsupported, "the org has been deactivated"),

        "E0000080" => password(),
        "E0000014" | "E0000001" if speaks_of_password(refusal) => password(),
        "E0000014" => permanent(ErrorKind::Conflict, "the account takes no password in its present state"),
        "E0000017" if refusal.message().contains("login type") => permanent(
            ErrorKind::Unsupported,
            "the account signs in without a password of Okta: reset it where its password is mastered",
        ),
        "E0000017" => permanent(
            ErrorKind::Conflict,
            "Okta cannot start recovery for this account: check its state, its policy and, if it is mastered elsewhere, the agent's rights",
        ),
        "E0000016" | "E0000032" | "E0000038" | "E0000069" | "E0000079" | "E0000107" | "E0000119" => {
            permanent(ErrorKind::Conflict, "the account's present state does not allow this")
        }
        "E0000034" | "E0000035" | "E0000036" => {
            permanent(ErrorKind::Unsupported, "the password policy of the account does not allow this")
        }
        "E0000023" | "E0000075" | "E0000076" | "E0000077" | "E0000078" | "E0000111" => {
            permanent(ErrorKind::Unsupported, "this is mastered in another system: change it there")
        }
        "E0000112" | "E0000145" | "E0000239" | "E0000249" | "E0000253" | "E0000268" => {
            Verdict::new(ErrorKind::Conflict, Status::Temporary)
        }
        "E0000007" => verdict,
        // Something else than the account is not there.
        "E0000008" | "E0000022" | "E0000026" | "E0000048" | "E0000052" | "E0000060" | "E0000215" | "E0000258" => {
            permanent(ErrorKind::Unsupported, "this org does not have the endpoint")
        }
        "E0000029" | "E0000031" | "E0000033" | "E0000053" | "E0000054" | "E0000094" => permanent(
            ErrorKind::InputInvalid,
            "the expression is not one that Okta takes: see `search` of the Users API; eq, sw, gt, ge, lt, le, pr, and no ne",
        ),
        "E0000146" | "E0000147" | "E0000186" | "E0000204" | "E0000205" => {
            permanent(ErrorKind::RateLimited, "the org's quota of text messages or calls is used up")
        }
        "E0000109" | "E0000118" | "E0000133" => Verdict::new(ErrorKind::RateLimited, Status::Temporary),
        "E0000010" => of(ErrorKind::Unavailable, Status::Temporary, "the org is in maintenance and can only be read"),
        "E0000067" | "E0000240" | "E0000241" => verdict.with_advice(AGENT),
        _ => verdict,
    }
}

fn password() -> Verdict {
    Verdict::new(ErrorKind::PasswordRejected, Status::Permanent).with_advice(
        "another password may be taken; see complexity and common passwords in the account's password policy",
    )
}

/// Whether a proof was refused because Okta had seen it already (its `jti`; RFC 9449, section 11.1).
pub(super) fn is_replay(words: &str) -> bool {
    words.to_ascii_lowercase().contains("already been used")
}

fn speaks_of_password(refusal: &Refusal) -> bool {
    let speaks = |text: &String| text.to_ascii_lowercase().contains("password");
    refusal.causes.iter().any(speaks) || (refusal.causes.is_empty() && speaks(&refusal.summary))
}

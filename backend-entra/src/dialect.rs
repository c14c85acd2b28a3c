//! How Graph spells errors and pace.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use identity_core::error::{ErrorKind, Status};
use identity_core::http::{Dialect, Pace, Response, ServerFault, Verdict};
use identity_core::limits::{OperationClass, Signal};

use crate::wire::fault::Refusal;

/// The codes of Graph that decide something. Texts decide only where there is no code.
pub(crate) mod code {
    pub(crate) const DENIED: &str = "Authorization_RequestDenied";
    pub(crate) const NO_LICENCE: &str = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    pub(crate) const CLAIMS: &str = "insufficient_claims";
    pub(crate) const CONCURRENCY: &str = "Directory_ConcurrencyViolation";
    pub(crate) const QUOTA: &str = "Directory_QuotaExceeded";
    pub(crate) const OLD_PAGE: &str = "Directory_ExpiredPageToken";
    /// The object does not exist, or not yet on this server.
    pub(crate) const NOT_FOUND: &str = "Request_ResourceNotFound";
    pub(crate) const RESYNC: [&str; 2] = ["resyncRequired", "syncStateNotFound"];
}

/// The part of a quota that is used, from 0.8 up; 1.0 is where refusals begin.
const PERCENTAGE: &str = "x-ms-throttle-limit-percentage";
/// From here on fewer requests are sent at once: the header does not come below 0.8.
const STRAINED_FROM: f64 = 0.8;

/// How Graph spells errors and pace.
#[derive(Debug)]
pub(crate) struct GraphDialect;

impl Dialect for GraphDialect {
    fn request_id_header(&self) -> Option<HeaderName> {
        Some(HeaderName::from_static("client-request-id"))
    }

    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        Some(text(headers, "request-id")?.to_owned())
    }

    fn fault(&self, response: &Response) -> ServerFault {
        let Some(refusal) = Refusal::of(&response.body) else { return ServerFault::default() };
        let mut fault = ServerFault::new(&refusal.code, &refusal.message);
        if let Some(code) = &refusal.inner.code {
            fault = fault.with_inner_code(code);
        }
        match &refusal.inner.request_id {
            Some(id) => fault.with_request_id(id),
            None => fault,
        }
    }

    fn refine(&self, response: &Response, fault: &ServerFault, verdict: Verdict) -> Verdict {
        let is = |code: &str| fault.code.eq_ignore_ascii_case(code) || fault.inner_code.as_deref() == Some(code);
        let of = |kind, status, advice: &str| Verdict::new(kind, status).with_advice(advice);
        let permanent = Status::Permanent;
        match response.status.as_u16() {
            400 if is(code::OLD_PAGE) => {
                of(ErrorKind::Conflict, permanent, "the listing took so long that its place has expired: begin anew")
            }
            400 | 403 | 405 => match by_words(response) {
                Some(verdict) => verdict,
                None => match () {
                    () if is(code::NO_LICENCE) => of(
                        ErrorKind::Unsupported,
                        permanent,
                        "this needs Microsoft Entra ID P1 or P2; licensed tenants are refused so at times, too",
                    ),
                    () if is(code::CLAIMS) => of(
                        ErrorKind::InsufficientPrivilege,
                        permanent,
                        "a Conditional Access policy asks more of the app: exclude it, or run from where the policy allows",
                    ),
                    () if is(code::QUOTA) => of(
                        ErrorKind::Conflict,
                        permanent,
                        "the tenant or the app has used up its quota of objects: this is Microsoft's support's to raise",
                    ),
                    () if response.status == StatusCode::FORBIDDEN => denied(is(code::DENIED), verdict),
                    () => verdict,
                },
            },
            401 => verdict.with_advice(
                "the token was refused and so was a new one: check that the app is enabled and of this tenant and cloud",
            ),
            404 if verdict.kind != ErrorKind::AccountNotFound => {
                verdict.with_advice("it is not there, or this national cloud does not have it")
            }
            404 if is(code::NOT_FOUND) => verdict,
            // Something else than the account is not there: the endpoint, or Graph itself.
            404 if fault.code.is_empty() => of(
                ErrorKind::Unavailable,
                Status::Temporary,
                "this 404 is not in the words of Graph: see whether a proxy answers in its place",
            ),
            404 => of(ErrorKind::Protocol, permanent, "it is not there, or this national cloud does not have it"),
            409 if is(code::CONCURRENCY) => Verdict::new(ErrorKind::Conflict, Status::Temporary),
            410 => of(ErrorKind::Conflict, permanent, "the mark is too old or no longer known: begin anew"),
            400..=499 if code::RESYNC.into_iter().any(is) => {
                of(ErrorKind::Conflict, permanent, "the mark is too old or no longer known: begin anew")
            }
            _ => verdict,
        }
    }

    fn pace(&self, _class: OperationClass, response: &Response) -> Pace {
        let mut pace = Pace::of(response.status, &response.headers);
        let used = text(&response.headers, PERCENTAGE).and_then(|text| text.trim().parse::<f64>().ok());
        if pace.signal == Signal::Ok && used.is_some_and(|used| used >= STRAINED_FROM) {
            pace.signal = Signal::Strained;
        }
        pace
    }
}

fn denied(known: bool, verdict: Verdict) -> Verdict {
    let advice = if known {
        "the app lacks the permission for this, or this account outranks the app's directory role (docs/permissions-entra.md); a token that is out keeps what it had"
    } else {
        "the app lacks the permission for this (docs/permissions-entra.md)"
    };
    verdict.with_advice(advice)
}

/// Refusals that have one code for all and differ in their words (unconfirmed as to wording and
/// target; docs/entra-open-questions.md).
fn by_words(response: &Response) -> Option<Verdict> {
    // As it came: in the fault, what the request held is replaced, and a password can be any word.
    let message = Refusal::of(&response.body)?.message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().all(|word| message.contains(word));
    if says(&["on-premises mastered"]) || says(&["directory sync", "unable to update"]) {
        return Some(
            Verdict::new(ErrorKind::Unsupported, Status::Permanent)
                .with_advice("this is mastered on-prem: change it in Active Directory"),
        );
    }
    if says(&["federated"]) {
        return Some(
            Verdict::new(ErrorKind::Unsupported, Status::Permanent)
                .with_advice("the identity provider of the account's domain has the password: reset it there"),
        );
    }
    if says(&["default method"]) {
        return Some(
            Verdict::new(ErrorKind::Conflict, Status::Permanent)
                .with_advice("the default method goes last: remove the others first, or choose another default"),
        );
    }
    let weak = ["complexity", "banned", "comply", "too weak", "easily guess", "not allowed", "too short", "commonly"];
    if response.status != StatusCode::BAD_REQUEST {
        return None;
    }
    let targets = Refusal::targets(&response.body);
    let names_password = targets.iter().any(|target| target.to_ascii_lowercase().contains("password"));
    if (says(&["password"]) || names_password) && weak.iter().any(|word| message.contains(word)) {
        return Some(
            Verdict::new(ErrorKind::PasswordRejected, Status::Permanent)
                .with_advice("another password may be taken; look at the tenant's list of banned passwords"),
        );
    }
    None
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(HeaderValue::to_str)?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::http::{Effect, classify};
    use serde_json::json;

    fn response(status: u16, body: &serde_json::Value) -> Response {
        Response::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.to_string().into_bytes())
    }

    fn verdict(status: u16, code: &str, message: &str) -> Verdict {
        let response = response(status, &json!({ "error": { "code": code, "message": message } }));
        let dialect = GraphDialect;
        let plain = classify(response.status, Effect::Write, true);
        dialect.refine(&response, &dialect.fault(&response), plain)
    }

    #[test]
    fn codes_mean_what_the_documentation_says() {
        use ErrorKind::{
            AccountNotFound, Conflict, InputInvalid, InsufficientPrivilege, PasswordRejected, Protocol, RateLimited,
            Unauthenticated, Unavailable, Unsupported,
        };
        use Status::{Permanent, Temporary, Unknown};
        let synced = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.";
        let weak = "The specified password does not comply with password complexity requirements. Please provide a different password.";
        let default =
            "Cannot delete default method with other methods configured. Please change default method before deletion.";
        for (status, code, message, kind, expected) in [
            (400, "Request_BadRequest", weak, PasswordRejected, Permanent),
            (400, "Request_BadRequest", "The password is a banned password.", PasswordRejected, Permanent),
            (400, "Request_BadRequest", synced, Unsupported, Permanent),
            (403, "Request_BadRequest", synced, Unsupported, Permanent),
            (400, "Request_BadRequest", "passwordProfile cannot be used for federated users.", Unsupported, Permanent),
            (400, "badRequest", default, Conflict, Permanent),
            (400, "Request_BadRequest", "Invalid value for property 'x'.", InputInvalid, Permanent),
            (400, "Directory_ExpiredPageToken", "", Conflict, Permanent),
            (401, "InvalidAuthenticationToken", "", Unauthenticated, Permanent),
            (403, "Authorization_RequestDenied", "Insufficient privileges.", InsufficientPrivilege, Permanent),
            (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "", Unsupported, Permanent),
            (403, "insufficient_claims", "", InsufficientPrivilege, Permanent),
            (403, "accessDenied", "", InsufficientPrivilege, Permanent),
            (403, "Directory_QuotaExceeded", "", Conflict, Permanent),
            (404, "Request_ResourceNotFound", "", AccountNotFound, Permanent),
            (404, "ResourceNotFound", "", Protocol, Permanent),
            (404, "", "", Unavailable, Temporary),
            (409, "Directory_ConcurrencyViolation", "", Conflict, Temporary),
            (409, "Request_MultipleObjectsWithSameKeyValue", "", Conflict, Permanent),
            (410, "resyncRequired", "", Conflict, Permanent),
            (424, "FailedDependency", "", Conflict, Temporary),
            (429, "TooManyRequests", "", RateLimited, Temporary),
            (500, "generalException", "", Unavailable, Unknown),
            (503, "serviceNotAvailable", "", Unavailable, Temporary),
        ] {
            let verdict = verdict(status, code, message);
            assert_eq!((verdict.kind, verdict.status), (kind, expected), "{status} {code} {message}");
        }
    }

    #[test]
    fn a_password_is_refused_also_by_the_target_of_a_detail() {
        let details = json!([{ "code": "x", "message": "m", "target": "passwordProfile/password" }]);
        let body = json!({ "error": { "code": "Request_BadRequest", "message": "Too weak.", "details": details } });
        let response = response(400, &body);
        let fault = GraphDialect.fault(&response);
        let verdict = GraphDialect.refine(&response, &fault, classify(response.status, Effect::Write, true));
        assert_eq!(verdict.kind, ErrorKind::PasswordRejected);
    }

    #[test]
    fn words_decide_as_they_came_and_not_as_they_are_told() {
        let message = "The specified password does not comply with password complexity requirements.";
        let response = response(400, &json!({ "error": { "code": "Request_BadRequest", "message": message } }));
        let told = ServerFault::new("Request_BadRequest", &message.replace("password", "[as sent]"));
        let verdict = GraphDialect.refine(&response, &told, classify(response.status, Effect::Write, true));
        assert_eq!(verdict.kind, ErrorKind::PasswordRejected);
    }

    #[test]
    fn the_body_gives_code_inner_code_and_id_in_either_spelling() {
        for name in ["innerError", "innererror"] {
            let body = json!({ "error": {
                "code": "UnknownError", "message": "m",
                name: { "code": "Inner", "request-id": "r-1", "date": "2025-02-13T10:17:06" },
            } });
            let fault = GraphDialect.fault(&response(400, &body));
            assert_eq!((fault.code.as_str(), fault.message.as_str()), ("UnknownError", "m"));
            assert_eq!((fault.inner_code.as_deref(), fault.request_id.as_deref()), (Some("Inner"), Some("r-1")));
        }
        for odd in [json!(null), json!({ "error": "x" }), json!({ "error": { "code": 7 } }), json!([])] {
            assert_eq!(GraphDialect.fault(&response(500, &odd)).code, "", "{odd}");
        }
    }

    #[test]
    fn a_quota_that_is_nearly_used_up_is_heeded_before_the_refusal() {
        let signal = |status: u16, percentage: &'static str| {
            let mut response = response(status, &json!({}));
            response.headers.insert(PERCENTAGE, HeaderValue::from_static(percentage));
            GraphDialect.pace(OperationClass::Write, &response).signal
        };
        assert_eq!(signal(204, "0.79"), Signal::Ok);
        assert_eq!(signal(204, "0.8"), Signal::Strained);
        assert_eq!(signal(204, "1.2"), Signal::Strained);
        assert_eq!(signal(204, "nonsense"), Signal::Ok);
        assert_eq!(signal(429, "1.2"), Signal::Throttled);
    }
}

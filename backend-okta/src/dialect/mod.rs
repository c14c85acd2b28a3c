//! How Okta spells errors and pace.

pub(crate) mod code;
mod rate;
#[cfg(test)]
mod tests;

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use identity_core::error::{ErrorKind, Status};
use identity_core::http::{Dialect, Pace, Response, ServerFault, Verdict};
use identity_core::limits::{OperationClass, Signal};

use crate::wire::fault::Refusal;

/// How Okta spells errors and pace.
#[derive(Debug, Default)]
pub(crate) struct OktaDialect {
    unpaced: bool,
}

impl OktaDialect {
    /// For a run that keeps to no quota: what is left of a bucket is not heard, unless it was refused
    /// for it.
    pub(crate) fn unpaced(unpaced: bool) -> Self {
        Self { unpaced }
    }
}

impl Dialect for OktaDialect {
    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        headers.get("x-okta-request-id")?.to_str().ok().map(str::to_owned)
    }

    fn fault(&self, response: &Response) -> ServerFault {
        let Some(refusal) = Refusal::of(&response.body) else { return ServerFault::default() };
        let fault = ServerFault::new(&refusal.code, &refusal.message());
        match &refusal.id {
            Some(id) => fault.with_request_id(id),
            None => fault,
        }
    }

    fn refine(&self, response: &Response, _fault: &ServerFault, verdict: Verdict) -> Verdict {
        // As it came: in the fault, what the request held is replaced, and a password can be any word.
        match Refusal::of(&response.body) {
            Some(refusal) => code::refine(&refusal, verdict),
            None => without_words(response, verdict),
        }
    }

    /// Okta answers 401 also for what the org has no licence for: only what says that it is about
    /// the token, or the proof that goes with it, is worth another sign-in.
    fn refuses_sign_in(&self, response: &Response, fault: &ServerFault) -> bool {
        let of_sign_in = |code: &str| [code::INVALID_TOKEN, code::INVALID_BEARER, code::NONCE_WANTED].contains(&code);
        match response.status {
            StatusCode::UNAUTHORIZED => {
                of_sign_in(&fault.code)
                    || (fault.code != code::NO_LICENCE
                        && (challenges(response, code::INVALID_BEARER) || challenges(response, code::NONCE_WANTED)))
            }
            // A proof that was seen before is not renewed: the request that it came with may have been carried out.
            StatusCode::BAD_REQUEST => {
                fault.code == code::NONCE_WANTED
                    || (fault.code == code::INVALID_PROOF && !code::is_replay(&fault.message))
            }
            _ => false,
        }
    }

    fn pace(&self, _class: OperationClass, response: &Response) -> Pace {
        let mut pace = Pace::of(response.status, &response.headers);
        if !self.unpaced || response.status == StatusCode::TOO_MANY_REQUESTS {
            pace.window = rate::window(&response.headers);
        }
        if matches!(response.status.as_u16(), 429 | 502 | 504)
            && let Some(refusal) = Refusal::of(&response.body)
            && let Some(wait) = code::of_one_account(&refusal.code)
        {
            // One account's trouble, or its agent's: the others go on.
            pace.signal = Signal::Ok;
            pace.retry_after = pace.retry_after.or(wait);
        }
        pace
    }
}

/// Whether a challenge of the response has this error (RFC 6750, section 3; RFC 9449, section 7.1).
fn challenges(response: &Response, error: &str) -> bool {
    let parameter = format!("error={error}");
    let has = |challenge: &str| challenge.replace('"', "").split([',', ' ']).any(|part| part == parameter);
    response.headers.get_all(header::WWW_AUTHENTICATE).iter().any(|challenge| challenge.to_str().is_ok_and(has))
}

/// A refusal that is not in Okta's words.
fn without_words(response: &Response, verdict: Verdict) -> Verdict {
    let proxied = "this is not in the words of Okta: see whether a proxy answers in its place";
    match response.status.as_u16() {
        401 if challenges(response, code::INVALID_BEARER) => verdict.with_advice(code::TOKEN_REFUSED),
        403 if challenges(response, code::INSUFFICIENT_SCOPE) => {
            Verdict::new(ErrorKind::InsufficientPrivilege, Status::Permanent).with_advice(code::SCOPE_LACKING)
        }
        // It does not say that the account is gone.
        404 | 410 => Verdict::new(ErrorKind::Unavailable, Status::Temporary).with_advice(proxied),
        400..=499 if verdict.advice.is_none() && response.status != StatusCode::TOO_MANY_REQUESTS => {
            verdict.with_advice(proxied)
        }
        _ => verdict,
    }
}

/// How long a mail, a text message or a call to the same account has to wait.
const MAIL_EVERY: Duration = Duration::from_secs(5);
const MESSAGE_EVERY: Duration = Duration::from_secs(30);

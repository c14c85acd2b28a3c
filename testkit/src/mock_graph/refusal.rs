//! The room of errors: what is refused, with the service's codes and words.

use crate::mock_http::Answer;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// Of a user whose properties are mastered on-prem (seen live; status and code are not confirmed).
pub(super) const ON_PREM_MASTERED: &str = "Unable to update the specified properties for on-premises mastered \
     Directory Sync objects or objects currently undergoing migration.";
/// Of a password that is not taken.
pub(super) const COMPLEXITY: &str = "The specified password does not comply with password complexity \
     requirements. Please provide a different password.";

/// A refusal in Graph's words.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    code: &'static str,
    message: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// A query that the service does not support. The code is not confirmed.
    pub(super) fn unsupported_query(message: impl Into<String>, other_codes: bool) -> Self {
        let code = if other_codes { "Request_BadRequest" } else { "Request_UnsupportedQuery" };
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A token that is missing, unknown or stale. The code is from common use.
    pub(super) fn unauthenticated(message: &str, other_codes: bool) -> Self {
        let code = if other_codes { "Authentication_ExpiredToken" } else { "InvalidAuthenticationToken" };
        Self::new(StatusCode::UNAUTHORIZED, code, message)
            .with("www-authenticate", "Bearer authorization_uri=\"https://login.microsoftonline.com/common\"")
    }

    pub(super) fn forbidden() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", message)
    }

    /// A missing permission, as authentication methods and privileged identity management say it.
    pub(super) fn access_denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, "accessDenied", "Request Authorization failed")
    }

    /// A tenant without Entra ID P2, as privileged identity management says it (seen live in 2026).
    pub(super) fn needs_governance() -> Self {
        let message = "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.";
        Self::new(StatusCode::BAD_REQUEST, "AadPremiumLicenseRequired", message)
    }

    pub(super) fn no_licence() -> Self {
        let message = "Neither tenant is B2C or tenant doesn't have premium license";
        Self::new(StatusCode::FORBIDDEN, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", message)
    }

    pub(super) fn not_found(name: &str) -> Self {
        let message = format!(
            "Resource '{name}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
    }

    pub(super) fn no_such_segment(segment: &str) -> Self {
        Self::bad_request(format!("Resource not found for the segment '{segment}'."))
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "Specified HTTP method is not allowed for the request target.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", message)
    }

    pub(super) fn not_implemented(property: &str) -> Self {
        let message = format!("The property '{property}' cannot be requested on a collection of users.");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    pub(super) fn conflict() -> Self {
        let message = "Due to the presence of concurrent requests, the operation could not be completed.";
        Self::new(StatusCode::CONFLICT, "Directory_ConcurrencyViolation", message)
    }

    pub(super) fn throttled() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "Please retry again later.")
    }

    pub(super) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "The service is temporarily unavailable.")
    }

    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UnknownError", "An internal server error occurred.")
    }

    pub(super) fn gateway_timeout() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "UnknownError", "The request timed out.")
    }

    /// A delta link that is too old or that never was.
    pub(super) fn resync() -> Self {
        Self::new(StatusCode::GONE, "syncStateNotFound", "The sync state generation is not found; resync is required.")
    }

    /// A part of a batch that depends on one that failed. Its body is not documented.
    pub(super) fn failed_dependency(other_codes: bool) -> Self {
        let code = if other_codes { "FailedDependency" } else { "Request_FailedDependency" };
        Self::new(StatusCode::FAILED_DEPENDENCY, code, "The request depends on another one that failed.")
    }

    /// The envelope; `date` has no zone.
    pub(super) fn into_answer(self, at: Timestamp, request: Uuid, client_request: &str) -> Answer {
        let date = at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let mut inner: Value =
            json!({ "date": date, "request-id": request.to_string(), "client-request-id": client_request });
        if let (StatusCode::TOO_MANY_REQUESTS, Some(map)) = (self.status, inner.as_object_mut()) {
            map.insert("code".into(), "429".into());
            map.insert("status".into(), "429".into());
            map.insert("message".into(), "Please retry after".into());
        }
        let body = json!({ "error": { "code": self.code, "message": self.message, "innerError": inner } });
        let mut answer = Answer::json(self.status, body);
        answer.headers = self.headers;
        answer
    }
}

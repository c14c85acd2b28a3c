//! The room of errors: what is refused, with Okta's codes and words (error codes of the Okta API
//! reference).

use http::StatusCode;
use serde_json::{Value, json};

use crate::mock_http::Answer;

/// A refusal in Okta's words.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    code: &'static str,
    summary: String,
    causes: Vec<String>,
    pub(super) headers: Vec<(&'static str, String)>,
    /// 405 was seen without them.
    pub(super) without_rate_headers: bool,
    /// Words of OAuth in place of the envelope.
    oauth: bool,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, summary: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            code,
            summary: summary.into(),
            causes: Vec::new(),
            headers: Vec::new(),
            without_rate_headers: false,
            oauth: false,
        }
    }

    pub(super) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A request that is not as it must be: what, and why.
    pub(super) fn validation(what: &str, cause: impl Into<String>) -> Self {
        Self::new(400, "E0000001", format!("Api validation failed: {what}")).because(cause)
    }

    pub(super) fn unreadable_body() -> Self {
        Self::new(400, "E0000003", "The request body was not well-formed.")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(403, "E0000006", "You do not have permission to perform the requested action")
    }

    /// A token without the scope. That it is said so is not confirmed.
    pub(super) fn insufficient_scope() -> Self {
        Self::new(403, "E0000006", "You do not have permission to perform the requested action")
            .because("The access token provided does not contain the required scopes.")
            .with("www-authenticate", "Bearer authorization_uri=\"/oauth2/v1/authorize\", error=\"insufficient_scope\"")
    }

    /// `what` is `User`, `Group`, …
    pub(super) fn not_found(name: &str, what: &str) -> Self {
        Self::new(404, "E0000007", format!("Not found: Resource not found: {name} ({what})"))
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(404, "E0000008", "The requested path was not found")
    }

    pub(super) fn method_not_allowed() -> Self {
        let refusal = Self::new(405, "E0000022", "The endpoint does not support the provided HTTP method");
        Self { without_rate_headers: true, ..refusal }
    }

    pub(super) fn internal() -> Self {
        Self::new(500, "E0000009", "Internal Server Error")
    }

    pub(super) fn read_only() -> Self {
        Self::new(503, "E0000010", "Service is in read only mode")
    }

    pub(super) fn invalid_token() -> Self {
        Self::new(401, "E0000011", "Invalid token provided")
    }

    pub(super) fn no_such_feature() -> Self {
        Self::new(401, "E0000015", "You do not have permission to access the feature you are requesting")
    }

    pub(super) fn credentials_not_updated(cause: &str) -> Self {
        Self::new(403, "E0000014", "Update of credentials failed").because(cause)
    }

    pub(super) fn password_too_weak() -> Self {
        let summary = "The password does not meet the complexity requirements of the current password policy.";
        Self::new(403, "E0000080", summary)
    }

    pub(super) fn unsupported_media_type() -> Self {
        let summary = "Bad request.  Accept and/or Content-Type headers likely do not match supported values.";
        Self::new(400, "E0000021", summary)
    }

    pub(super) fn already_active() -> Self {
        Self::new(403, "E0000016", "Activation failed because the user is already active")
    }

    pub(super) fn reset_failed(cause: &str) -> Self {
        Self::new(403, "E0000017", "Password reset failed").because(cause)
    }

    pub(super) fn mastered_elsewhere() -> Self {
        Self::new(403, "E0000023", "Operation failed because user profile is mastered under another system")
    }

    pub(super) fn invalid_search() -> Self {
        Self::new(400, "E0000031", "Invalid search criteria.")
    }

    pub(super) fn search_and_filter() -> Self {
        Self::new(400, "E0000033", "Bad request. Can't specify a search query and filter in the same request.")
    }

    pub(super) fn unsupported_filter() -> Self {
        Self::new(400, "E0000094", "The provided filter is unsupported.")
    }

    pub(super) fn unlock_not_allowed(cause: &str) -> Self {
        Self::new(403, "E0000032", "Unlock is not allowed for this user.").because(cause)
    }

    pub(super) fn forgot_password_not_allowed() -> Self {
        Self::new(403, "E0000034", "Forgot password not allowed on specified user.")
    }

    pub(super) fn not_in_this_status() -> Self {
        Self::new(403, "E0000038", "This operation is not allowed in the user's current status.")
    }

    pub(super) fn throttled() -> Self {
        Self::new(429, "E0000047", "API call exceeded rate limit due to too many requests.")
    }

    pub(super) fn mailed_already() -> Self {
        Self::new(429, "E0000118", "An email was recently sent. Please wait 5 seconds before trying again.")
    }

    pub(super) fn still_activating() -> Self {
        let summary =
            "Cannot update this user because they are still being activated. Please try again in a few minutes.";
        Self::new(409, "E0000112", summary)
    }

    pub(super) fn etag_mismatch() -> Self {
        Self::new(412, "E0000231", "ETag value doesn't match.")
    }

    pub(super) fn agent_timed_out() -> Self {
        Self::new(502, "E0000240", "Request timed out waiting for agent.")
    }

    pub(super) fn no_agents() -> Self {
        Self::new(504, "E0000241", "No connected agents.")
    }

    /// What is refused in the words of OAuth.
    pub(super) fn oauth(status: u16, error: &'static str, description: &'static str) -> Self {
        Self { oauth: true, ..Self::new(status, error, description) }
    }

    /// The envelope.
    pub(super) fn into_answer(self, error_id: &str) -> Answer {
        let causes: Vec<Value> = self.causes.iter().map(|cause| json!({ "errorSummary": cause })).collect();
        if self.oauth {
            let body = json!({ "error": self.code, "error_description": self.summary });
            return Answer { headers: self.headers, ..Answer::json(self.status, body) };
        }
        let body = json!({
            "errorCode": self.code,
            "errorSummary": self.summary,
            "errorLink": self.code,
            "errorId": error_id,
            "errorCauses": causes,
        });
        let mut answer = Answer::json(self.status, body);
        answer.headers = self.headers;
        answer
    }
}

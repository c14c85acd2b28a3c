//! Errors of the token endpoint, with their AADSTS codes.

use crate::mock_http::Answer;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

/// A refusal of the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenRefusal {
    status: StatusCode,
    error: &'static str,
    code: u32,
    message: String,
}

impl TokenRefusal {
    pub(super) fn new(error: &'static str, code: u32, message: impl Into<String>) -> Self {
        let status = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, error, code, message: message.into() }
    }

    pub(super) fn client(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_client", code, message)
    }

    pub(super) fn request(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_request", code, message)
    }

    pub(super) fn into_answer(self, at: Timestamp, trace: Uuid, correlation: Uuid) -> Answer {
        let stamp = at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let Self { status, error, code, message } = self;
        Answer::json(
            status,
            json!({
                "error": error,
                "error_description": format!(
                    "AADSTS{code}: {message}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}"
                ),
                "error_codes": [code],
                "timestamp": stamp,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
            }),
        )
    }
}

//! Errors of the token endpoint, in the words of Okta's list of OAuth 2.0 errors.

use serde_json::json;

use crate::mock_http::Answer;
use http::StatusCode;

/// A refusal of the token endpoint, or of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenRefusal {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) description: &'static str,
    /// The nonce to use.
    pub(super) nonce: Option<String>,
}

impl TokenRefusal {
    fn new(status: u16, error: &'static str, description: &'static str) -> Self {
        Self { status, error, description, nonce: None }
    }

    pub(super) fn client(description: &'static str) -> Self {
        Self::new(401, "invalid_client", description)
    }

    pub(super) fn request(description: &'static str) -> Self {
        Self::new(400, "invalid_request", description)
    }

    pub(super) fn scope(description: &'static str) -> Self {
        Self::new(400, "invalid_scope", description)
    }

    pub(super) fn proof(description: &'static str) -> Self {
        Self::new(400, "invalid_dpop_proof", description)
    }

    pub(super) fn unsupported_grant() -> Self {
        Self::new(
            400,
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server.",
        )
    }

    pub(super) fn use_nonce(nonce: String) -> Self {
        let refusal = Self::new(400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.");
        Self { nonce: Some(nonce), ..refusal }
    }

    pub(super) fn into_answer(self) -> Answer {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let answer = Answer::json(status, json!({ "error": self.error, "error_description": self.description }));
        match self.nonce {
            Some(nonce) => answer.with("dpop-nonce", nonce),
            None => answer,
        }
    }
}

//! Signing in: as a service app (OAuth 2), or by an API token.

mod api_token;

pub(crate) use api_token::ApiToken;

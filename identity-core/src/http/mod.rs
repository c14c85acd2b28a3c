//! One HTTP client for all backends that speak HTTP: connections that are used again, signing in,
//! pace, retry, and errors with the server's code and request id.
//!
//! It knows no service. What differs from one to another is a [`Dialect`] (how errors and pace are
//! spelt), a [`SignIn`] (how a request is signed) and a [`BaseUrl`].
//!
//! ```text
//! backend ─Request─▶ Client ─signed by SignIn─▶ Transport ─▶ the service
//!    ▲                  │                            │
//!    └─Response, Error──┴──judged with the Dialect◀──┘   (Feedback to the Governor)
//! ```
//!
//! ```
//! use std::{num::NonZeroU32, sync::Arc};
//!
//! use identity_core::error::Result;
//! use identity_core::http::*;
//! use identity_core::limits::{Governor, Limits, OperationClass};
//! use secrecy::SecretString;
//!
//! /// A service whose errors are `{"code":…,"message":…}`.
//! #[derive(Debug)]
//! struct Example;
//!
//! impl Dialect for Example {
//!     fn request_id(&self, headers: &http::HeaderMap) -> Option<String> {
//!         Some(headers.get("x-request-id")?.to_str().ok()?.to_owned())
//!     }
//!
//!     fn fault(&self, response: &Response) -> ServerFault {
//!         let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
//!         let text = |member: &str| body.get(member).and_then(|text| text.as_str()).unwrap_or_default();
//!         ServerFault::new(text("code"), text("message"))
//!     }
//! }
//!
//! fn connect(secret: SecretString) -> Result<Client> {
//!     let transport = HttpTransport::shared(&TransportSettings::default())?;
//!     let token_url = BaseUrl::parse("https://login.example.com/oauth2/token")?;
//!     let source = ClientCredentials::by_secret(transport.clone(), token_url, "app", secret).with_scope("users");
//!     let settings = ClientSettings::new(BaseUrl::parse("https://api.example.com/v1")?);
//!     let governor = Governor::new(&Limits::new(NonZeroU32::MIN, NonZeroU32::MIN));
//!     Ok(Client::new(settings, transport, Arc::new(Example), Arc::new(TokenCache::new(source)), governor))
//! }
//!
//! async fn is_enabled(client: &Client, id: &str) -> Result<bool> {
//!     let request = Request::get("/users").segment(id).query("fields", "enabled").of_account();
//!     let response = client.read("look up", OperationClass::Read, &request).await?;
//!     Ok(response.json::<serde_json::Value>("look up")?["enabled"] == true)
//! }
//! ```
//!
//! # Behavior
//! * A token goes to the origin of the [`BaseUrl`] and nowhere else: redirects are not followed,
//!   and a link to another origin is refused. Plain HTTP only to loopback.
//! * [`Client::read`] repeats; [`Client::attempt`] never does, except once after a sign-in that the
//!   service refused before it did anything.
//! * No body, query value or header of a request is in an error, a log or `Debug`.
//! * Nothing waits but by [`limits::clock`](crate::limits::clock), so that a [`Transport`] within
//!   the process runs in virtual time.

mod assertion;
mod base_url;
mod classify;
mod client;
mod client_credentials;
mod der;
mod dialect;
mod dpop;
mod echo;
mod exchange;
mod grant;
mod network;
mod pace;
mod request;
mod response;
mod server_clock;
mod sign_in;
mod signing_key;
mod token;
mod token_cache;
mod transport;
mod wire;

pub use assertion::{AssertionFile, Assertions, SignedAssertions};
pub use base_url::BaseUrl;
pub use classify::{Verdict, classify};
pub use client::{Client, ClientSettings};
pub use client_credentials::ClientCredentials;
pub use dialect::{Dialect, ServerFault};
pub use dpop::Dpop;
pub use grant::GrantFault;
pub use network::Network;
pub use pace::{Pace, retry_after, server_date};
pub use request::{Effect, Request};
pub use response::Response;
pub use server_clock::ServerClock;
pub use sign_in::{SignIn, Signature};
pub use signing_key::{SigningAlgorithm, SigningKey};
pub use token::{AccessToken, TokenSource};
pub use token_cache::TokenCache;
pub use transport::{Transport, TransportFault};
pub use wire::{HttpTransport, TransportSettings};

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
mod exchange;
mod grant;
mod pace;
mod request;
mod response;
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
pub use grant::GrantFault;
pub use pace::{Pace, retry_after, server_date};
pub use request::{Effect, Request};
pub use response::Response;
pub use sign_in::{SignIn, Signature};
pub use signing_key::{SigningAlgorithm, SigningKey};
pub use token::{AccessToken, TokenSource};
pub use token_cache::TokenCache;
pub use transport::{Transport, TransportFault};
pub use wire::{HttpTransport, TransportSettings};

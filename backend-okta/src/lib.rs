//! Okta through its Management API, as a backend of identity-reset: it lists an org's accounts and
//! tells where each password is mastered, works at the pace that each answer of Okta tells, and never
//! calls done what Okta did not confirm.
//!
//! ```no_run
//! use backend_okta::{OktaConfig, OktaDirectory};
//! use identity_core::account::DirectoryId;
//! use identity_core::directory::Directory;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let key = std::fs::read_to_string("okta-key.pem")?;
//! let config = OktaConfig::new(DirectoryId::new("workforce")?, "https://acme.okta.com")
//!     .service_app("0oa1abcd2EFGhijkl3x7", key.into());
//! let directory = OktaDirectory::connect(config).await?;
//! for finding in directory.preflight().await?.findings {
//!     eprintln!("{:?}: {}", finding.severity, finding.text);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//! - **Sign-in** as a service app (`private_key_jwt`, RS256 or ES256) with proofs of possession (DPoP,
//!   RFC 9449), or by an API token. A refused sign-in is final; a machine whose clock is off signs in by
//!   Okta's. The scopes that the app is not granted are found and named, and the run goes on with the
//!   others.
//! - **Who we are** is found, and the account that made the API token is protected.
//! - **Pace** bucket by bucket, learnt from `x-rate-limit-*` of each answer: see below.
//! - **Errors** by Okta's codes and causes, with its request id. 401 `E0000015` is a licence and not a
//!   sign-in.
//! - **Listings** follow the links that Okta gives as they stand, to the same origin only. A page that is
//!   missing is an error.
//!
//! # Limits
//! Okta counts by bucket, in windows of 60 seconds, and gives each token or app a part of every bucket,
//! half unless set otherwise. A class of operations is a bucket:
//!
//! | class | requests |
//! |---|---|
//! | `users` | listing; below a user: `lifecycle`, `credentials`, `sessions`, `roles`, `factors` |
//! | `user` | `GET /users/{id}` |
//! | `user-write` | `POST /users/{id}`: setting a password |
//! | `iam`, `groups`, `logs`, `clients`, `principal-rate-limits` | of these names |
//! | `policies` | the rest of `/api/v1` |
//!
//! A run uses a [share](OktaConfig::share) of each, 0.5 unless said otherwise, and never more than Okta
//! gives the caller. Which part that is can be read with `okta.principalRateLimits.read`; without it the
//! run uses the share of what Okta tells, which is less. Setting a password takes from another bucket
//! than everything else, so that both can be used at once. At most 10 requests are under way, of the 75
//! that an org has.
//!
//! # Map
//! `config` → `sign_in` (tokens, proofs, scopes) → `okta` (the client: answers, pages) with `dialect`
//! (errors, pace), `limits` and `wire` (what is on the wire) → `org` (whom we are, with `principal`: which
//! part of the rate limits we have) → `account`, `enumerate`, `lookup`, `changed`; `findings` and
//! `password_policy` are what is known before anything is planned, and `directory` is where they come
//! together. `privilege` tells who is privileged and why, `support` what an account takes, `reset` carries
//! it out, `recovery` and `evidence` look at what else there is.

mod account;
#[cfg(test)]
mod canned;
mod changed;
mod config;
mod dialect;
mod directory;
mod enumerate;
mod evidence;
mod findings;
mod group;
mod key;
mod limits;
mod lookup;
mod matrix;
mod okta;
mod org;
mod password_policy;
mod permissions;
mod preflight;
mod principal;
mod privilege;
mod reading;
#[cfg(test)]
mod recorded;
mod recovery;
mod reset;
mod sign_in;
mod support;
mod wire;

pub use account::AnchorAttributes;
pub use config::OktaConfig;
pub use directory::OktaDirectory;
pub use privilege::RoleTable;

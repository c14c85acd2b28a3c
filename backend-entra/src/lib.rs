//! Microsoft Entra ID through Microsoft Graph v1.0, as a backend of identity-reset: it lists a
//! tenant's accounts and tells where each password is mastered, works at the pace that Microsoft
//! publishes, and never calls done what Graph did not confirm.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use backend_entra::{EntraConfig, EntraDirectory};
//! use identity_core::account::DirectoryId;
//! use identity_core::directory::Directory;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = std::env::var("ENTRA_SECRET")?;
//! let config = EntraConfig::new(DirectoryId::new("cloud")?, "contoso.example")
//!     .client_secret("00000000-0000-4000-8000-000000000001", secret.into());
//! let directory = EntraDirectory::connect(config).await?;
//! for finding in directory.preflight().await?.findings {
//!     eprintln!("{:?}: {}", finding.severity, finding.text);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//! - **Sign-in** as an app: client secret, certificate (PS256, `x5t#S256`), the token of another identity
//!   provider, or the managed identity of the machine; in any national cloud. A refused sign-in is final.
//! - **Accounts** are known by object id and addressed by it; a name is never sent in its place, since
//!   it could be somebody else's by now. On-prem anchors (SID, immutable id) join them with Active
//!   Directory.
//! - **Where the password is mastered** is told for each account: here, on-prem (synchronised), with the
//!   identity provider of a federated domain, in another tenant (guests), nowhere (agents).
//! - **Listings** are plain queries with a lean `$select` in pages of 999. Advanced queries are not
//!   used: their index lags behind, and B2C tenants have none. A page that is missing is an error.
//! - **Pace** by the published quotas, and by what each answer says of them.
//!
//! | a user that … | is listed as | its password is mastered |
//! |---|---|---|
//! | is neither of the following | person | here |
//! | `onPremisesSyncEnabled` | person | on-prem |
//! | has a name in a federated domain | person | with that provider |
//! | was invited, or has an outer identity only | guest | not told |
//! | has `userType` Guest and signs in here | person | here |
//! | is a customer's local account (B2C) | person | here |
//! | is the user object of an agent | service | nowhere |
//! | synchronises the tenant (its role, or its name) | directory-sync account | here |
//!
//! # Permissions
//!
//! | application permission | for |
//! |---|---|
//! | `User.Read.All` | listing and reading accounts; `User.ReadBasic.All` is not enough |
//! | `Organization.Read.All`, `Domain.Read.All` | the tenant, and which domains are federated |
//! | `GroupMember.Read.All` | choosing by group |
//! | `AuditLog.Read.All` | when accounts last signed in; enrolments |
//! | `RoleManagement.Read.Directory` | who is privileged; which accounts synchronise |
//! | `Application.Read.All` | who owns an app that can take the tenant |
//! | `User-PasswordProfile.ReadWrite.All` and a directory role | setting passwords |
//! | `User.RevokeSessions.All` | revoking sessions |
//!
//! `docs/permissions-entra.md` has all of them, run by run.
//!
//! # Limits
//! 3,000 writes in 150 seconds for an app in a tenant, of which a run uses a
//! [share](EntraConfig::share); resource units for reads; 5 requests in 10 seconds for reports and
//! authentication methods; 10 pages of sign-in times a minute; one request a second for risky users.
//! A batch of 20 is one request and 20 writes: it saves round trips and no quota.
//!
//! # What it does not
//! - Tell rooms, shared mailboxes and service accounts from persons: v1.0 has no property that does.
//! - List by organisational unit: there is none. Administrative units are for roles.
//! - Use `resetPassword` of the authentication methods: it is for signed-in persons only.
//!
//! What Microsoft does not say is in `docs/entra-open-questions.md`, with what the code does.
//!
//! # Map
//! `config`, `cloud` → `sign_in` (tokens and their claims) → `graph` (the client: answers, pages) with
//! `dialect` (errors, pace), `limits` and `wire` (what is on the wire) → `tenant` with `domains` and
//! `sync_accounts` (what is known of it) → `account` (from a user to an account) → `enumerate`, `group`,
//! `lookup`, `delta`, `findings`; `directory` is where they come together. `privilege` tells who is
//! privileged and why; with `matrix` (who may reset whom), `permissions` and `preflight` it says ahead what
//! will be refused, and `support` says so account by account.

mod account;
mod batch;
#[cfg(test)]
mod canned;
#[cfg(test)]
mod canned_client;
mod cloud;
mod config;
mod delta;
mod dialect;
mod directory;
mod domains;
mod enumerate;
mod findings;
mod graph;
mod group;
mod limits;
mod lookup;
mod matrix;
mod methods;
mod newcomers;
mod permissions;
mod preflight;
mod privilege;
mod recovery;
mod reset;
mod retold;
mod sign_in;
mod support;
mod sync_accounts;
mod tenant;
mod together;
mod wire;

pub use cloud::Cloud;
pub use config::{EntraConfig, TenantSize};
pub use directory::EntraDirectory;
pub use privilege::RoleTable;

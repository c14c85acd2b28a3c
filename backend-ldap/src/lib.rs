//! On-prem Active Directory over LDAPS, as a backend of identity-reset.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use backend_ldap::{LdapConfig, LdapDirectory};
//! use identity_core::account::DirectoryId;
//! use identity_core::directory::{Backend, Directory};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = LdapConfig::new(DirectoryId::new("corp")?, "ldaps://dc1.example.test")
//!     .bind("CN=reset,CN=Users,DC=example,DC=test", std::env::var("CORP_BIND")?.into())
//!     .ca_file("ca.pem");
//! let directory = LdapDirectory::connect(config).await?;
//! for finding in directory.preflight().await?.findings {
//!     eprintln!("{:?}: {}", finding.severity, finding.text);
//! }
//! let backend: Arc<dyn Backend> = directory;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//! - **Transport**: LDAPS, or StartTLS before anything else; certificates are always verified, against
//!   the given authority or the operating system's. Plain LDAP is refused before anything is sent.
//! - **Sign-in**: once a connection; a refused sign-in is final, so that no lock-out is provoked.
//! - **Accounts** are known by objectGUID and addressed by it, so that renames and moves during a run
//!   do no harm. Machines, managed service accounts, trusts and krbtgt are listed and told apart.
//! - **Privilege** by identifier, never by name where there is one: nested groups, primary groups,
//!   sIDHistory, adminCount, with the path as evidence.
//! - **Reset** by `unicodePwd`, with `pwdLastSet` in the same Modify where the owner must change it.
//!   What was sent and not answered is unknown, never repeated here.
//!
//! # What it does not
//! - End sessions: tickets live on (10 hours by default).
//! - Follow references to other domains; members of protected groups from other domains are reported.
//! - Choose the controller: preflight names the PDC emulator, whose password is valid at once.
//!
//! The client library panics on answers that it cannot read. These panics end one connection, as a
//! transport error of the operations on it; the program's panic hook sees them.
//!
//! Generated passwords are wiped from memory here once they are sent. The client library's own copy,
//! in the message that it encodes, is freed but not wiped; the same is true of the bind password.
//!
//! # Map
//! `config` → `wire` (TLS, connections, pool, result codes) → `domain` (paged reads) → `enumerate`,
//! `privileges`, `reset`, `preflight`, `convergence`; [`krbtgt`] stands apart; `value` and `account` read attributes.

mod account;
mod config;
mod convergence;
mod directory;
mod domain;
mod enumerate;
mod groups;
pub mod krbtgt;
mod member;
mod preflight;
mod privileges;
mod protected;
mod reset;
mod root;
mod support;
mod value;
mod wire;

pub use config::LdapConfig;
pub use directory::LdapDirectory;
pub use wire::answer::{AdError, ResultCode};

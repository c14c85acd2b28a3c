//! On-prem Active Directory over LDAPS, as a backend of identity-reset: it lists a domain's
//! accounts, says who is privileged and why, resets passwords, and never calls done what the
//! controller did not confirm.
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
//! - **Controllers**: one or several of a domain. One takes the changes and the reads around them, the
//!   PDC emulator if it is among them; it is replaced when it is lost, and the new one stays. A
//!   read-only one never gets a change.
//! - **Accounts** are known by objectGUID and addressed by it, so that renames and moves during a run
//!   do no harm. Machines, managed service accounts, trusts and krbtgt are listed and told apart.
//! - **Privilege** by identifier, never by name where there is one: nested groups, primary groups,
//!   placeholders, sIDHistory, adminCount; rights on the domain, on AdminSDHolder and over whoever is
//!   tier 0; delegation. Each ground with the path as evidence (docs/privileged-accounts-ad.md).
//! - **Reset** by `unicodePwd`, with `pwdLastSet` in the same Modify where the owner must change it.
//!   What was sent and not answered is unknown, never repeated here.
//!
//! # What a reset does there
//!
//! | action | Modify |
//! |---|---|
//! | set a password, scramble | replace `unicodePwd`, the quoted password in UTF-16 (MS-ADTS 3.1.1.3.1.5.1) |
//! | … with must-change | and, after it, `pwdLastSet` to 0 |
//! | expire | `pwdLastSet` to 0: the old password is good for one more sign-in |
//! | unlock | `lockoutTime` to 0 |
//! | disable | ACCOUNTDISABLE set in `userAccountControl`, by the value that was read |
//!
//! What Active Directory would take and not act on, or what would lock the owner out, is replaced
//! when the plan is made: must-change where the password never expires, where the owner may not
//! change it, or where a program signs in; a password that somebody knows where a smart card is
//! required. A set is read back by the version of `unicodePwd` in the replication metadata, and by
//! `pwdLastSet` where that cannot be read.
//!
//! # Permissions
//! Reading: what every authenticated user may, as a rule. Writing, on the accounts concerned: the
//! extended right *Reset Password*; `pwdLastSet` for must-change; `lockoutTime` to unlock;
//! `userAccountControl` only to disable. Members of protected groups take a right that stands on
//! AdminSDHolder, or a domain administrator. `docs/permissions-ad.md` has the commands.
//!
//! # Limits
//! A controller publishes no quota and slows down instead. So a ceiling of 16 operations in flight
//! over 2 connections is the beginning, it falls when the controller answers *busy* or slowly, and
//! [`LdapConfig::writes_per_second`] and [`LdapConfig::share`] set a quota of one's own. A page has
//! at most 1,000 accounts (MaxPageSize), a multi-valued attribute comes in ranges of 1,500.
//!
//! # What it does not
//! - End sessions: tickets live on (10 hours by default).
//! - Reset krbtgt, machines, trusts and managed service accounts: each has a procedure of its own.
//! - Follow references to other domains: preflight names the forest's other domains; members of
//!   protected groups from other domains are reported.
//!
//! The client library panics on answers that it cannot read. These panics end one connection, as a
//! transport error of the operations on it; the program's panic hook sees them.
//!
//! Generated passwords are wiped from memory here once they are sent. The client library's own copy,
//! in the message that it encodes, is freed but not wiped; the same is true of the bind password.
//!
//! # Plain LDAP servers
//! [`PlainDirectory`] is a second dialect behind the same traits, for OpenLDAP and other servers: accounts
//! by entryUUID, passwords by RFC 3062, states by the password policy of the LDAP draft. See
//! `docs/plain-ldap.md`.
//!
//! # Map
//! `config` → `wire` (TLS, connections, pool, result codes) → `controllers` (who does what) → `domain`
//! (reads, `listing` by pages) → `enumerate`, `privilege`, `reset`, `preflight`, `reach`, `convergence`;
//! [`krbtgt`] stands apart; `value` and `account` read attributes; `plain` is the second dialect, on the
//! same `wire`.

mod account;
mod config;
mod controllers;
mod convergence;
#[cfg(any(test, feature = "decoders"))]
#[doc(hidden)]
pub mod decoders;
mod directory;
mod discovery;
mod domain;
mod enumerate;
mod groups;
pub mod krbtgt;
mod limits;
mod listing;
mod member;
mod pace;
mod plain;
mod preflight;
mod privilege;
mod reach;
mod reset;
mod root;
mod security;
mod support;
mod value;
mod wire;

pub use config::LdapConfig;
pub use directory::LdapDirectory;
pub use discovery::ForestDomain;
pub use plain::{PasswordBy, PlainConfig, PlainDirectory, PlainError, PolicyError};
pub use wire::answer::{AdError, ResultCode};

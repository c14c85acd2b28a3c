//! The second dialect: plain LDAP servers (OpenLDAP and others) with the password policy of the
//! LDAP draft, behind the same traits and over the same connections as Active Directory.
//!
//! Accounts are known by entryUUID (RFC 4530). Passwords are set by the Password Modify operation
//! (RFC 3062); what a policy adds (must-change, lock, disable) are the operational attributes of
//! draft-behera-ldap-password-policy-10. What a standard does not say, the configuration says: who is
//! a program, who is privileged, which policy is the default one.
//!
//! # Two operations, one order
//! A Password Modify sets the password and nothing else. An order with must-change, or on an account
//! that is disabled (slapd takes the lock away with each set), needs a second operation. The password
//! comes first: then the old one is dead whatever follows, and must-change is never there without
//! it. Should the second fail, the outcome is temporary: the engine sends the same order again, with
//! the same password. slapd refuses that password as the one that it has already, which is taken as
//! set, and the second operation follows.

mod account;
mod answer;
mod config;
mod directory;
mod enumerate;
mod groups;
mod name;
mod policy;
mod preflight;
mod privileges;
mod reset;
mod support;
mod tree;

#[cfg(any(test, feature = "decoders"))]
pub(crate) use account::account;
pub use answer::{PlainError, PolicyError};
pub use config::{PasswordBy, PlainConfig};
pub use directory::PlainDirectory;
#[cfg(any(test, feature = "decoders"))]
pub(crate) use name::key;
#[cfg(any(test, feature = "decoders"))]
pub(crate) use policy::Policies;

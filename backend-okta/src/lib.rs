//! Okta through its Management API (`/api/v1`), as a backend of identity-reset.

mod account;
#[cfg(test)]
mod canned;
mod changed;
mod config;
mod dialect;
mod directory;
mod enumerate;
mod evidence;
mod group;
mod key;
mod findings;
mod limits;
mod lookup;
mod matrix;
mod okta;
mod org;
mod permissions;
mod preflight;
mod password_policy;
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

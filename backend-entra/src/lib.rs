//! Microsoft Entra ID through Microsoft Graph v1.0, as a backend of identity-reset.

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
mod methods;
mod newcomers;
mod recovery;
mod reset;
mod retold;
mod sign_in;
mod sync_accounts;
mod tenant;
mod wire;

pub use cloud::Cloud;
pub use config::{EntraConfig, TenantSize};
pub use directory::EntraDirectory;

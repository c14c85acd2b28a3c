//! Who is privileged, and why.
//!
//! Four steps. `read` (with `apps`, over `reader`) asks the tenant: role definitions and assignments,
//! Privileged Identity Management, the groups that can be given roles with whoever is in them or owns
//! them, administrative units, and the apps that hold roles or privileged permissions with their owners.
//! The `survey` is what it said, and what it would not say. `ways` knows who can use what somebody else
//! holds; `grounds` makes the index of it, each ground with its path; `targets` keeps what decides who
//! may be reset by the app. Which roles are privileged is in `table` (data in `known`).
//!
//! Fails closed: a read that is refused leaves the index incomplete, with the permission that it needed.
//! Only a tenant without a licence for Privileged Identity Management has nothing to be read there.

mod apps;
mod grounds;
mod known;
mod read;
mod reader;
mod remembered;
mod survey;
mod table;
mod targets;
mod ways;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use futures::try_join;
use identity_core::directory::PrivilegeClassifier;
use identity_core::error::Result;
use identity_core::privilege::PrivilegeIndex;

use crate::EntraDirectory;
use crate::tenant::Tenant;
pub(crate) use remembered::Known;
pub(crate) use survey::Survey;
pub use table::RoleTable;
pub(crate) use table::directory_sync_roles;
pub(crate) use targets::Targets;

#[async_trait]
impl PrivilegeClassifier for EntraDirectory {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        classify(&self.tenant).await.map(|(_, index)| index)
    }
}

/// What the tenant says, and who is privileged by it.
///
/// # Errors
/// As of [`PrivilegeClassifier::privileges`].
pub(crate) async fn classify(tenant: &Tenant) -> Result<(Survey, PrivilegeIndex)> {
    // A domain that was federated since is somebody else's to reset.
    let ((), survey) = try_join!(tenant.read_domains_again(), survey(tenant))?;
    let mut index = grounds::index(&survey);
    grounds::add_restricted(&mut index, tenant.known.restricted());
    Ok((survey, index))
}

/// Asks the tenant, and keeps what decides who may be reset.
///
/// # Errors
/// As of [`PrivilegeClassifier::privileges`].
pub(crate) async fn survey(tenant: &Tenant) -> Result<Survey> {
    let survey = read::read(tenant, &tenant.privileged).await?;
    let own = tenant.claims().await?.and_then(|claims| claims.oid);
    tenant.known.keep_targets(Arc::new(Targets::of(&survey, own.as_deref())));
    Ok(survey)
}

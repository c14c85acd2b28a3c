//! Who is privileged, and why.
//!
//! Three steps. `read` (over `reader`) asks the org: the listing of administrators and what each of them
//! holds, custom roles with their permissions, the resource sets that they are held over, the groups that
//! hold a role with their members, and the apps that hold one. The `survey` is what it said, and what it
//! would not say. `grounds` makes the index of it, each ground with its path; `targets` keeps what decides
//! who may be reset by the caller. Which roles are privileged is in `table` (data in `known`).
//!
//! The calls grow with the administrators, not with the accounts: one per hundred administrators, one for
//! each of them, and those for groups, roles, resource sets and apps.
//!
//! Fails closed: a read that is refused leaves the index incomplete, with the scope that it needed. Only
//! what apps hold concerns no account but those who administer apps; these are then unknown.

mod grounds;
mod known;
mod read;
mod reader;
mod remembered;
mod survey;
mod table;
mod targets;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use identity_core::directory::PrivilegeClassifier;
use identity_core::error::Result;
use identity_core::privilege::PrivilegeIndex;

use crate::OktaDirectory;
use crate::org::Org;
pub(crate) use grounds::index;
pub(crate) use known::SUPER;
pub(crate) use remembered::Known;
pub(crate) use survey::Survey;
pub use table::RoleTable;
pub(crate) use targets::Targets;

#[async_trait]
impl PrivilegeClassifier for OktaDirectory {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        Ok(index(&survey(&self.org).await?))
    }
}

/// Asks the org, and keeps what decides who may be reset.
///
/// # Errors
/// As of [`PrivilegeClassifier::privileges`].
pub(crate) async fn survey(org: &Org) -> Result<Survey> {
    let survey = read::read(&org.okta, &org.privileged, &org.caller).await?;
    org.known.keep_targets(Arc::new(Targets::of(&survey, &org.caller)));
    Ok(survey)
}

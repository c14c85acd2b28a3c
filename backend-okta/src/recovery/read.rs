//! Reads password policies, their rules, and who is in the groups that they name.

use std::collections::{BTreeSet, HashSet};

use futures::TryStreamExt;
use identity_core::account::AccountId;
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{Request, ServerFault};

use super::OPERATION;
use super::policy::Policies;
use crate::dialect::code::NO_LICENCE;
use crate::key::UserKey;
use crate::limits::{GROUPS, POLICIES, USERS};
use crate::okta::Okta;
use crate::permissions as need;
use crate::wire::policy::{Conditions, Factor, Listed, Policy, Rule};
use crate::wire::role::Id;

/// The policies; `Err` with the reason where the caller may not read them.
///
/// # Errors
/// When it could not be read now and may be later, or when signing in failed.
pub(super) async fn policies(okta: &Okta) -> Result<Result<Policies, String>> {
    match read(okta).await {
        Ok(policies) => Ok(Ok(policies)),
        Err(error) => refused(error).map(|why| {
            let (policies, groups) = (need::POLICIES, need::GROUPS.scope);
            Err(format!("{} could not be read: {why}; grant the app {} and {groups}", policies.what, policies.scope))
        }),
    }
}

async fn read(okta: &Okta) -> Result<Policies> {
    let request = Request::get("/api/v1/policies").query("type", "PASSWORD");
    let mut rows: Vec<Policy> = okta.list(OPERATION, POLICIES, request).try_collect().await?;
    rows.retain(|policy| is_active(policy.status.as_deref()));
    rows.sort_by_key(|policy| (policy.system == Some(true), policy.priority.unwrap_or(u32::MAX)));
    let mut policies = Policies::default();
    for policy in rows {
        let request = Request::get("/api/v1/policies").segment(&policy.id).then("/rules");
        let mut rules: Vec<Rule> = okta.list(OPERATION, POLICIES, request).try_collect().await?;
        rules.retain(|rule| is_active(rule.status.as_deref()));
        rules.sort_by_key(|rule| rule.priority.unwrap_or(u32::MAX));
        if policy.system == Some(true) {
            // The system's policy names the group that everybody is in.
            policies.everyone.extend(groups(policy.conditions.as_ref(), |listed| &listed.include));
        }
        policies.policies.push((policy, rules));
    }
    let mut named = BTreeSet::new();
    for (policy, rules) in &policies.policies {
        let all = rules.iter().map(|rule| rule.conditions.as_ref()).chain([policy.conditions.as_ref()]);
        for conditions in all {
            named.extend(groups(conditions, |listed| &listed.include));
            named.extend(groups(conditions, |listed| &listed.exclude));
        }
    }
    for group in named.into_iter().filter(|group| !policies.everyone.contains(group)).collect::<Vec<_>>() {
        let request = Request::get("/api/v1/groups").segment(&group).then("/users").query("limit", "200");
        let mut members = HashSet::new();
        let mut rows = okta.list::<Id>(OPERATION, GROUPS, request);
        while let Some(row) = rows.try_next().await? {
            members.extend(UserKey::of(&row.id));
        }
        policies.members.insert(group, members);
    }
    Ok(policies)
}

/// The active authenticators of one account; `Err` with the reason where the caller may not read them.
///
/// # Errors
/// When it could not be read now and may be later, or when signing in failed.
pub(super) async fn factors(okta: &Okta, account: &AccountId) -> Result<Result<Vec<Factor>, String>> {
    let request = Request::get("/api/v1/users").segment(account.as_str()).then("/factors");
    match okta.list::<Factor>(OPERATION, USERS, request).try_collect::<Vec<_>>().await {
        Ok(mut rows) => {
            rows.retain(|factor| is_active(factor.status.as_deref()));
            Ok(Ok(rows))
        }
        Err(error) => refused(error).map(|why| Err(format!("its authenticators could not be read: {why}"))),
    }
}

fn groups<'a>(conditions: Option<&'a Conditions>, part: impl Fn(&'a Listed) -> &'a Option<Vec<String>>) -> Vec<String> {
    let people = conditions.and_then(|conditions| conditions.people.as_ref());
    people.and_then(|people| people.groups.as_ref()).and_then(|listed| part(listed).clone()).unwrap_or_default()
}

fn is_active(status: Option<&str>) -> bool {
    status.is_none_or(|status| status == "ACTIVE")
}

fn refused(error: Error) -> Result<String> {
    let is_feature = ServerFault::of(&error).is_some_and(|fault| fault.code == NO_LICENCE);
    if is_feature || (error.status() == Status::Permanent && error.kind() != ErrorKind::Unauthenticated) {
        return Ok(error.detail().to_owned());
    }
    Err(error)
}

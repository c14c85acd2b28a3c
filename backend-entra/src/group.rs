//! The members of a group.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::account::AccountId;
use identity_core::directory::AccountStream;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;
use identity_core::limits::OperationClass;
use uuid::Uuid;

use crate::limits::TRANSITIVE_MEMBERS;
use crate::lookup;
use crate::tenant::{Tenant, needs};
use crate::wire::group::{Group, Member};

const OPERATION: &str = "list the members of a group";

/// The accounts of a group, those of nested groups included; the group by its id or display name.
///
/// The members are listed by id, and read as accounts one by one: a listing of users in one go is an
/// advanced query, and its index lags behind.
pub(crate) async fn members(tenant: &Arc<Tenant>, named: &str) -> Result<AccountStream> {
    let group = resolve(tenant, named).await.map_err(lacking)?;
    let request = Request::get("/groups")
        .segment(&group.id)
        .then("/transitiveMembers")
        .query("$select", "id")
        .query("$top", "999");
    let tenant = Arc::clone(tenant);
    let members = tenant.graph.list::<Member>(OPERATION, TRANSITIVE_MEMBERS, request);
    let ids = members.map_err(lacking).try_filter_map(async |member: Member| {
        Ok(member.may_be_user().then(|| AccountId::new(&member.id)).transpose().unwrap_or(None))
    });
    let accounts = ids.try_chunks(lookup::AT_ONCE).map_err(|broken| broken.1).and_then(move |ids| {
        let tenant = Arc::clone(&tenant);
        async move {
            let found = lookup::accounts(&tenant, &ids).await?;
            Ok(stream::iter(found.into_iter().flatten().map(Ok)))
        }
    });
    Ok(accounts.try_flatten().boxed())
}

/// The one group of this id or display name.
///
/// # Errors
/// [`ErrorKind::InputInvalid`] when there is none, or several of that name.
async fn resolve(tenant: &Tenant, named: &str) -> Result<Group> {
    let select = "id,displayName";
    if Uuid::try_parse(named).is_ok() {
        let request = Request::get("/groups").segment(named).query("$select", select).of_account();
        return match tenant.graph.one(OPERATION, OperationClass::Read, &request).await {
            Err(error) if error.kind() == ErrorKind::AccountNotFound => {
                Err(invalid(tenant, format!("there is no group {named}")))
            }
            other => other,
        };
    }
    let filter = format!("displayName eq '{}'", named.replace('\'', "''"));
    let request = Request::get("/groups").query("$filter", filter).query("$select", select);
    let groups: Vec<Group> = tenant.graph.list(OPERATION, OperationClass::Read, request).try_collect().await?;
    match <[Group; 1]>::try_from(groups) {
        Ok([group]) => Ok(group),
        Err(none) if none.is_empty() => Err(invalid(tenant, format!("there is no group {named:?}"))),
        Err(several) => {
            let ids: Vec<String> = several.into_iter().take(5).map(|group| group.id).collect();
            Err(invalid(tenant, format!("several groups are named {named:?}: {}", ids.join(", "))))
        }
    }
}

/// Both rights are needed: to list members and to see them.
fn lacking(error: Error) -> Error {
    needs("GroupMember.Read.All", error)
}

fn invalid(tenant: &Tenant, detail: String) -> Error {
    let error = Error::new(ErrorKind::InputInvalid, OPERATION).with_detail(detail);
    tenant.graph.named(error.with_advice("give the group's object id, or its whole display name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{directory, reply};
    use identity_core::directory::{AccountEnumerator as _, AccountQuery, Scope};

    const GROUP: &str = "02bd9fd6-8f93-4758-87c3-1fb73740a315";

    fn user(number: u32) -> String {
        format!("00000000-0000-4000-8000-{number:012}")
    }

    fn row(number: u32) -> String {
        format!(r#"{{"id":"{}","userPrincipalName":"u{number}@managed.test","accountEnabled":true}}"#, user(number))
    }

    #[tokio::test]
    async fn nested_members_are_users_only_and_devices_are_not_asked_for() {
        let page = format!(
            r##"{{"value":[{{"@odata.type":"#microsoft.graph.user","id":"{}"}},{{"@odata.type":"#microsoft.graph.group","id":"{GROUP}"}},{{"@odata.type":"#microsoft.graph.device","id":"{}"}},{{"@odata.type":"#microsoft.graph.agentUser","id":"{}"}}]}}"##,
            user(1),
            user(2),
            user(3),
        );
        let (directory, canned) = directory([
            reply(200, &format!(r#"{{"value":[{{"id":"{GROUP}","displayName":"it's"}}]}}"#)),
            reply(200, &page),
            reply(200, r#"{"value":[]}"#),
            reply(200, &format!(r#"{{"value":[{},{}]}}"#, row(3), row(1))),
        ])
        .await;
        let listed: Vec<_> = directory
            .accounts(&AccountQuery::of(Scope::Group("it's".into())))
            .map_ok(|account| account.name)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(listed, ["u1@managed.test", "u3@managed.test"]);
        let sent = canned.sent();
        assert!(sent[0].target.contains("$filter=displayName%20eq%20%27it%27%27s%27"), "{}", sent[0].target);
        assert!(sent[1].target.contains(&format!("/groups/{GROUP}/transitiveMembers?$select=id&$top=999")));
        assert!(sent[3].target.contains(&user(3)) && !sent[3].target.contains(&user(2)), "{}", sent[3].target);
        assert_eq!(canned.left(), 0);
    }

    #[tokio::test]
    async fn a_group_that_is_not_exactly_one_selects_nobody_in_silence() {
        let two = r#"{"value":[{"id":"a","displayName":"x"},{"id":"b","displayName":"x"}]}"#;
        for (named, answer, words) in [
            ("x", reply(200, r#"{"value":[]}"#), "there is no group"),
            ("x", reply(200, two), "several groups are named \"x\": a, b"),
            (GROUP, reply(404, r#"{"error":{"code":"Request_ResourceNotFound","message":"m"}}"#), "there is no group"),
        ] {
            let (directory, _) = directory([answer]).await;
            let rows: Result<Vec<_>> =
                directory.accounts(&AccountQuery::of(Scope::Group(named.into()))).try_collect().await;
            let error = rows.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InputInvalid);
            assert!(error.detail().contains(words), "{error}");
        }
    }
}

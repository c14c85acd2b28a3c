//! Which accounts synchronise the tenant with on-prem: their reset stops the synchronisation.

use std::collections::HashSet;

use futures::TryStreamExt;
use identity_core::error::{ErrorKind, Result};
use identity_core::http::Request;
use identity_core::limits::OperationClass;

use crate::graph::Graph;
use crate::privilege::directory_sync_roles;
use crate::wire::tenant::RoleHolder;

/// How such accounts are named (unconfirmed; docs/entra-open-questions.md). Anybody can be given such a
/// name: it says something only where the roles do not.
const NAMES: [&str; 2] = ["sync_", "adtoaadsyncserviceaccount"];

/// What is known of the accounts that synchronise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SyncAccounts {
    /// The holders of the roles, by object id in lower case; groups and apps may be among them.
    Holders(HashSet<String>),
    /// The roles may not be read.
    Unread,
}

/// Whether an account synchronises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synchronises {
    Yes,
    No,
    /// Its name says so, and the roles may not be read.
    ByItsName,
}

impl SyncAccounts {
    /// Reads who holds the roles of the synchronisation.
    pub(crate) async fn read(graph: &Graph) -> Result<Self> {
        let mut all = HashSet::new();
        // One role a request: of filters on assignments only `eq` is documented.
        for role in directory_sync_roles() {
            let request = Request::get("/roleManagement/directory/roleAssignments")
                .query("$filter", format!("roleDefinitionId eq '{role}'"));
            let holders = graph.list::<RoleHolder>("list sync accounts", OperationClass::Read, request);
            match holders.try_collect::<Vec<_>>().await {
                Ok(holders) => all.extend(holders.into_iter().map(|held| held.id.to_lowercase())),
                Err(error) if is_refusal(error.kind()) => {
                    tracing::info!(%error, "accounts of the synchronisation are known by their names only");
                    return Ok(Self::Unread);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Self::Holders(all))
    }

    /// Whether the account of this id and principal name synchronises.
    pub(crate) fn judge(&self, id: &str, principal_name: &str) -> Synchronises {
        match self {
            Self::Holders(holders) if holders.contains(&id.to_lowercase()) => Synchronises::Yes,
            Self::Unread if is_so_named(principal_name) => Synchronises::ByItsName,
            _ => Synchronises::No,
        }
    }
}

fn is_so_named(principal_name: &str) -> bool {
    let name = principal_name.to_lowercase();
    NAMES.iter().any(|beginning| name.starts_with(beginning))
}

fn is_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InsufficientPrivilege | ErrorKind::InputInvalid | ErrorKind::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{config, connected, directory, reply};
    use identity_core::account::{AccountId, AccountKind};
    use identity_core::directory::AccountEnumerator as _;

    const DENIED: &str = r#"{"error":{"code":"Authorization_RequestDenied","message":"m"}}"#;
    const ID: &str = "00000000-0000-4000-8000-00000000000A";

    fn row(name: &str) -> String {
        format!(r#"{{"id":"{ID}","userPrincipalName":"{name}@managed.test","accountEnabled":true}}"#)
    }

    #[test]
    fn a_name_alone_shields_nobody_where_the_roles_were_read() {
        let read = SyncAccounts::Holders([ID.to_lowercase()].into());
        assert_eq!(read.judge(ID, "anybody@managed.test"), Synchronises::Yes);
        assert_eq!(read.judge("other", "Sync_DC01@managed.test"), Synchronises::No);
        assert_eq!(SyncAccounts::Unread.judge("other", "Sync_DC01@managed.test"), Synchronises::ByItsName);
        assert_eq!(SyncAccounts::Unread.judge("other", "adele@managed.test"), Synchronises::No);
    }

    #[tokio::test]
    async fn holders_of_either_role_are_known() {
        let held = format!(r#"{{"value":[{{"principalId":"{ID}"}}]}}"#);
        let (directory, canned) =
            connected(config(), [reply(200, r#"{"value":[]}"#), reply(200, &held), reply(200, &row("a"))]).await;
        canned.no_longer_aside(crate::canned::SECOND_ROLE);
        let found = directory.lookup(&[AccountId::new(ID).unwrap()]).await.unwrap();
        assert_eq!(found[0].as_ref().unwrap().kind, AccountKind::DirectorySync);
        let asked: Vec<String> = canned.sent().into_iter().map(|sent| sent.target).collect();
        assert!(asked[0].contains("d29b2b05") && asked[1].contains("a92aed5d"), "{asked:?}");
    }

    #[tokio::test]
    async fn a_refusal_is_asked_about_again_and_leaves_the_named_ones_to_people() {
        let (directory, canned) = directory([
            reply(403, DENIED),
            reply(200, &row("Sync_DC01")),
            reply(200, r#"{"value":[]}"#),
            reply(200, &row("Sync_DC01")),
        ])
        .await;
        let ids = [AccountId::new(ID).unwrap()];
        let first = directory.lookup(&ids).await.unwrap().remove(0).unwrap();
        assert_eq!(first.kind, AccountKind::Unknown, "for people, and not protected");
        assert!(first.procedure.unwrap().contains("RoleManagement.Read.Directory"));
        let then = directory.lookup(&ids).await.unwrap().remove(0).unwrap();
        assert_eq!(then.kind, AccountKind::Person);
        assert_eq!(canned.left(), 0);
    }
}

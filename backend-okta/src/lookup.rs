//! Reading single accounts as they are now.
//!
//! Each is a request of its own, out of a bucket of its own: searches lag behind, and "an ID lookup"
//! is what Okta's reference names for records that were updated.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::account::{Account, AccountId};
use identity_core::error::{ErrorKind, Result};
use identity_core::http::Request;

use crate::enumerate::{lacking, lean};
use crate::key::UserKey;
use crate::limits::USER;
use crate::org::Org;
use crate::wire::user::User;

const OPERATION: &str = "look up accounts";
/// Reads of one look-up that wait for their permits at the same time; how many are under way is the
/// governor's to say.
const WIDTH: usize = 32;

/// The accounts of these ids, in order; `None` for who is gone, and for what is no id: a login in its
/// place would be taken by Okta, and could be somebody else's by now.
pub(crate) async fn accounts(org: &Arc<Org>, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
    let wanted: HashMap<UserKey, AccountId> = ids.iter().filter_map(|id| Some((key(id)?, id.clone()))).collect();
    let found: HashMap<UserKey, Account> = stream::iter(wanted)
        .map(|(key, id)| async move { read(org, &id).await.map(|found| found.map(|account| (key, account))) })
        .buffer_unordered(WIDTH)
        .try_filter_map(|read| std::future::ready(Ok::<_, identity_core::error::Error>(read)))
        .try_collect()
        .await?;
    Ok(ids.iter().map(|id| found.get(&key(id)?).cloned()).collect())
}

fn key(id: &AccountId) -> Option<UserKey> {
    UserKey::of(id.as_str())
}

async fn read(org: &Org, id: &AccountId) -> Result<Option<Account>> {
    let request = lean(Request::get("/api/v1/users").segment(id.as_str()).of_account());
    match org.okta.one::<User>(OPERATION, USER, &request).await {
        Ok(user) if user.id == id.as_str() => org.account(&user).map(Some),
        // It was taken for a login: nobody has this id any more.
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::AccountNotFound => Ok(None),
        Err(error) => Err(lacking(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{DENIED, directory, reply};
    use crate::enumerate::tests::{id, row};
    use identity_core::directory::AccountEnumerator as _;

    const GONE: &str = r#"{"errorCode":"E0000007","errorSummary":"Not found: Resource not found: 00usfgmn9xhwtA6f74x6 (User)","errorLink":"E0000007","errorId":"oaelr1lt59PSM-TvHYQ_LDr5g","errorCauses":[]}"#;

    fn account_id(number: u32) -> AccountId {
        AccountId::new(id(number)).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_read_once_and_answered_as_often_as_it_was_asked() {
        let (directory, canned) = directory([reply(200, &row(1))]).await;
        let asked = [account_id(1), AccountId::new("u5@example.test").unwrap(), account_id(1)];
        let found = directory.lookup(&asked).await.unwrap();
        let names: Vec<_> = found.iter().map(|account| account.as_ref().map(|account| account.name.as_str())).collect();
        assert_eq!(names, [Some("u1@example.test"), None, Some("u1@example.test")]);
        let sent = canned.sent();
        assert_eq!(sent.len(), 1, "a login is never sent: {sent:?}");
        assert!(sent[0].target.ends_with(&format!("/api/v1/users/{}", id(1))), "{}", sent[0].target);
        assert_eq!(sent[0].headers["content-type"], crate::wire::user::LEAN);
        assert!(directory.lookup(&[]).await.unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_gone_is_none_and_so_is_an_id_that_has_become_a_login() {
        let (directory, _) = directory([reply(404, GONE), reply(200, &row(7))]).await;
        assert_eq!(directory.lookup(&[account_id(1)]).await.unwrap(), [None]);
        assert_eq!(directory.lookup(&[account_id(2)]).await.unwrap(), [None]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_404_that_is_not_of_the_account_does_not_make_it_gone() {
        for body in [r#"{"status":404,"message":"Resource not found"}"#, "<html>Not Found</html>", ""] {
            let (directory, _) = directory((0..20).map(|_| reply(404, body))).await;
            let error = directory.lookup(&[account_id(1)]).await.unwrap_err();
            assert_ne!(error.kind(), ErrorKind::AccountNotFound, "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_an_error_and_not_an_account_that_is_gone() {
        let (directory, _) = directory([reply(403, DENIED)]).await;
        let error = directory.lookup(&[account_id(1)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
        assert!(error.advice().unwrap().contains("okta.users.read"), "{error}");
    }
}

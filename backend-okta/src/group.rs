//! The members of a group. Groups of Okta do not nest: whom a rule or a directory puts into a group is
//! listed like everybody else.

use std::sync::Arc;

use futures::TryStreamExt as _;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;

use crate::enumerate::{Listing, PAGE, needs};
use crate::key::is_group_id;
use crate::limits::GROUPS;
use crate::org::Org;
use crate::wire::group::Group;

const OPERATION: &str = "list the members of a group";

/// The listing of a group's members; the group by its id or its whole name.
///
/// # Errors
/// [`ErrorKind::InputInvalid`] when there is no such group, or several of that name.
pub(crate) async fn members(org: &Arc<Org>, named: &str) -> Result<Listing> {
    let id = resolve(org, named).await.map_err(lacking)?;
    let request = Request::get("/api/v1/groups").segment(&id).then("/users").query("limit", PAGE);
    Ok(Listing {
        operation: OPERATION,
        class: GROUPS,
        requests: vec![request],
        deprovisioned: org.reading.deprovisioned,
    })
}

/// The id of the one group of this id or name.
async fn resolve(org: &Org, named: &str) -> Result<String> {
    if is_group_id(named) {
        let request = Request::get("/api/v1/groups").segment(named).of_account();
        return match org.okta.one::<Group>(OPERATION, GROUPS, &request).await {
            // What is no id can be a name that looks like one; who has it is not guessed.
            Ok(group) if group.id == named => Ok(group.id),
            Ok(_) => Err(invalid(org, format!("there is no group {named}"))),
            Err(error) if error.kind() == ErrorKind::AccountNotFound => {
                Err(invalid(org, format!("there is no group {named}")))
            }
            Err(error) => Err(error),
        };
    }
    // A search compares without case: of those that it finds, the ones that are named so exactly count.
    let quoted = named.replace('\\', r"\\").replace('"', r#"\""#);
    let request =
        Request::get("/api/v1/groups").query("search", format!(r#"profile.name eq "{quoted}""#)).query("limit", PAGE);
    let mut rows = org.okta.list::<Group>(OPERATION, GROUPS, request);
    let mut found = Vec::new();
    while let Some(group) = rows.try_next().await? {
        if group.profile.name.as_deref() == Some(named) && !found.contains(&group.id) {
            found.push(group.id);
        }
    }
    match <[String; 1]>::try_from(found) {
        Ok([id]) => Ok(id),
        Err(none) if none.is_empty() => Err(invalid(org, format!("there is no group {named:?}"))),
        Err(several) => {
            let ids: Vec<&str> = several.iter().take(5).map(String::as_str).collect();
            Err(invalid(org, format!("several groups are named {named:?}: {}", ids.join(", "))))
        }
    }
}

/// The refusal, with what the right to read groups is called.
fn lacking(error: Error) -> Error {
    needs("okta.groups.read", "view groups", error)
}

fn invalid(org: &Org, detail: String) -> Error {
    let error = Error::new(ErrorKind::InputInvalid, OPERATION).with_detail(detail);
    org.okta.named(error.with_advice("give the group's id, or its whole name as it is written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{DENIED, directory, reply};
    use crate::enumerate::tests::{names, row};
    use identity_core::directory::Scope;

    const GROUP: &str = "00gsfarpwDkGSzs394x6";

    fn found(names: &[(&str, &str)]) -> String {
        let rows: Vec<String> = names
            .iter()
            .map(|(id, name)| serde_json::json!({ "id": id, "profile": { "name": name } }).to_string())
            .collect();
        format!("[{}]", rows.join(","))
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_is_found_by_its_exact_name_and_its_members_are_listed() {
        let name = r#"it's "A\B""#;
        let (directory, canned) = directory([
            reply(200, &found(&[("00gother0000000000x1", r#"IT'S "A\B""#), (GROUP, name)])),
            reply(200, &format!("[{},{}]", row(1), row(2))),
        ])
        .await;
        assert_eq!(names(&directory, Scope::Group(name.into())).await.unwrap(), ["u1@example.test", "u2@example.test"]);
        let sent = canned.sent();
        let search = "search=profile.name%20eq%20%22it%27s%20%5C%22A%5C%5CB%5C%22%22";
        assert!(sent[0].target.contains(search), "{}", sent[0].target);
        assert!(sent[1].target.ends_with(&format!("/api/v1/groups/{GROUP}/users?limit=200")), "{}", sent[1].target);
        assert_eq!(canned.left(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_is_not_exactly_one_selects_nobody_in_silence() {
        let gone = r#"{"errorCode":"E0000007","errorSummary":"Not found: Resource not found: x (Group)","errorLink":"E0000007","errorId":"oae1","errorCauses":[]}"#;
        let several = found(&[(GROUP, "x"), ("00gother0000000000x1", "x")]);
        for (named, answer, words) in [
            ("x", reply(200, "[]"), "there is no group"),
            ("x", reply(200, &found(&[(GROUP, "X")])), "there is no group"),
            ("x", reply(200, &several), "several groups are named \"x\": 00gsfarpwDkGSzs394x6, 00gother"),
            (GROUP, reply(404, gone), "there is no group"),
            (
                GROUP,
                reply(200, &format!(r#"{{"id":"00gother0000000000x1","profile":{{"name":"{GROUP}"}}}}"#)),
                "there is no group",
            ),
        ] {
            let (directory, _) = directory([answer]).await;
            let error = names(&directory, Scope::Group(named.into())).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InputInvalid, "{error}");
            assert!(error.detail().contains(words), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_right_to_read_groups_is_named() {
        let (directory, _) = directory([reply(403, DENIED)]).await;
        let error = names(&directory, Scope::Group("x".into())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
        assert!(error.advice().unwrap().contains("okta.groups.read"), "{error}");
    }
}

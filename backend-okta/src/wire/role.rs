//! Administrators, roles, resource sets, and the apps that can hold a role. Of each the members that are
//! needed; what else comes is not read.

use serde::Deserialize;

use super::null_as_none;

/// A row of which the id says all.
#[derive(Debug, Deserialize)]
pub(crate) struct Id {
    pub(crate) id: String,
}

/// A row of `/users/{id}/roles`, `/groups/{id}/roles` or `/oauth2/v1/clients/{id}/roles`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Assignment {
    /// `SUPER_ADMIN`, …, or `CUSTOM`.
    #[serde(rename = "type")]
    pub(crate) sort: String,
    pub(crate) label: Option<String>,
    /// `USER`, `GROUP` or `CLIENT`: to whom the role was given.
    pub(crate) assignment_type: Option<String>,
    /// The id of a custom role.
    pub(crate) role: Option<String>,
    #[serde(rename = "resource-set")]
    pub(crate) resource_set: Option<String>,
    #[serde(rename = "_links", default, deserialize_with = "null_as_none")]
    pub(crate) links: AssignmentLinks,
}

/// What an assignment links to.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct AssignmentLinks {
    /// To whom the role was given.
    pub(crate) assignee: Option<Href>,
    pub(crate) role: Option<Href>,
}

/// An address.
#[derive(Debug, Deserialize)]
pub(crate) struct Href {
    pub(crate) href: String,
}

/// A custom role of `/iam/roles`, or a resource set of `/iam/resource-sets`.
#[derive(Debug, Deserialize)]
pub(crate) struct Labelled {
    pub(crate) id: String,
    pub(crate) label: Option<String>,
}

/// A permission of `/iam/roles/{id}/permissions`.
#[derive(Debug, Deserialize)]
pub(crate) struct Permission {
    pub(crate) label: String,
}

/// A member of a binding: its own id is that of the binding, and the link tells whom it means.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    #[serde(rename = "_links", default, deserialize_with = "null_as_none")]
    pub(crate) links: MemberLinks,
}

/// What a member of a binding links to.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct MemberLinks {
    #[serde(rename = "self")]
    pub(crate) own: Option<Href>,
}

/// A group of `/groups?expand=stats`.
#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "null_as_none")]
    pub(crate) profile: GroupProfile,
    #[serde(rename = "_embedded", default, deserialize_with = "null_as_none")]
    pub(crate) embedded: GroupEmbedded,
}

/// The name of a group.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct GroupProfile {
    pub(crate) name: Option<String>,
}

/// What a listing of groups has on request.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct GroupEmbedded {
    pub(crate) stats: Option<GroupStats>,
}

/// What is counted of a group.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct GroupStats {
    /// Whether a role was given to the group. The description spells it without its second `i`.
    #[serde(rename = "hasAdminPrivilege", alias = "hasAdminPrivlege")]
    pub(crate) has_admin_privilege: Option<bool>,
}

/// An app of `/oauth2/v1/clients`.
#[derive(Debug, Deserialize)]
pub(crate) struct ClientApp {
    pub(crate) client_id: String,
    pub(crate) client_name: Option<String>,
    pub(crate) grant_types: Option<Vec<String>>,
}

impl ClientApp {
    /// Whether it signs in by itself: others act as the person who uses them and hold no role.
    pub(crate) fn is_service(&self) -> bool {
        self.grant_types.as_ref().is_none_or(|types| types.iter().any(|kind| kind == "client_credentials"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_as_they_were_recorded_are_read() {
        // Recorded by okta-sdk-python (TestUsersResource, test_assign_user_to_role), shortened.
        let row = r#"{"id":"KVJUKUS7IFCE2SKO","label":"User Administrator","type":"USER_ADMIN","status":"ACTIVE",
            "assignmentType":"USER","_links":{"assignee":{"href":"https://test.okta.com/api/v1/users/00usfex7wP9lvobJ84x6"}}}"#;
        let row: Assignment = serde_json::from_str(row).unwrap();
        assert_eq!((row.sort.as_str(), row.assignment_type.as_deref()), ("USER_ADMIN", Some("USER")));
        assert!(row.links.assignee.unwrap().href.ends_with("/users/00usfex7wP9lvobJ84x6"));
        // After the examples of the description: a custom role.
        let row = r#"{"id":"irb1","role":"cr0Yq6IJxGIr0ouum0g3","label":"UserCreatorByRole","type":"CUSTOM","status":"ACTIVE",
            "assignmentType":"GROUP","resource-set":"iamoJDFKaJxGIr0oamd9g","_links":{"assignee":{"href":"https://x/api/v1/groups/00g"}}}"#;
        let row: Assignment = serde_json::from_str(row).unwrap();
        assert_eq!(row.role.as_deref(), Some("cr0Yq6IJxGIr0ouum0g3"));
        assert_eq!(row.resource_set.as_deref(), Some("iamoJDFKaJxGIr0oamd9g"));
    }

    #[test]
    fn both_spellings_of_the_flag_of_a_group_are_read_and_none_is_no_false() {
        for (stats, expected) in [
            (r#"{"stats":{"hasAdminPrivlege":true}}"#, Some(true)),
            (r#"{"stats":{"hasAdminPrivilege":false,"usersCount":3}}"#, Some(false)),
            (r#"{"stats":{"usersCount":3}}"#, None),
            ("{}", None),
        ] {
            let group: Group = serde_json::from_str(&format!(r#"{{"id":"00g1","_embedded":{stats}}}"#)).unwrap();
            assert_eq!(group.embedded.stats.and_then(|stats| stats.has_admin_privilege), expected, "{stats}");
        }
        let plain: Group = serde_json::from_str(r#"{"id":"00g1","profile":{"name":"Ops"},"_embedded":null}"#).unwrap();
        assert!(plain.embedded.stats.is_none());
    }
}

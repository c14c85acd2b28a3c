//! Administrators, roles, resource sets, and the apps that can hold a role. Of each the members that are
//! needed; what else comes is not read.

use serde::Deserialize;

use super::link::Href;
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
}

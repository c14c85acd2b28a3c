//! What Graph says of roles, groups, units and service principals. Only what is looked at.

use serde::Deserialize;

/// `unifiedRoleDefinition`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleDefinition {
    pub(crate) id: String,
    /// The same in every tenant for a role of Microsoft's.
    #[serde(default)]
    pub(crate) template_id: Option<String>,
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    #[serde(default)]
    pub(crate) is_built_in: Option<bool>,
    #[serde(default)]
    pub(crate) role_permissions: Vec<RolePermission>,
}

/// `unifiedRolePermission`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RolePermission {
    #[serde(default)]
    pub(crate) allowed_resource_actions: Vec<String>,
}

/// `unifiedRoleAssignment`, and the schedule instances of Privileged Identity Management, active and
/// eligible.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleAssignment {
    pub(crate) principal_id: String,
    pub(crate) role_definition_id: String,
    /// `/`, `/administrativeUnits/{id}` or `/{id of an object}`.
    #[serde(default)]
    pub(crate) directory_scope_id: Option<String>,
    /// `Assigned` or `Activated`; active schedule instances only.
    #[serde(default)]
    pub(crate) assignment_type: Option<String>,
    /// `Direct` or `Group`; schedule instances only.
    #[serde(default)]
    pub(crate) member_type: Option<String>,
    /// Where it was asked for.
    #[serde(default)]
    pub(crate) principal: Option<Object>,
}

/// `directoryRole`: a role that was activated in the tenant.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DirectoryRole {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) role_template_id: Option<String>,
    #[serde(default)]
    pub(crate) display_name: Option<String>,
}

/// `directoryObject` of any type: a member, an owner, a principal. Of a type that the app may not
/// read, only the id and the type are there.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object {
    #[serde(rename = "@odata.type", default)]
    pub(crate) odata_type: Option<String>,
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) display_name: Option<String>,
}

/// What an object is, as far as privilege goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    User,
    Group,
    /// A service principal of any sort: whoever owns it can be it.
    App,
    /// Something that nobody signs in with and that has no members.
    Other,
    /// Of a type that is not known.
    Unknown,
    /// The type is not there.
    Untold,
}

impl Object {
    /// What it is. The subtypes are those of the metadata of Graph (users and service principals of
    /// agents); of a type that came since nothing is known.
    pub(crate) fn sort(&self) -> Sort {
        let Some(whole) = self.odata_type.as_deref().filter(|whole| !whole.is_empty()) else { return Sort::Untold };
        match whole.strip_prefix("#microsoft.graph.").unwrap_or(whole) {
            "user" | "agentUser" => Sort::User,
            "group" => Sort::Group,
            "servicePrincipal" | "agentIdentity" | "agentIdentityBlueprintPrincipal" => Sort::App,
            "device" | "orgContact" | "contact" | "administrativeUnit" | "application" | "directoryRole" => Sort::Other,
            _ => Sort::Unknown,
        }
    }
}

/// `group`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    /// `HiddenMembership`: the members are shown to apps with `Member.Read.Hidden` only.
    #[serde(default)]
    pub(crate) visibility: Option<String>,
}

/// `privilegedAccessGroup…ScheduleInstance`, eligible or active.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupPlace {
    pub(crate) principal_id: String,
    /// `member` or `owner`.
    pub(crate) access_id: String,
}

/// `administrativeUnit`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unit {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    /// As of a group.
    #[serde(default)]
    pub(crate) visibility: Option<String>,
    #[serde(default)]
    pub(crate) is_member_management_restricted: Option<bool>,
}

/// `servicePrincipal`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServicePrincipal {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) app_id: Option<String>,
    #[serde(default)]
    pub(crate) app_roles: Vec<AppRole>,
}

/// `appRole`: an application permission, as the service that it is of names it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppRole {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) value: Option<String>,
}

/// `appRoleAssignment`: who holds an application permission.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppRoleAssignment {
    pub(crate) app_role_id: String,
    pub(crate) principal_id: String,
    #[serde(default)]
    pub(crate) principal_display_name: Option<String>,
    /// `User`, `Group` or `ServicePrincipal`.
    #[serde(default)]
    pub(crate) principal_type: Option<String>,
}

/// `application`: the registration that service principals are made from.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Application {
    pub(crate) id: String,
}

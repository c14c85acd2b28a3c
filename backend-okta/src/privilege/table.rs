//! Which roles and permissions are privileged: data, that an operator can override.

use std::collections::BTreeMap;
use std::path::Path;

use identity_core::error::{Error, Result};
use identity_core::privilege::{Tier, TierOverrides};

use super::known::{PERMISSIONS, ROLES, only_reads};

const ADVICE: &str =
    "write [roles] with \"TYPE\" = tier, and [permissions] with \"okta.name\" = tier; tiers are 0, 1 and 2";

/// Which administrator roles and which permissions of custom roles are privileged, and how far.
///
/// * A standard role is judged by its type (`SUPER_ADMIN`), never by its label, which differs between
///   orgs. A type that the table does not name counts as tier 0: a role that came later is not known to
///   be harmless.
/// * A custom role is judged by the strongest of its permissions, unless the table names it by its id.
///   A permission that the table does not name is tier 2 where it only reads (`….read`), tier 0
///   otherwise.
///
/// ```
/// use backend_okta::RoleTable;
/// use identity_core::privilege::Tier;
///
/// let mut table = RoleTable::standard();
/// assert_eq!(table.role("SUPER_ADMIN"), Some(Tier::Control));
/// table.override_with("[roles]\n\"REPORT_ADMIN\" = 2")?;
/// assert_eq!(table.role("REPORT_ADMIN"), Some(Tier::User));
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleTable {
    /// By type, or by the id of a custom role.
    roles: BTreeMap<String, Tier>,
    /// By name, or by what a name begins with and `.*`.
    permissions: BTreeMap<String, Tier>,
}

impl Default for RoleTable {
    fn default() -> Self {
        Self::standard()
    }
}

impl RoleTable {
    /// The table that comes with this crate.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            roles: ROLES.iter().map(|(role, _, tier)| ((*role).to_owned(), *tier)).collect(),
            permissions: PERMISSIONS.iter().map(|(name, tier)| ((*name).to_owned(), *tier)).collect(),
        }
    }

    /// Overrides what a TOML text names: `[roles]` by type (for a custom role its id), `[permissions]`
    /// by name, or by what a name begins with and `.*`; each with the tier 0, 1 or 2. What it does not
    /// name stays.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](identity_core::error::ErrorKind::ConfigInvalid) for what is not such a text; then nothing is changed.
    pub fn override_with(&mut self, toml: &str) -> Result<()> {
        let TierOverrides { roles, permissions, .. } = TierOverrides::parse(toml, ADVICE)?;
        let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if let Some((role, _)) = roles.iter().find(|(role, _)| !is_word(role)) {
            return Err(invalid(format!(
                "{role:?} is no type of a role and no id of a custom one (a label is not either)"
            )));
        }
        if let Some((name, _)) = permissions.iter().find(|(name, _)| !name.starts_with("okta.")) {
            return Err(invalid(format!("{name:?} is no permission: their names begin with okta.")));
        }
        self.roles.extend(roles);
        self.permissions.extend(permissions);
        Ok(())
    }

    /// Overrides what a TOML file names; see [`RoleTable::override_with`].
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](identity_core::error::ErrorKind::ConfigInvalid) when it cannot be read or used.
    pub fn override_from(&mut self, path: &Path) -> Result<()> {
        self.override_with(&TierOverrides::text_of(path)?)
    }

    /// The tier of a role by its type, or by the id of a custom role; `None` where the table does not
    /// name it.
    #[must_use]
    pub fn role(&self, role: &str) -> Option<Tier> {
        self.roles.get(role).copied()
    }

    /// The tier of whoever holds a permission.
    #[must_use]
    pub fn permission(&self, name: &str) -> Tier {
        if let Some(tier) = self.permissions.get(name) {
            return *tier;
        }
        if only_reads(name) {
            return Tier::User;
        }
        let beginnings = self.permissions.iter().filter_map(|(known, tier)| Some((known.strip_suffix('*')?, *tier)));
        let fitting = beginnings.filter(|(beginning, _)| name.starts_with(beginning));
        fitting.max_by_key(|(beginning, _)| beginning.len()).map_or(Tier::Control, |(_, tier)| tier)
    }

    /// The tier of a standard role.
    pub(crate) fn standard_role(&self, role: &str) -> Tier {
        self.role(role).unwrap_or(Tier::Control)
    }

    /// The tier of a custom role, by what it can do. `None` for permissions that could not be read:
    /// then it is not known to be harmless.
    pub(crate) fn custom_role(&self, id: &str, permissions: Option<&[String]>) -> Tier {
        let judged = || match permissions {
            Some(names) => names.iter().map(|name| self.permission(name)).min().unwrap_or(Tier::User),
            None => Tier::Control,
        };
        self.role(id).unwrap_or_else(judged)
    }
}

/// The name of a standard role, where the org's own label was not told.
pub(crate) fn name_of(role: &str) -> Option<&'static str> {
    ROLES.iter().find(|(known, ..)| *known == role).map(|(_, name, _)| *name)
}

fn invalid(detail: String) -> Error {
    TierOverrides::invalid(detail, ADVICE)
}

#[cfg(test)]
mod tests {
    use identity_core::error::ErrorKind;

    use super::*;

    fn names(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn each_type_of_the_description_is_there_once() {
        let table = RoleTable::standard();
        assert_eq!(table.roles.len(), ROLES.len());
        assert_eq!(table.permissions.len(), PERMISSIONS.len());
        // `RoleType` of the description of 2026.06, without CUSTOM.
        let types = "ACCESS_CERTIFICATIONS_ADMIN ACCESS_REQUESTS_ADMIN API_ACCESS_MANAGEMENT_ADMIN APP_ADMIN \
                     GROUP_MEMBERSHIP_ADMIN HELP_DESK_ADMIN ORG_ADMIN READ_ONLY_ADMIN REPORT_ADMIN SUPER_ADMIN \
                     USER_ADMIN WORKFLOWS_ADMIN";
        for role in types.split_whitespace() {
            assert!(table.role(role).is_some_and(|tier| tier != Tier::User), "{role}");
            assert!(name_of(role).is_some(), "{role}");
        }
        assert_eq!(table.role("Super Administrator"), None, "a label is no type");
        assert_eq!(table.standard_role("AI_AGENT_ADMIN"), Tier::Control, "what came later is not known to be harmless");
        assert_eq!(table.standard_role("HELP_DESK_ADMIN"), Tier::Management);
    }

    #[test]
    fn a_custom_role_is_judged_by_its_strongest_permission() {
        let table = RoleTable::standard();
        let judge = |texts: &[&str]| table.custom_role("cr0x", Some(&names(texts)));
        for reset in ["manage", "credentials.manage", "credentials.resetPassword", "credentials.expirePassword"] {
            assert_eq!(judge(&["okta.users.read", &format!("okta.users.{reset}")]), Tier::Management, "{reset}");
        }
        assert_eq!(judge(&["okta.users.read", "okta.groups.read", "okta.apps.read"]), Tier::User);
        assert_eq!(judge(&["okta.users.read", "okta.policies.manage"]), Tier::Control);
        assert_eq!(judge(&["okta.something.new"]), Tier::Control);
        assert_eq!(judge(&["okta.something.read"]), Tier::User);
        assert_eq!(judge(&[]), Tier::User);
        assert_eq!(table.custom_role("cr0x", None), Tier::Control);
    }

    #[test]
    fn a_file_overrides_what_it_names_or_changes_nothing() {
        let mut table = RoleTable::standard();
        table
            .override_with(
                "[roles]\n\"cr0abc\" = 2\n\"HELP_DESK_ADMIN\" = 0\n[permissions]\n\"okta.users.*\" = 0\n\"okta.logs.read\" = 1",
            )
            .expect("a good text");
        assert_eq!(table.custom_role("cr0abc", None), Tier::User, "the table goes before");
        assert_eq!(table.standard_role("HELP_DESK_ADMIN"), Tier::Control);
        assert_eq!(table.permission("okta.users.manage"), Tier::Control);
        assert_eq!(table.permission("okta.users.read"), Tier::User);
        assert_eq!(table.permission("okta.logs.read"), Tier::Management);
        let before = table.clone();
        for bad in [
            "[roles]\n\"Super Administrator\" = 0",
            "[roles]\n\"\" = 0",
            "[permissions]\n\"users.manage\" = 1",
            "[roles]\n\"X\" = 3",
            "[role]",
            "[roles]\n\"X\" = \"0\"",
            "roles",
        ] {
            let error = table.override_with(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.advice().is_some());
        }
        assert_eq!(table, before);
        assert!(table.override_from(Path::new("/nowhere/roles.toml")).is_err());
    }
}

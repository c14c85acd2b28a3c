//! Which roles and application permissions are privileged: data, that an operator can override.

use std::collections::BTreeMap;
use std::path::Path;

use identity_core::error::Result;
use identity_core::privilege::{Tier, TierOverrides};

use super::known::{ACTIONS, DIRECTORY_SYNC, PERMISSIONS, READS_THAT_COUNT, ROLES};

const ADVICE: &str =
    "write [roles] with \"template id\" = tier, and [permissions] with \"name\" = tier; tiers are 0, 1 and 2";

/// Which directory roles and which application permissions are privileged, and how far.
///
/// Graph v1.0 does not say which roles are privileged, so that this table does:
/// * tier 0, who can take the tenant: whoever assigns roles, resets anybody, adds credentials to apps,
///   federates a domain, rewrites the policies of sign-in, runs code on administrators' devices, or
///   writes all synchronised accounts;
/// * tier 1, the other roles that Microsoft labels as privileged (permissions-reference, 2026-07-27), and
///   some that are not labelled and whose holders hold the mail, the files, the groups or the methods of
///   signing in.
///
/// Roles that it does not name are judged by their resource actions: a custom role that can write in the
/// directory is at least tier 1, and a role of Microsoft's that came later is found by the actions that
/// the privileged ones have.
///
/// ```
/// use backend_entra::RoleTable;
/// use identity_core::privilege::Tier;
///
/// let mut table = RoleTable::standard();
/// assert_eq!(table.role("62e90394-69f5-4237-9190-012177145e10"), Some(Tier::Control));
/// table.override_with("[roles]\n\"5d6b6bb7-de71-4623-b4af-96380a352509\" = 2")?;
/// assert_eq!(table.role("5d6b6bb7-de71-4623-b4af-96380a352509"), Some(Tier::User));
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleTable {
    /// By template id, in lower case.
    roles: BTreeMap<String, Tier>,
    /// By name.
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
            roles: ROLES.iter().map(|(id, _, tier)| ((*id).to_owned(), *tier)).collect(),
            permissions: PERMISSIONS.iter().map(|(name, tier)| ((*name).to_owned(), *tier)).collect(),
        }
    }

    /// Overrides what a TOML text names: `[roles]` by template id (for a custom role its own id),
    /// `[permissions]` by name; each with the tier 0, 1 or 2. What it does not name stays.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](identity_core::error::ErrorKind::ConfigInvalid) for what is not such a text; then nothing is changed.
    pub fn override_with(&mut self, toml: &str) -> Result<()> {
        let TierOverrides { roles, permissions, .. } = TierOverrides::parse(toml, ADVICE)?;
        if let Some((id, _)) = roles.iter().find(|(id, _)| uuid::Uuid::try_parse(id).is_err()) {
            return Err(TierOverrides::invalid(format!("{id:?} is not the id of a role"), ADVICE));
        }
        self.roles.extend(roles.into_iter().map(|(id, tier)| (id.to_lowercase(), tier)));
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

    /// The tier of a role by its template id, or by the id of a custom role; `None` where the table
    /// does not name it.
    #[must_use]
    pub fn role(&self, id: &str) -> Option<Tier> {
        self.roles.get(&id.to_lowercase()).copied()
    }

    /// The tier of whoever holds an application permission of Microsoft Graph.
    #[must_use]
    pub fn permission(&self, name: &str) -> Tier {
        let named = self.permissions.get(name).copied();
        named.unwrap_or_else(|| if adds_a_way_to_sign_in(name) { Tier::Control } else { Tier::User })
    }

    /// The tier of a role that the table may not name, by what it can do.
    pub(crate) fn judge(&self, ids: [&str; 2], is_built_in: bool, actions: &[String]) -> Tier {
        let named = ids.iter().find_map(|id| self.role(id));
        named.unwrap_or_else(|| {
            actions.iter().map(|action| tier_of_action(action, is_built_in)).min().unwrap_or(Tier::User)
        })
    }
}

/// Whether it is one of the permissions for one sort of authentication method of everybody, like
/// `UserAuthMethod-TAP.ReadWrite.All`: more of them come with each sort, and all let an app sign in as anybody
/// or replace what keeps others out.
fn adds_a_way_to_sign_in(permission: &str) -> bool {
    permission.starts_with("UserAuthMethod-") && permission.ends_with(".ReadWrite.All")
}

/// The name of a role of the standard table, where the tenant's own cannot be read.
pub(crate) fn name_of(template: &str) -> Option<&'static str> {
    ROLES.iter().find(|(id, ..)| id.eq_ignore_ascii_case(template)).map(|(_, name, _)| *name)
}

/// Whether it is the role of an account that a directory synchronisation signs in with.
pub(crate) fn is_directory_sync(template: &str) -> bool {
    directory_sync_roles().any(|id| id.eq_ignore_ascii_case(template))
}

/// The template ids of the roles of such accounts.
pub(crate) fn directory_sync_roles() -> impl Iterator<Item = &'static str> {
    ROLES.iter().filter(|(_, name, _)| DIRECTORY_SYNC.contains(name)).map(|(id, ..)| *id)
}

fn tier_of_action(action: &str, is_built_in: bool) -> Tier {
    if READS_THAT_COUNT.iter().any(|read| read.eq_ignore_ascii_case(action)) {
        return Tier::Management;
    }
    if action.ends_with("/read") || action.ends_with(".read") {
        return Tier::User;
    }
    let begins = |beginning: &str| action.get(..beginning.len()).is_some_and(|own| own.eq_ignore_ascii_case(beginning));
    let known = ACTIONS.iter().filter(|(beginning, _)| begins(beginning)).map(|(_, tier)| *tier).min();
    // Somebody made a custom role in order to give away a power.
    let otherwise = if !is_built_in && begins("microsoft.directory/") { Tier::Management } else { Tier::User };
    known.unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use identity_core::error::ErrorKind;

    use super::*;

    fn actions(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn each_id_and_name_is_there_once_and_well_formed() {
        let table = RoleTable::standard();
        assert_eq!(table.roles.len(), ROLES.len());
        assert_eq!(table.permissions.len(), PERMISSIONS.len());
        for (id, name, tier) in ROLES {
            assert!(uuid::Uuid::try_parse(id).is_ok() && *id == id.to_lowercase(), "{name}");
            assert!(*tier != Tier::User, "{name}");
        }
        assert!(ACTIONS.iter().all(|(action, _)| action.starts_with("microsoft.directory/")));
    }

    #[test]
    fn all_roles_that_microsoft_labels_are_in_the_table() {
        // The 34 of 2026-07-27, by the beginnings of their ids, so that a line lost by mistake shows.
        let labelled = "db506228 d2562ede 1fe13547 9b895d92 cf1c38e5 ecb2c6bf 422218e4 c4e39bd9 25a516ed 0b00bede aaf43236 \
                        158c047a 7698a772 b1be1c3e 9360feb5 8329153b be2f45a1 62e90394 f2ef992c 729827e3 8ac3fc64 45d8d3c5 \
                        3a2c62db 59d46f88 4ba39ca4 e00e864a 966707d0 7be44c8a e8611ab8 194ae4cb 5f2222b1 5d6b6bb7 1981f584 \
                        fe930be7";
        assert_eq!(labelled.split_whitespace().count(), 34);
        for beginning in labelled.split_whitespace() {
            assert!(ROLES.iter().any(|(id, ..)| id.starts_with(beginning)), "{beginning}");
        }
    }

    #[test]
    fn a_file_overrides_what_it_names_or_changes_nothing() {
        let mut table = RoleTable::standard();
        let own = "AAAAAAAA-0000-0000-0000-000000000001";
        table
            .override_with(&format!(
                "[roles]\n\"{own}\" = 0\n[permissions]\n\"User.ReadWrite.All\" = 0\n\"Mail.Send\" = 1"
            ))
            .expect("a good text");
        assert_eq!(table.role(&own.to_lowercase()), Some(Tier::Control));
        assert_eq!(table.permission("User.ReadWrite.All"), Tier::Control);
        assert_eq!(table.permission("Mail.Send"), Tier::Management);
        assert_eq!(table.permission("Mail.Read"), Tier::User);
        assert_eq!(table.permission("UserAuthMethod-Passkey.ReadWrite.All"), Tier::Control);
        assert_eq!(table.permission("UserAuthMethod-Passkey.Read.All"), Tier::User);
        let before = table.clone();
        for bad in
            ["[roles]\n\"Global Reader\" = 1", "[permissions]\n\"X\" = 3", "[role]", "[roles]\n\"x\" = \"0\"", "roles"]
        {
            let error = table.override_with(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.advice().is_some());
        }
        assert_eq!(table, before);
        assert!(table.override_from(Path::new("/nowhere/roles.toml")).is_err());
    }

    #[test]
    fn roles_that_are_not_named_are_judged_by_what_they_can_do() {
        let table = RoleTable::standard();
        let judge = |built_in, texts: &[&str]| table.judge(["x", "y"], built_in, &actions(texts));
        assert_eq!(judge(false, &["microsoft.directory/users/password/update"]), Tier::Management);
        assert_eq!(judge(false, &["microsoft.directory/applications/credentials/update"]), Tier::Control);
        assert_eq!(judge(false, &["Microsoft.Directory/RoleAssignments/allProperties/allTasks"]), Tier::Control);
        assert_eq!(
            judge(false, &["microsoft.directory/contacts/create"]),
            Tier::Management,
            "a custom role that writes"
        );
        assert_eq!(judge(true, &["microsoft.directory/contacts/create"]), Tier::User);
        assert_eq!(judge(false, &["microsoft.directory/roleAssignments/allProperties/read"]), Tier::User);
        assert_eq!(judge(true, &["microsoft.directory/bitlockerKeys/key/read"]), Tier::Management);
        assert_eq!(judge(true, &["microsoft.directory/users/inviteGuest"]), Tier::User, "Guest Inviter");
        assert_eq!(judge(false, &[]), Tier::User);
        assert_eq!(
            table.judge(["x", "62e90394-69f5-4237-9190-012177145e10"], true, &[]),
            Tier::Control,
            "the table goes before"
        );
        assert_eq!(name_of("62E90394-69f5-4237-9190-012177145e10"), Some("Global Administrator"));
        assert!(is_directory_sync("d29b2b05-8046-44ba-8758-1e26182fcf32"));
        assert!(!is_directory_sync("62e90394-69f5-4237-9190-012177145e10"));
    }
}

//! What the org says about privilege, as it was read; and what of it could not be read.

use std::collections::{BTreeMap, BTreeSet};

use identity_core::privilege::Tier;

use super::known::{ADMINISTER_APPS, APP_CREDENTIALS, SUPER};
use super::table::name_of;

/// What the org says about privilege. Ids are as the service spells them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    /// Whom the listing of administrators names.
    pub(super) listed: BTreeSet<String>,
    /// Of these it could not be read what they hold.
    pub(super) unread: BTreeSet<String>,
    /// Who holds what.
    pub(super) holdings: BTreeSet<Holding>,
    /// Roles that are held, by type or by id.
    pub(super) roles: BTreeMap<String, Role>,
    /// Groups that hold a role.
    pub(super) groups: BTreeMap<String, Group>,
    /// Names of apps that can hold a role.
    pub(super) apps: BTreeMap<String, String>,
    /// Labels of resource sets.
    pub(super) sets: BTreeMap<String, String>,
    /// Why it is not known which apps hold what, where that is so.
    pub(super) apps_unread: Option<String>,
    /// The roles of the principal that signed in were read.
    pub(super) own_was_read: bool,
    /// What could not be read, and may have concerned any account.
    pub(super) gaps: Vec<String>,
    /// What is good to know.
    pub(super) notes: Vec<String>,
}

/// Whoever can hold a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Principal {
    User(String),
    Group(String),
    App(String),
}

impl Principal {
    /// The principal that an address of the API means: `…/api/v1/users/{id}`, `…/api/v1/groups/{id}`,
    /// `…/oauth2/v1/clients/{id}`.
    pub(super) fn of_link(href: &str) -> Option<Self> {
        let path = href.split(['?', '#']).next()?.trim_end_matches('/');
        let (rest, id) = path.rsplit_once('/')?;
        let id = (!id.is_empty()).then(|| id.to_owned())?;
        match rest.rsplit('/').next()? {
            "users" => Some(Self::User(id)),
            "groups" => Some(Self::Group(id)),
            "clients" | "apps" => Some(Self::App(id)),
            _ => None,
        }
    }
}

/// A principal holds a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Holding {
    pub(super) principal: Principal,
    /// A key of [`Survey::roles`].
    pub(super) role: String,
    /// The resource set that it is held over; `None` for the whole org, or for targets within it that
    /// are not told apart.
    pub(super) over: Option<String>,
}

/// A role.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) tier: Tier,
    /// The permissions of a custom role; `None` for a standard one and where they could not be read.
    pub(super) permissions: Option<Vec<String>>,
    pub(super) is_custom: bool,
}

impl Role {
    /// Whether its holder gives apps other keys, or reads theirs.
    fn administers_apps(&self, role: &str) -> bool {
        match (&self.permissions, self.is_custom) {
            (Some(names), true) => names.iter().any(|name| APP_CREDENTIALS.contains(&name.as_str())),
            (None, true) => true,
            (_, false) => ADMINISTER_APPS.contains(&role),
        }
    }
}

/// A group that holds a role. Groups of Okta have people in them and no groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) members: BTreeSet<String>,
}

impl Survey {
    /// What could not be read.
    pub(crate) fn gaps(&self) -> &[String] {
        &self.gaps
    }

    /// What is good to know.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Why it is not known which apps hold what, where that is so.
    pub(crate) fn apps_gap(&self) -> Option<&str> {
        self.apps_unread.as_deref()
    }

    /// What a principal holds.
    pub(super) fn held_by<'a>(&'a self, principal: &'a Principal) -> impl Iterator<Item = &'a Holding> {
        self.holdings.iter().filter(move |holding| holding.principal == *principal)
    }

    /// Whether a role reaches the keys of apps.
    pub(super) fn administers_apps(&self, role: &str) -> bool {
        self.roles.get(role).map_or(role != SUPER, |known| known.administers_apps(role))
    }

    pub(super) fn tier(&self, role: &str) -> Tier {
        self.roles.get(role).map_or(Tier::Control, |known| known.tier)
    }

    pub(super) fn role_name(&self, role: &str) -> String {
        let known = self.roles.get(role).map(|known| known.name.clone()).filter(|name| !name.is_empty());
        known.unwrap_or_else(|| name_of(role).unwrap_or(role).to_owned())
    }

    pub(super) fn group_name(&self, id: &str) -> String {
        let name = self.groups.get(id).map(|group| group.name.clone());
        format!("group {}", name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_owned()))
    }

    pub(super) fn app_name(&self, id: &str) -> String {
        let name = self.apps.get(id).filter(|name| !name.is_empty());
        format!("app {}", name.map_or(id, String::as_str))
    }

    pub(super) fn set_name(&self, id: &str) -> String {
        let label = self.sets.get(id).filter(|label| !label.is_empty());
        format!("resource set {}", label.map_or(id, String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_the_principal_and_nothing_else_does() {
        let of = Principal::of_link;
        assert_eq!(of("https://o.example/api/v1/users/00u1"), Some(Principal::User("00u1".into())));
        assert_eq!(of("https://o.example/api/v1/groups/00g1/"), Some(Principal::Group("00g1".into())));
        assert_eq!(of("https://o.example/oauth2/v1/clients/0oa1?x=/y"), Some(Principal::App("0oa1".into())));
        for other in ["", "00u1", "https://o.example/api/v1/users/", "https://o.example/api/v1/roles/cr0", "/users//"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}

//! What the tenant says about privilege, as it was read; and what of it could not be read.

use std::collections::{BTreeMap, BTreeSet};

use identity_core::privilege::Tier;

/// What the tenant says about privilege. Ids are as the service spells them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    /// Role definitions by id.
    pub(super) roles: BTreeMap<String, Role>,
    /// Who holds a role, by any way that roles are assigned.
    pub(super) holdings: BTreeSet<Holding>,
    /// Whether role assignments could be read: without them nobody is known to hold no role.
    pub(super) assignments_were_read: bool,
    /// Who the activated roles list as their members: role definition, principal.
    pub(super) listed: BTreeSet<(String, String)>,
    /// Role-assignable groups, groups that hold a role, and what is nested in them.
    pub(super) groups: BTreeMap<String, Group>,
    /// Service principals that hold a role or a privileged permission.
    pub(super) apps: BTreeMap<String, App>,
    /// Administrative units.
    pub(super) units: BTreeMap<String, Unit>,
    /// What could not be read, and may have concerned any account.
    pub(super) gaps: Vec<String>,
    /// What is good to know: features that the tenant does not have.
    pub(super) notes: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: String,
    /// Its template: the same in every tenant for a role of Microsoft's.
    pub(super) template: String,
    pub(super) tier: Tier,
}

/// A principal holds a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Holding {
    pub(super) principal: String,
    pub(super) role: String,
    pub(super) scope: Scope,
    pub(super) how: How,
}

/// Over what a role is held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Tenant,
    Unit(String),
    Object(String),
}

impl Scope {
    pub(super) fn parse(text: Option<&str>) -> Self {
        let Some(inner) = text.map(|text| text.trim_start_matches('/')).filter(|inner| !inner.is_empty()) else {
            return Self::Tenant;
        };
        match inner.strip_prefix("administrativeUnits/") {
            Some(unit) => Self::Unit(unit.to_owned()),
            None => Self::Object(inner.to_owned()),
        }
    }
}

/// How a role is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    Assigned,
    /// For a time, by Privileged Identity Management.
    Activated,
    /// Not now; its holder can activate it.
    Eligible,
    /// Privileged Identity Management shows the member of a group with the group's role.
    ByGroup,
    /// As with `ByGroup`, and it is to be activated.
    EligibleByGroup,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) role_assignable: bool,
    pub(super) places: BTreeSet<Place>,
}

/// A place in a group: who has it and what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) principal: String,
    pub(super) access: Access,
}

/// What a place in a group lets one do. The order is that of strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    Member,
    /// Adds whoever they like.
    Owner,
    EligibleMember,
    EligibleOwner,
}

#[derive(Clone, Debug, Default)]
pub(super) struct App {
    pub(super) name: String,
    /// Object ids of its registration, for roles that are scoped to it.
    pub(super) registration: Option<String>,
    pub(super) permissions: BTreeMap<String, Tier>,
    /// Owners of the service principal and of the registration: they add credentials.
    pub(super) owners: BTreeSet<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    pub(super) name: String,
    pub(super) restricted: bool,
    /// Read where they matter: of restricted units, and of units that the app's own roles are scoped to.
    pub(super) members: BTreeSet<String>,
}

impl Survey {
    /// What could not be read.
    pub(crate) fn gaps(&self) -> &[String] {
        &self.gaps
    }

    /// What the tenant does not have.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The name of a unit in words.
    pub(super) fn unit_name(&self, id: &str) -> String {
        match self.units.get(id) {
            Some(unit) if !unit.name.is_empty() => format!("administrative unit {}", unit.name),
            _ => format!("administrative unit {id}"),
        }
    }

    /// The service principal that an object id means: its own, or that of its registration.
    pub(super) fn app_of(&self, object: &str) -> Option<&str> {
        let by_registration = || self.apps.iter().find(|(_, app)| app.registration.as_deref() == Some(object));
        self.apps.get_key_value(object).or_else(by_registration).map(|(id, _)| id.as_str())
    }

    pub(super) fn is_restricted(&self, scope: &Scope) -> bool {
        matches!(scope, Scope::Unit(unit) if self.units.get(unit).is_some_and(|unit| unit.restricted))
    }
}

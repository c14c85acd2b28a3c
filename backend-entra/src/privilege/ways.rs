//! Who can use what somebody else holds: members and owners of groups, owners of apps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use identity_core::privilege::{Membership, MembershipGraph};

use super::survey::{Access, How, Scope, Survey};

/// Whoever is `holder` can use what `over` holds. Ordered so that the strongest of several ways comes
/// first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) over: String,
    pub(super) holder: String,
    pub(super) by: By,
}

/// How somebody can use what somebody else holds. The order is that of strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Place(Access),
    AppOwner,
    /// A role over this one app.
    ScopedRole,
    /// As with `ScopedRole`, to be activated.
    EligibleScopedRole,
}

impl By {
    /// The stable word of the rule.
    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::Place(Access::Member) => "member",
            Self::Place(Access::Owner) => "owner",
            Self::Place(Access::EligibleMember) => "eligible_member",
            Self::Place(Access::EligibleOwner) => "eligible_owner",
            Self::AppOwner => "app_owner",
            Self::ScopedRole => "scoped_role",
            Self::EligibleScopedRole => "eligible_scoped_role",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Place(Access::Member) => "member of",
            Self::Place(Access::Owner) => "owner of",
            Self::Place(Access::EligibleMember) => "eligible member of",
            Self::Place(Access::EligibleOwner) => "eligible owner of",
            Self::AppOwner => "owner of app",
            Self::ScopedRole => "role over app",
            Self::EligibleScopedRole => "eligible for a role over app",
        }
    }
}

/// All ways of a tenant.
#[derive(Debug)]
pub(super) struct Ways<'a> {
    survey: &'a Survey,
    /// By what they lead to, then by who has them.
    all: BTreeMap<String, BTreeSet<Way>>,
    graph: MembershipGraph<String>,
}

impl<'a> Ways<'a> {
    pub(super) fn of(survey: &'a Survey) -> Self {
        let mut ways = Self { survey, all: BTreeMap::new(), graph: MembershipGraph::default() };
        for (id, group) in &survey.groups {
            for place in &group.places {
                ways.add(&place.principal, id, By::Place(place.access));
            }
        }
        for (id, app) in &survey.apps {
            for owner in &app.owners {
                ways.add(owner, id, By::AppOwner);
            }
        }
        for holding in &survey.holdings {
            let Scope::Object(object) = &holding.scope else { continue };
            let Some(app) = survey.app_of(object) else { continue };
            let by = match holding.how {
                How::Eligible | How::EligibleByGroup => By::EligibleScopedRole,
                How::Assigned | How::Activated | How::ByGroup => By::ScopedRole,
            };
            ways.add(&holding.principal, app, by);
        }
        ways
    }

    fn add(&mut self, holder: &str, over: &str, by: By) {
        if holder == over {
            return;
        }
        self.graph.nest(holder.to_owned(), over.to_owned());
        let way = Way { over: over.to_owned(), holder: holder.to_owned(), by };
        self.all.entry(over.to_owned()).or_default().insert(way);
    }

    /// What leads to this principal: from everybody and everything that can use what it holds, the
    /// shortest way up to it.
    pub(super) fn reach(&self, principal: &str) -> HashMap<String, Membership<String>> {
        self.graph.close([principal.to_owned()])
    }

    /// The ways that lead straight to this one.
    pub(super) fn straight_to(&self, over: &str) -> impl Iterator<Item = &Way> {
        self.all.get(over).into_iter().flatten()
    }

    /// The path in words, for a holder that comes by `first` and then along `path`.
    pub(super) fn in_words(&self, first: &Way, path: &[String]) -> Vec<String> {
        let mut words = vec![format!("{} {}", first.by.words(), self.name(&first.over))];
        for pair in path.windows(2) {
            let [lower, upper] = pair else { continue };
            let by = self.straight_to(upper).filter(|way| way.holder == *lower).map(|way| way.by).min();
            words.push(format!("{} {}", by.map_or("in", By::words), self.name(upper)));
        }
        words
    }

    /// Whether it is a group or an app, and no account.
    pub(super) fn is_no_account(&self, id: &str) -> bool {
        self.survey.groups.contains_key(id) || self.survey.apps.contains_key(id)
    }

    fn name(&self, id: &str) -> String {
        let group = self.survey.groups.get(id).map(|group| &group.name);
        let name = group.or_else(|| self.survey.apps.get(id).map(|app| &app.name));
        name.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| id.to_owned())
    }
}

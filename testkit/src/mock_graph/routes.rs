//! The table of what can be asked. One list for each family of endpoints; a family that is added is
//! one more line in [`FAMILIES`].

use http::Method;
use serde_json::Value;

use super::query::{Entity, Options, Query};
use super::refusal::Refusal;
use super::service::Service;
use super::tokens::Caller;
use super::{
    applications, authentication, directory, groups, registration, risk, roles, service_principals, units, users,
};
use crate::fault::Operation;
use crate::mock_http::{Answer, Call};

const FAMILIES: &[&[Route]] = &[
    users::ROUTES,
    directory::ROUTES,
    roles::ROUTES,
    groups::ROUTES,
    units::ROUTES,
    service_principals::ROUTES,
    applications::ROUTES,
    authentication::ROUTES,
    risk::ROUTES,
    registration::ROUTES,
];

/// One thing that can be asked.
pub(super) struct Route {
    pub(super) method: Method,
    /// Parts of the path below the version; `{}` fits any one part.
    pub(super) path: &'static [&'static str],
    /// Application permissions of which one is needed. A route that needs more asks in its answer.
    pub(super) permissions: &'static [&'static str],
    /// Resource units without modifiers.
    pub(super) units: u32,
    /// Resource units with `$select`: one fewer, but for some.
    pub(super) units_selected: u32,
    /// Which quotas it uses beside those of every request.
    pub(super) family: Family,
    /// How fault scripts count it.
    pub(super) operation: Operation,
    /// The options of the query that it knows.
    pub(super) options: Options,
    /// What it lists or shows.
    pub(super) entity: Option<&'static Entity>,
    /// What the body has to be.
    pub(super) body: BodyRule,
    /// The place in `path` of the id of a user, for fault scripts.
    pub(super) user_at: Option<usize>,
    pub(super) answer: fn(&Service, &Visit<'_>) -> Result<Answer, Refusal>,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} /{}", self.method, self.path.join("/"))
    }
}

impl Route {
    /// The refusal of who has none of the permissions: some families have a code of their own.
    pub(super) fn forbidden(&self) -> Refusal {
        let own = |part: &&str| ["authentication", "identityGovernance"].contains(part) || part.ends_with("Instances");
        if self.path.iter().any(own) { Refusal::access_denied() } else { Refusal::forbidden() }
    }
}

/// The quotas that a route uses beside those of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    /// Users, groups, roles: resource units and writes.
    Directory,
    /// Reports and authentication methods.
    Reports,
    /// Risky users.
    IdentityProtection,
}

/// What the body of a request has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyRule {
    /// None.
    None,
    /// None, or an object without members.
    Empty,
    /// An object.
    Object,
}

/// A request that was found right in form, on its way to an answer.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    pub(super) call: &'a Call,
    /// What stands in the place of each `{}`.
    pub(super) captures: Vec<String>,
    pub(super) query: Query,
    /// The members of the body.
    pub(super) body: serde_json::Map<String, Value>,
    pub(super) caller: &'a Caller,
    /// A fault: no password is good enough.
    pub(super) refuse_password: bool,
}

impl Visit<'_> {
    /// What stands in the place of the first `{}`.
    pub(super) fn first(&self) -> &str {
        self.captures.first().map_or("", String::as_str)
    }
}

/// Finds the route of a path below the version, with what stands in the place of each `{}`.
pub(super) fn find(method: &Method, path: &[String]) -> Result<(&'static Route, Vec<String>), Refusal> {
    let fits = |route: &&Route| {
        route.path.len() == path.len()
            && route.path.iter().zip(path).all(|(part, given)| *part == "{}" || part == given)
    };
    let every = || FAMILIES.iter().copied().flatten();
    // A part that is spelt out goes before one that fits anything.
    let wild = |route: &&Route| route.path.iter().filter(|part| **part == "{}").count();
    let fewest = every().filter(fits).map(|route| wild(&route)).min();
    let candidates = || every().filter(fits).filter(|route| Some(wild(route)) == fewest);
    if let Some(route) = candidates().find(|route| route.method == *method) {
        let captured = route.path.iter().zip(path).filter(|(part, _)| **part == "{}");
        return Ok((route, captured.map(|(_, given)| given.clone()).collect()));
    }
    if fewest.is_some() {
        return Err(Refusal::method_not_allowed());
    }
    Err(Refusal::no_such_segment(path.last().map_or("", String::as_str)))
}

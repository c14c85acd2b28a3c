//! The table of what can be asked. One list for each family of endpoints; a family that is added is
//! one more line in [`FAMILIES`].

use http::Method;
use serde_json::{Map, Value};

use super::quota::Bucket;
use super::refusal::Refusal;
use super::service::Service;
use super::tokens::Caller;
use super::{about, admin_roles, factors, groups, iam, limits, logs, policies, users};
use crate::fault::Operation;
use crate::mock_http::{Answer, Call};

const FAMILIES: &[&[Route]] = &[
    users::ROUTES,
    iam::ROUTES,
    admin_roles::ROUTES,
    groups::ROUTES,
    factors::ROUTES,
    policies::ROUTES,
    logs::ROUTES,
    limits::ROUTES,
    about::ROUTES,
];

/// One thing that can be asked.
pub(super) struct Route {
    pub(super) method: Method,
    /// Parts of the path from the first on; `{}` fits any one part.
    pub(super) path: &'static [&'static str],
    /// Scopes of which a token of OAuth needs one; `manage` implies `read`.
    pub(super) scopes: &'static [&'static str],
    /// What the caller's role has to allow: a permission of custom roles. See [`super::access`].
    pub(super) right: &'static str,
    /// The rate limit that it uses.
    pub(super) bucket: Bucket,
    /// How fault scripts count it.
    pub(super) operation: Operation,
    /// The parameters of the query that it knows.
    pub(super) query: &'static [&'static str],
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

/// What the body of a request has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyRule {
    /// None, or an object without members.
    None,
    /// An object.
    Object,
}

/// The parameters of a query, in order.
pub(super) type Parameters = Vec<(String, String)>;

/// A request that was found right in form, on its way to an answer.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    pub(super) call: &'a Call,
    /// What stands in the place of each `{}`.
    pub(super) captures: Vec<String>,
    /// The parameters of the query, each at most once.
    pub(super) query: Parameters,
    /// The members of the body.
    pub(super) body: Map<String, Value>,
    pub(super) caller: &'a Caller,
    /// `x-okta-request-id`, by which the System Log names the request.
    pub(super) request: &'a str,
    /// A fault: no password is good enough.
    pub(super) refuse_password: bool,
}

impl Visit<'_> {
    /// What stands in the place of the first `{}`.
    pub(super) fn first(&self) -> &str {
        self.captures.first().map_or("", String::as_str)
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.parameter(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::validation(name, format!("{name}: The value is neither true nor false."))),
        }
    }

    /// A number of rows, read as `most` where it is larger.
    pub(super) fn limit(&self, default: usize, most: usize) -> Result<usize, Refusal> {
        match self.parameter("limit").map(str::parse::<i64>) {
            None => Ok(default),
            Some(Ok(limit)) if limit >= 1 => Ok(usize::try_from(limit).unwrap_or(most).min(most)),
            Some(_) => Err(Refusal::validation("limit", "limit: The limit has to be a number from 1 on.")),
        }
    }
}

/// Finds the route of a path, with what stands in the place of each `{}`.
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
    Err(if fewest.is_some() { Refusal::method_not_allowed() } else { Refusal::no_such_path() })
}

/// Checks query and body against a route; gives what they say.
pub(super) fn read(call: &Call, route: &Route) -> Result<(Parameters, Map<String, Value>), Refusal> {
    let query = call.options().ok_or_else(|| Refusal::validation("query", "The query is not well-formed."))?;
    for (at, (name, _)) in query.iter().enumerate() {
        if !route.query.contains(&name.as_str()) {
            return Err(Refusal::validation(name, format!("{name}: The parameter is not known.")));
        }
        if query.iter().skip(at + 1).any(|(other, _)| other == name) {
            return Err(Refusal::validation(name, format!("{name}: The parameter was repeated.")));
        }
    }
    if call.body.is_empty() {
        return match route.body {
            BodyRule::Object => Err(Refusal::unreadable_body()),
            BodyRule::None => Ok((query, Map::new())),
        };
    }
    if call.media_type().as_deref() != Some("application/json") {
        return Err(Refusal::unsupported_media_type());
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(&call.body) else {
        return Err(Refusal::unreadable_body());
    };
    match members.keys().next() {
        Some(member) if route.body == BodyRule::None => {
            Err(Refusal::validation(member, format!("{member}: The operation takes no body.")))
        }
        _ => Ok((query, members)),
    }
}

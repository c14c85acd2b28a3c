//! What a service app asks for, and what it was granted.

use std::collections::BTreeSet;

/// A scope, and what cannot be done without it.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) name: &'static str,
    /// What it is for, as the object of "is not possible without it".
    pub(crate) what: &'static str,
    /// Whether nothing at all can be done without it.
    pub(crate) is_needed: bool,
}

const fn scope(name: &'static str, what: &'static str) -> Scope {
    Scope { name, what, is_needed: false }
}

/// All that any run asks for (Okta API reference: the scopes of each operation). `manage` has
/// `read` in it; both are asked for, since an app can be granted one of them.
pub(crate) const SCOPES: [Scope; 8] = [
    Scope { name: "okta.users.read", what: "listing and reading accounts", is_needed: true },
    scope("okta.users.manage", "setting passwords, and everything else that changes an account"),
    scope("okta.groups.read", "choosing by group, and administrators by group"),
    scope("okta.roles.read", "telling who is an administrator"),
    scope("okta.clients.read", "telling which service apps are administrators"),
    scope("okta.policies.read", "reading password policies and ways of recovery"),
    scope("okta.logs.read", "evidence from the System Log"),
    scope("okta.principalRateLimits.read", "reading which part of the rate limits the app has"),
];

/// The scopes of a service app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes {
    pub(crate) granted: BTreeSet<String>,
    /// Asked for and not granted.
    pub(crate) refused: BTreeSet<String>,
}

impl Scopes {
    /// Whether this scope was granted; `manage` has `read` in it.
    pub(crate) fn has(&self, scope: &str) -> bool {
        let wider = scope.strip_suffix(".read").map(|of| format!("{of}.manage"));
        self.granted.contains(scope) || wider.is_some_and(|wider| self.granted.contains(&wider))
    }

    /// What was refused and is missed: a `read` whose `manage` was granted is not.
    pub(crate) fn missed(&self) -> impl Iterator<Item = &str> {
        self.refused.iter().map(String::as_str).filter(|scope| !self.has(scope))
    }
}

/// What cannot be done without this scope.
pub(crate) fn what(name: &str) -> Option<&'static Scope> {
    SCOPES.iter().find(|scope| scope.name == name)
}

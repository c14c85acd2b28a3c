//! Authentication methods of users and temporary access passes.

mod enrolment;
mod methods;
mod passes;

pub use enrolment::MethodKind;
pub(super) use enrolment::{EnrolledMethod, Enrolment, drawn};

use http::Method;

use super::query::Options;
use super::routes::{BodyRule, Family, Route};
use crate::fault::Operation;

const READ: &[&str] = &["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"];
const WRITE: &[&str] = &["UserAuthenticationMethod.ReadWrite.All"];
const PASSES: &[&str] = &["UserAuthenticationMethod.ReadWrite.All", "UserAuthMethod-TAP.ReadWrite.All"];

const READING: Route = Route {
    method: Method::GET,
    path: &["users", "{}", "authentication", "methods"],
    permissions: READ,
    units: 1,
    units_selected: 1,
    family: Family::Reports,
    operation: Operation::Read,
    options: Options::NONE,
    entity: None,
    body: BodyRule::None,
    user_at: Some(1),
    answer: methods::list,
};
const WRITING: Route = Route { operation: Operation::Write, permissions: WRITE, ..READING };

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route { path: &["users", "{}", "authentication", "{}"], answer: methods::family, ..READING },
    Route { path: &["users", "{}", "authentication", "{}", "{}"], answer: methods::one, ..READING },
    Route {
        method: Method::DELETE,
        path: &["users", "{}", "authentication", "{}", "{}"],
        answer: methods::delete,
        ..WRITING
    },
    Route {
        method: Method::DELETE,
        path: &["users", "{}", "authentication", "temporaryAccessPassMethods", "{}"],
        permissions: PASSES,
        answer: passes::delete,
        ..WRITING
    },
    Route {
        path: &["users", "{}", "authentication", "temporaryAccessPassMethods", "{}"],
        answer: passes::one,
        ..READING
    },
    Route {
        method: Method::POST,
        path: &["users", "{}", "authentication", "temporaryAccessPassMethods"],
        permissions: PASSES,
        body: BodyRule::Object,
        answer: passes::create,
        ..WRITING
    },
    Route { path: &["users", "{}", "authentication", "temporaryAccessPassMethods"], answer: passes::list, ..READING },
    // Delegated only: no application permission lets an app in.
    Route {
        method: Method::POST,
        path: &["users", "{}", "authentication", "methods", "{}", "resetPassword"],
        permissions: &[],
        body: BodyRule::Object,
        answer: methods::list,
        ..WRITING
    },
];

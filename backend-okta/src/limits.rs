//! The buckets of Okta's rate limits, one class each, and which one each request takes from.

use std::num::NonZeroU32;

use identity_core::limits::{BatchCost, Limits, OperationClass};
use identity_core::reset::Action;

use crate::config::OktaConfig;

/// `/api/v1/users`: listing and creating, and below a user everything but the user itself
/// (`lifecycle`, `credentials`, `sessions`, `roles`, `factors`, `grants`).
pub(crate) const USERS: OperationClass = OperationClass::Named("users");
/// `GET /api/v1/users/{id}`.
pub(crate) const USER: OperationClass = OperationClass::Named("user");
/// `POST`, `PUT` and `DELETE /api/v1/users/{id}`.
pub(crate) const USER_WRITE: OperationClass = OperationClass::Named("user-write");
/// `/api/v1/iam`: administrators, roles, resource sets.
pub(crate) const IAM: OperationClass = OperationClass::Named("iam");
/// `/api/v1/groups`.
pub(crate) const GROUPS: OperationClass = OperationClass::Named("groups");
/// `/api/v1/logs`.
pub(crate) const LOGS: OperationClass = OperationClass::Named("logs");
/// The rest of `/api/v1`: policies, API tokens, the org.
pub(crate) const POLICIES: OperationClass = OperationClass::Named("policies");
/// `/oauth2/v1/clients`.
pub(crate) const CLIENTS: OperationClass = OperationClass::Named("clients");
/// `/api/v1/principal-rate-limits`.
pub(crate) const PRINCIPAL_RATE_LIMITS: OperationClass = OperationClass::Named("principal-rate-limits");

/// The most ids of one look-up; each is a request of its own.
const LOOKUPS: u32 = 100;

/// The class of an action, for quotas.
pub(crate) fn class_of(action: Action) -> OperationClass {
    match action {
        Action::SetPassword { .. } | Action::Scramble => USER_WRITE,
        _ => USERS,
    }
}

/// What an org with this configuration allows.
pub(crate) fn limits(config: &OktaConfig) -> Limits {
    Limits::new(NonZeroU32::MIN, of(config.in_flight))
        .with_batch_cost(BatchCost::PerOperation)
        .with_batch_of(OperationClass::Read, of(LOOKUPS))
        .with_deadline(config.deadline)
}

fn of(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

//! The buckets of Okta's rate limits, one class each, and which one each request takes from.

use std::num::NonZeroU32;
use std::time::Duration;

use identity_core::limits::{BatchCost, Limits, OperationClass, Quota};
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

/// Every bucket, and what is kept to in a minute should an
/// org tell nothing: the least that Okta published for any kind of org (developer documentation,
/// "Management API rate limits", as it was before the numbers went to the dashboard). What counts is
/// what each answer tells.
const BUCKETS: [(OperationClass, u32); 9] = [
    (USERS, 100),
    (USER, 100),
    (USER_WRITE, 100),
    (IAM, 100),
    (GROUPS, 100),
    (LOGS, 20),
    (POLICIES, 100),
    (CLIENTS, 25),
    (PRINCIPAL_RATE_LIMITS, 100),
];
/// Okta's window ("Rate limits").
const WINDOW: Duration = Duration::from_secs(60);

/// The most ids of one look-up; each is a request of its own.
const LOOKUPS: u32 = 100;

/// The class of an action, for quotas.
pub(crate) fn class_of(action: Action) -> OperationClass {
    match action {
        Action::SetPassword { .. } | Action::Scramble => USER_WRITE,
        _ => USERS,
    }
}

/// The most requests of one caller at once: what Okta gives an app or a token (75 percent unless set
/// otherwise, "Set a principal's rate limits") of the 75 that a workforce org has ("Rate limits",
/// concurrency).
const MOST_AT_ONCE: u32 = 75 * 75 / 100;

/// What an org with this configuration allows.
///
/// The look before each order is a request as the order is, and as long: it has as much room as the
/// orders have, beside them and never beyond what the org takes of one caller.
pub(crate) fn limits(config: &OktaConfig) -> Limits {
    let limits = Limits::new(NonZeroU32::MIN, of(config.in_flight))
        .with_batch_cost(BatchCost::PerOperation)
        .with_batch_of(OperationClass::Read, of(LOOKUPS))
        .with_reads_beside_of(USER, config.in_flight.min(MOST_AT_ONCE.saturating_sub(config.in_flight)))
        .with_deadline(config.deadline);
    if !config.quotas {
        return limits;
    }
    BUCKETS.into_iter().fold(limits, |limits, (class, least)| {
        limits.with_quota(Quota::learnt(name_of(class), of(least), WINDOW, class).with_share(config.share))
    })
}

/// The name that statistics have for a bucket.
fn name_of(class: OperationClass) -> &'static str {
    match class {
        OperationClass::Named(name) => name,
        _ => "requests",
    }
}

fn of(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::config;

    #[test]
    fn looks_have_room_of_their_own_within_what_one_caller_has() {
        for (in_flight, beside) in [(1, 1), (10, 10), (28, 28), (50, 6), (56, 0), (75, 0)] {
            let limits = limits(&config().in_flight(in_flight));
            assert_eq!((limits.in_flight.get(), limits.reads_beside), (in_flight, beside));
            assert_eq!(limits.class_beside, USER, "a class that nothing else is in");
        }
    }

    #[test]
    fn each_class_is_a_bucket_that_answers_tell_the_size_of() {
        let limits = limits(&config().share(0.8));
        for (class, _) in BUCKETS {
            let paid: Vec<_> = limits.quotas.iter().filter(|quota| quota.cost(class) > 0).collect();
            let [quota] = paid.as_slice() else { panic!("{class:?} pays into {} buckets", paid.len()) };
            assert_eq!((OperationClass::Named(quota.name), quota.learnt, quota.cost(class)), (class, true, 1));
            assert!((quota.share - 0.8).abs() < f64::EPSILON);
        }
        assert!(limits.check().is_ok());
        assert!(super::limits(&config().without_quotas()).quotas.is_empty());
    }

    #[test]
    fn a_password_is_set_in_another_bucket_than_everything_else() {
        for action in Action::ALL {
            let writes = matches!(action, Action::SetPassword { .. } | Action::Scramble);
            assert_eq!(class_of(action), if writes { USER_WRITE } else { USERS }, "{action}");
        }
        let limits = limits(&config());
        assert_eq!((limits.batch_of(USERS).get(), limits.batch_of(USER_WRITE).get()), (1, 1));
        assert!(limits.batch_of(OperationClass::Read).get() > 1);
    }
}

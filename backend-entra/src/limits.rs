//! What Microsoft publishes of its limits, as quotas ("Microsoft Graph service-specific throttling
//! limits", 2026-02-06), and which bucket each request takes from.

use std::num::NonZeroU32;
use std::time::Duration;

use identity_core::limits::{BatchCost, Limits, OperationClass, Quota};
use identity_core::reset::Action;

use crate::config::{EntraConfig, TenantSize};

/// Direct members or owners of a group: 3 resource units a page.
pub(crate) const MEMBERS: OperationClass = OperationClass::Named("group members");
/// Transitive members of a group: 5 resource units a page.
pub(crate) const TRANSITIVE_MEMBERS: OperationClass = OperationClass::Named("transitive group members");
/// Reports: 5 requests in 10 seconds, shared with [`METHODS`].
pub(crate) const REPORTS: OperationClass = OperationClass::Named("reports");
/// Authentication methods: 5 requests in 10 seconds, shared with [`REPORTS`].
pub(crate) const METHODS: OperationClass = OperationClass::Named("authentication methods");
/// Resetting somebody's authenticators: a listing before and after, and a request for each method, of the bucket of
/// [`METHODS`].
pub(crate) const AUTHENTICATORS: OperationClass = OperationClass::Named("authenticators");
/// What that usually takes: the listing, two methods, and the listing again. An order that needs more waits inside.
const REQUESTS_FOR_AUTHENTICATORS: u32 = 4;
/// Reads of `signInActivity`: 10 a minute.
pub(crate) const SIGN_INS: OperationClass = OperationClass::Named("sign-in activity");
/// Risky users: one request a second for the whole tenant and all its apps, and no Retry-After.
pub(crate) const IDENTITY_PROTECTION: OperationClass = OperationClass::Named("identity protection");

/// Requests in one `$batch` ("Combine multiple HTTP requests using JSON batching", 2025-02-21).
pub(crate) const LARGEST_BATCH: u32 = 20;
/// Accounts in one look-up: filters of 15 ids, together in one batch.
pub(crate) const LARGEST_LOOKUP: u32 = LARGEST_BATCH * crate::lookup::AT_ONCE as u32;
/// Reads in flight beside the batches of changes: one that looks the next accounts up, and one that
/// looks closer at somebody.
const READS_BESIDE: u32 = 2;
/// Accounts in one `confirmCompromised`. Microsoft states no limit for v1.0; 60 is what its portal
/// does (unconfirmed, docs/entra-open-questions.md).
pub(crate) const LARGEST_FLAGGING: u32 = 60;

/// The class of an action, for quotas and batches.
pub(crate) fn class_of(action: Action) -> OperationClass {
    match action {
        Action::FlagCompromised => IDENTITY_PROTECTION,
        Action::ResetAuthenticators => AUTHENTICATORS,
        Action::IssueAccessPass => METHODS,
        _ => OperationClass::Write,
    }
}

/// What a directory with this configuration allows.
pub(crate) fn limits(config: &EntraConfig) -> Limits {
    let limits = Limits::new(of(LARGEST_BATCH), of(config.in_flight))
        .with_batch_cost(BatchCost::OneRequest)
        .with_batch_of(OperationClass::Read, of(LARGEST_LOOKUP))
        .with_reads_beside(READS_BESIDE)
        .with_batch_of(METHODS, NonZeroU32::MIN)
        .with_batch_of(AUTHENTICATORS, NonZeroU32::MIN)
        .with_batch_of(SIGN_INS, NonZeroU32::MIN)
        .with_one_call_of(IDENTITY_PROTECTION, of(LARGEST_FLAGGING))
        .with_deadline(config.deadline);
    if !config.quotas {
        return limits;
    }
    let quota = |name, permits, seconds, class| {
        Quota::new(name, of(permits), Duration::from_secs(seconds), class).with_share(config.share)
    };
    let units = match config.tenant_size {
        TenantSize::Small => 3_500,
        TenantSize::Medium => 5_000,
        TenantSize::Large => 8_000,
    };
    limits
        .with_quota(quota("writes", 3_000, 150, OperationClass::Write))
        .with_quota(
            quota("resource units", units, 10, OperationClass::Read)
                .with_cost(OperationClass::Write, 1)
                .with_cost(MEMBERS, 3)
                .with_cost(TRANSITIVE_MEMBERS, 5)
                .with_cost(SIGN_INS, 1),
        )
        .with_quota(
            quota("reports and methods", 5, 10, REPORTS)
                .with_cost(METHODS, 1)
                .with_cost(AUTHENTICATORS, REQUESTS_FOR_AUTHENTICATORS),
        )
        .with_quota(quota("sign-in activity", 10, 60, SIGN_INS))
        .with_quota(quota("identity protection", 1, 1, IDENTITY_PROTECTION))
}

fn of(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::config;

    fn permits(limits: &Limits, class: OperationClass) -> Vec<(&'static str, u32, u64, u32)> {
        let priced = limits.quotas.iter().filter(|quota| quota.cost(class) > 0);
        priced.map(|quota| (quota.name, quota.permits.get(), quota.window.as_secs(), quota.cost(class))).collect()
    }

    #[test]
    fn each_class_pays_into_the_buckets_that_microsoft_publishes() {
        let limits = limits(&config().tenant_size(TenantSize::Large));
        let units = |cost| ("resource units", 8_000, 10, cost);
        let slow = ("reports and methods", 5, 10, 1);
        for (class, expected) in [
            (OperationClass::Read, vec![units(1)]),
            (OperationClass::Write, vec![("writes", 3_000, 150, 1), units(1)]),
            (MEMBERS, vec![units(3)]),
            (TRANSITIVE_MEMBERS, vec![units(5)]),
            (REPORTS, vec![slow]),
            (METHODS, vec![slow]),
            (SIGN_INS, vec![units(1), ("sign-in activity", 10, 60, 1)]),
            (IDENTITY_PROTECTION, vec![("identity protection", 1, 1, 1)]),
        ] {
            assert_eq!(permits(&limits, class), expected, "{class:?}");
        }
        assert!(limits.quotas.iter().all(|quota| (quota.share - 0.9).abs() < f64::EPSILON && quota.burst.get() == 1));
        assert!(limits.check().is_ok());
    }

    #[test]
    fn batches_are_of_twenty_but_for_what_goes_alone_or_in_one_call() {
        let limits = limits(&config());
        let of = |class| limits.batch_of(class).get();
        assert_eq!((of(OperationClass::Write), of(OperationClass::Read), of(METHODS)), (20, 300, 1));
        assert_eq!((of(IDENTITY_PROTECTION), limits.is_one_call(IDENTITY_PROTECTION)), (60, true));
        assert_eq!(limits.batch_cost, BatchCost::OneRequest);
    }

    #[test]
    fn a_tenant_of_unknown_size_counts_as_small_and_quotas_can_be_left_out() {
        let units = permits(&limits(&config()), OperationClass::Read);
        assert_eq!(units, [("resource units", 3_500, 10, 1)]);
        assert!(limits(&config().without_quotas()).quotas.is_empty());
    }
}

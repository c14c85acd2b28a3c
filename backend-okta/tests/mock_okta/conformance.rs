//! The conformance suite on the backend and the mock: undisturbed, and while things go wrong.

use std::sync::Arc;
use std::time::Duration;

use backend_okta::{OktaConfig, OktaDirectory};
use futures::TryStreamExt as _;
use identity_core::directory::AccountQuery;
use identity_core::recovery::{Enrolment, RecoveryAuditor as _};
use jiff::SignedDuration;
use testkit::conformance::{self, Report};
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_okta::{MockOkta, MockOktaBuilder, MockOktaHarness, OktaUser};

use crate::inside;
use crate::stage::{config, of};

/// What cannot be tried here, with the words that the suite has for it.
const SKIPPED: &[(&str, &str)] = &[
    // An org has no organisational units.
    ("enumerate::scope_unit", "capability enumerate_unit"),
    ("enumerate::changed_without_capability", "a directory without enumerate_changed"),
    // Groups of Okta have no groups in them.
    ("classify::nested_groups", "the truth has no such account"),
    // Okta demands a change of temporary passwords only, and shows no moment of revocation.
    ("reset::must_change", "capability set_password_must_change"),
    ("reset::set_clears_must_change", "capability set_password_must_change"),
    ("reset::change_after_mfa", "capability set_password_change_after_mfa"),
    ("reset::revoke_moves_the_mark", "capability observe_sessions"),
    // It has no batches.
    ("reset::bad_order_alone_fails", "max_batch of 2 or more"),
    ("reset::outcomes_in_order", "max_batch of 2 or more"),
    ("failure::others_of_the_batch", "max_batch of 3 or more"),
];

/// An org that keeps no quota: the suite is about what is done, `pace` about how fast.
fn org() -> MockOktaBuilder {
    of(300).okta_mastered_share(90).without_quotas()
}

async fn harness(mock: MockOkta, config: OktaConfig, deprovisioned: bool) -> MockOktaHarness {
    let config = config.without_quotas();
    let config = if deprovisioned { config.deprovisioned() } else { config };
    let directory = OktaDirectory::connect(config).await.unwrap();
    // As an audit does before a plan: what people had is known from here on.
    let enrolled: Vec<Enrolment> = directory.enrolments(&AccountQuery::everyone()).try_collect().await.unwrap();
    assert!(!enrolled.is_empty());
    // The policy lets each of them come back by a question; `orders` is about those it does not.
    let users: Vec<_> = mock.users().map(|user| user.id).collect();
    for id in users {
        let change = |user: &mut OktaUser| {
            user.recovery_question = true;
            // As if it had been so for long: a mark lies some seconds before the moment it is taken.
            user.standing.last_updated -= SignedDuration::from_secs(1);
        };
        mock.change(&id, change).unwrap();
    }
    let harness = MockOktaHarness::new(mock, Arc::clone(&directory) as _);
    if deprovisioned { harness } else { harness.without_deactivated() }
}

fn check(report: &Report) {
    assert!(report.is_conformant(), "{report}");
    assert_eq!(report.skipped().collect::<Vec<_>>(), SKIPPED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_those_deactivated_and_without() {
    for deprovisioned in [false, true] {
        let mock = org().start().await.unwrap();
        let config = config(&mock);
        let harness = harness(mock, config, deprovisioned).await;
        let report = conformance::run(&harness).await;
        println!("{report}");
        check(&report);
        assert_eq!(harness.mock().counts().conversions, 0, "a federated user became one of Okta's own");
    }
}

/// In virtual time, since what went wrong is waited for.
#[tokio::test(start_paused = true)]
async fn the_suite_passes_while_things_go_wrong() {
    let mock = org().latency(Duration::from_millis(5)).build();
    let config = inside::config(&mock);
    let harness = harness(mock, config, false).await;
    harness.mock().set_faults(
        FaultScript::new(7)
            // A look-up is a request for each account, many of them at once: fewer of them go wrong than where
            // it is one of many, or the budget for repeats is empty by chance.
            .rule(When::read().every(61), Fault::Unavailable)
            .rule(When::read().every(89), Fault::BadGateway)
            .rule(When::read().every(73), Fault::CutAfterApply)
            .rule(When::read().every(97), Fault::Throttle(Duration::from_secs(1)))
            .rule(When::read().every(19), Fault::Slow(Duration::from_millis(80)))
            .rule(When::write().every(5), Fault::Conflict)
            .rule(When::write().every(7), Fault::Busy)
            .rule(When::write().every(13), Fault::Throttle(Duration::from_secs(1)))
            .rule(When::write().every(9), Fault::Slow(Duration::from_millis(80))),
    );
    let report = conformance::run(&harness).await;
    let faults = harness.mock().counts().faults;
    println!("{report}, with {faults} faults");
    check(&report);
    assert!(faults > 50, "{faults}");
    assert_eq!(harness.mock().counts().conversions, 0, "a federated user became one of Okta's own");
}

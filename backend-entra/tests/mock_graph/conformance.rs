//! The conformance suite on the backend and the mock: undisturbed, and while things go wrong.

use std::sync::Arc;
use std::time::Duration;

use backend_entra::{EntraConfig, EntraDirectory};
use futures::TryStreamExt as _;
use identity_core::account::AccountKind;
use identity_core::directory::AccountQuery;
use identity_core::recovery::{Enrolment, RecoveryAuditor as _};
use testkit::conformance::{self, Report};
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_graph::{MockGraph, MockGraphBuilder, MockGraphHarness};

use crate::inside;
use crate::stage::{config, of};

/// What cannot be tried here, with the words that the suite has for it.
const SKIPPED: &[(&str, &str)] = &[
    // It signs in as an app, which is no account of the directory.
    ("preflight::principal_is_named", "the harness names no principal"),
    // A tenant has no organisational units.
    ("enumerate::scope_unit", "capability enumerate_unit"),
    ("enumerate::changed_without_capability", "a directory without enumerate_changed"),
    // Entra has no lock-out that an administrator could clear.
    ("reset::unlock", "capability unlock"),
    // Graph sets the password that it is given, and sends no recovery link.
    ("reset::temporary_password", "capability set_temporary_password"),
    ("reset::reset_to_recovery", "capability reset_to_recovery"),
    // Entra's own audit log is not read.
    ("evidence::log_has_what_was_done", "capability audit_log"),
];

/// A tenant that keeps no quota: the suite is about what is done, `pace` about how fast.
fn tenant() -> MockGraphBuilder {
    of(300).cloud_only(60).without_quotas()
}

async fn harness(mock: MockGraph, config: EntraConfig) -> MockGraphHarness {
    let directory = EntraDirectory::connect(config.without_quotas()).await.unwrap();
    // As an audit does before a plan: who has a second factor is known from here on.
    let enrolled: Vec<Enrolment> = directory.enrolments(&AccountQuery::everyone()).try_collect().await.unwrap();
    assert!(!enrolled.is_empty());
    MockGraphHarness::new(mock, Arc::clone(&directory) as _).listing_agents_as(AccountKind::Service)
}

fn check(report: &Report) {
    assert!(report.is_conformant(), "{report}");
    assert_eq!(report.skipped().collect::<Vec<_>>(), SKIPPED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes() {
    let mock = tenant().start().await.unwrap();
    let config = config(&mock);
    let report = conformance::run(&harness(mock, config).await).await;
    println!("{report}");
    check(&report);
}

/// In virtual time, since what went wrong is waited for.
#[tokio::test(start_paused = true)]
async fn the_suite_passes_while_things_go_wrong() {
    let mock = tenant().latency(Duration::from_millis(5)).build();
    let config = inside::config(&mock);
    let harness = harness(mock, config).await;
    harness.mock().set_faults(
        FaultScript::new(7)
            .rule(When::read().every(11), Fault::Unavailable)
            .rule(When::read().every(17), Fault::BadGateway)
            .rule(When::read().every(13), Fault::CutAfterApply)
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
}

//! The conformance suite on the backend and the mock: undisturbed, and with a tenant that has bad days.

use std::time::Duration;

use testkit::conformance::{self, Harness as _, Report};
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_graph::{MockGraphBuilder, MockGraphHarness};

use crate::stage::{config, of};
use backend_entra::EntraDirectory;
use identity_core::account::AccountKind;

/// A tenant that keeps no quota, and the backend that knows of none: the suite is about what is done,
/// `pace` about how fast.
fn quiet() -> MockGraphBuilder {
    of(300).cloud_only(60).without_quotas()
}

async fn harness(described: MockGraphBuilder) -> MockGraphHarness {
    let mock = described.start().await.unwrap();
    let directory = EntraDirectory::connect(config(&mock).without_quotas()).await.unwrap();
    MockGraphHarness::new(mock, directory).listing_agents_as(AccountKind::Service)
}

fn check(report: &Report) {
    println!("{report}");
    assert!(report.is_conformant(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes() {
    let harness = harness(quiet()).await;
    let report = conformance::run(&harness).await;
    check(&report);
    assert!(harness.greatest_in_flight().await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_while_things_go_wrong() {
    let harness = harness(quiet()).await;
    harness.mock().set_faults(
        FaultScript::new(7)
            .rule(When::read().every(11), Fault::Unavailable)
            .rule(When::read().every(17), Fault::BadGateway)
            .rule(When::write().every(5), Fault::Conflict)
            .rule(When::write().every(7), Fault::Busy)
            .rule(When::write().every(13), Fault::Throttle(Duration::from_secs(1)))
            .rule(When::read().every(19), Fault::Slow(Duration::from_millis(80)))
            .rule(When::write().every(9), Fault::Slow(Duration::from_millis(80))),
    );
    let report = conformance::run(&harness).await;
    check(&report);
    assert!(harness.mock().counts().faults > 50, "{:?}", harness.mock().counts());
}

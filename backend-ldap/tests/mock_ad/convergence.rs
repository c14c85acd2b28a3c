//! Several controllers: which have the new passwords, which are behind, which cannot be asked.

use std::sync::Arc;
use std::time::Duration;

use identity_core::directory::{Backend, Replicated};
use identity_core::plan::PlanSpec;
use identity_core::report::{DirectoryRun, Report};
use identity_core::verify::{Convergence, ServerConvergence, Verifier};
use testkit::mock_ad::MockAd;
use testkit::organisation::SPECIAL;

use crate::stage::{Journey, NOWHERE, builder, config, connect, id};

async fn ask(journey: &Journey, backend: Arc<dyn Backend>, patience: Duration) -> Vec<ServerConvergence> {
    let convergence = Convergence::new(Arc::clone(&journey.journal)).directory(backend).patience(patience);
    convergence.run(|| journey.plan.rows()).await.expect("asked")
}

fn counts(server: &ServerConvergence) -> (&str, u64, u64) {
    (&server.server, server.converged, server.behind)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_lags_and_one_that_is_away_are_named_and_waiting_ends_when_all_have_it() {
    let first =
        builder().controller("DC2").read_only_controller("RO1").controller("DC9").start().await.expect("starts");
    let second = first.named_replica("DC2").await.expect("starts");
    let third = first.named_replica("RO1").await.expect("starts");
    let config = config(&first, &[&second, &third]);
    let host = |name: &str| format!("{name}.{}", first.host().split_once('.').expect("a domain").1);
    let config = config.controller_url(host("dc9"), NOWHERE);
    let directory = connect(config).await;
    let replicas = directory.replicas().await.expect("listed");
    let names: Vec<(&str, bool)> = replicas.iter().map(|found| (found.name.as_str(), found.read_only)).collect();
    let expected = [host("dc1"), host("dc2"), host("dc9"), host("ro1")];
    assert_eq!(names, [0, 1, 2, 3].map(|at| (expected[at].as_str(), at == 3)));

    let people: Vec<_> = (SPECIAL..first.organisation().len()).map(|index| id(&first, index)).collect();
    let journey = Journey::plan(&directory, &people, PlanSpec::default()).await;
    assert_eq!(journey.run(&directory).await.stopped, None);
    let backend: Arc<dyn Backend> = directory;
    Verifier::new(Arc::clone(&journey.journal))
        .directory(Arc::clone(&backend))
        .run(|| journey.plan.rows())
        .await
        .expect("verified");

    let found = ask(&journey, Arc::clone(&backend), Duration::ZERO).await;
    let done = found[0].converged;
    assert!(done > 20);
    assert_eq!(counts(&found[0]), (expected[0].as_str(), done, 0));
    assert_eq!(counts(&found[1]), (expected[1].as_str(), 0, done));
    assert_eq!(counts(&found[3]), (expected[3].as_str(), 0, done));
    assert!(found[3].read_only && found[1].first_behind.len() == 10 && found[1].site.is_some());
    let away = &found[2];
    assert_eq!((away.unread, away.converged + away.behind), (done, 0));
    let why = away.unreachable.as_ref().expect("a reason");
    assert!(why.text.contains("cannot be reached"), "{}", why.text);
    assert!(found[0].is_converged() && found[1..].iter().all(|server| !server.is_converged()));

    // Replication comes while it is waited for.
    let waiting = tokio::spawn({
        let (journey, backend) = (journey, Arc::clone(&backend));
        async move { (ask(&journey, backend, Duration::from_secs(60)).await, journey) }
    });
    tokio::task::yield_now().await;
    third.replicate_from(&first);
    second.replicate_from(&first);
    let (found, journey) = waiting.await.expect("ends");
    for at in [0, 1, 3] {
        assert_eq!(counts(&found[at]), (expected[at].as_str(), done, 0));
    }

    // The report has the newest asking, a row a server.
    let report = Report::new(Arc::clone(&journey.journal), journey.plan.digest());
    let report = report.directory(DirectoryRun::new(backend.info().id.clone(), "ldap"));
    let summary = report.visit(journey.plan.rows().expect("rows"), |_| Ok(())).await.expect("a report");
    assert_eq!(summary.servers, found);
    let text = summary.to_string();
    assert!(text.contains("\nservers\n") && text.contains("cannot be asked"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_leads_to_another_controller_is_not_counted_twice() {
    let first = builder().controller("DC2").start().await.expect("starts");
    let second = first.named_replica("DC2").await.expect("starts");
    let directory = connect(config(&first, &[]).controller_url(second.host(), first.url())).await;
    let replicas = directory.replicas().await.expect("listed");
    let error = directory.observe_on(&replicas[1], &[id(&first, SPECIAL)]).await.expect_err("the wrong one");
    assert!(error.detail().contains("leads to dc1."), "{error}");
}

/// A single controller is one line that says nothing new: the summary does not show it.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_controller_is_asked_and_not_made_much_of() {
    let mock: MockAd = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let people: Vec<_> = (SPECIAL..SPECIAL + 5).map(|index| id(&mock, index)).collect();
    let journey = Journey::plan(&directory, &people, PlanSpec::default()).await;
    journey.run(&directory).await;
    let found = ask(&journey, directory, Duration::ZERO).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].is_converged(), "{}", found[0]);
    let report = Report::of_plan(Arc::clone(&journey.journal), &journey.plan);
    let summary = report.visit(journey.plan.rows().expect("rows"), |_| Ok(())).await.expect("a report");
    assert!(!summary.to_string().contains("\nservers\n"));
}

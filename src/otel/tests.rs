use identity_core::account::DirectoryId;
use identity_core::engine::{Answer, Observed};
use identity_core::limits::OperationClass;
use identity_core::reset::Action;
use opentelemetry_sdk::metrics::InMemoryMetricExporter;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::trace::InMemorySpanExporter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

fn telemetry() -> (Telemetry, InMemorySpanExporter, InMemoryMetricExporter) {
    let (spans, metrics) = (InMemorySpanExporter::default(), InMemoryMetricExporter::default());
    (Telemetry::exporting(spans.clone(), metrics.clone()), spans, metrics)
}

/// What the engine makes: a frame, and a thousand cohorts with a send each.
fn spans_of_a_run() {
    let run = tracing::info_span!(target: "identity_core::engine::run", "run");
    let _run = run.enter();
    tracing::error!(target: "identity_core::engine::cohort", "alice cannot be read");
    for _ in 0..1_000 {
        let cohort = tracing::debug_span!(target: "identity_core::engine::lane", "cohort");
        let _cohort = cohort.enter();
        let send = tracing::debug_span!(target: "identity_core::engine::send", "send");
        send.in_scope(|| tracing::trace!(target: "identity_reset::accounts", ids = "alice", "sends"));
    }
    drop(tracing::info_span!(target: "somebody::else", "other"));
}

#[test]
fn a_part_of_the_cohorts_is_taken_whole_and_nobody_is_named_unless_asked_for() {
    for asked in [false, true] {
        let (telemetry, spans, _) = telemetry();
        let telemetry = if asked { telemetry.with_accounts() } else { telemetry };
        let subscriber = tracing_subscriber::registry().with(telemetry.layer());
        tracing::subscriber::with_default(subscriber, spans_of_a_run);
        telemetry.tracers.force_flush().expect("flushed");
        let spans = spans.get_finished_spans().expect("spans");
        let count = |name: &str| spans.iter().filter(|span| span.name == name).count();
        assert_eq!((count("run"), count("other")), (1, 0));
        assert!((100..=150).contains(&count("cohort")), "{} cohorts of 1,000", count("cohort"));
        assert_eq!(count("send"), count("cohort"), "what is below one goes with it");
        assert_eq!(format!("{spans:?}").contains("alice"), asked, "{spans:?}");
    }
}

#[test]
fn orders_are_counted_by_directory_action_and_outcome() {
    let (telemetry, _, metrics) = telemetry();
    let observer = telemetry.observer();
    let directory = DirectoryId::new("corp").expect("an id");
    let class = OperationClass::Write;
    let took = Duration::from_millis(20);
    let answers =
        [(Action::Scramble, Answer::Done), (Action::Scramble, Answer::Done), (Action::Unlock, Answer::Refused)];
    observer.observe(&Observed::Waits { directory: &directory, class, orders: 3 });
    observer.observe(&Observed::Waited { directory: &directory, class, orders: 3, took });
    observer.observe(&Observed::Answered { directory: &directory, class, answers: &answers, took });
    observer.observe(&Observed::Recorded { records: 3, took, ok: false });
    telemetry.meters.force_flush().expect("flushed");
    let told = metrics.get_finished_metrics().expect("metrics");
    let metric = |name: &str| {
        let mut all = told.iter().flat_map(|told| told.scope_metrics()).flat_map(|scope| scope.metrics());
        all.find(|metric| metric.name() == name).unwrap_or_else(|| panic!("no {name}"))
    };
    let AggregatedMetrics::U64(MetricData::Sum(orders)) = metric("identity_reset.orders").data() else { panic!() };
    let mut counts: Vec<(u64, String)> = orders
        .data_points()
        .map(|point| {
            (point.value(), point.attributes().map(|about| about.value.to_string()).collect::<Vec<_>>().join(" "))
        })
        .collect();
    counts.sort();
    assert_eq!(counts.iter().map(|(count, _)| *count).collect::<Vec<_>>(), [1, 2]);
    assert!(counts[0].1.contains("refused") && counts[1].1.contains("corp"), "{counts:?}");
    let AggregatedMetrics::I64(MetricData::Sum(waiting)) = metric("identity_reset.orders.waiting").data() else {
        panic!()
    };
    assert_eq!(waiting.data_points().map(|point| point.value()).sum::<i64>(), 0);
    let AggregatedMetrics::F64(MetricData::Histogram(journal)) = metric("identity_reset.journal.duration").data()
    else {
        panic!()
    };
    let failed = journal.data_points().next().expect("a point");
    assert_eq!(
        (failed.count(), failed.attributes().next().map(|about| about.key.as_str().to_owned())),
        (1, Some("error.type".into()))
    );
}

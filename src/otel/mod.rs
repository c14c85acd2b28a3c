//! A run as OpenTelemetry spans and metrics, sent as OTLP over HTTP (feature `otel`).
//!
//! ```no_run
//! use identity_reset::{otel::Telemetry, prelude::*};
//! use tracing_subscriber::layer::SubscriberExt as _;
//!
//! # async fn watch(run: Run, backends: Vec<Arc<dyn Backend>>) -> Result<()> {
//! let telemetry = Telemetry::over_http("http://127.0.0.1:4318")?;
//! telemetry.watch(backends);
//! let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(telemetry.layer()));
//! let end = run.observed_by(telemetry.observer()).start().await?.finish().await?;
//! telemetry.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Spans
//!
//! `run` holds `wave`, that holds `lane` (and `rest`, where slower actions follow behind), that holds
//! `cohort`, that holds `send`, one for each batch. A run of a million accounts would make tens of
//! thousands of cohorts: of these a part is taken, 100 at once and then 5 a second at the most, each
//! with its sends. The others are in the metrics. No span names an account unless
//! [`with_accounts`](Telemetry::with_accounts) was asked for; names and passwords are in none.
//!
//! # Metrics
//!
//! | name | kind | attributes |
//! |---|---|---|
//! | `identity_reset.orders` | counter | directory.id, action, outcome |
//! | `identity_reset.send.duration` | histogram, s | directory.id, operation.class |
//! | `identity_reset.permit.wait` | histogram, s | directory.id, operation.class |
//! | `identity_reset.orders.waiting` | up-down counter | directory.id, operation.class |
//! | `identity_reset.journal.duration`, `identity_reset.vault.duration` | histogram, s | error.type |
//! | `identity_reset.accounts` | gauge | wave, result |
//! | `identity_reset.requests.in_flight`, `….ceiling` | gauge | directory.id |
//! | `identity_reset.quota.used` | counter, permits | directory.id, quota |
//! | `identity_reset.quota.share` | gauge, permits a second | directory.id, quota |
//! | `identity_reset.quota.remaining` | gauge, permits | directory.id, quota |
//!
//! Attributes have `identity_reset.` before them, but `error.type`, which the semantic conventions have.

mod client;
mod metrics;
mod sampler;

use std::sync::Arc;
use std::time::Duration;

use identity_core::directory::Backend;
use identity_core::engine::{Observer, Progress};
use identity_core::error::{Error, ErrorKind, Result};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanExporter};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use self::client::Client;
use self::metrics::Metrics;
use self::sampler::Sampler;

/// How often metrics are sent.
const EVERY: Duration = Duration::from_secs(10);

/// Sends spans and metrics of runs to a collector. A collector that is slow or gone holds up no run:
/// what cannot be sent is dropped.
#[derive(Debug)]
pub struct Telemetry {
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
    metrics: Arc<Metrics>,
    accounts: bool,
}

impl Telemetry {
    /// To a collector that takes OTLP over HTTP, as JSON: `/v1/traces` and `/v1/metrics` below this
    /// address. Called in the runtime of the run, which sends.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when the address is none, or is plain `http://` to another machine:
    /// what a run does is nothing for the network to read.
    pub fn over_http(url: &str) -> Result<Self> {
        let invalid = |detail: String| {
            Error::new(ErrorKind::ConfigInvalid, "set up OpenTelemetry")
                .with_detail(format!("{url}: {detail}"))
                .with_advice("name the address of an OTLP/HTTP collector: https://…, or http:// on this machine")
        };
        client::check(url).map_err(&invalid)?;
        let client = Client::new().map_err(&invalid)?;
        let below = |path: &str| format!("{}/v1/{path}", url.trim_end_matches('/'));
        let spans = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(below("traces"))
            .build()
            .map_err(|fault| invalid(fault.to_string()))?;
        let metrics = opentelemetry_otlp::MetricExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(below("metrics"))
            .build()
            .map_err(|fault| invalid(fault.to_string()))?;
        Ok(Self::exporting(spans, metrics))
    }

    fn exporting(spans: impl SpanExporter + 'static, metrics: impl PushMetricExporter) -> Self {
        let resource = Resource::builder()
            .with_service_name("identity-reset")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("process.pid", i64::from(std::process::id())))
            .build();
        let tracers = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(Sampler::default())
            .with_batch_exporter(spans)
            .build();
        let reader = PeriodicReader::builder(metrics).with_interval(EVERY).build();
        let meters = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
        let metrics = Arc::new(Metrics::new(&meters));
        Self { tracers, meters, metrics, accounts: false }
    }

    /// Lets each `send` say which accounts it is about, by id, in an event of the span.
    #[must_use]
    pub fn with_accounts(self) -> Self {
        Self { accounts: true, ..self }
    }

    /// The layer that makes spans of a run's `tracing` spans, for the program's subscriber.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let accounts = self.accounts;
        let scope = InstrumentationScope::builder("identity-reset").with_version(env!("CARGO_PKG_VERSION")).build();
        tracing_opentelemetry::layer()
            .with_tracer(self.tracers.tracer_with_scope(scope))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            // Events can name accounts (an error's text does): only those that were asked for.
            .with_filter(filter_fn(move |about| {
                (about.is_span() && about.target().starts_with("identity_core::engine"))
                    || (accounts && about.target() == "identity_reset::accounts")
            }))
    }

    /// What counts a run's orders and writes; for [`Run::observed_by`](identity_core::engine::Run::observed_by).
    #[must_use]
    pub fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.metrics) as _
    }

    /// Tells how these directories' governors stand, each time metrics are sent.
    pub fn watch(&self, directories: impl IntoIterator<Item = Arc<dyn Backend>>) {
        self.metrics.watch(&self.meters, &directories.into_iter().collect());
    }

    /// Takes in how the waves stand.
    pub fn take(&self, progress: &Progress) {
        self.metrics.take(progress);
    }

    /// Sends what is left, and ends. Spans that are open yet are not sent: the run is over before.
    pub async fn shutdown(self) {
        // It waits for threads of its own, which wait for this runtime to send.
        let ended = tokio::task::spawn_blocking(move || {
            let _ = self.tracers.shutdown();
            let _ = self.meters.shutdown();
        });
        // A panic of theirs is none of the run's.
        let _ = ended.await;
    }
}

#[cfg(test)]
mod tests;

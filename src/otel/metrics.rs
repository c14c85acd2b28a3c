//! The instruments, and what moves them.

use std::sync::Arc;
use std::time::Duration;

use identity_core::account::DirectoryId;
use identity_core::directory::Backend;
use identity_core::engine::{Observed, Observer, Progress, Tally};
use identity_core::limits::OperationClass;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry_sdk::metrics::SdkMeterProvider;

/// From a millisecond to a minute, as the semantic conventions advise for durations of requests.
const BOUNDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

#[derive(Debug)]
pub(super) struct Metrics {
    orders: Counter<u64>,
    sends: Histogram<f64>,
    waits: Histogram<f64>,
    waiting: UpDownCounter<i64>,
    journal: Histogram<f64>,
    vault: Histogram<f64>,
    accounts: Gauge<u64>,
}

impl Metrics {
    pub(super) fn new(meters: &SdkMeterProvider) -> Self {
        let meter = meters.meter("identity-reset");
        let seconds = |name: &'static str, what: &'static str| {
            meter.f64_histogram(name).with_unit("s").with_description(what).with_boundaries(BOUNDS.to_vec()).build()
        };
        Self {
            orders: meter.u64_counter("identity_reset.orders").with_unit("{order}").build(),
            sends: seconds("identity_reset.send.duration", "From the permit of a batch to its answer."),
            waits: seconds("identity_reset.permit.wait", "How long batches waited for their permits."),
            waiting: meter.i64_up_down_counter("identity_reset.orders.waiting").with_unit("{order}").build(),
            journal: seconds("identity_reset.journal.duration", "How long records took to be durable."),
            vault: seconds("identity_reset.vault.duration", "How long sealed passwords took to be durable."),
            accounts: meter.u64_gauge("identity_reset.accounts").with_unit("{account}").build(),
        }
    }

    pub(super) fn watch(&self, meters: &SdkMeterProvider, directories: &Vec<Arc<dyn Backend>>) {
        let meter = meters.meter("identity-reset");
        let gauge = |name: &'static str, of: fn(&dyn Backend) -> u32| {
            let directories = directories.clone();
            let callback = move |told: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
                for backend in &directories {
                    told.observe(u64::from(of(backend.as_ref())), &[directory(&backend.info().id)]);
                }
            };
            meter.u64_observable_gauge(name).with_unit("{request}").with_callback(callback).build();
        };
        gauge("identity_reset.requests.in_flight", |backend| backend.governor().stats().in_flight);
        gauge("identity_reset.requests.ceiling", |backend| backend.governor().stats().ceiling);
        quotas(&meter, directories);
    }

    pub(super) fn take(&self, progress: &Progress) {
        match progress {
            Progress::EntryEnded { wave, tally, .. } | Progress::WaveFinished { wave, tally } => {
                self.tally(wave, tally);
            }
            _ => {}
        }
    }

    fn tally(&self, wave: &str, tally: &Tally) {
        for (result, count) in [("done", tally.done), ("failed", tally.failed), ("open", tally.open)] {
            let wave = KeyValue::new("identity_reset.wave", wave.to_owned());
            self.accounts.record(count, &[wave, KeyValue::new("identity_reset.result", result)]);
        }
    }
}

/// How each quota stands: whoever draws it puts the rate of what was used beside the share.
fn quotas(meter: &Meter, directories: &[Arc<dyn Backend>]) {
    let each = |directories: Vec<Arc<dyn Backend>>| {
        move |tell: &dyn Fn(&identity_core::limits::QuotaStats, &[KeyValue])| {
            for backend in &directories {
                for quota in backend.governor().quotas() {
                    let name = KeyValue::new("identity_reset.quota", quota.name);
                    tell(&quota, &[directory(&backend.info().id), name]);
                }
            }
        }
    };
    let (used, share, remaining) = (each(directories.to_vec()), each(directories.to_vec()), each(directories.to_vec()));
    meter
        .u64_observable_counter("identity_reset.quota.used")
        .with_unit("{permit}")
        .with_callback(move |told| used(&|quota, about| told.observe(quota.used, about)))
        .build();
    meter
        .f64_observable_gauge("identity_reset.quota.share")
        .with_unit("{permit}/s")
        .with_callback(move |told| {
            share(&|quota, about| {
                told.observe(quota.allowed / quota.window.as_secs_f64().max(f64::MIN_POSITIVE), about);
            });
        })
        .build();
    meter
        .u64_observable_gauge("identity_reset.quota.remaining")
        .with_unit("{permit}")
        .with_callback(move |told| {
            remaining(&|quota, about| {
                if let Some(left) = quota.remaining {
                    told.observe(u64::from(left), about);
                }
            });
        })
        .build();
}

impl Observer for Metrics {
    fn observe(&self, observed: &Observed<'_>) {
        match observed {
            Observed::Waits { directory: id, class, orders } => {
                self.waiting.add(i64::from(*orders), &about(id, *class));
            }
            Observed::Waited { directory: id, class, orders, took } => {
                self.waiting.add(-i64::from(*orders), &about(id, *class));
                self.waits.record(took.as_secs_f64(), &about(id, *class));
            }
            Observed::Answered { directory: id, class, answers, took } => {
                self.sends.record(took.as_secs_f64(), &about(id, *class));
                for (action, answer) in *answers {
                    let action = KeyValue::new("identity_reset.action", action.as_str());
                    let outcome = KeyValue::new("identity_reset.outcome", answer.as_str());
                    self.orders.add(1, &[directory(id), action, outcome]);
                }
            }
            Observed::Recorded { took, ok, .. } => written(&self.journal, *took, *ok),
            Observed::Sealed { took, ok, .. } => written(&self.vault, *took, *ok),
            _ => {}
        }
    }
}

fn written(histogram: &Histogram<f64>, took: Duration, ok: bool) {
    let failed = [KeyValue::new("error.type", "not_durable")];
    histogram.record(took.as_secs_f64(), if ok { &[] } else { &failed });
}

fn directory(id: &DirectoryId) -> KeyValue {
    KeyValue::new("identity_reset.directory.id", id.as_str().to_owned())
}

fn about(id: &DirectoryId, class: OperationClass) -> [KeyValue; 2] {
    [directory(id), KeyValue::new("identity_reset.operation.class", class.as_str())]
}

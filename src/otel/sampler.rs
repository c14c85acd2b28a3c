//! Which spans are taken: all of a run's frame, and a part of its cohorts.

use std::sync::{Arc, Mutex, PoisonError};

use identity_core::limits::clock;
use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use tokio::time::Instant;

/// So many cohorts at once.
const AT_ONCE: f64 = 100.0;
/// So many a second in the long run.
const PER_SECOND: f64 = 5.0;

/// Takes everything that is above cohorts; of these, as many as there is room for; and what is below
/// one as it was with that.
#[derive(Clone, Debug, Default)]
pub(super) struct Sampler(Arc<Mutex<Option<(Instant, f64)>>>);

impl Sampler {
    fn has_room(&self) -> bool {
        let now = clock::instant();
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, room) = bucket.unwrap_or((now, AT_ONCE));
        let room = (room + now.duration_since(since).as_secs_f64() * PER_SECOND).min(AT_ONCE);
        let has_room = room >= 1.0;
        *bucket = Some((now, if has_room { room - 1.0 } else { room }));
        has_room
    }
}

impl ShouldSample for Sampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        name: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let parent =
            parent.filter(|parent| parent.has_active_span()).map(|parent| parent.span().span_context().clone());
        let is_left_out = parent.as_ref().is_some_and(|parent| parent.is_valid() && !parent.is_sampled());
        let is_taken = !is_left_out && (name != "cohort" || self.has_room());
        SamplingResult {
            decision: if is_taken { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop },
            attributes: Vec::new(),
            trace_state: parent.map_or_else(TraceState::default, |parent| parent.trace_state().clone()),
        }
    }
}

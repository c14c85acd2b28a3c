//! Tests of the governor as its users see it, in tokio's paused time.
#![allow(clippy::future_not_send, reason = "these run on one thread")]

mod feedback;
mod learnt;
mod okta;
mod quotas;
mod reads;
mod servers;

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Limits, OperationClass, Quota};

fn some(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Limits without a quota.
fn roomy(in_flight: u32) -> Limits {
    Limits::new(some(20), some(in_flight))
}

fn writes(permits: u32, window: Duration) -> Quota {
    Quota::new("writes", some(permits), window, OperationClass::Write)
}

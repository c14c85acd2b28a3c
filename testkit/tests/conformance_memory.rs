//! The conformance suite on the directory in memory.
#![allow(missing_docs, reason = "a test")]

mod broken;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use testkit::conformance::{self, State};
use testkit::memory::{MemoryDirectory, MemoryHarness};
use testkit::organisation::Organisation;

fn organisation() -> Organisation {
    Organisation::new(7, 400)
}

/// Small pages and batches, so that every size is seen; listings out of order and with doubles.
fn memory() -> Arc<MemoryDirectory> {
    let few = |n| NonZeroU32::new(n).unwrap();
    MemoryDirectory::builder("corp")
        .organisation(organisation())
        .page(few(37))
        .max_batch(few(9))
        .in_flight(few(12))
        .latency(Duration::from_millis(2))
        .untidy_listings()
        .build()
        .unwrap()
}

async fn harness() -> MemoryHarness {
    MemoryHarness::new(memory())
}

/// Each case by itself, on a directory of its own.
mod each {
    use super::harness;
    testkit::conformance!(harness());
}

#[tokio::test]
async fn every_case_passes_and_every_skip_has_its_reason() {
    let report = conformance::run(&harness().await).await;
    assert!(report.is_conformant(), "{report}");
    let skipped: Vec<_> = report.skipped().collect();
    // A directory that can list what changed cannot show what one does that cannot.
    assert_eq!(
        skipped,
        [("enumerate::changed_without_capability", "a directory without enumerate_changed")],
        "{report}"
    );
    assert_eq!(report.rows.len(), conformance::CASES.len());
}

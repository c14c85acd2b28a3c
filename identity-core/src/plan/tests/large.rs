//! Many accounts.

use std::num::NonZeroU64;

use super::directory::Fake;
use super::*;
use crate::error::ErrorKind;
use crate::plan::WaveSizes;

fn slices_of(size: u64) -> PlanSpec {
    everyone().with_waves(WaveSizes { workforce: NonZeroU64::new(size), ..WaveSizes::default() })
}

/// `PLAN_ACCOUNTS=1000000 cargo test -p identity-core many_accounts -- --nocapture` does
/// it with a million, and tells the peak of the process.
#[tokio::test]
async fn many_accounts_are_planned_in_slices_and_in_order() {
    let count: usize = std::env::var("PLAN_ACCOUNTS").ok().and_then(|count| count.parse().ok()).unwrap_or(50_000);
    let size = (count as u64).div_ceil(5);
    let folder = Folder::new();
    let before = peak_kib();
    let mut fake = Fake::of(Vec::new());
    fake.generated = count;
    let plan = folder.plan(slices_of(size), fake).await.unwrap();
    let counts = plan.header().counts;
    assert_eq!((counts.seen, counts.planned), (count as u64, count as u64));
    let waves: Vec<(&str, u64)> = plan.waves().iter().map(|wave| (wave.name.as_str(), wave.accounts)).collect();
    assert_eq!(waves[0], ("canary", 10));
    assert_eq!(waves.len(), 6);
    assert!(waves[1..5].iter().all(|(_, accounts)| *accounts == size));
    let corp = crate::account::DirectoryId::new("corp").unwrap();
    let mut seq = 0;
    for wave in plan.waves() {
        let mut last = None;
        for entry in plan.entries(&wave.name, &corp).unwrap() {
            let entry = entry.unwrap();
            seq += 1;
            assert_eq!(entry.seq, seq);
            assert!(last.is_none_or(|last| last < entry.id));
            last = Some(entry.id);
        }
    }
    assert_eq!(seq, count as u64);
    println!("{count} accounts: peak {:?} KiB, before {before:?} KiB", peak_kib());
}

#[tokio::test]
async fn too_many_slices_are_refused() {
    let error = Folder::new().plan(slices_of(1), Fake::of(persons(1_200))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(error.to_string().contains("1190 waves"), "{error}");
}

/// The most memory that this process had at once; Linux tells it.
pub(super) fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}

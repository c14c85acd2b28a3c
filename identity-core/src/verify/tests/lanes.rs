//! Lanes: patience, resuming, faults of a directory, flat memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::account::{Account, AccountId, DirectoryId};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Baseline, Event, Verdict};
use crate::limits::clock;
use crate::plan::PlanRow;
use crate::reset::Action;
use crate::verify::fixture::{Ledger, Paper, SET, at, corp, done, entry, id, row};
use crate::verify::{Verifier, VerifyCounts};

fn before() -> Baseline {
    Baseline { last_set: Some(at(0)), version: Some(5), must_change: false, ..Baseline::default() }
}

fn changed(directory: &DirectoryId, id: &AccountId) -> Account {
    let mut account = Paper::account(directory, id);
    account.password.version = Some(6);
    account.password.last_set = Some(at(100));
    account
}

fn plan(directory: &DirectoryId, entries: std::ops::RangeInclusive<u64>) -> Vec<PlanRow> {
    entries.map(|seq| row(seq, directory, &[SET])).collect()
}

fn all_done(entries: std::ops::RangeInclusive<u64>) -> Arc<Ledger> {
    Ledger::of(entries.flat_map(|seq| done(seq, SET, before())))
}

async fn verify(verifier: &Verifier, rows: &[PlanRow]) -> VerifyCounts {
    verifier.run(|| Ok(rows.iter().cloned().map(Ok))).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn replication_lag_is_waited_for_and_no_longer() {
    let start = clock::instant();
    let journal = all_done(1..=500);
    let lagging = Paper::new(&corp(), move |_, id| {
        let late = clock::instant() - start >= Duration::from_secs(20);
        Ok(Some(if late { changed(&corp(), id) } else { Paper::account(&corp(), id) }))
    });
    let counts = verify(&Verifier::new(journal.clone()).directory(Arc::new(lagging)), &plan(&corp(), 1..=500)).await;
    assert_eq!(counts, VerifyCounts { changed: 500, ..VerifyCounts::default() });
    let took = clock::instant() - start;
    assert!(took >= Duration::from_secs(20) && took <= Duration::from_secs(40), "{took:?}");
    assert_eq!(journal.verdicts().len(), 500);
}

#[tokio::test(start_paused = true)]
async fn what_never_changes_is_recorded_once_patience_ends_for_all_together() {
    let start = clock::instant();
    let journal = all_done(1..=2_000);
    let stuck = Arc::new(Paper::new(&corp(), |_, id| Ok(Some(Paper::account(&corp(), id)))));
    let verifier = Verifier::new(journal.clone()).directory(stuck.clone()).patience(Duration::from_secs(90));
    let counts = verify(&verifier, &plan(&corp(), 1..=2_000)).await;
    assert_eq!(counts.unchanged, 2_000);
    assert!(!counts.is_clean());
    assert_eq!((clock::instant() - start).as_secs(), 90, "not once a lookup");
    assert!(journal.verdicts().values().all(|verdict| *verdict == Verdict::Unchanged));
    let readings = stuck.lookups.load(Ordering::SeqCst);
    assert!((300..=1_500).contains(&readings), "the waits grow: {readings} lookups for 100 of 20 accounts");
}

#[tokio::test(start_paused = true)]
async fn without_patience_each_account_is_read_once() {
    let start = clock::instant();
    let stuck = Arc::new(Paper::new(&corp(), |_, id| Ok(Some(Paper::account(&corp(), id)))));
    let verifier = Verifier::new(all_done(1..=40)).directory(stuck.clone()).patience(Duration::ZERO);
    assert_eq!(verify(&verifier, &plan(&corp(), 1..=40)).await.unchanged, 40);
    assert_eq!(stuck.lookups.load(Ordering::SeqCst), 2);
    assert_eq!(clock::instant(), start);
}

#[tokio::test(start_paused = true)]
async fn what_was_found_changed_is_not_read_again_unless_asked() {
    let journal = all_done(1..=30);
    let rows = plan(&corp(), 1..=30);
    let directory = Arc::new(Paper::new(&corp(), |_, id| Ok(Some(changed(&corp(), id)))));
    let verifier = Verifier::new(journal.clone()).directory(directory.clone());
    assert_eq!(verify(&verifier, &rows).await.changed, 30);
    let read = directory.lookups.load(Ordering::SeqCst);

    let counts = verify(&verifier, &rows).await;
    assert_eq!(counts, VerifyCounts { already: 30, ..VerifyCounts::default() });
    assert!(counts.is_clean());
    assert_eq!(directory.lookups.load(Ordering::SeqCst), read);

    assert_eq!(verify(&verifier.again(), &rows).await.changed, 30);
    assert_eq!(directory.lookups.load(Ordering::SeqCst), 2 * read);
}

#[tokio::test(start_paused = true)]
async fn only_what_the_journal_holds_as_done_is_looked_up() {
    let mut both = done(2, Action::Disable, before()).to_vec();
    both.push(Event::Intent { entry: 2, action: SET, attempt: 1, baseline: before(), sealed: None });
    let journal = Ledger::of(done(1, SET, before()).into_iter().chain(both));
    let rows = [
        row(1, &corp(), &[SET]),
        row(2, &corp(), &[Action::Disable, SET]),
        row(3, &corp(), &[SET]),
        row(4, &corp(), &[Action::RevokeSessions]),
    ];
    let directory = Paper::new(&corp(), |_, asked| {
        assert_eq!(*asked, id(1));
        Ok(None)
    });
    let counts = verify(&Verifier::new(journal.clone()).directory(Arc::new(directory)), &rows).await;
    assert_eq!(counts, VerifyCounts { gone: 1, ..VerifyCounts::default() });
    assert_eq!(journal.verdicts().into_iter().collect::<Vec<_>>(), [(1, Verdict::Gone)]);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_fails_for_a_while_is_asked_again() {
    let directory = Paper::new(&corp(), |before, id| match before {
        0..=3 => Err(Error::new(ErrorKind::Unavailable, "look up")),
        _ => Ok(Some(changed(&corp(), id))),
    });
    let verifier = Verifier::new(all_done(1..=100)).directory(Arc::new(directory));
    let counts = verify(&verifier, &plan(&corp(), 1..=100)).await;
    assert_eq!(counts, VerifyCounts { changed: 100, ..VerifyCounts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_stays_away_ends_its_own_lane_only() {
    let cloud = DirectoryId::new("cloud").unwrap();
    let mut rows = plan(&corp(), 1..=1_000);
    rows.extend(plan(&cloud, 1_001..=2_000));
    let journal = all_done(1..=2_000);
    let away = Paper::new(&corp(), |_, _| Err(Error::new(ErrorKind::Transport, "look up")));
    let there = {
        let cloud = cloud.clone();
        Paper::new(&cloud.clone(), move |_, id| Ok(Some(changed(&cloud, id))))
    };
    let verifier = Verifier::new(journal.clone()).directory(Arc::new(away)).directory(Arc::new(there));
    let counts = verify(&verifier, &rows).await;
    assert_eq!((counts.changed, counts.unread), (1_000, 1_000));
    assert_eq!(counts.unreadable.keys().collect::<Vec<_>>(), [&corp()]);
    assert_eq!(journal.verdicts().len(), 1_000, "nothing is recorded of what was not read");
}

#[tokio::test(start_paused = true)]
async fn a_refused_read_is_not_repeated() {
    let start = clock::instant();
    let refused = Arc::new(Paper::new(&corp(), |_, _| Err(Error::new(ErrorKind::Unauthenticated, "bind"))));
    let verifier = Verifier::new(all_done(1..=20)).directory(refused.clone());
    assert_eq!(verify(&verifier, &plan(&corp(), 1..=20)).await.unread, 20);
    assert_eq!(refused.lookups.load(Ordering::SeqCst), 1);
    assert_eq!(clock::instant(), start);
}

#[tokio::test(start_paused = true)]
async fn directories_are_read_side_by_side() {
    let start = clock::instant();
    let names: Vec<DirectoryId> = ["a", "b", "c"].map(|name| DirectoryId::new(name).unwrap()).into();
    let mut verifier = Verifier::new(all_done(1..=2_400));
    let mut rows = Vec::new();
    for (place, name) in (0_u64..).zip(&names) {
        rows.extend(plan(name, place * 800 + 1..=place * 800 + 800));
        let own = name.clone();
        let mut directory = Paper::new(name, move |_, id| Ok(Some(changed(&own, id))));
        directory.latency = Duration::from_secs(1);
        verifier = verifier.directory(Arc::new(directory));
    }
    assert_eq!(verify(&verifier, &rows).await.changed, 2_400);
    assert_eq!((clock::instant() - start).as_secs(), 10, "40 lookups, four at once, in each directory");
}

#[tokio::test(start_paused = true)]
async fn accounts_of_other_directories_are_counted_once() {
    let cloud = DirectoryId::new("cloud").unwrap();
    let rows: Vec<PlanRow> = plan(&corp(), 1..=3).into_iter().chain(plan(&cloud, 4..=9)).collect();
    let twin = DirectoryId::new("twin").unwrap();
    let verifier = Verifier::new(all_done(1..=9))
        .directory(Arc::new(Paper::new(&corp(), |_, id| Ok(Some(changed(&corp(), id))))))
        .directory(Arc::new(Paper::new(&twin, |_, _| Ok(None))));
    let counts = verify(&verifier, &rows).await;
    assert_eq!((counts.changed, counts.elsewhere, counts.is_clean()), (3, 6, false));
}

#[tokio::test]
async fn a_verifier_without_a_directory_or_with_twins_is_refused() {
    let rows = || Ok(std::iter::empty());
    let none = Verifier::new(Ledger::of([])).run(rows).await;
    assert_eq!(none.unwrap_err().kind(), ErrorKind::ConfigInvalid);
    let paper = || Arc::new(Paper::new(&corp(), |_, _| Ok(None)));
    let twins = Verifier::new(Ledger::of([])).directory(paper()).directory(paper()).run(rows).await;
    assert_eq!(twins.unwrap_err().kind(), ErrorKind::ConfigInvalid);
    let torn: Result<_> = Verifier::new(Ledger::of([]))
        .directory(paper())
        .run(|| Ok(std::iter::once(Err(Error::new(ErrorKind::InputInvalid, "read the plan")))))
        .await;
    assert_eq!(torn.unwrap_err().kind(), ErrorKind::InputInvalid);
}

/// A journal that holds every entry as done, without holding them.
mod endless {
    use super::*;
    use crate::journal::{ChainHead, EntryProgress, Journal, Record};
    use async_trait::async_trait;
    use futures::StreamExt;
    use futures::stream::BoxStream;

    #[derive(Debug, Default)]
    pub(super) struct Endless {
        pub(super) verified: AtomicU64,
        pub(super) largest: AtomicU64,
    }

    #[async_trait]
    impl Journal for Endless {
        async fn append(&self, events: Vec<Event>) -> Result<()> {
            self.verified.fetch_add(events.len() as u64, Ordering::SeqCst);
            self.largest.fetch_max(events.len() as u64, Ordering::SeqCst);
            Ok(())
        }
        async fn progress(&self, entries: &[u64]) -> Result<Vec<EntryProgress>> {
            self.largest.fetch_max(entries.len() as u64, Ordering::SeqCst);
            let known = |seq: &u64| {
                let mut known = EntryProgress::new(*seq);
                done(*seq, SET, before()).iter().for_each(|event| known.fold(event));
                known
            };
            Ok(entries.iter().map(known).collect())
        }
        fn records(&self, _: u64) -> BoxStream<'static, Result<Record>> {
            futures::stream::empty().boxed()
        }
        async fn head(&self) -> Result<ChainHead> {
            Ok(ChainHead::default())
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_accounts_are_never_held_at_once() {
    let journal = Arc::new(endless::Endless::default());
    let pulled = Arc::new(AtomicU64::new(0));
    let answered = Arc::new(AtomicU64::new(0));
    let directory = {
        let (pulled, answered) = (pulled.clone(), answered.clone());
        Paper::new(&corp(), move |_, id| {
            let held = pulled.load(Ordering::SeqCst) - answered.fetch_add(1, Ordering::SeqCst);
            assert!(held <= 1_000, "{held} entries are held");
            Ok(Some(changed(&corp(), id)))
        })
    };
    let verifier = Verifier::new(journal.clone()).directory(Arc::new(directory));
    let counts = verifier
        .run(|| {
            let pulled = pulled.clone();
            Ok((1..=100_000).map(move |seq| {
                pulled.fetch_add(1, Ordering::SeqCst);
                Ok(PlanRow::Entry(entry(seq, &corp(), &[SET])))
            }))
        })
        .await
        .unwrap();
    assert_eq!(counts.changed, 100_000);
    assert_eq!(journal.verified.load(Ordering::SeqCst), 100_000);
    assert!(journal.largest.load(Ordering::SeqCst) <= 1_100);
}

#[test]
fn a_verification_can_move_between_threads() {
    fn moves<T: Send>(_: T) {}
    let verifier = Verifier::new(Ledger::of([]));
    moves(verifier.run(|| Ok(std::iter::empty())));
}

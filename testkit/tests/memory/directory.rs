//! The directory in memory behaves as a real one, counted against its own record.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
use identity_core::directory::{
    AccountEnumerator, AccountQuery, Directory, ForcedReset, PrivilegeClassifier, RateLimitedBatching, Support,
};
use identity_core::error::ErrorKind;
use identity_core::limits::{OperationClass, Quota, clock};
use identity_core::privilege::Tier;
use identity_core::reset::{Action, Order, Outcome, Secret};
use jiff::SignedDuration;
use testkit::conformance::SignIn;
use testkit::fault::{Fault, FaultScript, When};
use testkit::memory::{MemoryBuilder, MemoryDirectory, MemoryGroup, digest};
use testkit::organisation::{Organisation, special};

const SET: Action = Action::SetPassword { must_change: false };

fn corp(size: u64) -> MemoryBuilder {
    MemoryDirectory::builder("corp").organisation(Organisation::new(7, size))
}

fn secret(number: u64) -> Secret {
    Secret::new(format!("Correct-7-{number:08}"))
}

fn order(id: &AccountId, number: u64) -> Order {
    Order::new(id.clone(), SET).with_password(secret(number))
}

async fn one(directory: &MemoryDirectory, order: Order) -> Outcome {
    directory.apply(&[order]).await.pop().unwrap()
}

async fn look(directory: &MemoryDirectory, id: &AccountId) -> Option<Account> {
    directory.lookup(std::slice::from_ref(id)).await.unwrap().pop().unwrap()
}

/// The first so many ordinary persons of the organisation.
fn persons(directory: &MemoryDirectory, size: u64, count: usize) -> Vec<AccountId> {
    let organisation = Organisation::new(7, size);
    let plain = (60..size).filter(|index| {
        let account = organisation.account(*index);
        account.truth.kind == AccountKind::Person && !account.external && account.enabled() && account.expires.is_none()
    });
    plain.take(count).map(|index| directory.id_at(index).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_governor_never_exceeds_a_quota_that_the_directory_enforces_and_uses_nearly_all_of_it() {
    let minute = Duration::from_secs(60);
    let mut quota = Quota::new("writes", NonZeroU32::new(600).unwrap(), minute, OperationClass::Write);
    quota.share = 0.5;
    let directory = corp(4_000).quota(quota).latency(Duration::from_millis(80)).build().unwrap();
    let ids = persons(&directory, 4_000, 2_400);
    let start = clock::instant();
    stream::iter(ids.iter().zip(0..))
        .for_each_concurrent(64, |(id, number)| {
            let directory = Arc::clone(&directory);
            async move {
                let permit = directory.governor().acquire(OperationClass::Write, 1).await;
                let outcome = one(&directory, order(id, number)).await;
                drop(permit);
                assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
            }
        })
        .await;
    let record = &directory.quotas()[0];
    assert_eq!(record.refused, 0);
    assert!(record.most_in_window <= 300, "{record:?}");
    // 2,400 permits at 300 a minute are eight minutes.
    let used = 480.0 / start.elapsed().as_secs_f64();
    assert!(used >= 0.98, "{used} of the share was used");
    assert_eq!(directory.touched().len(), ids.len());
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_ask_the_governor_is_told_to_slow_down_and_nothing_happens() {
    let quota = Quota::new("writes", NonZeroU32::new(2).unwrap(), Duration::from_secs(10), OperationClass::Write);
    let directory = corp(200).hidden_quota(quota).build().unwrap();
    let ids = persons(&directory, 200, 3);
    let orders: Vec<Order> = ids.iter().zip(0..).map(|(id, number)| order(id, number)).collect();
    let outcomes = directory.apply(&orders).await;
    assert!(matches!(outcomes[..], [Outcome::Done(_), Outcome::Done(_), Outcome::Throttled(_)]), "{outcomes:?}");
    assert_eq!(outcomes[2].retry_after(), Some(Duration::from_secs(10)));
    assert_eq!(directory.times_set(&ids[2]), 0);
    clock::sleep(Duration::from_secs(10)).await;
    assert!(matches!(one(&directory, order(&ids[2], 9)).await, Outcome::Done(_)));
}

#[tokio::test(start_paused = true)]
async fn each_fault_leaves_what_it_says() {
    let late = Duration::from_secs(5);
    for (fault, kind, lands_now, lands_later) in [
        (Fault::CutAfterApply, ErrorKind::Transport, true, true),
        (Fault::CutMidAnswer, ErrorKind::Transport, true, true),
        (Fault::CutBeforeApply, ErrorKind::Transport, false, false),
        (Fault::LateApply(late), ErrorKind::Transport, false, true),
        (Fault::NeverAnswer, ErrorKind::Timeout, true, true),
        (Fault::Swallow, ErrorKind::Timeout, false, false),
        (Fault::Busy, ErrorKind::RateLimited, false, false),
        (Fault::Throttle(late), ErrorKind::RateLimited, false, false),
        (Fault::Unavailable, ErrorKind::Unavailable, false, false),
        (Fault::RefusePassword, ErrorKind::PasswordRejected, false, false),
        (Fault::Forbid, ErrorKind::InsufficientPrivilege, false, false),
    ] {
        let script = FaultScript::new(1).rule(When::write().nth(1), fault.clone());
        let directory = corp(200).faults(script).deadline(Duration::from_secs(1)).build().unwrap();
        let id = persons(&directory, 200, 1).pop().unwrap();
        let outcome = one(&directory, order(&id, 1)).await;
        assert_eq!(outcome.error().unwrap().kind(), kind, "{fault:?}");
        let unknown = matches!(kind, ErrorKind::Transport | ErrorKind::Timeout);
        assert_eq!(matches!(outcome, Outcome::Unknown(_)), unknown, "{fault:?}: {outcome:?}");
        let lands = |directory: &MemoryDirectory| directory.sign_in(&id, &secret(1)) == SignIn::Accepted;
        assert_eq!(lands(&directory), lands_now, "{fault:?}");
        clock::sleep(late).await;
        assert_eq!(lands(&directory), lands_later, "{fault:?}");
        assert_eq!(directory.times_set(&id), u64::from(lands_later), "{fault:?}");
        // The second write has no fault; the same password again is one password.
        assert!(matches!(one(&directory, order(&id, 1)).await, Outcome::Done(_)));
        assert_eq!(directory.passwords_set(&id), [digest(&secret(1))]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_passes_and_says_when() {
    let (from, lasting) = (Duration::from_secs(10), Duration::from_secs(30));
    let directory = corp(200).storm(from, lasting).build().unwrap();
    let id = persons(&directory, 200, 1).pop().unwrap();
    assert!(matches!(one(&directory, order(&id, 1)).await, Outcome::Done(_)));
    clock::sleep(Duration::from_secs(15)).await;
    let outcome = one(&directory, order(&id, 2)).await;
    assert_eq!(outcome.retry_after(), Some(Duration::from_secs(25)), "{outcome:?}");
    // A read waits it out by itself.
    let before = clock::instant();
    assert!(look(&directory, &id).await.is_some());
    assert!(before.elapsed() >= Duration::from_secs(25));
    assert!(matches!(one(&directory, order(&id, 2)).await, Outcome::Done(_)));
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_of_its_own_a_swallowed_order_hangs_until_the_caller_gives_up() {
    let script = FaultScript::new(1).rule(When::write(), Fault::Swallow);
    let directory = corp(200).faults(script).without_own_deadline().build().unwrap();
    let id = persons(&directory, 200, 1).pop().unwrap();
    let day = Duration::from_secs(86_400);
    assert!(clock::within(day, one(&directory, order(&id, 1))).await.is_err());
    assert_eq!(directory.times_set(&id), 0);
}

#[tokio::test(start_paused = true)]
async fn expiring_a_password_that_never_expires_succeeds_and_does_nothing() {
    let directory = corp(200).build().unwrap();
    let id = directory.id_at(special::NEVER_EXPIRES).unwrap();
    let before = look(&directory, &id).await.unwrap();
    assert!(matches!(directory.support(&before, Action::ExpirePassword), Support::Instead { action: SET, .. }));
    let outcome = one(&directory, Order::new(id.clone(), Action::ExpirePassword)).await;
    assert!(matches!(outcome, Outcome::Done(_)));
    assert_eq!(look(&directory, &id).await.unwrap(), before);
    assert!(directory.touched().is_empty());
}

#[tokio::test(start_paused = true)]
async fn rights_are_refused_for_the_accounts_named() {
    let ids = persons(&corp(200).build().unwrap(), 200, 2);
    let directory = corp(200).no_rights_over([ids[0].clone()]).build().unwrap();
    let outcomes = directory.apply(&[order(&ids[0], 1), order(&ids[1], 2)]).await;
    assert_eq!(outcomes[0].error().unwrap().kind(), ErrorKind::InsufficientPrivilege);
    assert!(matches!(outcomes[1], Outcome::Done(_)));
    assert_eq!(directory.touched(), [ids[1].clone()]);
}

#[tokio::test(start_paused = true)]
async fn what_others_do_meanwhile_is_seen() {
    let directory = corp(200).build().unwrap();
    let ids = persons(&directory, 200, 6);
    let mark = directory.mark().await.unwrap();
    let version = look(&directory, &ids[5]).await.unwrap().password.version.unwrap();
    directory.rename(&ids[0], "renamed");
    directory.move_to(&ids[1], "CN=moved,OU=Elsewhere,DC=corp,DC=example,DC=test");
    directory.set_enabled(&ids[2], false);
    directory.join(&ids[3], "Domain Admins");
    directory.delete(&ids[4]);
    directory.set_by_somebody_else(&ids[5], &secret(5));
    let newcomer = AccountId::new("born-during-the-run").unwrap();
    let corp = DirectoryId::new("corp").unwrap();
    directory.add(Account::new(corp, newcomer.clone(), "newcomer", AccountKind::Person));

    assert_eq!(look(&directory, &ids[0]).await.unwrap().name, "renamed");
    assert!(look(&directory, &ids[1]).await.unwrap().path.unwrap().contains("Elsewhere"));
    assert!(!look(&directory, &ids[2]).await.unwrap().state.enabled);
    assert_eq!(directory.privileges().await.unwrap().classify(&ids[3]).tier, Tier::Control);
    assert_eq!(look(&directory, &ids[4]).await, None);
    assert_eq!(look(&directory, &ids[5]).await.unwrap().password.version, Some(version + 1));
    assert_eq!(directory.times_set(&ids[5]), 0, "somebody else's set is not ours");
    assert_eq!(directory.population(), 200);

    let changed: Vec<Account> = directory.changed_since(&mark).try_collect().await.unwrap();
    let mut changed: Vec<AccountId> = changed.into_iter().map(|row| row.id).collect();
    let mut expected: Vec<AccountId> =
        ids.iter().filter(|id| **id != ids[4]).cloned().chain([newcomer.clone()]).collect();
    changed.sort();
    expected.sort();
    assert_eq!(changed, expected);
    assert!(matches!(one(&directory, order(&newcomer, 1)).await, Outcome::Done(_)));
    assert_eq!(directory.sign_in(&newcomer, &secret(1)), SignIn::Accepted);
    let outcome = one(&directory, order(&ids[4], 1)).await;
    assert_eq!(outcome.error().unwrap().kind(), ErrorKind::AccountNotFound);
}

#[tokio::test(start_paused = true)]
async fn the_record_tells_two_passwords_from_one_set_twice() {
    let directory = corp(200).build().unwrap();
    let ids = persons(&directory, 200, 2);
    for number in [1, 1, 2, 1] {
        assert!(matches!(one(&directory, order(&ids[0], number)).await, Outcome::Done(_)));
    }
    assert_eq!(directory.times_set(&ids[0]), 4);
    assert_eq!(directory.passwords_set(&ids[0]), [digest(&secret(1)), digest(&secret(2))]);
    one(&directory, order(&ids[1], 1)).await;
    directory.set_by_somebody_else(&ids[1], &secret(9));
    one(&directory, order(&ids[1], 1)).await;
    assert_eq!(directory.passwords_set(&ids[1]), [digest(&secret(1))], "the one in between is not ours");
}

#[tokio::test(start_paused = true)]
async fn a_skewed_clock_shows_in_every_time_that_the_directory_gives() {
    let skew = SignedDuration::from_hours(-2);
    let directory = corp(200).faults(FaultScript::new(1).clock_skew(skew)).build().unwrap();
    let id = persons(&directory, 200, 1).pop().unwrap();
    one(&directory, order(&id, 1)).await;
    let (ours, theirs) = (clock::now(), directory.preflight().await.unwrap().server_time.unwrap());
    assert_eq!(theirs.duration_since(ours).as_hours(), -2);
    let set = look(&directory, &id).await.unwrap().password.last_set.unwrap();
    assert!(ours.duration_since(set) >= SignedDuration::from_hours(2));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_accounts_has_groups_too() {
    let corp = DirectoryId::new("x").unwrap();
    let rows = (0..10).map(|number| {
        let id = AccountId::new(format!("{number}")).unwrap();
        let mut row = Account::new(corp.clone(), id, format!("user{number}"), AccountKind::Person);
        row.groups = vec![if number == 3 { "night".into() } else { "staff".into() }];
        row
    });
    let directory = MemoryDirectory::builder("small")
        .accounts(rows)
        .group(MemoryGroup::new("admins").granting(Tier::Control))
        .group(MemoryGroup::new("night").nested_in("admins"))
        .build()
        .unwrap();
    let index = directory.privileges().await.unwrap();
    let privileged: Vec<&str> = index.privileged().map(|(id, _)| id.as_str()).collect();
    assert_eq!(privileged, ["3"]);
    let rows: Vec<Account> = directory.accounts(&AccountQuery::everyone()).try_collect().await.unwrap();
    assert!(rows.iter().all(|row| row.directory.as_str() == "small"));
}

#[tokio::test(start_paused = true)]
async fn reads_break_as_the_script_says_and_the_next_one_works() {
    for (fault, kind) in [
        (Fault::TruncatedPage, ErrorKind::Protocol),
        (Fault::Busy, ErrorKind::RateLimited),
        (Fault::CutMidAnswer, ErrorKind::Transport),
        (Fault::Swallow, ErrorKind::Timeout),
        (Fault::Forbid, ErrorKind::InsufficientPrivilege),
    ] {
        let script = FaultScript::new(1).rule(When::read().nth(2), fault.clone());
        let page = NonZeroU32::new(50).unwrap();
        let directory = corp(200).page(page).faults(script).build().unwrap();
        let rows: Vec<_> = directory.accounts(&AccountQuery::everyone()).collect().await;
        let error = rows.last().unwrap().as_ref().unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}");
        assert!(rows.len() > 50 && rows.len() < 102, "{fault:?}: the first page, a part of the second, an error");
        let id = rows[0].as_ref().unwrap().id.clone();
        assert_eq!(look(&directory, &id).await.unwrap().id, id);
    }
}

/// A million accounts: built at once, listed page by page, written to at both ends.
#[tokio::test(start_paused = true)]
async fn a_million_accounts_are_there_at_once() {
    let directory = corp(1_000_000).build().unwrap();
    let first: Vec<Account> = directory.accounts(&AccountQuery::everyone()).take(2_000).try_collect().await.unwrap();
    assert_eq!(first.len(), 2_000);
    let last = directory.id_at(999_999).unwrap();
    assert_eq!(look(&directory, &last).await.unwrap().id, last);
    assert_eq!(directory.population(), 1_000_000);
    assert_eq!(directory.reads(), 3, "two pages and a lookup");
}

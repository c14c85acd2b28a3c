//! What becomes of accounts: selection, populations, actions, waves; and that nothing but the state
//! and the settings decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::directory::{Fake, account, account_in};
use super::*;
use crate::account::{AccountId, PasswordAuthority};
use crate::error::ErrorKind;
use crate::plan::{PlanChange, Population, ServiceDisposition, WaveKind, actions};
use crate::privilege::Tier;
use crate::reset::Action;

const SET: Action = Action::SetPassword { must_change: false };
const MUST: Action = Action::SetPassword { must_change: true };

fn reset(plan: &Plan, name: &str) -> Vec<Action> {
    match entry(plan, name).disposition {
        Disposition::Reset { actions } => actions,
        manual => panic!("{name}: {manual:?}"),
    }
}

fn organisation() -> Vec<Account> {
    let mut accounts = persons(40);
    accounts.push(account("admin", AccountKind::Person));
    accounts.push(account("app", AccountKind::Service));
    accounts.push(account("root-app", AccountKind::Service));
    accounts.push(account("room", AccountKind::Mailbox));
    accounts.push(account("visitor", AccountKind::Guest));
    accounts.push(account("local-guest", AccountKind::Guest));
    accounts.push(account("thing", AccountKind::Unknown));
    accounts.push(account("gone", AccountKind::Person));
    accounts.push(account("pc", AccountKind::Computer));
    accounts.push(account("synced", AccountKind::Person));
    for account in &mut accounts {
        match account.name.as_str() {
            "gone" => account.state.enabled = false,
            "visitor" => account.authority = PasswordAuthority::Federated("partner.test".into()),
            "synced" => account.authority = PasswordAuthority::OnPrem,
            "app" => account.owner = Some("CN=Owner".into()),
            "pc" => account.procedure = Some("join it anew".into()),
            "root-app" => account.procedure = Some("rotate it in the vault".into()),
            _ => {}
        }
    }
    accounts
}

#[tokio::test]
async fn each_account_gets_its_population_wave_and_actions() {
    let folder = Folder::new();
    let fake = Fake::of(organisation()).privileged("admin", Tier::Control).privileged("root-app", Tier::Management);
    let plan = folder.plan(everyone(), fake).await.unwrap();

    let admin = entry(&plan, "admin");
    assert_eq!(
        (admin.population, admin.wave.as_str(), admin.tier),
        (Population::Privileged, "privileged", Tier::Control)
    );
    assert_eq!(admin.grounds, ["tier 0 by member: Admins"]);
    assert_eq!(reset(&plan, "admin"), [MUST]);
    for (service, owner, wave) in [("app", Some("CN=Owner"), "others"), ("root-app", None, "privileged")] {
        let service = entry(&plan, service);
        assert_eq!(service.wave, wave);
        let Disposition::Manual { owner: named, procedure, .. } = service.disposition else { panic!("by hand") };
        assert_eq!(named.as_deref(), owner);
        assert!(!procedure.is_empty());
        assert_eq!(procedure == "rotate it in the vault", owner.is_none(), "the backend's own words come first");
    }
    assert_eq!(reset(&plan, "room"), [SET]);
    assert_eq!(reset(&plan, "local-guest"), [MUST]);
    assert!(matches!(reason(&plan, "visitor"), LeftOutReason::MasteredElsewhere(why) if why.contains("partner.test")));
    assert!(matches!(reason(&plan, "synced"), LeftOutReason::MasteredElsewhere(_)));
    assert!(matches!(entry(&plan, "thing").disposition, Disposition::Manual { .. }));
    assert_eq!((entry(&plan, "gone").population, reset(&plan, "gone")), (Population::Dormant, vec![SET]));
    assert!(matches!(reason(&plan, "pc"), LeftOutReason::Protected(why) if why.ends_with("; join it anew")));
    let refused: Vec<String> = entry(&plan, "p1").refusals.iter().map(ToString::to_string).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].starts_with("revoke_sessions: fake cannot"), "{refused:?}");
    assert!(plan.summary().to_string().contains("× revoke_sessions: fake cannot"), "{}", plan.summary());

    let waves: Vec<(&str, WaveKind, u64)> =
        plan.waves().iter().map(|wave| (wave.name.as_str(), wave.kind, wave.accounts)).collect();
    assert_eq!(
        waves,
        [
            ("canary", WaveKind::Canary, 1),
            ("privileged", WaveKind::Privileged, 1),
            ("workforce-1", WaveKind::Workforce, 39),
            ("others", WaveKind::Others, 3),
        ]
    );
    let counts = plan.header().counts;
    assert_eq!((counts.seen, counts.planned, counts.manual, counts.left_out), (50, 44, 3, 3));
    assert_eq!((counts.protected, counts.privileged), (1, 2));
    assert_eq!(folder.names(), ["plan.jsonl"]);
}

/// Sessions that end before the old password stops working are opened anew: they come behind the
/// passwords of every directory, the privileged first.
#[tokio::test]
async fn who_has_a_password_elsewhere_comes_after_all_passwords() {
    let folder = Folder::new();
    let mut cloud: Vec<Account> = (0..30).map(|n| account_in("cloud", &format!("c{n}"), AccountKind::Person)).collect();
    for account in cloud.iter_mut().take(25) {
        account.authority = PasswordAuthority::OnPrem;
    }
    cloud[24].authority = PasswordAuthority::Federated("adfs".into());
    let mut cloud = Fake::named("cloud", cloud).privileged("c0", Tier::Control).privileged("c29", Tier::Control);
    cloud.capabilities.revoke_sessions = true;
    let spec = everyone();
    let builder = spec.builder().directory(Arc::new(Fake::of(persons(40)))).directory(Arc::new(cloud));
    let plan = builder.write_to(folder.file("plan.jsonl")).await.unwrap();

    let waves: Vec<(&str, u64)> = plan.waves().iter().map(|wave| (wave.name.as_str(), wave.accounts)).collect();
    let last = [("privileged-elsewhere", 1), ("elsewhere", 24)];
    assert_eq!(waves[waves.len() - 2..], last, "{waves:?}");
    assert!(waves.iter().any(|(name, _)| *name == "privileged"), "{waves:?}");
    for name in ["c0", "c1", "c24"] {
        assert_eq!(reset(&plan, name), [Action::RevokeSessions]);
    }
    assert_eq!(reset(&plan, "c29"), [MUST, Action::RevokeSessions]);

    let text = std::fs::read_to_string(folder.file("plan.jsonl")).unwrap();
    let early = text.replacen("\"authority\":\"on_prem\",", "", 1);
    assert_ne!(text, early);
    std::fs::write(folder.file("edited"), early).unwrap();
    let error = Plan::open(folder.file("edited")).unwrap_err();
    assert!(error.to_string().contains("not of where its password is"), "{error}");
}

#[tokio::test]
async fn selections_add_up_and_exclusions_win() {
    let folder = Folder::new();
    let fake = Fake::of(persons(6)).group("A", &["p0", "p1"]).group("B", &["p1", "p2"]);
    let spec = PlanSpec::default()
        .select(Selection::group("corp", "A"))
        .select(Selection::listed(["P4@example.test", "cn=p2, ou=people,dc=example,dc=test"]))
        .exclude(Selection::group("corp", "B"))
        .exclude(Selection::listed(["p5"]));
    let plan = folder.plan(spec, fake).await.unwrap();
    for name in ["p0", "p4"] {
        assert_eq!(reset(&plan, name), [MUST]);
    }
    for name in ["p1", "p2"] {
        assert_eq!(reason(&plan, name), LeftOutReason::Excluded("group B of corp".into()));
    }
    assert_eq!(reason(&plan, "p3"), LeftOutReason::NotSelected);
    assert!(matches!(reason(&plan, "p5"), LeftOutReason::Excluded(_)));
}

#[tokio::test]
async fn who_could_not_be_classified_goes_with_the_privileged() {
    let folder = Folder::new();
    let mut fake = Fake::of(persons(30));
    fake.privileges.mark_unknown(AccountId::new("id-p3").unwrap(), "its groups could not be read");
    let plan = folder.plan(everyone(), fake).await.unwrap();
    let unknown = entry(&plan, "p3");
    assert_eq!(unknown.wave, "privileged");
    assert_eq!(unknown.grounds, ["unknown: its groups could not be read"]);
    assert!(unknown.notes.iter().any(|note| note.contains("planned with the privileged")));
    assert_eq!(plan.header().counts.privileged, 1);

    let mut fake = Fake::of(persons(30));
    fake.privileges.mark_incomplete("a group could not be read");
    let plan = folder.plan(everyone(), fake).await.unwrap();
    assert_eq!(plan.waves().len(), 1, "all of them are in the privileged wave");
    assert_eq!(plan.waves()[0].accounts, 30);
    assert!(plan.header().warnings[0].contains("a group could not be read"));
}

#[tokio::test]
async fn a_plan_that_only_expires_says_that_it_does_not_contain() {
    let folder = Folder::new();
    let mut spec = everyone();
    spec.actions.workforce = vec![Action::ExpirePassword];
    let mut accounts = persons(3);
    accounts[0].password.never_expires = true;
    let plan = folder.plan(spec, Fake::of(accounts)).await.unwrap();
    assert_eq!(reset(&plan, "p0"), [SET], "it would do nothing");
    assert_eq!(entry(&plan, "p1").notes, [actions::DOES_NOT_CONTAIN]);
    assert!(plan.summary().to_string().contains("2 × DOES NOT CONTAIN"));
}

#[tokio::test]
async fn service_accounts_are_reset_only_when_that_is_decided() {
    let folder = Folder::new();
    let spec = everyone().with_service(ServiceDisposition::Reset { actions: vec![MUST] });
    let plan = folder.plan(spec, Fake::of(organisation()).privileged("root-app", Tier::Control)).await.unwrap();
    assert_eq!(reset(&plan, "app"), [SET]);
    assert_eq!((reset(&plan, "root-app"), entry(&plan, "root-app").wave), (vec![SET], "privileged".to_owned()));
    let mut spec = everyone();
    spec.actions.dormant.clear();
    let plan = folder.plan(spec, Fake::of(organisation())).await.unwrap();
    assert!(matches!(reason(&plan, "gone"), LeftOutReason::Excluded(why) if why.contains("dormant")));
}

#[tokio::test]
async fn each_directory_has_a_canary_and_its_own_entries() {
    let folder = Folder::new();
    let cloud = (0..25).map(|n| account_in("cloud", &format!("p{n}"), AccountKind::Person)).collect();
    let builder = everyone().builder().directory(Arc::new(Fake::of(persons(300))));
    let plan = builder.directory(Arc::new(Fake::named("cloud", cloud))).write_to(folder.file("p")).await.unwrap();
    let mut seqs = Vec::new();
    for (directory, canary, workforce) in [("corp", 3, 297), ("cloud", 1, 24)] {
        let directory = crate::account::DirectoryId::new(directory).unwrap();
        for (wave, expected) in [("canary", canary), ("workforce-1", workforce)] {
            let entries: Vec<Entry> = plan.entries(wave, &directory).unwrap().collect::<Result<_>>().unwrap();
            assert_eq!(entries.len(), expected);
            assert!(entries.iter().all(|entry| entry.directory == directory && entry.wave == wave));
            seqs.extend(entries.iter().map(|entry| entry.seq));
        }
    }
    for seq in [1, 4, 5, 325] {
        assert_eq!(plan.entry(seq).unwrap().unwrap().seq, seq);
    }
    assert_eq!((plan.entry(0).unwrap(), plan.entry(326).unwrap()), (None, None));
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=325).collect::<Vec<u64>>());
    let corp = crate::account::DirectoryId::new("corp").unwrap();
    let error = plan.entries("workforce-2", &corp).unwrap_err();
    assert!(error.to_string().contains("canary, workforce-1"), "{error}");
    assert!(plan.entries("canary", &crate::account::DirectoryId::new("nowhere").unwrap()).is_err());
}

#[tokio::test(start_paused = true)]
async fn an_enumeration_that_breaks_off_is_begun_again_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let whole = folder.plan(everyone(), Fake::of(persons(30))).await.unwrap();
    for breaks in [1, 2] {
        let mut fake = Fake::of(persons(30));
        fake.failing = AtomicU32::new(breaks);
        assert_eq!(folder.plan(everyone(), fake).await.unwrap().digest(), whole.digest());
    }
    let mut fake = Fake::of(persons(30));
    fake.failing = AtomicU32::new(3);
    let enumerations = Arc::clone(&fake.enumerations);
    let error = folder.plan(everyone(), fake).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), enumerations.load(Ordering::SeqCst)), (ErrorKind::Unavailable, 3, 3));

    let mut fake = Fake::of(persons(30));
    (fake.failing, fake.failure) = (AtomicU32::new(1), ErrorKind::InsufficientPrivilege);
    let error = folder.plan(everyone(), fake).await.unwrap_err();
    assert_eq!(error.attempts(), 1, "what is refused is not asked again");
    assert_eq!(Plan::open(folder.file("plan.jsonl")).unwrap().digest(), whole.digest(), "the plan before it stands");
    assert_eq!(folder.names(), ["plan.jsonl"]);
}

#[tokio::test]
async fn settings_that_name_no_directory_are_refused_before_anything_is_read() {
    let folder = Folder::new();
    for spec in [everyone().protect("crop", "x"), everyone().exclude(Selection::group("crop", "x"))] {
        let fake = Fake::of(persons(1));
        let enumerations = Arc::clone(&fake.enumerations);
        let error = folder.plan(spec, fake).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.to_string().contains("\"crop\"") && error.to_string().contains("corp"), "{error}");
        assert_eq!(enumerations.load(Ordering::SeqCst), 0);
    }
    assert!(everyone().builder().write_to(folder.file("plan")).await.is_err(), "no directory");
    let twice = everyone().builder().directory(Arc::new(Fake::of(persons(1)))).directory(Arc::new(Fake::of(vec![])));
    assert!(twice.write_to(folder.file("plan")).await.unwrap_err().to_string().contains("two directories"));
    let stranger = Fake::of(vec![account_in("other", "x", AccountKind::Person)]);
    assert_eq!(folder.plan(everyone(), stranger).await.unwrap_err().kind(), ErrorKind::Protocol);
    assert!(folder.plan(PlanSpec::default().select(Selection::group("corp", "no")), Fake::of(vec![])).await.is_err());
    assert!(folder.names().is_empty());
}

#[tokio::test]
async fn the_screen_shows_what_matters_and_obeys_no_name() {
    let folder = Folder::new();
    let mut accounts = organisation();
    accounts.push(account("evil", AccountKind::Service));
    accounts.last_mut().unwrap().name = "evil\u{1b}[2J\u{202e}".into();
    let plan = folder.plan(everyone(), Fake::of(accounts)).await.unwrap();
    let screen = plan.summary().to_string();
    for part in
        [plan.digest(), "workforce-1", "set_password_must_change", "CN=Owner", "not named", "protected: a computer"]
    {
        assert!(screen.contains(part), "{part} in\n{screen}");
    }
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_order_and_the_duplicates_of_an_enumeration_change_no_byte(
        places in prop::collection::vec(0usize..50, 0..60), seed in 0u64..3,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let in_order = organisation();
        let mut mixed: Vec<Account> = places.iter().map(|place| in_order[*place].clone()).collect();
        mixed.extend(in_order.iter().rev().cloned());
        mixed.extend(places.iter().map(|place| in_order[49 - *place].clone()));
        let mut files = Vec::new();
        for accounts in [in_order, mixed] {
            let folder = Folder::new();
            let spec = everyone().exclude(Selection::group("corp", "G")).with_seed(seed);
            let fake = Fake::of(accounts).group("G", &["p1", "gone"]).privileged("admin", Tier::Control);
            runtime.block_on(folder.plan(spec, fake)).unwrap();
            files.push(std::fs::read(folder.file("plan.jsonl")).unwrap());
        }
        prop_assert!(files[0] == files[1]);
    }
}

#[tokio::test]
async fn a_new_plan_tells_what_it_does_differently() {
    let folder = Folder::new();
    let old = folder.plan(everyone(), Fake::of(organisation())).await.unwrap();
    assert_eq!(old.changes_since(&old).count(), 0);
    let mut accounts = organisation();
    accounts.retain(|account| account.name != "room");
    accounts.push(account("aa-born", AccountKind::Person));
    let fake = Fake::of(accounts).privileged("p3", Tier::Control);
    let new = folder.plan(everyone(), fake).await.unwrap();
    let mut told = Vec::new();
    for change in new.changes_since(&old) {
        told.push(match change.unwrap() {
            PlanChange::Added(row) => format!("+{}", name_of(&row)),
            PlanChange::Removed(row) => format!("-{}", name_of(&row)),
            PlanChange::Changed { before, after } => {
                assert_eq!(name_of(&before), name_of(&after));
                format!("~{}", name_of(&after))
            }
        });
    }
    assert_eq!(told, ["+aa-born", "~p3", "-room"]);
    let kept = std::fs::read(folder.file("plan.jsonl")).unwrap();
    std::fs::write(folder.file("plan.jsonl"), [&kept[..kept.len() - 9], b"xxxxxxxx\n"].concat()).unwrap();
    let mut changes = new.changes_since(&old);
    assert!(changes.any(|change| change.is_err()), "a changed file is told");
    assert!(changes.next().is_none());
}

fn name_of(row: &PlanRow) -> &str {
    match row {
        PlanRow::Entry(entry) => &entry.name,
        PlanRow::LeftOut { name, .. } => name,
    }
}

#[tokio::test]
async fn another_seed_draws_another_canary() {
    let folder = Folder::new();
    let mut canaries = Vec::new();
    for seed in [1, 2, 1] {
        let plan = folder.plan(everyone().with_seed(seed), Fake::of(persons(500))).await.unwrap();
        let corp = crate::account::DirectoryId::new("corp").unwrap();
        let names: Vec<String> = plan.entries("canary", &corp).unwrap().map(|entry| entry.unwrap().name).collect();
        assert_eq!(names.len(), 5);
        canaries.push(names);
    }
    assert_ne!(canaries[0], canaries[1]);
    assert_eq!(canaries[0], canaries[2]);
}

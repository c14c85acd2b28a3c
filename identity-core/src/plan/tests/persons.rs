//! Accounts of one person in several directories.

use std::collections::BTreeMap;

use super::directory::{Fake, account_in};
use super::*;
use crate::account::PasswordAuthority;
use crate::person::{Anchor, ConflictKind, Joining, PersonId};
use crate::plan::Population;
use crate::privilege::Tier;
use crate::reset::Action;

/// A person of that number in a directory; in the cloud with its password on-prem.
fn person(directory: &str, number: usize) -> Account {
    let mut account = account_in(directory, &format!("p{number}"), AccountKind::Person);
    account.anchors.security_id = Some(format!("S-1-5-21-9-9-9-{number}"));
    account.anchors.principal_name = None;
    if directory == "cloud" {
        account.authority = PasswordAuthority::OnPrem;
    }
    account
}

fn fake(directory: &str, accounts: Vec<Account>) -> Fake {
    let mut fake = Fake::named(directory, accounts);
    fake.capabilities.revoke_sessions = true;
    fake
}

/// 30 persons with an account in each, and 5 in the cloud only.
fn corp() -> Fake {
    fake("corp", (0..30).map(|number| person("corp", number)).collect())
}

fn cloud() -> Fake {
    fake("cloud", (0..35).map(|number| person("cloud", number)).collect())
}

async fn plan(folder: &Folder, spec: PlanSpec, fakes: Vec<Fake>) -> Result<Plan> {
    let backends = fakes.into_iter().map(|fake| Arc::new(fake) as Arc<dyn Backend>);
    spec.builder().directories(backends).write_to(folder.file("plan.jsonl")).await
}

fn entry_in(plan: &Plan, directory: &str, name: &str) -> Entry {
    let fits = |entry: &Entry| entry.directory.as_str() == directory && entry.name == name;
    let mut entries = rows(plan).into_iter().filter_map(|row| match row {
        PlanRow::Entry(entry) => Some(entry),
        PlanRow::LeftOut { .. } => None,
    });
    entries.find(fits).unwrap()
}

#[tokio::test]
async fn whoever_is_privileged_in_one_directory_is_so_in_all() {
    let folder = Folder::new();
    let plan_of =
        || async { plan(&folder, everyone(), vec![corp(), cloud().privileged("p7", Tier::Control)]).await.unwrap() };
    let made = plan_of().await;
    let on_prem = entry_in(&made, "corp", "p7");
    assert_eq!(
        (on_prem.population, on_prem.wave.as_str(), on_prem.tier),
        (Population::Privileged, "privileged", Tier::Control)
    );
    assert_eq!(on_prem.grounds, ["tier 0 by person: the same person has cloud/id-p7: tier 0 by member: Admins"]);
    assert!(on_prem.follows.is_empty());
    let elsewhere = entry_in(&made, "cloud", "p7");
    assert_eq!(
        (elsewhere.wave.as_str(), &elsewhere.grounds[..]),
        ("privileged-elsewhere", &["tier 0 by member: Admins".to_owned()][..])
    );
    assert_eq!(elsewhere.follows, [on_prem.seq]);
    assert_eq!(elsewhere.person, on_prem.person);
    assert_eq!(elsewhere.person, Some(PersonId::of(&elsewhere.directory, &elsewhere.id)), "the first of its accounts");
    let other = entry_in(&made, "corp", "p8");
    assert_eq!((other.population, other.grounds.len()), (Population::Workforce, 0));
    assert_eq!(made.header().counts.privileged, 2);

    // Every person has one id, everybody in both directories; sessions follow the one password.
    let mut persons: BTreeMap<PersonId, Vec<Entry>> = BTreeMap::new();
    for row in rows(&made) {
        let PlanRow::Entry(entry) = row else { panic!("{row:?}") };
        persons.entry(entry.person.clone().unwrap()).or_default().push(entry);
    }
    assert_eq!((persons.len(), persons.values().filter(|accounts| accounts.len() == 2).count()), (35, 30));
    for accounts in persons.values() {
        assert!(accounts.iter().all(|account| account.name == accounts[0].name));
        let password = accounts.iter().find(|account| account.directory.as_str() == "corp").map(|account| account.seq);
        for account in accounts.iter().filter(|account| account.directory.as_str() == "cloud") {
            assert_eq!(account.follows, Vec::from_iter(password));
            assert_eq!(account.disposition, Disposition::Reset { actions: vec![Action::RevokeSessions] });
        }
    }
    let counts = made.header().persons.as_ref().unwrap().counts;
    assert_eq!((counts.persons, counts.joined, counts.accounts, counts.conflicts), (35, 30, 60, 0));
    assert!(made.summary().to_string().contains("Persons: 35, of these 30 with 60 accounts in several directories"));

    // The same again, in another order.
    let digest = made.digest().to_owned();
    assert_eq!(plan_of().await.digest(), digest);
    let mut turned = vec![cloud().privileged("p7", Tier::Control), corp()];
    for fake in &mut turned {
        Arc::get_mut(&mut fake.accounts).unwrap().reverse();
    }
    assert_eq!(plan(&folder, everyone(), turned).await.unwrap().digest(), digest);
    assert_eq!(folder.names(), ["plan.jsonl"], "nothing else is left");
    assert_eq!(Plan::open(folder.file("plan.jsonl")).unwrap().digest(), digest);
}

#[tokio::test]
async fn what_is_not_known_of_one_account_goes_for_all_of_the_person() {
    let folder = Folder::new();
    let mut unread = cloud();
    unread.privileges.mark_unknown(person("cloud", 3).id, "its roles could not be read");
    let made = plan(&folder, everyone(), vec![corp(), unread]).await.unwrap();
    let on_prem = entry_in(&made, "corp", "p3");
    assert_eq!((on_prem.population, on_prem.tier), (Population::Privileged, Tier::User));
    assert_eq!(on_prem.grounds, ["unknown: the same person has cloud/id-p3: its roles could not be read"]);
}

#[tokio::test]
async fn a_plan_that_joins_nobody_says_nothing_of_persons() {
    let folder = Folder::new();
    let none = everyone().with_joining(Joining::by([]));
    let apart = plan(&folder, none, vec![corp(), cloud().privileged("p7", Tier::Control)]).await.unwrap();
    assert_eq!(entry_in(&apart, "corp", "p7").population, Population::Workforce);
    assert!(apart.header().persons.is_none() && rows(&apart).iter().all(|row| row.person().is_none()));
    let alone = plan(&folder, everyone(), vec![corp()]).await.unwrap();
    assert!(alone.header().persons.is_none() && rows(&alone).iter().all(|row| row.person().is_none()));
    let twice = everyone().with_join(Anchor::Mail).with_join(Anchor::Mail);
    assert!(plan(&folder, twice, vec![corp(), cloud()]).await.unwrap_err().to_string().contains("mail twice"));
}

#[tokio::test]
async fn conflicts_are_listed_and_nobody_is_guessed() {
    let folder = Folder::new();
    let mut accounts: Vec<Account> = (0..35).map(|number| person("cloud", number)).collect();
    // An attacker's account claims to be p7's.
    let mut twin = person("cloud", 7);
    twin.id = crate::account::AccountId::new("id-twin").unwrap();
    twin.name = "twin".into();
    accounts.push(twin);
    accounts[9].mail = Some("shared@t".into());
    let mut here = corp();
    let known = Arc::get_mut(&mut here.accounts).unwrap();
    (known[10].mail, known[11].mail) = (Some("shared@t".into()), Some("Shared@t".into()));
    let spec = everyone().with_join(Anchor::Mail);
    let made = plan(&folder, spec, vec![here, fake("cloud", accounts).privileged("p7", Tier::Control)]).await.unwrap();
    let persons = made.header().persons.as_ref().unwrap();
    assert_eq!((persons.counts.conflicts, persons.counts.joined), (2, 29));
    let kinds: Vec<_> = persons.conflicts.iter().map(|conflict| (conflict.kind, conflict.accounts.len())).collect();
    assert_eq!(kinds, [(ConflictKind::Shared, 2), (ConflictKind::Shared, 3)]);
    for name in ["p7", "twin"] {
        let entry = entry_in(&made, "cloud", name);
        assert!(entry.notes.iter().any(|note| note.contains("joined with no account")), "{:?}", entry.notes);
        assert!(entry.follows.is_empty());
    }
    assert_ne!(entry_in(&made, "cloud", "p7").person, entry_in(&made, "cloud", "twin").person);
    assert_eq!(entry_in(&made, "corp", "p7").population, Population::Workforce, "nobody knows whose it is");
    assert!(entry_in(&made, "corp", "p10").notes.iter().any(|note| note.contains("soft anchor")));
    let screen = made.summary().to_string();
    assert!(screen.contains("2 conflicts") && screen.contains("cloud/id-twin"), "{screen}");
}

#[tokio::test]
async fn sessions_that_follow_what_comes_later_are_refused() {
    let folder = Folder::new();
    let made = plan(&folder, everyone(), vec![corp(), cloud()]).await.unwrap();
    let text = std::fs::read_to_string(folder.file("plan.jsonl")).unwrap();
    let one = entry_in(&made, "cloud", "p3");
    let right = format!("\"follows\":{:?}", one.follows);
    assert!(text.contains(&right));
    for wrong in [format!("\"follows\":[{}]", one.seq), "\"follows\":[0]".to_owned(), "\"follows\":[2,1]".to_owned()] {
        std::fs::write(folder.file("bad.jsonl"), text.replacen(&right, &wrong, 1)).unwrap();
        let error = Plan::open(folder.file("bad.jsonl")).unwrap_err();
        assert!(error.to_string().contains("do not come before"), "{wrong}: {error}");
    }
}

/// `PERSONS=1000000 cargo test -p identity-core many_persons -- --nocapture` joins a million in two
/// directories, and tells the peak of the process.
#[test]
fn many_persons_are_joined_in_flat_memory() {
    let count: usize = std::env::var("PERSONS").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let folder = tempfile::tempdir().unwrap();
    let mut joiner = crate::person::Joiner::open(folder.path(), Joining::default().and(Anchor::Mail)).unwrap();
    let before = super::large::peak_kib();
    for directory in ["cloud", "corp"] {
        let mut page = Vec::new();
        for number in 0..count {
            let mut account = person(directory, number);
            account.id = crate::account::AccountId::new(format!("id-{number:09}")).unwrap();
            // Every other one by hard anchors.
            account.anchors.security_id = account.anchors.security_id.filter(|_| number % 2 == 0);
            account.mail = Some(format!("m{number}@t"));
            page.push(account);
            if page.len() == 500 {
                joiner.add(&std::mem::take(&mut page)).unwrap();
            }
        }
        joiner.add(&page).unwrap();
    }
    let persons = joiner.join().unwrap();
    let counts = persons.counts();
    assert_eq!((counts.joined, counts.persons, counts.conflicts), (count as u64, count as u64, 0));
    println!("{count} persons: peak {:?} KiB, before {before:?} KiB", super::large::peak_kib());
}

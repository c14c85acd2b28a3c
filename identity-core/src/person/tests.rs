//! Joining against a slow and obvious oracle, and each rule by an example.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::account::{Account, AccountId, AccountKind, DirectoryId};

const DIRECTORIES: [&str; 4] = ["a", "b", "c", "d"];

fn account(directory: &str, id: &str) -> Account {
    Account::new(DirectoryId::new(directory).unwrap(), AccountId::new(id).unwrap(), id, AccountKind::Person)
}

fn with(mut account: Account, anchors: &[(&str, &str)]) -> Account {
    for (anchor, value) in anchors {
        let value = (*value).to_owned();
        match *anchor {
            "guid" => account.anchors.immutable_id = Some(value),
            "sid" => account.anchors.security_id = Some(format!("S-1-5-21-{value}")),
            "upn" => account.anchors.principal_name = Some(value),
            "mail" => account.mail = Some(value),
            attribute => drop(account.attributes.insert(attribute.to_owned(), value)),
        }
    }
    account
}

fn join(accounts: &[Account], joining: &Joining) -> Persons {
    let mut accounts = accounts.to_vec();
    accounts.sort_by(|a, b| (&a.directory, &a.id).cmp(&(&b.directory, &b.id)));
    let folder = tempfile::tempdir().unwrap();
    let mut joiner = Joiner::open(folder.path(), joining.clone()).unwrap();
    // In pages, as a plan gives them.
    accounts.chunks(3).for_each(|page| joiner.add(page).unwrap());
    joiner.join().unwrap()
}

/// The persons as sets of `directory/id`.
fn groups(persons: &mut Persons, accounts: &[Account]) -> BTreeSet<BTreeSet<String>> {
    let mut groups = BTreeSet::new();
    for account in accounts {
        let place = persons.find(&account.directory, &account.id).unwrap().unwrap();
        groups.insert(persons.accounts(place).unwrap().iter().map(ToString::to_string).collect());
    }
    groups
}

fn of(accounts: &[Account], joining: &Joining) -> (Vec<String>, Vec<Conflict>) {
    let mut persons = join(accounts, joining);
    let groups = groups(&mut persons, accounts);
    let words = groups.iter().map(|group| group.iter().cloned().collect::<Vec<_>>().join(" ")).collect();
    (words, persons.conflicts(usize::MAX).unwrap())
}

#[test]
fn hard_anchors_join_whatever_the_soft_ones_say() {
    let accounts = [
        with(account("corp", "1"), &[("guid", "1"), ("sid", "7"), ("mail", "a@t")]),
        with(account("cloud", "x"), &[("guid", "1"), ("mail", "b@t")]),
        with(account("okta", "y"), &[("sid", "7"), ("mail", "B@T")]),
        with(account("okta", "z"), &[("mail", "a@t")]),
    ];
    let (persons, conflicts) = of(&accounts, &Joining::default().and(Anchor::Mail));
    // z has the mail of somebody who has an account in its directory already.
    assert_eq!(persons, ["cloud/x corp/1 okta/y", "okta/z"]);
    assert_eq!(conflicts.len(), 1);
    assert_eq!((conflicts[0].kind, &conflicts[0].anchor), (ConflictKind::Ambiguous, &Some(Anchor::Mail)));
}

#[test]
fn a_hard_anchor_on_two_accounts_of_a_directory_names_neither_and_harms_no_other() {
    let accounts = [
        with(account("corp", "1"), &[("guid", "1"), ("mail", "m@t")]),
        with(account("cloud", "x"), &[("guid", "1")]),
        with(account("okta", "y"), &[("guid", "1"), ("mail", "m@t")]),
        with(account("okta", "z"), &[("guid", "1")]),
    ];
    let (persons, conflicts) = of(&accounts, &Joining::default().and(Anchor::Mail));
    assert_eq!(persons, ["cloud/x corp/1", "okta/y", "okta/z"], "not even by mail");
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!((conflicts[0].kind, conflicts[0].value.as_deref()), (ConflictKind::Shared, Some("1")));
    let named: Vec<String> = conflicts[0].accounts.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["okta/y", "okta/z"]);
    assert!(conflicts[0].to_string().contains("immutable-id \"1\""), "{}", conflicts[0]);
}

#[test]
fn anchors_that_name_different_objects_join_nobody() {
    let accounts = [
        with(account("corp", "1"), &[("guid", "1"), ("sid", "1")]),
        with(account("corp", "2"), &[("guid", "2"), ("sid", "2")]),
        with(account("cloud", "x"), &[("guid", "1"), ("sid", "2")]),
    ];
    let (persons, conflicts) = of(&accounts, &Joining::default());
    assert_eq!(persons, ["cloud/x", "corp/1", "corp/2"]);
    assert_eq!((conflicts.len(), conflicts[0].kind), (1, ConflictKind::Contradiction));
    // By the one that the organisation trusts.
    let (persons, conflicts) = of(&accounts, &Joining::by([Anchor::SecurityId]));
    assert_eq!(persons, ["cloud/x corp/2", "corp/1"]);
    assert!(conflicts.is_empty());
}

#[test]
fn a_person_of_two_forests_is_joined_softly_and_a_pointer_elsewhere_is_not() {
    let number = Anchor::Attribute(vec!["employeeId".into(), "employeeNumber".into()]);
    let joining = Joining::default().and(number);
    let own = |directory: &str, id: &str, number: &str| {
        with(account(directory, id), &[("guid", id), ("sid", id), ("employeeID", number)])
    };
    let accounts = [
        own("east", "1", "77"),
        own("west", "2", "77"),
        with(account("cloud", "x"), &[("guid", "1")]),
        with(account("okta", "y"), &[("guid", "2"), ("employeeNumber", "77")]),
        own("east", "3", "88"),
        // It points to an object that nobody enumerated.
        with(account("cloud", "z"), &[("guid", "9"), ("employeeId", "88")]),
    ];
    let (persons, conflicts) = of(&accounts, &joining);
    assert_eq!(persons, ["cloud/x east/1 okta/y west/2", "cloud/z", "east/3"]);
    assert_eq!((conflicts.len(), conflicts[0].kind), (1, ConflictKind::Ambiguous));
}

#[test]
fn a_later_soft_anchor_may_join_what_an_earlier_one_left() {
    let accounts = [
        with(account("corp", "1"), &[("mail", "team@t"), ("upn", "one@t")]),
        with(account("corp", "2"), &[("mail", "team@t")]),
        with(account("okta", "y"), &[("mail", "team@t"), ("upn", "ONE@t")]),
    ];
    let (persons, conflicts) = of(&accounts, &Joining::default().and(Anchor::Mail).and(Anchor::PrincipalName));
    assert_eq!(persons, ["corp/1 okta/y", "corp/2"]);
    assert_eq!((conflicts.len(), conflicts[0].kind), (1, ConflictKind::Shared));
    let (persons, _) = of(&accounts, &Joining::by([]).and(Anchor::Mail));
    assert_eq!(persons.len(), 3, "nobody knows whose mail it is");
}

#[test]
fn who_is_nobodys_own_counts_when_joined_and_not_alone() {
    let mut service = with(account("corp", "svc"), &[("guid", "svc")]);
    service.kind = AccountKind::Service;
    let mut machine = account("corp", "pc");
    machine.kind = AccountKind::Computer;
    let accounts = [service, machine, with(account("okta", "y"), &[("guid", "svc")]), account("okta", "z")];
    let mut persons = join(&accounts, &Joining::default());
    let counts = persons.counts();
    assert_eq!((counts.persons, counts.joined, counts.accounts, counts.conflicts), (2, 1, 2, 0));
    let known = persons.memberships(Place::after(0), 10).unwrap();
    // corp/pc, corp/svc, okta/y, okta/z
    assert_eq!(known.len(), 4);
    assert_eq!((&known[0].person, known[0].joined), (&None, None));
    assert_eq!((&known[1].person, known[1].joined), (&known[2].person, Some(Place::after(1))));
    assert_eq!(known[1].person, Some(PersonId::of(&accounts[0].directory, &accounts[0].id)));
    assert_eq!(known[3].person, Some(PersonId::of(&accounts[3].directory, &accounts[3].id)));
}

#[test]
fn accounts_out_of_order_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut joiner = Joiner::open(folder.path(), Joining::default()).unwrap();
    joiner.add(&[account("b", "1")]).unwrap();
    for wrong in [account("b", "1"), account("a", "2")] {
        assert!(joiner.add(&[wrong]).is_err());
    }
    joiner.add(&[account("b", "2")]).unwrap();
    drop(joiner);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_value_on_very_many_accounts_is_one_conflict() {
    let mut accounts: Vec<Account> =
        (0..2_000).map(|n| with(account("okta", &format!("{n:05}")), &[("guid", "0")])).collect();
    accounts.push(with(account("corp", "0"), &[("guid", "0")]));
    accounts.push(with(account("cloud", "x"), &[("guid", "0")]));
    let (persons, conflicts) = of(&accounts, &Joining::default());
    assert_eq!((persons.len(), conflicts.len()), (2_001, 1));
    assert_eq!((conflicts[0].accounts.len(), conflicts[0].further), (10, 1_990));
}

/// What the oracle makes of accounts: persons, and the number of conflicts of each kind.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    groups: BTreeSet<BTreeSet<String>>,
    conflicts: BTreeMap<ConflictKind, usize>,
}

/// The rules of the module, written down once more without any thought of speed: sets of accounts that
/// are merged as long as anything can be.
fn oracle(accounts: &[Account], joining: &Joining) -> Told {
    let name = |at: usize| format!("{}/{}", accounts[at].directory, accounts[at].id);
    let all: Vec<usize> = (0..accounts.len()).collect();
    let carriers = |anchor: &Anchor| {
        let mut by_value: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for at in &all {
            if let Some(value) = anchor.value(&accounts[*at]) {
                by_value.entry(value).or_default().push(*at);
            }
        }
        by_value
    };
    let has_twin = |at: usize, among: &[usize]| {
        among.iter().any(|other| *other != at && accounts[*other].directory == accounts[at].directory)
    };
    let one_directory_twice = |set: &BTreeSet<usize>| {
        let members: Vec<usize> = set.iter().copied().collect();
        members.iter().any(|at| has_twin(*at, &members))
    };
    let mut conflicts = BTreeMap::new();
    let mut out: BTreeSet<usize> = BTreeSet::new();
    let mut edges = Vec::new();
    for anchor in joining.hard() {
        for carriers in carriers(anchor).values() {
            let shared: Vec<usize> = carriers.iter().copied().filter(|at| has_twin(*at, carriers)).collect();
            if !shared.is_empty() {
                *conflicts.entry(ConflictKind::Shared).or_insert(0) += 1;
                out.extend(shared);
            }
            edges.extend(carriers.iter().flat_map(|a| carriers.iter().map(move |b| (*a, *b))));
        }
    }
    let apart = || all.iter().map(|at| BTreeSet::from([*at])).collect::<BTreeSet<_>>();
    let merge = |mut sets: BTreeSet<BTreeSet<usize>>, edges: &[(usize, usize)], out: &BTreeSet<usize>| {
        for (a, b) in edges.iter().filter(|(a, b)| !out.contains(a) && !out.contains(b)) {
            let (with, without) =
                sets.into_iter().partition(|set: &BTreeSet<usize>| set.contains(a) || set.contains(b));
            sets = without;
            let with: BTreeSet<BTreeSet<usize>> = with;
            sets.insert(with.into_iter().flatten().collect());
        }
        sets
    };
    let mut persons = BTreeSet::new();
    for set in merge(apart(), &edges, &out) {
        let differ = joining
            .hard()
            .any(|anchor| set.iter().filter_map(|at| anchor.value(&accounts[*at])).collect::<BTreeSet<_>>().len() > 1);
        if set.len() > 1 && (one_directory_twice(&set) || differ) {
            *conflicts.entry(ConflictKind::Contradiction).or_insert(0) += 1;
            persons.extend(set.iter().map(|at| BTreeSet::from([*at])));
            out.extend(set);
        } else {
            persons.insert(set);
        }
    }
    for anchor in joining.soft() {
        let mut edges = Vec::new();
        for carriers in carriers(anchor).values() {
            if carriers.iter().any(|at| has_twin(*at, carriers)) {
                *conflicts.entry(ConflictKind::Shared).or_insert(0) += 1;
            } else {
                edges.extend(carriers.iter().flat_map(|a| carriers.iter().map(move |b| (*a, *b))));
            }
        }
        let mut next = BTreeSet::new();
        for set in merge(persons.clone(), &edges, &out) {
            let own = |at: &usize| accounts[*at].anchors.immutable_id.as_deref() == Some(accounts[*at].id.as_str());
            let lost = joining.hard().any(|hard| {
                let values = |of_own: bool| -> BTreeSet<String> {
                    set.iter().filter(|at| !of_own || own(at)).filter_map(|at| hard.value(&accounts[*at])).collect()
                };
                values(false).len() > 1 && values(false) != values(true)
            });
            if one_directory_twice(&set) || lost {
                *conflicts.entry(ConflictKind::Ambiguous).or_insert(0) += 1;
                next.extend(persons.iter().filter(|before| before.is_subset(&set)).cloned());
            } else {
                next.insert(set);
            }
        }
        persons = next;
    }
    Told { groups: persons.iter().map(|set| set.iter().map(|at| name(*at)).collect()).collect(), conflicts }
}

fn any_account() -> impl Strategy<Value = (usize, [Option<u8>; 5])> {
    let rarely = |from: u8| prop::option::weighted(0.6, 0..from);
    // Few values, so that they meet; the first is at times the account's own id.
    (0..DIRECTORIES.len(), [rarely(12), rarely(12), rarely(8), rarely(8), rarely(6)])
}

fn described(all: Vec<(usize, [Option<u8>; 5])>) -> Vec<Account> {
    let words = ["guid", "sid", "mail", "upn", "number"];
    let each = |(at, (directory, values)): (usize, (usize, [Option<u8>; 5]))| {
        let anchors: Vec<(&str, String)> =
            words.iter().zip(values).filter_map(|(word, value)| Some((*word, value?.to_string()))).collect();
        let anchors: Vec<(&str, &str)> = anchors.iter().map(|(word, value)| (*word, value.as_str())).collect();
        with(account(DIRECTORIES[directory], &at.to_string()), &anchors)
    };
    all.into_iter().enumerate().map(each).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn what_is_joined_is_what_the_rules_say(
        all in prop::collection::vec(any_account(), 0..16),
        chosen in prop::sample::subsequence(vec![0usize, 1, 2, 3, 4], 0..=5).prop_shuffle(),
    ) {
        let accounts = described(all);
        let anchors = [
            Anchor::ImmutableId,
            Anchor::SecurityId,
            Anchor::Mail,
            Anchor::PrincipalName,
            Anchor::Attribute(vec!["nothing".into(), "number".into()]),
        ];
        let joining = Joining::by(chosen.into_iter().map(|at| anchors[at].clone()));
        let mut persons = join(&accounts, &joining);
        let mut conflicts = BTreeMap::new();
        for conflict in persons.conflicts(usize::MAX).unwrap() {
            prop_assert!(conflict.accounts.len() > 1, "{conflict}");
            *conflicts.entry(conflict.kind).or_insert(0) += 1;
        }
        let told = Told { groups: groups(&mut persons, &accounts), conflicts };
        prop_assert_eq!(&told, &oracle(&accounts, &joining));
        let counts = persons.counts();
        prop_assert_eq!(counts.persons, told.groups.len() as u64);
        prop_assert_eq!(counts.joined, told.groups.iter().filter(|group| group.len() > 1).count() as u64);
        prop_assert_eq!(counts.conflicts, told.conflicts.values().sum::<usize>() as u64);

        // The same accounts in another order: the same persons, with the same ids.
        let mut mixed = accounts.clone();
        mixed.reverse();
        let mut again = join(&mixed, &joining);
        let ids = |persons: &mut Persons| persons.memberships(Place::after(0), 100).unwrap();
        prop_assert_eq!(ids(&mut persons), ids(&mut again));
        prop_assert_eq!(persons.conflicts(100).unwrap(), again.conflicts(100).unwrap());
        let distinct: BTreeSet<_> = ids(&mut persons).into_iter().filter_map(|known| known.person).collect();
        prop_assert_eq!(distinct.len() as u64, counts.persons);
    }
}

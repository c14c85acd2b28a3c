//! The synthetic organisation: deterministic, well-formed at any size, and true to its own claims.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::{BTreeMap, BTreeSet, HashSet};

use identity_core::account::{AccountKind, DirectoryId};
use identity_core::privilege::{MembershipGraph, Tier};
use testkit::organisation::{LdifOptions, Organisation, SPECIAL, special};

#[test]
fn the_same_seed_gives_the_same_organisation_and_another_seed_another() {
    let (one, two, other) = (Organisation::new(1, 500), Organisation::new(1, 500), Organisation::new(2, 500));
    let mut differing = 0;
    for index in 0..500 {
        assert_eq!(one.account(index), two.account(index));
        assert_eq!(one.initial_password(index), two.initial_password(index));
        differing += u32::from(one.account(index).guid != other.account(index).guid);
    }
    assert_eq!(differing, 500);
    assert_eq!(one.account(400), Organisation::new(1, 1_000_000).account(400), "size does not change an account");
}

#[test]
fn names_ids_and_places_are_distinct_and_fit_active_directory() {
    let organisation = Organisation::new(3, 20_000);
    let base = organisation.base_dn();
    let (mut names, mut guids, mut sids, mut dns, mut upns) =
        (HashSet::new(), HashSet::new(), HashSet::new(), HashSet::new(), HashSet::new());
    for account in organisation.accounts() {
        assert!(names.insert(account.name.to_lowercase()), "{}", account.name);
        assert!(guids.insert(account.guid));
        assert!(sids.insert(account.sid.clone()));
        assert!(dns.insert(account.dn(&base).to_lowercase()), "{}", account.dn(&base));
        if let Some(upn) = &account.principal_name {
            assert!(upns.insert(upn.to_lowercase()), "{upn}");
        }
        assert!(account.name.chars().count() <= 20, "{}", account.name);
        assert!((1..=64).contains(&account.cn.chars().count()), "{}", account.cn);
        assert_eq!(organisation.index_of(&account.guid), Some(account.index));
        assert!(account.manager.is_none_or(|manager| manager != account.index && manager < 20_000));
    }
    assert_eq!(organisation.account(special::LONGEST).cn.chars().count(), 64);
    assert_eq!(organisation.index_of(&Organisation::new(4, 20_000).account(9).guid), None);
}

#[test]
fn tiers_agree_with_the_membership_graph_of_the_library() {
    tiers_agree(&Organisation::new(5, 30_000));
}

#[test]
fn many_groups_are_nested_and_a_few_of_them_privileged() {
    let plain = Organisation::new(5, 20_000);
    let organisation = plain.clone().with_groups(4_000);
    tiers_agree(&organisation);
    assert_eq!(organisation.groups().count(), plain.groups().count() + 4_000);
    let names: HashSet<String> = organisation.groups().map(|group| group.name.to_lowercase()).collect();
    let sids: HashSet<String> = organisation.groups().map(|group| organisation.group_sid(group)).collect();
    assert_eq!((names.len(), sids.len()), (organisation.groups().count(), organisation.groups().count()));
    assert!(organisation.accounts().all(|account| !sids.contains(&account.sid)));
    let control = |organisation: &Organisation| {
        organisation.accounts().filter(|account| account.truth.tier == Tier::Control).count()
    };
    let (before, after) = (control(&plain), control(&organisation));
    assert!(after > before && after < 20_000 / 20, "{before} {after}");
    let memberships: usize = organisation.accounts().map(|account| account.member_of.len()).sum();
    assert!(memberships > 4 * 20_000, "{memberships}");
    // The same account in any other way, and the same groups again.
    assert_eq!(organisation.account(777).guid, plain.account(777).guid);
    assert_eq!(plain.with_groups(4_000).account(777), organisation.account(777));
}

fn tiers_agree(organisation: &Organisation) {
    let mut graph = MembershipGraph::default();
    for group in organisation.groups() {
        for list in &group.nested_in {
            graph.nest(group.index, *list);
        }
    }
    let roots = |tier| organisation.groups().filter(move |g| g.grants == Some(tier)).map(|g| g.index);
    let control = graph.close(roots(Tier::Control));
    for account in organisation.accounts() {
        let by_group = account.member_of.iter().any(|group| control.contains_key(group));
        let otherwise = account.primary_group == 512
            || account.primary_group == 516
            || account.primary_group == 521
            || account.rid == 500
            || account.rid == 502
            || !account.sid_history.is_empty()
            || account.name.starts_with("MSOL_");
        assert_eq!(account.truth.tier == Tier::Control, by_group || otherwise, "{}", account.name);
    }
}

#[test]
fn every_special_account_is_what_its_name_says() {
    let organisation = Organisation::new(6, SPECIAL);
    let truth = |index| organisation.account(index).truth;
    for index in [8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 24, 25, 28, 56] {
        assert_eq!(truth(index).tier, Tier::Control, "{index}");
    }
    for index in [special::STALE_ADMIN_COUNT, special::POLICY_CREATOR] {
        assert_eq!(truth(index).tier, Tier::Management, "{index}");
    }
    assert!(organisation.account(special::PRIMARY_GROUP).member_of.is_empty());
    assert_eq!(truth(special::LOOP).tier, Tier::User);
    let kinds = [
        (special::KRBTGT, AccountKind::KerberosTicketGranting),
        (special::KRBTGT_READ_ONLY, AccountKind::KerberosTicketGranting),
        (special::TRUST, AccountKind::Trust),
        (special::SYNC, AccountKind::DirectorySync),
        (special::GUEST, AccountKind::BuiltIn),
        (special::ADMINISTRATOR, AccountKind::Person),
        (special::DELEGATED_MANAGED, AccountKind::ManagedService),
        (special::CONTROLLER, AccountKind::Computer),
        (special::SERVICE, AccountKind::Service),
        (special::SHARED_MAILBOX, AccountKind::Mailbox),
    ];
    for (index, kind) in kinds {
        assert_eq!(truth(index).kind, kind, "{index}");
    }
    for index in [special::BREAK_GLASS_1, special::RUNNER, special::KRBTGT, special::TRUST, special::SYNC] {
        assert!(truth(index).protected_because.is_some(), "{index}");
    }
    let colliding = [special::COLLIDING_1, special::COLLIDING_2].map(|index| organisation.account(index));
    assert_eq!(colliding[0].cn.to_lowercase(), colliding[1].cn.to_lowercase());
}

#[test]
fn a_million_accounts_have_some_hundred_privileged_ones_and_cost_nothing_until_asked_for() {
    let organisation = Organisation::new(7, 1_000_000);
    // Every fifth account, so that the unoptimised test stays short.
    let mut privileged = 0;
    let mut kinds: BTreeMap<AccountKind, u32> = BTreeMap::new();
    for index in (SPECIAL..1_000_000).step_by(5) {
        let account = organisation.account(index);
        privileged += u32::from(account.truth.tier != Tier::User) * 5;
        *kinds.entry(account.truth.kind).or_default() += 1;
    }
    assert!((150..1500).contains(&privileged), "{privileged}");
    assert!(kinds[&AccountKind::Person] > 160_000 && kinds[&AccountKind::ManagedService] > 500, "{kinds:?}");
    assert!(organisation.groups().count() < 250, "groups are bounded");
}

#[test]
fn ldif_names_parents_before_children_and_nothing_that_a_client_cannot_make() {
    let organisation = Organisation::new(8, 400);
    let base = "DC=example,DC=test";
    let mut known: BTreeSet<String> = ["CN=Users", "CN=Builtin", "CN=Password Settings Container,CN=System"]
        .map(|unit| format!("{unit},{base}"))
        .into();
    known.extend(organisation.groups().filter(|group| group.well_known).map(|group| group.dn(base)));
    let mut text = Vec::new();
    organisation.write_ldif(&LdifOptions::new(base), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let mut passwords = 0;
    for record in text.split("\n\n").filter(|record| !record.is_empty()) {
        let (dn, rest) = record.split_once('\n').unwrap();
        let dn = read(dn.strip_prefix("dn:").unwrap());
        if rest.contains("changetype: add") {
            let unescaped_comma = dn.char_indices().find(|(at, c)| *c == ',' && !dn[..*at].ends_with('\\')).unwrap().0;
            let parent = &dn[unescaped_comma + 1..];
            assert!(parent == base || known.contains(parent), "{dn} before its parent");
            assert!(known.insert(dn), "twice");
        } else {
            assert!(known.contains(&dn), "{dn} changed before it is made");
            for line in rest.lines().filter(|line| line.starts_with("member:") || line.starts_with("manager:")) {
                let target = read(line.split_once(':').unwrap().1);
                assert!(known.contains(&target), "{target} named before it is made");
            }
        }
        passwords += u32::from(rest.contains("unicodePwd::"));
    }
    let creatable = organisation.accounts().filter(|account| account.creatable()).count();
    assert!(creatable > 300);
    assert!(passwords > 280);
    for absent in ["krbtgt", "PARTNER$", "gmsa", "sIDHistory"] {
        assert!(!text.contains(absent), "{absent}");
    }
}

#[test]
fn conversion_gives_the_same_kind_and_the_anchors() {
    let organisation = Organisation::new(9, 300);
    let directory = DirectoryId::new("corp").unwrap();
    for synthetic in organisation.accounts() {
        let account = organisation.to_account(&directory, synthetic.index).unwrap();
        let expected = if synthetic.external { AccountKind::Guest } else { synthetic.truth.kind };
        assert_eq!(account.kind, expected);
        assert_eq!(account.anchors.security_id.as_deref(), Some(synthetic.sid.as_str()));
        assert_eq!(account.state.enabled, synthetic.enabled());
    }
}

fn read(value: &str) -> String {
    use base64::Engine as _;
    match value.strip_prefix(": ") {
        Some(encoded) => String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).unwrap()).unwrap(),
        None => value.trim_start().to_owned(),
    }
}

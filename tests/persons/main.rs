//! One organisation in three directories: whose accounts are whose, as each backend tells it.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod inventory;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use identity_reset::account::DirectoryId;
use identity_reset::directory::Backend;
use identity_reset::entra::{EntraConfig, EntraDirectory};
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::okta::{AnchorAttributes, OktaConfig, OktaDirectory};
use identity_reset::person::{Anchor, Joining, PersonId};
use identity_reset::plan::{Plan, PlanRow, PlanSpec, Population, Selection};
use testkit::mock_ad::MockAd;
use testkit::mock_graph::MockGraph;
use testkit::mock_okta::MockOkta;
use testkit::organisation::Organisation;

const ACCOUNTS: u64 = 160;

struct Mocks {
    ad: MockAd,
    graph: MockGraph,
    okta: MockOkta,
    backends: Vec<Arc<dyn Backend>>,
    folder: tempfile::TempDir,
}

fn id(text: &str) -> DirectoryId {
    DirectoryId::new(text).expect("an id")
}

impl Mocks {
    async fn start() -> Self {
        let organisation = Organisation::new(5, ACCOUNTS);
        let ad = MockAd::builder().organisation(organisation.clone()).start().await.expect("a domain");
        let graph = MockGraph::builder(organisation.clone()).without_quotas().start().await.expect("a tenant");
        let okta = MockOkta::builder(organisation).without_quotas().start().await.expect("an org");
        let corp = LdapConfig::new(id("corp"), ad.url())
            .ca_pem(ad.ca_pem())
            .bind(ad.bind_dn(), ad.bind_password().to_owned().into());
        let secret = graph.client_secret().expect("a secret");
        let cloud = EntraConfig::new(id("cloud"), graph.tenant_id().to_string())
            .client_secret(graph.client_id().to_string(), secret.into())
            .login_url(graph.login_url())
            .graph_url(graph.graph_url())
            .without_quotas();
        let org = OktaConfig::new(id("org"), okta.url())
            .api_token(okta.api_token().into())
            .without_quotas()
            .anchors(AnchorAttributes::default().object_guid("objectGUID").security_id("objectSid"));
        let backends: Vec<Arc<dyn Backend>> = vec![
            LdapDirectory::connect(corp).await.expect("corp"),
            EntraDirectory::connect(cloud).await.expect("cloud"),
            OktaDirectory::connect(org).await.expect("org"),
        ];
        Self { ad, graph, okta, backends, folder: tempfile::tempdir().expect("a folder") }
    }

    async fn plan(&self, joining: Joining) -> Plan {
        let spec = PlanSpec::default().select(Selection::everyone()).with_joining(joining);
        let path = self.folder.path().join("plan.jsonl");
        spec.builder().directories(self.backends.clone()).write_to(path).await.expect("a plan")
    }

    /// Which account of the organisation each account is of, by `directory/id`; and whether it says so by
    /// a hard anchor.
    fn truth(&self) -> BTreeMap<String, (u64, bool)> {
        let organisation = self.ad.organisation();
        let mut truth: BTreeMap<String, (u64, bool)> =
            organisation.accounts().map(|account| (format!("corp/{}", account.guid), (account.index, true))).collect();
        for user in self.graph.users() {
            if let Some(index) = user.account {
                truth.insert(format!("cloud/{}", user.id), (index, user.truth().joined_with == Some(index)));
            }
        }
        for user in self.okta.users() {
            if let Some(index) = user.account {
                truth.insert(format!("org/{}", user.id), (index, user.on_prem.is_some()));
            }
        }
        truth
    }
}

fn rows(plan: &Plan) -> Vec<(String, PlanRow)> {
    let named = |row: PlanRow| match &row {
        PlanRow::Entry(entry) => (format!("{}/{}", entry.directory, entry.id), row),
        PlanRow::LeftOut { directory, id, .. } => (format!("{directory}/{id}"), row),
    };
    plan.rows().expect("rows").map(|row| named(row.expect("a row"))).collect()
}

/// Persons with accounts in several directories.
fn joined(rows: &[(String, PlanRow)]) -> BTreeSet<BTreeSet<String>> {
    let mut persons: BTreeMap<PersonId, BTreeSet<String>> = BTreeMap::new();
    for (name, row) in rows {
        if let Some(person) = row.person() {
            persons.entry(person.clone()).or_default().insert(name.clone());
        }
    }
    persons.into_values().filter(|accounts| accounts.len() > 1).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_directories_of_one_organisation_join_exactly() {
    let mocks = Mocks::start().await;
    let plan = mocks.plan(Joining::default()).await;
    let rows = rows(&plan);
    let seen: BTreeSet<&String> = rows.iter().map(|(name, _)| name).collect();
    let truth = mocks.truth();
    // By what the mocks were made from: each account that points to one of Active Directory, with it.
    let mut expected: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for (name, (index, hard)) in &truth {
        if *hard && seen.contains(name) {
            expected.entry(*index).or_default().insert(name.clone());
        }
    }
    let expected: BTreeSet<BTreeSet<String>> = expected.into_values().filter(|accounts| accounts.len() > 1).collect();
    assert_eq!(joined(&rows), expected);
    let in_all = expected.iter().filter(|accounts| accounts.len() == 3).count();
    assert!(in_all > 40 && expected.len() > 80, "{in_all} of {}", expected.len());
    let persons = plan.header().persons.as_ref().expect("persons");
    assert_eq!(
        (persons.counts.conflicts, persons.counts.joined),
        (0, expected.len() as u64),
        "{:?}",
        persons.conflicts
    );

    // Whoever is privileged anywhere is so everywhere, and only they.
    let mut privileged: BTreeMap<&PersonId, BTreeSet<bool>> = BTreeMap::new();
    let mut lifted = 0;
    for (_, row) in &rows {
        if let (Some(person), PlanRow::Entry(entry)) = (row.person(), row) {
            privileged.entry(person).or_default().insert(entry.population == Population::Privileged);
            let by_person = |ground: &String| ground.contains("by person: the same person has");
            lifted += usize::from(!entry.grounds.is_empty() && entry.grounds.iter().all(by_person));
        }
    }
    assert!(privileged.values().all(|populations| populations.len() == 1));
    assert!(lifted > 3, "{lifted}");

    // Sessions follow the one password of the same person.
    let by_seq: BTreeMap<u64, &PlanRow> = rows
        .iter()
        .filter_map(|(_, row)| if let PlanRow::Entry(entry) = row { Some((entry.seq, row)) } else { None })
        .collect();
    let mut following = 0;
    for (name, row) in &rows {
        let PlanRow::Entry(entry) = row else { continue };
        for seq in &entry.follows {
            assert_eq!(by_seq[seq].person(), row.person(), "{name}");
            following += 1;
        }
    }
    assert!(following > 80, "{following}");
    let digest = plan.digest().to_owned();
    assert_eq!(mocks.plan(Joining::default()).await.digest(), digest, "the same state, the same bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_mail_join_more_and_never_two_people() {
    let mocks = Mocks::start().await;
    let hard = joined(&rows(&mocks.plan(Joining::default()).await));
    let soft = joined(&rows(&mocks.plan(Joining::default().and(Anchor::PrincipalName).and(Anchor::Mail)).await));
    let accounts = |persons: &BTreeSet<BTreeSet<String>>| persons.iter().map(BTreeSet::len).sum::<usize>();
    assert!(accounts(&soft) > accounts(&hard), "{} and {}", accounts(&soft), accounts(&hard));
    let truth = mocks.truth();
    for person in &soft {
        let of: BTreeSet<_> = person.iter().map(|name| truth.get(name).map(|(index, _)| *index)).collect();
        assert_eq!(of.len(), 1, "{person:?}");
    }
    assert!(hard.iter().all(|person| soft.iter().any(|more| more.is_superset(person))));
}

//! Every playbook of `examples/playbooks`, tried on an Active Directory, the tenant and the Okta org of
//! the same people: who is in the plan and what is done to them. Nothing is touched.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use identity_reset::account::DirectoryId;
use identity_reset::directory::DirectoryInfo;
use identity_reset::entra::{EntraConfig, EntraDirectory};
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::okta::{OktaConfig, OktaDirectory};
use identity_reset::plan::{Disposition, Entry, PlanRow};
use identity_reset::playbook::{Arguments, Playbook, Shelf, TRIGGERS};
use identity_reset::prelude::*;
use testkit::mock_ad::MockAd;
use testkit::mock_graph::MockGraph;
use testkit::mock_okta::MockOkta;
use testkit::organisation::Organisation;

const ACCOUNTS: u64 = 120;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/playbooks")
}

struct World {
    ad: MockAd,
    _graph: MockGraph,
    _okta: MockOkta,
    backends: Vec<Arc<dyn Backend>>,
}

fn id(text: &str) -> DirectoryId {
    DirectoryId::new(text).expect("an id")
}

async fn world() -> World {
    let organisation = Organisation::new(3, ACCOUNTS);
    let ad = MockAd::builder().organisation(organisation.clone()).start().await.expect("a domain");
    let config = LdapConfig::new(id("corp"), ad.url())
        .ca_pem(ad.ca_pem())
        .bind(ad.bind_dn(), ad.bind_password().to_owned().into());
    let corp: Arc<dyn Backend> = LdapDirectory::connect(config).await.expect("a domain");
    let graph = MockGraph::builder(organisation.clone()).without_quotas().start().await.expect("a tenant");
    let config = EntraConfig::new(id("cloud"), graph.tenant_id().to_string())
        .client_secret(graph.client_id().to_string(), graph.client_secret().expect("a secret").into())
        .login_url(graph.login_url())
        .graph_url(graph.graph_url())
        .without_quotas();
    let cloud: Arc<dyn Backend> = EntraDirectory::connect(config).await.expect("a tenant");
    let okta = MockOkta::builder(organisation).without_quotas().start().await.expect("an org");
    let config = OktaConfig::new(id("org"), okta.url()).api_token(okta.api_token().into()).without_quotas();
    let org: Arc<dyn Backend> = OktaDirectory::connect(config).await.expect("an org");
    World { ad, _graph: graph, _okta: okta, backends: vec![corp, cloud, org] }
}

/// A plan by a playbook, and its rows.
struct Tried {
    plan: Plan,
    rows: Vec<PlanRow>,
    _folder: tempfile::TempDir,
}

impl Tried {
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.rows.iter().filter_map(|row| match row {
            PlanRow::Entry(entry) => Some(entry),
            PlanRow::LeftOut { .. } => None,
        })
    }

    fn actions(&self) -> impl Iterator<Item = (&Entry, &[Action])> {
        self.entries().filter_map(|entry| match &entry.disposition {
            Disposition::Reset { actions } => Some((entry, actions.as_slice())),
            Disposition::Manual { .. } => None,
        })
    }

    /// The names that are reset, by directory.
    fn reset(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (entry, _) in self.actions() {
            names.entry(entry.directory.to_string()).or_default().insert(entry.name.clone());
        }
        names
    }
}

async fn attempt(world: &World, playbook: &str, arguments: Arguments) -> Tried {
    let playbook = Playbook::from_file(folder().join(format!("{playbook}.toml"))).expect("a playbook");
    let infos: Vec<DirectoryInfo> = world.backends.iter().map(|backend| backend.info().clone()).collect();
    let spec = playbook.order(&arguments, &infos).expect("an order");
    let folder = tempfile::tempdir().expect("a folder");
    let make =
        |name: &str| spec.clone().builder().directories(world.backends.clone()).write_to(folder.path().join(name));
    let plan = make("plan.jsonl").await.expect("a plan");
    let again = make("again.jsonl").await.expect("a plan");
    assert_eq!(plan.digest(), again.digest(), "the same playbook and directories make the same plan");
    let origin = plan.header().spec.origin.as_ref().expect("the plan names its playbook");
    assert_eq!((origin.playbook.as_str(), origin.digest.as_str()), (playbook.name(), playbook.digest()));
    let screen = plan.summary().to_string();
    assert!(screen.contains(playbook.digest()) && screen.contains("call, service desk"), "{screen}");
    let rows = plan.rows().expect("rows").collect::<Result<Vec<_>>>().expect("rows");
    assert_eq!(world.ad.counts().modifies, 0, "nothing may be touched");
    Tried { plan, rows, _folder: folder }
}

fn counts(tried: &Tried) -> [u64; 4] {
    let counts = tried.plan.header().counts;
    assert_eq!(counts.seen, counts.planned + counts.manual + counts.left_out);
    [counts.seen, counts.planned, counts.manual, counts.left_out]
}

#[test]
fn every_documented_trigger_chooses_one_playbook_and_each_playbook_has_one() {
    let shelf = Shelf::from_folder(folder()).expect("playbooks");
    let mut chosen = BTreeSet::new();
    for (word, _) in TRIGGERS {
        let text = format!(r#"{{"trigger": "{word}", "incident": "x"}}"#);
        let trigger = identity_reset::playbook::Trigger::parse(&text).expect("a trigger");
        chosen.insert(shelf.choose(&trigger).unwrap_or_else(|error| panic!("{word}: {error}")).name().to_owned());
    }
    let all: BTreeSet<String> = shelf.iter().map(|playbook| playbook.name().to_owned()).collect();
    assert_eq!(chosen, all);
    for playbook in shelf.iter() {
        assert_eq!(playbook.path().file_stem().and_then(|stem| stem.to_str()), Some(playbook.name()));
    }
}

#[test]
fn the_guide_has_every_word() {
    let guide =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/playbooks.md")).expect("a guide");
    let actions = Action::ALL.iter().map(|action| action.as_str());
    for word in actions.chain(TRIGGERS.iter().map(|(word, _)| *word)) {
        assert!(guide.contains(&format!("`{word}`")), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_for_everybody_plan_everybody() {
    let world = world().await;
    let ransomware = attempt(&world, "ransomware", Arguments::default()).await;
    let privileged = attempt(&world, "privileged_compromise", Arguments::default()).await;
    let arguments = Arguments::default().with("since", "2100-01-01T00:00:00Z");
    let for_sale = attempt(&world, "credentials_for_sale", arguments).await;
    let golden = [counts(&ransomware), counts(&privileged), counts(&for_sale)];
    // Seen, planned, left to people, left out: the three directories of 120 accounts of one organisation.
    assert_eq!(golden, [[357, 321, 9, 27]; 3]);
    assert_eq!(ransomware.reset(), privileged.reset(), "the same people, otherwise");
    assert_eq!(privileged.reset(), for_sale.reset(), "nobody has changed the password since 2100");

    // Whatever can be set twice is, with ransomware, and is not without that being said.
    let twice = |tried: &Tried, population| {
        let of =
            tried.actions().filter(|(entry, _)| entry.population == population && entry.directory.as_str() == "corp");
        // Scrambled alone are those who sign in with a smart card, whatever is asked for.
        of.filter(|(_, actions)| {
            actions.windows(2).any(|two| matches!(two, [Action::Scramble, Action::SetPassword { .. }]))
        })
        .count()
    };
    assert!(twice(&ransomware, Population::Workforce) > 50);
    assert_eq!(twice(&privileged, Population::Workforce), 0);
    assert!(twice(&privileged, Population::Privileged) > 0);
    // What is said of a kind of directory is done there, and nowhere else.
    let temporary: BTreeSet<&str> = privileged
        .actions()
        .filter(|(_, actions)| actions.contains(&Action::SetTemporaryPassword))
        .map(|(entry, _)| entry.directory.as_str())
        .collect();
    assert_eq!(temporary, BTreeSet::from(["org"]));
    let factors = privileged.actions().filter(|(_, actions)| actions.contains(&Action::ResetAuthenticators));
    let factors: Vec<_> = factors.map(|(entry, _)| (entry.directory.as_str(), entry.population.clone())).collect();
    assert!(!factors.is_empty());
    assert!(factors.iter().all(|(id, population)| *id != "corp" && *population == Population::Privileged));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changed_the_password_since_is_left_alone_but_the_privileged() {
    let world = world().await;
    let all = attempt(&world, "credentials_for_sale", Arguments::default().with("since", "2100-01-01T00:00:00Z")).await;
    let none =
        attempt(&world, "credentials_for_sale", Arguments::default().with("since", "1990-01-01T00:00:00Z")).await;
    let privileged = |tried: &Tried| tried.entries().filter(|entry| entry.population == Population::Privileged).count();
    assert_eq!(privileged(&all), privileged(&none));
    assert!(privileged(&all) > 0);
    for entry in none.entries().filter(|entry| entry.population != Population::Privileged) {
        assert_eq!(entry.expected.last_set, None, "{} has a password from after 1990", entry.name);
    }
    // Somewhere between: those before are planned, those after are not.
    let mut times: Vec<_> = all.entries().filter_map(|entry| entry.expected.last_set).collect();
    times.sort_unstable();
    let middle = times[times.len() / 2];
    let arguments = Arguments::default().with("since", middle.to_string()).with("slice", 10);
    let some = attempt(&world, "credentials_for_sale", arguments).await;
    let expected = |entry: &&Entry| {
        entry.population == Population::Privileged || entry.expected.last_set.is_none_or(|set| set < middle)
    };
    let wanted: BTreeSet<_> =
        all.entries().filter(expected).map(|entry| (entry.directory.clone(), entry.id.clone())).collect();
    let found: BTreeSet<_> = some.entries().map(|entry| (entry.directory.clone(), entry.id.clone())).collect();
    assert_eq!(found, wanted);
    assert!(found.len() < all.entries().count());
    let slices = some.plan.waves().iter().filter(|wave| wave.name.starts_with("workforce-"));
    assert!(slices.clone().all(|wave| wave.accounts <= 10) && slices.count() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_for_some_plan_these_alone() {
    let world = world().await;
    let everybody = attempt(&world, "ransomware", Arguments::default()).await;
    // By name: two people of the domain, one of the tenant.
    let people = |id: &str| {
        let names: Vec<String> = everybody
            .entries()
            .filter(|entry| entry.directory.as_str() == id && entry.population == Population::Workforce)
            .map(|entry| entry.id.to_string())
            .collect();
        names
    };
    let named = [people("corp")[0].clone(), people("corp")[1].clone(), people("cloud")[0].clone()];
    let arguments =
        named.iter().fold(Arguments::default(), |arguments, name| arguments.with("accounts", name.as_str()));
    let vendor = attempt(&world, "vendor_breach", arguments).await;
    let found: BTreeSet<String> = vendor.entries().map(|entry| entry.id.to_string()).collect();
    assert_eq!(found, BTreeSet::from(named));

    // By group, as the domain itself tells who is in it.
    let base = world.ad.organisation().base_dn();
    let admins = format!("CN=Domain Admins,CN=Users,{base}");
    let members: BTreeSet<String> = {
        use futures::TryStreamExt;
        let query =
            identity_reset::directory::AccountQuery::of(identity_reset::directory::Scope::Group(admins.clone()));
        let accounts: Vec<Account> = world.backends[0].accounts(&query).try_collect().await.expect("members");
        accounts.into_iter().map(|account| account.id.to_string()).collect()
    };
    let arguments = Arguments::default().with("directory", "corp").with("group", admins.as_str());
    let phished = attempt(&world, "population_phished", arguments).await;
    let found: BTreeSet<String> = phished.entries().map(|entry| entry.id.to_string()).collect();
    assert!(!found.is_empty() && found.is_subset(&members), "{found:?}");
    assert!(
        phished
            .entries()
            .all(|entry| entry.population == Population::Privileged || entry.population == Population::Service)
    );

    // By unit; administrators, service accounts and all the rest do not take part.
    let unit = everybody
        .entries()
        .filter(|entry| entry.directory.as_str() == "corp" && entry.population == Population::Workforce)
        .find_map(|entry| entry.expected.path.as_deref()?.split_once(',').map(|(_, unit)| unit.to_owned()))
        .expect("a unit");
    let arguments = Arguments::default().with("directory", "corp").with("unit", unit.as_str());
    let exercise = attempt(&world, "exercise", arguments).await;
    let mut rows = 0;
    for entry in exercise.entries() {
        rows += 1;
        assert_eq!(entry.population, Population::Workforce);
        assert!(entry.expected.path.as_deref().is_some_and(|path| path.ends_with(&unit)), "{:?}", entry.expected.path);
    }
    assert!(rows > 0);
    let screen = exercise.plan.summary().to_string();
    assert!(
        screen.contains("then a pause of 30 s") && screen.contains("an exercise touches no administrator"),
        "{screen}"
    );
}

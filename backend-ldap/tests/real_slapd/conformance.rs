//! The conformance suite on the real server.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use backend_ldap::PlainDirectory;
use futures::TryStreamExt;
use identity_core::account::AccountId;
use identity_core::directory::{AccountEnumerator, AccountQuery, Backend};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::reset::Secret;
use testkit::conformance::{self, Circumstance, Harness, SignIn, Truth};

use crate::population::Population;
use crate::server::{BASE, Server};

struct SlapdHarness {
    server: Server,
    population: Population,
    directory: Arc<PlainDirectory>,
    /// Names by id, from the rootdn's view.
    names: HashMap<AccountId, String>,
}

impl SlapdHarness {
    async fn new(server: Server, population: Population) -> Self {
        let directory = server.connect().await;
        let search = server.root().await.search(BASE, ldap3::Scope::Subtree, "(uid=*)", &["uid", "entryUUID"]).await;
        let (entries, _) = search.expect("answer").success().expect("found");
        let names = entries
            .into_iter()
            .map(ldap3::SearchEntry::construct)
            .map(|entry| (AccountId::new(&entry.attrs["entryUUID"][0]).expect("id"), entry.attrs["uid"][0].clone()))
            .collect();
        Self { server, population, directory, names }
    }

    fn dn(&self, account: &AccountId) -> Option<String> {
        self.names.get(account).map(|name| Population::dn(name))
    }
}

#[async_trait]
impl Harness for SlapdHarness {
    fn directory(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.directory) as Arc<dyn Backend>
    }

    async fn touchable(&self) -> Result<Vec<AccountId>> {
        let may = |name: &str| name >= "p040" && name.starts_with('p') || name.starts_with("svc") && name.len() == 4;
        let mut ids: Vec<&AccountId> = self.names.iter().filter(|(_, name)| may(name)).map(|(id, _)| id).collect();
        ids.sort_by_key(|id| self.names.get(*id));
        Ok(ids.into_iter().cloned().collect())
    }

    async fn sign_in(&self, account: &AccountId, password: &Secret) -> Result<SignIn> {
        let dn = self.dn(account).ok_or_else(|| Error::new(ErrorKind::AccountNotFound, "sign in"))?;
        Ok(self.server.sign_in(&dn, password.expose()).await)
    }

    async fn old_password(&self, account: &AccountId) -> Option<Secret> {
        self.names.get(account).map(|name| Secret::new(Population::old_password(name)))
    }

    async fn times_set(&self, account: &AccountId) -> Option<u64> {
        // Each set puts the password before it into the history.
        let entry = self.server.entry(&self.dn(account)?, &["pwdHistory"]).await;
        Some(entry.attrs.get("pwdHistory").map_or(0, |values| values.len() as u64))
    }

    async fn truth(&self) -> Option<Truth> {
        Some(self.population.truth())
    }

    async fn arrange(&self, circumstance: &Circumstance) -> bool {
        match circumstance {
            Circumstance::LockOut(account) => {
                let Some(dn) = self.dn(account) else { return false };
                for _ in 0..5 {
                    self.server.sign_in(&dn, "not-the-password").await;
                }
                true
            }
            Circumstance::DropConnections => {
                self.server.kill();
                self.server.again();
                true
            }
            Circumstance::HideMemberships => {
                let group = format!("cn=helpdesk,ou=groups,{BASE}");
                self.server.root().await.delete(&group).await.is_ok_and(|result| result.rc == 0)
            }
            _ => false,
        }
    }

    fn planted_secrets(&self) -> Vec<Secret> {
        vec![Secret::new(self.server.reset_password())]
    }

    fn principal(&self) -> Option<AccountId> {
        self.names.iter().find(|(_, name)| *name == "svc-identity-reset").map(|(id, _)| id.clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes() {
    let population = Population { people: 120 };
    let Some(server) = Server::start("conformance", &population.ldif()) else { return };
    let harness = SlapdHarness::new(server, population).await;
    let report = conformance::run(&harness).await;
    eprintln!("{report}");
    assert!(report.is_conformant(), "{report}");
    // What this server cannot be made to do on demand; everything else has to run.
    for (case, missing) in report.skipped() {
        let known = ["cut", "slow down", "truncate listing", "in flight", "capability", "a directory with"];
        assert!(known.iter().any(|word| missing.contains(word)), "{case} was skipped: {missing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_word_about_privilege_everybody_is_unknown() {
    let population = Population { people: 40 };
    let Some(server) = Server::start("privilege fails closed", &population.ldif()) else { return };
    let bare = backend_ldap::PlainConfig::new(server.transport());
    for (config, is_closed) in [
        (bare.clone(), true),
        (bare.clone().nobody_is_privileged(), false),
        (bare.clone().privileged_group("no such group"), true),
        (bare.clone().privileged_account("uid=nobody,dc=example,dc=test"), true),
        (bare.privileged_account(Population::dn("p010")), false),
    ] {
        let directory: Arc<dyn Backend> = PlainDirectory::connect(config.clone()).await.expect("connects");
        let index = directory.privileges().await.expect("an index");
        assert_eq!(!index.incomplete().is_empty(), is_closed, "{config:?}: {:?}", index.incomplete());
        let accounts: Vec<_> = directory.accounts(&AccountQuery::everyone()).try_collect().await.expect("listed");
        for account in accounts {
            let verdict = index.classify(&account.id);
            let holds = account.name == "svc-identity-reset" || account.name == "p010" && !verdict.grounds.is_empty();
            assert_eq!(verdict.is_privileged(), is_closed || holds, "{}: {verdict:?}", account.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_of_the_overlay_are_shown_and_a_filter_tells_services() {
    let population = Population { people: 40 };
    let Some(server) = Server::start("memberOf and services", &population.ldif()) else { return };
    let mut root = server.root().await;
    let name = format!("cn=painters,ou=groups,{BASE}");
    let set = |value: &str| std::collections::HashSet::from([value.to_owned()]);
    let member = Population::dn("p007");
    let attributes = vec![
        ("objectClass".to_owned(), set("groupOfNames")),
        ("cn".to_owned(), set("painters")),
        ("member".to_owned(), set(&member)),
    ];
    root.add(&name, attributes).await.expect("answer").success().expect("added");
    let config = server.config().services("(departmentNumber=7)");
    let directory = PlainDirectory::connect(config).await.expect("connects");
    let accounts: Vec<_> = directory.accounts(&AccountQuery::everyone()).try_collect().await.expect("listed");
    let painter = accounts.iter().find(|account| account.name == "p007").expect("listed");
    assert_eq!(painter.groups, ["painters"]);
    assert_eq!(painter.kind, identity_core::account::AccountKind::Service);
    let looked_up = directory.lookup(std::slice::from_ref(&painter.id)).await.expect("read").remove(0);
    assert_eq!(looked_up.as_ref(), Some(painter));
    let services =
        accounts.iter().filter(|account| account.kind == identity_core::account::AccountKind::Service).count();
    assert_eq!((services, accounts.len()), (10, 61), "those of the filter and nobody else; nobody is lost");
}

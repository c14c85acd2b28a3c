//! Against a real domain controller with the synthetic organisation loaded: the conformance suite,
//! and the whole journey over every account.
//!
//! Runs when `testkit/samba/dc env` is in the environment, and says so aloud when not.
//! `IDENTITY_RESET_TEST_SEED` and `IDENTITY_RESET_TEST_ACCOUNTS` say what was loaded.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests may fail, and say what they saw")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use identity_reset::account::{Account, AccountId};
use identity_reset::directory::Backend;
use identity_reset::error::{Error, ErrorKind, Result};
use identity_reset::reset::{Action, Secret};
use testkit::conformance::{self, Harness, KnownAccount, SignIn, Truth};
use testkit::organisation::{ObjectClass, SyntheticAccount, special};

use support::{Evidence, Site, Stand, finish_within, snapshot};

/// The accounts that the conformance suite may touch; the journey's sample is of others.
const TOUCHABLE: std::ops::Range<u64> = 60..180;
/// Accounts that are signed in as, before and after.
const SAMPLE: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn conforms_to_the_suite() {
    let Some(site) = Site::find("the conformance suite on a real controller") else { return };
    let harness = RealHarness::new(site).await;
    let report = conformance::run(&harness).await;
    println!("{report}");
    assert!(report.is_conformant(), "{report}");
    assert!(report.passed() >= 30, "most cases apply: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_journey_resets_every_planned_account_and_no_other() {
    let Some(site) = Site::find("the whole journey on a real controller") else { return };
    let directory = site.directory().await;
    let loaded: BTreeMap<String, SyntheticAccount> = site
        .organisation
        .accounts()
        .filter(|account| account.creatable() && account.class == ObjectClass::User)
        .map(|account| (account.name.to_lowercase(), account))
        .collect();
    let before = snapshot(&directory).await;
    let present = before.values().filter(|account| loaded.contains_key(&account.name.to_lowercase())).count();
    assert_eq!(present, loaded.len(), "the organisation is loaded");
    let sample = sample(&site, &before, &loaded).await;
    assert_eq!(sample.len(), SAMPLE.min(loaded.len() / 2), "accounts that sign in with their first password");

    let stand = Stand::at(&site);
    let run = stand.run("run");
    // About 20 passwords a second, and as many again where the machine is slow.
    let patience = Duration::from_secs(300 + loaded.len() as u64 / 4);
    let ended = finish_within(patience, stand.fresh(&run)).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let evidence = Evidence::read(&run, &stand.identity).await;
    let planned = evidence.resets().count();
    assert_eq!(ended.accounts("planned"), planned as u64);
    assert_eq!(ended.accounts("verified"), planned as u64, "{}", ended.stderr);
    assert_eq!(ended.accounts("seen"), before.len() as u64);
    assert!(planned * 10 > loaded.len() * 8, "{planned} of {} are planned", loaded.len());

    let after = snapshot(&directory).await;
    each_planned_account_was_set_once(&evidence, &before, &after);
    nobody_else_was_touched(&site, &evidence, &before, &after).await;
    let accepted = the_sample_takes_the_new_password_only(&site, &evidence, &after, &sample).await;
    println!(
        "{} accounts seen, {planned} reset and verified in {:.1} s ({:.1} a second); of {} sampled {accepted} take the \
         new password and refuse the old one",
        before.len(),
        ended.lasted.as_secs_f64(),
        planned as f64 / ended.lasted.as_secs_f64(),
        sample.len(),
    );
    assert_eq!(accepted, sample.len());
}

fn version(accounts: &BTreeMap<AccountId, Account>, id: &AccountId) -> u64 {
    accounts.get(id).and_then(|account| account.password.version).unwrap_or_else(|| panic!("{id} has no version"))
}

fn each_planned_account_was_set_once(
    evidence: &Evidence,
    before: &BTreeMap<AccountId, Account>,
    after: &BTreeMap<AccountId, Account>,
) {
    evidence.assert_each_action_ends_once();
    for (entry, actions) in evidence.resets() {
        let (sends, references) = evidence.sends(entry.seq);
        let grown = version(after, &entry.id) - version(before, &entry.id);
        assert!((1..=sends).contains(&grown), "{}: {grown} sets by {sends} intents", entry.name);
        if actions.iter().any(|action| action.needs_sealing()) {
            assert_eq!(references.len(), 1, "{}: {references:?}", entry.name);
            assert!(evidence.password(entry.seq).is_some(), "{} has nothing sealed", entry.name);
        }
    }
}

async fn nobody_else_was_touched(
    site: &Site,
    evidence: &Evidence,
    before: &BTreeMap<AccountId, Account>,
    after: &BTreeMap<AccountId, Account>,
) {
    let mut untouched = 0;
    for (id, name) in evidence.others() {
        let (old, new) = (before.get(id), after.get(id));
        assert_eq!(old.map(|account| &account.password), new.map(|account| &account.password), "{name} was touched");
        assert_eq!(old.map(|account| account.state.enabled), new.map(|account| account.state.enabled), "{name}");
        untouched += 1;
    }
    assert!(untouched >= 5, "krbtgt, the controller, break-glass and ourselves at least: {untouched}");
    let spared: BTreeSet<&str> = evidence.others().map(|(_, name)| name).collect();
    assert!(spared.contains("krbtgt"), "{spared:?}");
    for index in [special::BREAK_GLASS_1, special::BREAK_GLASS_2] {
        let account = site.organisation.account(index);
        assert!(spared.contains(account.name.as_str()), "{} is protected", account.name);
        let (came, text) = site.sign_in(&account.dn(&site.base), &site.organisation.initial_password(index)).await;
        assert_eq!(came, SignIn::Accepted, "{} keeps its password: {text}", account.name);
    }
    let (came, text) = site.sign_in(&site.bind_dn, &site.password).await;
    assert_eq!(came, SignIn::Accepted, "the run's own account: {text}");
    println!("{untouched} accounts outside the plan are as they were");
}

/// Accounts that really sign in with their first password, by name, spread over the organisation.
async fn sample(
    site: &Site,
    before: &BTreeMap<AccountId, Account>,
    loaded: &BTreeMap<String, SyntheticAccount>,
) -> BTreeMap<AccountId, String> {
    let wanted = SAMPLE.min(loaded.len() / 2);
    let candidates: Vec<(&AccountId, &Account, &SyntheticAccount)> = before
        .iter()
        .filter_map(|(id, account)| Some((id, account, loaded.get(&account.name.to_lowercase())?)))
        .filter(|(_, account, known)| {
            account.state.enabled && !TOUCHABLE.contains(&known.index) && known.truth.protected_because.is_none()
        })
        .filter(|(_, account, known)| !account.password.smart_card_required && known.service_names.is_empty())
        .collect();
    // Ids are random, so that neighbours in their order are not neighbours in the organisation.
    let mut sample = BTreeMap::new();
    for (id, account, known) in candidates {
        if sample.len() == wanted {
            break;
        }
        let password = site.organisation.initial_password(known.index);
        let dn = account.path.as_deref().expect("a path");
        if site.sign_in(dn, &password).await.0.took_password() {
            sample.insert(id.clone(), password);
        }
    }
    sample
}

/// How many of the sample refuse the old password and take the new one, as their action says.
async fn the_sample_takes_the_new_password_only(
    site: &Site,
    evidence: &Evidence,
    after: &BTreeMap<AccountId, Account>,
    sample: &BTreeMap<AccountId, String>,
) -> usize {
    let mut accepted = 0;
    for (entry, actions) in evidence.resets() {
        let Some(old) = sample.get(&entry.id) else { continue };
        let dn = after.get(&entry.id).and_then(|account| account.path.as_deref()).expect("a path");
        let new = evidence.password(entry.seq).expect("sealed");
        let (came, text) = site.sign_in(dn, old).await;
        assert_eq!(came, SignIn::Refused, "{dn} still takes the old password");
        assert!(text.contains("data 52e"), "{dn}: a wrong password, and nothing else: {text}");
        let expected = match actions.contains(&Action::SetPassword { must_change: true }) {
            true => SignIn::MustChange,
            false => SignIn::Accepted,
        };
        let (came, text) = site.sign_in(dn, new).await;
        assert_eq!(came, expected, "{dn} with the vault's password: {text}");
        accepted += 1;
    }
    accepted
}

/// The suite's view of the real controller.
struct RealHarness {
    site: Site,
    tested: Arc<dyn Backend>,
    /// Of each account by id: how it is addressed, and its place in the organisation.
    known: BTreeMap<AccountId, (String, Option<u64>)>,
    principal: Option<AccountId>,
}

impl RealHarness {
    async fn new(site: Site) -> Self {
        let tested = site.directory().await;
        let indices: BTreeMap<String, u64> =
            site.organisation.accounts().map(|account| (account.name.to_lowercase(), account.index)).collect();
        let known: BTreeMap<AccountId, (String, Option<u64>)> = snapshot(&tested)
            .await
            .into_values()
            .map(|account| {
                let index = indices.get(&account.name.to_lowercase()).copied();
                (account.id, (account.path.unwrap_or_default(), index))
            })
            .collect();
        let own = known.iter().find(|(_, (dn, _))| dn.eq_ignore_ascii_case(&site.bind_dn));
        let principal = own.map(|(id, _)| id.clone());
        Self { principal, tested, known, site }
    }

    fn dn(&self, account: &AccountId) -> Result<&str> {
        let known = self.known.get(account).map(|(dn, _)| dn.as_str());
        known.ok_or_else(|| Error::new(ErrorKind::AccountNotFound, "sign in").with_account(account.clone()))
    }
}

#[async_trait]
impl Harness for RealHarness {
    fn directory(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.tested)
    }

    async fn touchable(&self) -> Result<Vec<AccountId>> {
        let touchable = self.known.iter().filter(|(_, (_, index))| index.is_some_and(|at| TOUCHABLE.contains(&at)));
        let person = |index: u64| {
            let account = self.site.organisation.account(index);
            account.class == ObjectClass::User && account.truth.protected_because.is_none()
        };
        Ok(touchable.filter(|(_, (_, index))| index.is_some_and(person)).map(|(id, _)| id.clone()).collect())
    }

    async fn sign_in(&self, account: &AccountId, password: &Secret) -> Result<SignIn> {
        Ok(self.site.sign_in(self.dn(account)?, password.expose()).await.0)
    }

    async fn old_password(&self, account: &AccountId) -> Option<Secret> {
        let (dn, index) = self.known.get(account)?;
        let password = self.site.organisation.initial_password((*index)?);
        // Another test may have been here before.
        let still = self.site.sign_in(dn, &password).await.0.took_password();
        still.then(|| Secret::new(password))
    }

    async fn truth(&self) -> Option<Truth> {
        let mut truth = Truth::default();
        let loaded = self.site.organisation.accounts();
        for account in loaded.filter(|account| account.creatable() && !TOUCHABLE.contains(&account.index)) {
            let as_loaded = account.truth.when_loaded();
            let route = as_loaded.grounds.first().map_or("none", |ground| ground.rule);
            let mut known = KnownAccount::new(&account.name, as_loaded.kind).with_tier(as_loaded.tier, route);
            known.enabled = account.enabled();
            known.display_name.clone_from(&account.display_name);
            truth.accounts.push(known);
        }
        Some(truth)
    }

    fn planted_secrets(&self) -> Vec<Secret> {
        vec![Secret::new(self.site.password.clone())]
    }

    fn principal(&self) -> Option<AccountId> {
        self.principal.clone()
    }

    fn patience(&self) -> Duration {
        // Twenty passwords a second, whatever we do.
        Duration::from_secs(180)
    }
}

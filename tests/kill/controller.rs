//! Runs on a real controller.

use std::collections::BTreeMap;
use std::time::Duration;

use identity_reset::account::AccountId;
use rand::rngs::StdRng;
use testkit::organisation::{ObjectClass, Organisation};

use crate::course::{Course, Tally};
use crate::support::{Site, Stand, snapshot};

/// A run over some accounts of a real controller; says how long its last process took.
pub(crate) async fn on_the_controller(
    site: &Site,
    names: Vec<String>,
    tally: &mut Tally,
    random: &mut StdRng,
    kills: u64,
    length: Duration,
) -> Duration {
    let stand = Stand::at(site);
    let list = stand.path().join("chosen.csv");
    std::fs::write(&list, format!("account\n{}\n", names.join("\n"))).expect("a list");
    let directory = site.directory().await;
    let before = snapshot(&directory).await;
    let mut course = Course::new(stand, vec![format!("--select=list:{}", list.display())]);
    let ended = course.travel(tally, random, kills, length, &|| {}).await;

    let evidence = course.evidence().await;
    course.assert_finished(&ended, &evidence, tally);
    let after = snapshot(&directory).await;
    let version = |accounts: &BTreeMap<AccountId, _>, id: &AccountId| {
        let account: &identity_reset::account::Account = accounts.get(id).expect("there");
        account.password.version.expect("a version")
    };
    let mut planned = 0;
    for (entry, actions) in evidence.resets() {
        planned += 1;
        let (sends, references) = evidence.sends(entry.seq);
        let grown = version(&after, &entry.id) - version(&before, &entry.id);
        // An intent may be recorded and the process killed before a byte left.
        assert!((1..=sends).contains(&grown), "{}: {grown} sets by {sends} intents", entry.name);
        tally.sets += grown;
        if actions.iter().any(|action| action.needs_sealing()) {
            assert_eq!(references.len(), 1, "{}: intents name {references:?}", entry.name);
            let dn = after.get(&entry.id).and_then(|account| account.path.clone()).expect("a path");
            let (came, text) = site.sign_in(&dn, evidence.password(entry.seq).expect("sealed")).await;
            assert!(came.took_password(), "{dn}: the vault's password is refused: {text}");
        }
    }
    assert_eq!(planned, names.len(), "all of the list are planned");
    for (id, name) in evidence.others() {
        assert_eq!(version(&after, id), version(&before, id), "{name} is not planned and was touched");
        tally.untouched += 1;
    }
    ended.lasted
}

/// The sign-in names of people who can sign in.
pub(crate) fn ordinary(organisation: &Organisation) -> Vec<String> {
    let accounts = organisation.accounts().skip(60).filter(|account| {
        let usable = account.enabled() && account.expires.is_none() && account.truth.protected_because.is_none();
        account.creatable() && account.class == ObjectClass::User && usable
    });
    accounts.filter(|account| account.service_names.is_empty()).map(|account| account.name).collect()
}

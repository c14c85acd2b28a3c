//! Inventories of three directories of one organisation, and the example `inventory` as its users run it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use identity_reset::inventory::{Inventory, InventoryRow};
use identity_reset::privilege::Tier;
use serde_json::Value;
use testkit::organisation::{Organisation, special};
use tokio::process::Command;

use super::Mocks;
use crate::support::{Ended, Mocks as Site, ON_PREM, Stand, Which, example, finish};

/// Whoever the mocks were made privileged, with the grounds that they were made with.
#[tokio::test(flavor = "multi_thread")]
async fn the_privileged_of_three_directories_are_in_it_and_no_others() {
    let mocks = Mocks::start().await;
    let path = mocks.folder.path().join("inventory.jsonl");
    let inventory = Inventory::take().directories(mocks.backends.clone()).write_to(path).await.expect("an inventory");
    assert!(inventory.header().is_whole(), "{:?}", inventory.header().gaps());
    let rows: Vec<InventoryRow> = inventory.rows().expect("rows").map(|row| row.expect("a row")).collect();
    let found: BTreeMap<(&str, &str), &InventoryRow> =
        rows.iter().map(|row| ((row.directory.as_str(), row.id.as_str()), row)).collect();
    let mut privileged = 0;
    for account in mocks.ad.organisation().accounts() {
        let row = found.get(&("corp", account.guid.to_string().as_str())).copied();
        let own = row.map(|row| {
            let own = row.grounds.iter().filter(|ground| ground.rule != "person");
            own.map(|ground| ground.tier).min().unwrap_or(Tier::User)
        });
        assert_eq!(own.unwrap_or(Tier::User), account.truth.tier, "{}", account.name);
        privileged += u64::from(account.truth.tier != Tier::User);
    }
    assert!(privileged > 20, "{privileged}");
    let privileged_in =
        |directory: &str| rows.iter().filter(|row| row.directory.as_str() == directory && row.is_privileged()).count();
    assert!(privileged_in("cloud") > 5 && privileged_in("org") > 5);
    // Whoever is tier 0 anywhere is so in each of their directories.
    let mut tiers: BTreeMap<_, Vec<Tier>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.is_privileged()) {
        if let Some(person) = &row.person {
            tiers.entry(person.clone()).or_default().push(row.tier);
        }
    }
    assert!(tiers.values().all(|tiers| tiers.windows(2).all(|pair| pair[0] == pair[1])), "{tiers:?}");
    assert!(tiers.values().any(|tiers| tiers.len() == 3));
    // What needs hands has a procedure, also where nobody owns it.
    for (index, word) in [(special::KRBTGT, "krbtgt"), (special::TRUST, "netdom"), (special::SYNC, "Entra Connect")] {
        let row = found[&("corp", mocks.ad.organisation().account(index).guid.to_string().as_str())];
        let hands = row.hands.as_ref().unwrap_or_else(|| panic!("{row:?}"));
        assert!(hands.procedure.contains(word), "{hands:?}");
    }
}

struct Desk {
    site: Site,
    stand: Stand,
}

impl Desk {
    async fn run(&self, arguments: &[&str]) -> Ended {
        static BUILT: OnceLock<std::path::PathBuf> = OnceLock::new();
        let mut command = Command::new(BUILT.get_or_init(|| example("inventory")));
        command.current_dir(self.stand.path()).args(arguments);
        finish(command).await
    }

    async fn take(&self) -> Ended {
        let owners = "[[owner]]\nkind = \"service\"\nowner = \"Platform team\"\nprocedure = \"stop, set, start\"\n";
        std::fs::write(self.stand.path().join("owners.toml"), owners).expect("written");
        self.run(&["take", "--directories", "directories.toml", "--owners", "owners.toml", "--out-dir", "kept"]).await
    }
}

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_takes_compares_and_ticks_off_with_codes_for_scripts() {
    let site = Site::start(Which::OnPrem, Organisation::new(3, 60), std::time::Duration::ZERO).await;
    let desk = Desk { stand: site.stand(), site };
    let ad = desk.site.ad.as_ref().expect("a domain");
    let taken = desk.take().await;
    assert_eq!(taken.code, Some(0), "{taken:?}");
    assert!(taken.stdout.starts_with("sha256:"), "{taken:?}");
    assert_eq!(desk.run(&["diff", "--out-dir", "kept"]).await.code, Some(1), "there is only one");
    assert_eq!(desk.take().await.code, Some(0));
    let same = desk.run(&["diff", "--out-dir", "kept"]).await;
    assert_eq!((same.code, same.stdout.lines().last()), (Some(0), Some("nothing changed")), "{same:?}");

    // Somebody disables an administrator's account.
    let admin = ad.organisation().account(special::ADMINISTRATOR);
    ad.change(&admin.guid, |account| account.uac |= testkit::organisation::uac::DISABLED).expect("changed");
    assert_eq!(desk.take().await.code, Some(0));
    let changed = desk.run(&["diff", "--out-dir", "kept", "--json"]).await;
    assert_eq!(changed.code, Some(2), "{changed:?}");
    let [_, change] = &lines(&changed)[..] else { panic!("{changed:?}") };
    assert_eq!(
        (&change["id"], &change["differences"][0]["difference"]),
        (&admin.guid.to_string().into(), &"state".into())
    );

    // A directory that does not answer is unknown, and the file says so.
    let described = std::fs::read_to_string(desk.stand.directories()).expect("read");
    let (before, rest) = described.split_once("ldaps://").expect("a url");
    let rest = rest.split_once('"').expect("its end").1;
    let broken = format!("{before}ldaps://127.0.0.1:9\"{rest}");
    std::fs::write(desk.stand.directories(), broken).expect("written");
    let unread = desk.take().await;
    assert_eq!(unread.code, Some(3), "{unread:?}");
    assert!(unread.stderr.contains("!!! INCOMPLETE corp: could not be read"), "{unread:?}");
    let diff = desk.run(&["diff", "--out-dir", "kept", "--json"]).await;
    assert_eq!(diff.code, Some(2));
    let found = lines(&diff);
    assert!(found.len() > 20 && !diff.stdout.contains("\"removed\""), "{diff:?}");
    std::fs::write(desk.stand.directories(), described).expect("written");
    for arguments in [&["dif"][..], &["diff", "kept/none", "kept/neither"], &["tick", "--plan", "x"]] {
        assert_eq!(desk.run(arguments).await.code, Some(1), "{arguments:?}");
    }
    tick_off(&desk, Path::new("run")).await;
}

async fn tick_off(desk: &Desk, run: &Path) {
    let ad = desk.site.ad.as_ref().expect("a domain");
    let mut dry = desk.stand.unapproved(run);
    dry.args(["--dry-run", "--owners", "owners.toml"]);
    let planned = finish(dry).await;
    assert_eq!(planned.code, Some(0), "{planned:?}");
    let of_run = ["--plan", "run/plan.jsonl", "--journal", "run/journal.sqlite"];
    let on_record = ["--directories", "directories.toml", "--by", "Ann", "--note", "with its program"];
    let listed = desk.run(&["checklist", "--plan", "run/plan.jsonl", "--json"]).await;
    let listed = lines(&listed);
    let service = ad.organisation().account(special::SERVICE);
    let line = listed.iter().find(|line| line["name"] == service.name.as_str()).expect("the service account");
    assert_eq!((&line["owner"], &line["procedure"]), (&"Platform team".into(), &"stop, set, start".into()), "{line}");
    assert!(listed.iter().any(|line| line["kind"] == "trust" && line["entry"].is_null()), "trusts are on it too");

    let named = format!("{ON_PREM}/{}", service.name);
    let tick = [&["tick"][..], &of_run, &on_record, &["--account", &named]].concat();
    let done = desk.run(&tick).await;
    assert_eq!(done.code, Some(3), "its password is as it was: {done:?}");
    assert!(done.stdout.contains("UNCONFIRMED"), "{done:?}");
    let again = desk.run(&tick).await;
    assert!(again.code == Some(1) && again.stderr.contains("recorded as done by Ann already"), "{again:?}");
    let undo = [&["undo"][..], &of_run, &["--by", "Ann", "--note", "too early", "--account", &named]].concat();
    assert_eq!(desk.run(&undo).await.code, Some(0));

    ad.set_password(&service.guid, "By-hand-98765").expect("set");
    let done = desk.run(&tick).await;
    assert!(done.code == Some(0) && done.stdout.contains("confirmed: its password was set at"), "{done:?}");
    let shown = desk.run(&[&["checklist"][..], &of_run].concat()).await;
    assert!(shown.stdout.contains("[x] by Ann: with its program (confirmed"), "{shown:?}");
    let open = desk.run(&[&["checklist", "--open"][..], &of_run].concat()).await;
    assert!(!open.stdout.contains(&service.name), "{open:?}");
}

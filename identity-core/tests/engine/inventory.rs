//! Inventories of directories in memory: what is in them, what is found to have changed, what cannot be
//! said; and the checklist of a plan.

use std::sync::Arc;

use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
use identity_core::directory::{Backend, DirectoryInfo};
use identity_core::error::ErrorKind;
use identity_core::inventory::{
    Checklist, Difference, Inventory, InventoryBuilder, InventoryChange, InventoryRow, Reading, Side, Standing,
    WhichByHand,
};
use identity_core::journal::{Event, Journal, ManualEvidence, MemoryJournal};
use identity_core::owner::Owners;
use identity_core::plan::{LeftOutReason, PlanRow, PlanSpec};
use identity_core::privilege::Tier;
use identity_core::report::{Report, RowResult};
use identity_core::reset::Secret;
use identity_core::verify::Verifier;
use testkit::fault::{Fault, FaultScript, When};
use testkit::memory::{MemoryDirectory, MemoryGroup};

use crate::support::{World, everyone};

const KINDS: [(&str, AccountKind); 8] = [
    ("admin", AccountKind::Person),
    ("glass", AccountKind::Person),
    ("guest", AccountKind::BuiltIn),
    ("krbtgt", AccountKind::KerberosTicketGranting),
    ("p0", AccountKind::Person),
    ("pc", AccountKind::Computer),
    ("robot", AccountKind::Service),
    ("zeta", AccountKind::Trust),
];

fn id(name: &str) -> AccountId {
    AccountId::new(format!("id-{name}")).unwrap()
}

fn directory_of(name: &str, faults: FaultScript) -> Arc<MemoryDirectory> {
    let directory = DirectoryId::new(name).unwrap();
    let accounts = KINDS.map(|(name, kind)| {
        let mut account = Account::new(directory.clone(), id(name), name, kind);
        account.created = Some("2020-01-01T00:00:00Z".parse().unwrap());
        account.password.last_set = Some("2020-01-02T00:00:00Z".parse().unwrap());
        account.groups = if name == "admin" { vec!["Ops".into()] } else { Vec::new() };
        account
    });
    MemoryDirectory::builder(name)
        .accounts(accounts)
        .group(MemoryGroup::new("Admins").granting(Tier::Control))
        .group(MemoryGroup::new("Desk").granting(Tier::Management))
        .group(MemoryGroup::new("Ops").nested_in("Admins"))
        .faults(faults)
        .build()
        .unwrap()
}

fn corp() -> Arc<MemoryDirectory> {
    directory_of("corp", FaultScript::new(1))
}

fn of(corp: &Arc<MemoryDirectory>) -> InventoryBuilder {
    Inventory::take().directory(Arc::clone(corp) as Arc<dyn Backend>).protect("corp", "glass")
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn take(&self, name: &str, builder: InventoryBuilder) -> Inventory {
        builder.write_to(self.0.path().join(name)).await.unwrap()
    }
}

fn rows(inventory: &Inventory) -> Vec<InventoryRow> {
    inventory.rows().unwrap().map(Result::unwrap).collect()
}

fn changes(older: &Inventory, newer: &Inventory) -> Vec<InventoryChange> {
    newer.changes_since(older).unwrap().map(Result::unwrap).collect()
}

fn of_account<'a>(changes: &'a [InventoryChange], name: &str) -> &'a [Difference] {
    changes.iter().find(|change| change.id == id(name)).map_or(&[], |change| &change.differences)
}

#[tokio::test]
async fn the_privileged_and_those_that_need_hands_are_listed_with_why_how_and_who() {
    let folder = Folder::new();
    let owners = "[[owner]]\nkind = \"trust\"\nowner = \"AD team\"\nprocedure = \"our own runbook\"\n\
                  [[owner]]\naccount = \"nobody\"\nowner = \"x\"\n";
    let inventory = folder.take("a.jsonl", of(&corp()).owners(Owners::from_toml(owners).unwrap())).await;
    let found = rows(&inventory);
    let names: Vec<&str> = found.iter().map(InventoryRow::label).collect();
    assert_eq!(names, ["admin", "glass", "guest", "krbtgt", "robot", "zeta"], "neither the person nor the computer");
    let [admin, glass, guest, krbtgt, robot, zeta] = &found[..] else { panic!() };
    assert_eq!((admin.tier, admin.grounds[0].evidence.join(" > ").as_str()), (Tier::Control, "Ops > Admins"));
    assert!(admin.hands.is_none() && guest.hands.is_none());
    assert!(glass.hands.as_ref().unwrap().reason.contains("protected list"), "{glass:?}");
    assert!(krbtgt.hands.as_ref().unwrap().reason.contains("krbtgt"));
    assert!(robot.hands.as_ref().unwrap().procedure.contains("every program that uses it"), "{robot:?}");
    assert_eq!(zeta.hands.as_ref().unwrap().procedure, "our own runbook");
    assert_eq!((zeta.owner.as_deref(), robot.owner.as_deref()), (Some("AD team"), None));
    let header = inventory.header();
    assert_eq!((header.counts.seen, header.counts.rows, header.counts.tier_0), (8, 6, 1));
    assert_eq!((header.counts.hands, header.counts.unowned, header.is_whole()), (4, 3, true));
    assert!(header.warnings.iter().any(|warning| warning.contains("\"nobody\"")), "{:?}", header.warnings);

    // The digests are those that anybody can compute.
    let bytes = std::fs::read(inventory.path()).unwrap();
    let sha256 = |bytes: &[u8]| {
        use std::io::Write as _;
        let mut child = std::process::Command::new("sha256sum")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()[..64].to_owned()
    };
    assert_eq!(inventory.digest(), format!("sha256:{}", sha256(&bytes)));
    let rest = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert_eq!(header.rows_sha256, sha256(&bytes[rest..]));
    assert_eq!(Inventory::open(inventory.path()).unwrap().digest(), inventory.digest());

    // The same state gives the same rows.
    let again = folder.take("b.jsonl", of(&corp()).owners(Owners::from_toml(owners).unwrap())).await;
    assert_eq!(again.header().rows_sha256, header.rows_sha256);
    assert!(changes(&inventory, &again).is_empty());
}

#[tokio::test]
async fn what_changed_is_told_account_by_account_with_its_paths() {
    let (folder, corp) = (Folder::new(), corp());
    corp.join(&id("robot"), "Desk");
    let older = folder.take("older.jsonl", of(&corp)).await;
    corp.join(&id("p0"), "Ops");
    corp.join(&id("robot"), "Admins");
    corp.set_enabled(&id("admin"), false);
    corp.set_by_somebody_else(&id("glass"), &Secret::new("another-Password-7".into()));
    corp.delete(&id("zeta"));
    corp.rename(&id("krbtgt"), "krbtgt-renamed");
    let owners = Owners::from_csv("owner,kind\nAD team,kerberos_ticket_granting\n").unwrap();
    let newer = folder.take("newer.jsonl", of(&corp).owners(owners)).await;
    let found = changes(&older, &newer);
    assert_eq!(of_account(&found, "p0"), [Difference::Added]);
    assert_eq!(of_account(&found, "zeta"), [Difference::Removed]);
    let [Difference::TierRaised { from: Tier::Management, to: Tier::Control }, Difference::GroundGained { ground }] =
        of_account(&found, "robot")
    else {
        panic!("{found:?}")
    };
    assert_eq!(ground.holds, "Admins");
    let state = Difference::State { from: "enabled".into(), to: "disabled".into() };
    assert_eq!(of_account(&found, "admin"), [state]);
    let [Difference::Password { from, to: Some(to) }] = of_account(&found, "glass") else { panic!("{found:?}") };
    assert!(from.is_none_or(|from| from < *to));
    let [Difference::Name { to, .. }, Difference::Owner { from: None, to: Some(owner) }] = of_account(&found, "krbtgt")
    else {
        panic!("{found:?}")
    };
    assert_eq!((to.as_str(), owner.as_str()), ("krbtgt-renamed", "AD team"));
    assert_eq!(found.len(), 6);
    assert!(found.windows(2).all(|pair| pair[0].id < pair[1].id));

    // Backwards, what was gained is lost.
    let back = changes(&newer, &older);
    assert_eq!(of_account(&back, "p0"), [Difference::Removed]);
    let robot = of_account(&back, "robot");
    assert!(matches!(robot, [Difference::TierLowered { .. }, Difference::GroundLost { .. }]), "{robot:?}");
}

#[tokio::test]
async fn what_could_not_be_read_is_unknown_and_never_removed() {
    let (folder, corp) = (Folder::new(), corp());
    corp.join(&id("robot"), "Desk");
    let older = folder.take("older.jsonl", of(&corp)).await;
    corp.delete(&id("admin"));
    corp.hide_memberships();
    let newer = folder.take("newer.jsonl", of(&corp)).await;
    let Reading::Incomplete { because } = &newer.header().directories[0].reading else { panic!("{newer:?}") };
    let unread = |missing_in| Difference::Unread { missing_in, because: because[0].clone() };
    assert_eq!(of_account(&changes(&older, &newer), "admin"), [unread(Side::Newer)]);
    assert_eq!(of_account(&changes(&newer, &older), "admin"), [unread(Side::Older)], "nor is it said to be new");
    assert_eq!(newer.changes_since(&older).unwrap().directories().len(), 1);
    assert!(!newer.header().is_whole());

    // A directory that was not reached, one that broke off, and one that the inventory is not about.
    let info = DirectoryInfo::new(DirectoryId::new("corp").unwrap(), "memory", "");
    let unreached = Inventory::take().unreached(info, "no route");
    let unreached = folder.take("unreached.jsonl", unreached).await;
    let broken = directory_of("corp", FaultScript::new(1).rule(When::read(), Fault::Forbid));
    let broken = folder.take("broken.jsonl", of(&broken)).await;
    let elsewhere = directory_of("cloud", FaultScript::new(1));
    let elsewhere = folder.take("other.jsonl", Inventory::take().directory(elsewhere)).await;
    for newer in [&unreached, &broken, &elsewhere] {
        let found: Vec<_> = changes(&older, newer).into_iter().filter(|one| one.directory.as_str() == "corp").collect();
        assert_eq!(found.len(), 6, "{found:?}");
        for change in found {
            let [Difference::Unread { missing_in: Side::Newer, .. }] = &change.differences[..] else {
                panic!("{change}")
            };
        }
    }
    assert!(matches!(broken.header().directories[0].reading, Reading::Unread { .. }), "{broken:?}");
    assert!(broken.header().warnings.is_empty(), "no name is missed where nothing was read");
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_refused() {
    let folder = Folder::new();
    let inventory = folder.take("whole.jsonl", of(&corp())).await;
    let text = std::fs::read_to_string(inventory.path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let join = |lines: Vec<&str>| lines.join("\n") + "\n";
    let swapped = join([&lines[..1], &[lines[2], lines[1]], &lines[3..]].concat());
    for (what, damaged, expected) in [
        ("cut", text[..text.len() - 3].to_owned(), "cut off"),
        ("a line less", join(lines[..lines.len() - 1].to_vec()), "digest"),
        ("a line twice", join([&lines[..], &lines[lines.len() - 1..]].concat()), "there twice"),
        ("swapped", swapped, "out of order"),
        ("a word", text.replacen("\"name\":\"admin\"", "\"name\":\"alice\"", 1), "digest"),
        ("counts", text.replacen("\"tier_0\":1", "\"tier_0\":0", 1), "counts"),
        ("version", text.replacen("\"version\":1", "\"version\":7", 1), "version 7"),
        ("empty", String::new(), "empty"),
    ] {
        let path = folder.0.path().join("damaged.jsonl");
        std::fs::write(&path, damaged).unwrap();
        let error = Inventory::open(&path).map(drop).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::InputInvalid, "{what}");
        assert!(error.to_string().contains(expected), "{what}: {error}");
    }
    let twice = Inventory::take().directory(corp()).directory(corp()).write_to(folder.0.path().join("x.jsonl")).await;
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::ConfigInvalid);
}

#[tokio::test]
async fn names_with_times_sort_by_time() {
    let folder = Folder::new();
    let first = of(&corp()).write_into(folder.0.path()).await.unwrap();
    let second = Inventory::file_name("2099-01-02T03:04:05.006Z".parse().unwrap());
    assert_eq!(second, "inventory-20990102T030405006Z.jsonl");
    std::fs::copy(first.path(), folder.0.path().join(&second)).unwrap();
    std::fs::write(folder.0.path().join("notes.jsonl"), "x").unwrap();
    let found = Inventory::newest_in(folder.0.path()).unwrap();
    assert_eq!(found, [folder.0.path().join(second), first.path().to_owned()]);
}

fn spec() -> PlanSpec {
    let owners = "[[owner]]\nkind = \"kerberos_ticket_granting\"\nowner = \"AD on-call\"\n\
                  [[owner]]\ndirectory = \"corp\"\ngroup = \"Robots\"\nowner = \"Robotics\"\nprocedure = \"stop it first\"\n";
    everyone().protect("corp", "glass").with_owners(Owners::from_toml(owners).unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_account_is_ticked_off_once_with_what_its_password_says_and_can_be_taken_back() {
    let directory = corp();
    let owners =
        Owners::from_toml("[[owner]]\naccount = \"robot\"\nowner = \"Robotics\"\nprocedure = \"stop it first\"\n");
    let world =
        World::planned(Arc::clone(&directory), everyone().protect("corp", "glass").with_owners(owners.unwrap())).await;
    world.finish().await;
    let journal: Arc<dyn Journal> = Arc::new(world.journal.clone());
    let backend = Arc::clone(&directory) as Arc<dyn Backend>;
    let checklist = Checklist::of(world.plan.clone()).journal(Arc::clone(&journal)).directory(Arc::clone(&backend));
    let listed = async || {
        let mut all = Vec::new();
        let keep = |one| {
            all.push(one);
            Ok(())
        };
        checklist.visit(keep).await.unwrap();
        all
    };
    let all = listed().await;
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names,
        ["robot", "glass", "krbtgt", "zeta"],
        "what comes with the directory, and machines, are nobody's work"
    );
    assert!(all.iter().all(|one| one.standing == Standing::Open));
    assert_eq!((all[0].owner.as_deref(), all[0].procedure.as_deref()), (Some("Robotics"), Some("stop it first")));

    let robot = WhichByHand::Entry(all[0].entry.unwrap());
    let by_name = |name: &str| WhichByHand::Account { directory: "corp".into(), account: name.into() };
    // Recorded although nothing changed: reported as unconfirmed.
    let done = checklist.tick(&robot, "Ann", "did it").await.unwrap();
    assert!(matches!(done.evidence, ManualEvidence::Unchanged { .. }), "{done:?}");
    let report = Report::of_plan(Arc::clone(&journal), &world.plan);
    let counts = async || {
        let mut result = None;
        let summary = report.visit(world.plan.rows().unwrap(), |row| {
            if row.id == id("robot") {
                result = Some(row.result);
            }
            Ok(())
        });
        let accounts = summary.await.unwrap().accounts;
        (result.unwrap(), accounts.manual_done, accounts.manual_confirmed, accounts.manual_unconfirmed)
    };
    assert_eq!(counts().await, (RowResult::ManualUnconfirmed, 0, 0, 1));
    let error = checklist.tick(&by_name("ROBOT"), "Bob", "me too").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("by Ann already: did it"), "{error}");

    checklist.undo(&robot, "Ann", "wrong robot").await.unwrap();
    assert_eq!(checklist.undo(&robot, "Ann", "again").await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(counts().await, (RowResult::Manual, 0, 0, 0));

    // By word only, and verified later.
    let alone = Checklist::of(world.plan.clone()).journal(Arc::clone(&journal));
    let done = alone.tick(&robot, "Ann", "now really").await.unwrap();
    assert!(matches!(done.evidence, ManualEvidence::Stated { .. }), "{done:?}");
    assert_eq!(counts().await, (RowResult::ManualDone, 1, 0, 0));
    directory.set_by_somebody_else(&id("robot"), &Secret::new("by-Hand-12345".into()));
    Verifier::new(Arc::clone(&journal)).directory(Arc::clone(&backend)).verify(&world.plan).await.unwrap();
    assert_eq!(counts().await, (RowResult::ManualDone, 1, 1, 0));

    // A protected one: what was set since the run began counts.
    let done = checklist.tick(&by_name("krbtgt"), "Ann", "first of two").await.unwrap();
    assert!(matches!(done.evidence, ManualEvidence::Unchanged { .. }), "{done:?}");
    checklist.undo(&by_name("krbtgt"), "Ann", "not yet").await.unwrap();
    identity_core::limits::clock::sleep(std::time::Duration::from_secs(60)).await;
    directory.set_by_somebody_else(&id("krbtgt"), &Secret::new("by-Hand-54321".into()));
    let done = checklist.tick(&by_name("krbtgt"), "Ann", "twice").await.unwrap();
    assert!(matches!(done.evidence, ManualEvidence::Confirmed { .. }), "{done:?}");
    let summary = report.visit(world.plan.rows().unwrap(), |_| Ok(())).await.unwrap();
    assert_eq!(summary.accounts.protected_done, 1);
    let done: Vec<bool> = listed().await.iter().map(|one| one.standing != Standing::Open).collect();
    assert_eq!(done, [true, false, true, false]);

    for (which, by, note) in [
        (by_name("p0"), "Ann", "x"),
        (WhichByHand::Entry(9_999), "Ann", "x"),
        (by_name("zeta"), " ", "x"),
        (by_name("zeta"), "Ann", ""),
    ] {
        assert_eq!(checklist.tick(&which, by, note).await.unwrap_err().kind(), ErrorKind::InputInvalid, "{which}");
    }
    let other = Arc::new(MemoryJournal::new());
    let begun = Event::RunStarted {
        run: "r".into(),
        plan_digest: "sha256:another".into(),
        resumed: false,
        version: "0".into(),
        pid: 1,
        rehearsal: false,
    };
    other.append(vec![begun]).await.unwrap();
    let error = Checklist::of(world.plan.clone()).journal(other).tick(&robot, "Ann", "x").await.unwrap_err();
    assert!(error.to_string().contains("sha256:another"), "{error}");
}

#[tokio::test]
async fn a_plan_names_owners_by_group_and_kind_and_its_digest_covers_them() {
    let directory = DirectoryId::new("corp").unwrap();
    let accounts = KINDS.map(|(name, kind)| {
        let mut account = Account::new(directory.clone(), id(name), name, kind);
        account.groups = if name == "robot" { vec!["Robots".into()] } else { Vec::new() };
        account
    });
    let corp = MemoryDirectory::builder("corp").accounts(accounts).group(MemoryGroup::new("Robots")).build().unwrap();
    let world = World::planned(corp, spec()).await;
    let mut owners = Vec::new();
    for row in world.plan.rows().unwrap() {
        match row.unwrap() {
            PlanRow::Entry(entry) if entry.id == id("robot") => {
                let text = serde_json::to_string(&entry.disposition).unwrap();
                assert!(text.contains("stop it first") && text.contains("Robotics"), "{text}");
            }
            PlanRow::LeftOut { id, owner: Some(owner), reason: LeftOutReason::Protected(_), .. } => {
                owners.push((id, owner));
            }
            _ => {}
        }
    }
    assert_eq!(owners, [(id("krbtgt"), "AD on-call".to_owned())]);
    assert!(std::fs::read_to_string(world.plan.path()).unwrap().lines().next().unwrap().contains("\"owners\":["));
    let missing = Owners::from_toml("[[owner]]\ndirectory = \"corp\"\ngroup = \"no such\"\nowner = \"x\"\n").unwrap();
    let folder = Folder::new();
    let corp = directory_of("corp", FaultScript::new(1));
    let error = of(&corp).owners(missing).write_to(folder.0.path().join("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid, "a group that is not there owns nobody in silence: {error}");
}

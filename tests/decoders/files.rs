//! The files that a run reads, each from a real one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use identity_reset::account::{AccountId, DirectoryId};
use identity_reset::directories::Directories;
use identity_reset::engine;
use identity_reset::journal::{Journal, MemoryJournal, Record};
use identity_reset::plan::{AllowedSigners, Approval, Approvals, Plan, PlanSpec, Selection};
use identity_reset::prelude::Backend;
use identity_reset::reset::{Secret, SecretKind};
use identity_reset::vault::{Identity, MemoryVault, Recipient, SealedFile, Sealing, Vault, unseal};
use tempfile::TempDir;
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

use crate::{Read, Reader};

const DIRECTORIES: [&str; 2] = [
    r#"
[[directory]]
id = "corp"
kind = "ldap"
url = ["ldaps://dc1.example.test", "ldaps://dc2.example.test:636"]
base = "DC=example,DC=test"
bind_dn = "CN=reset,CN=Users,DC=example,DC=test"
discover = true
failover_after_seconds = 10
protected = ["CN=breakglass,CN=Users,DC=example,DC=test"]
in_flight = 16
connections = 2
writes_per_second = 50
share = 0.5

[directory.controller_urls]
"dc2.example.test" = "ldaps://10.0.0.2"
"#,
    r#"
[[directory]]
id = "unix"
kind = "ldap-plain"
url = "ldaps://ldap.example.test"
base = "dc=example,dc=test"
bind_dn = "uid=svc,dc=example,dc=test"
default_policy = "cn=default,ou=policies,dc=example,dc=test"
privileged_groups = ["cn=admins,ou=groups,dc=example,dc=test"]
"#,
];

/// The key is the one of RFC 8032, 7.1, test 1.
const ALLOWED_SIGNERS: &str = "# ours\n\
    ann@example.test,*@example.test namespaces=\"identity-reset@plan\",valid-before=\"20990101Z\" \
    ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea ann\n";

/// A folder with the files of one run, and what is in them.
struct Run {
    folder: TempDir,
    identity: Identity,
    plan: Plan,
    /// What its journal has, a record each.
    records: Vec<Vec<u8>>,
}

pub(crate) fn readers() -> Vec<Reader> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let run = runtime.block_on(Run::prepare());
    let bytes = |name: &str| std::fs::read(run.folder.path().join(name)).expect("written");
    vec![
        Reader {
            name: "directories.toml",
            valid: DIRECTORIES.map(|text| text.as_bytes().to_vec()).to_vec(),
            read: on_disk(|path| Directories::from_file(path).is_ok_and(|read| read.ids().count() > 0)),
        },
        Reader { name: "plan file", valid: vec![bytes("plan.jsonl")], read: plan(&run.plan) },
        Reader {
            name: "approvals file",
            valid: vec![bytes("approvals.json")],
            read: on_disk(|path| Approvals::load(path).is_ok()),
        },
        Reader {
            name: "allowed signers",
            valid: vec![ALLOWED_SIGNERS.as_bytes().to_vec()],
            read: Box::new(|bytes| AllowedSigners::parse(&String::from_utf8_lossy(bytes)).is_ok()),
        },
        statement(&run.plan),
        Reader {
            name: "list of accounts (CSV)",
            valid: [
                &b"account,directory\njdoe,corp\n\"Smith, J\",corp\n"[..],
                b"\xef\xbb\xbfupn;x\r\na@example.test;1\r\n",
                b"dn\n\"CN=a\\, b,DC=x\"\n",
            ]
            .into_iter()
            .filter(|text| Selection::read_csv(*text).is_ok())
            .map(<[u8]>::to_vec)
            .collect(),
            read: Box::new(|bytes| Selection::read_csv(bytes).is_ok()),
        },
        Reader { name: "vault file", valid: vec![bytes("vault.jsonl")], read: vault(run.identity.clone()) },
        Reader { name: "journal record", valid: run.records.clone(), read: Box::new(record) },
        Reader {
            name: "key of a vault",
            valid: vec![
                run.identity.to_secret().expose().as_bytes().to_vec(),
                run.identity.recipient().to_string().into_bytes(),
            ],
            read: Box::new(|bytes| {
                let text = String::from_utf8_lossy(bytes);
                Identity::parse(&text).is_ok() || Recipient::parse(&text).is_ok()
            }),
        },
    ]
}

/// A statement, which is understood only as a whole.
fn statement(plan: &Plan) -> Reader {
    let waves = plan.waves().iter().map(|wave| wave.name.as_str());
    let approval = Approval::of_waves(plan, waves, "ann@example.test", Duration::from_secs(3_600)).expect("approved");
    let text = approval.with_note("after lunch").statement(plan).expect("a statement");
    let plan = plan.clone();
    Reader {
        name: "statement of an approval",
        valid: vec![text.into_bytes()],
        read: Box::new(move |bytes| Approval::of_statement(&plan, &String::from_utf8_lossy(bytes), "").is_ok()),
    }
}

impl Run {
    async fn prepare() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = MemoryDirectory::builder("corp").organisation(Organisation::new(1, 80)).build().expect("made");
        let backend: Arc<dyn Backend> = directory;
        let plan = PlanSpec::default().select(Selection::everyone()).builder().directory(Arc::clone(&backend));
        let plan = plan.write_to(folder.path().join("plan.jsonl")).await.expect("a plan");
        let approvals = Approvals::approve_all(&plan, "somebody").expect("approved");
        approvals.save(folder.path().join("approvals.json")).expect("saved");
        let identity = Identity::generate();
        let sealed =
            SealedFile::create(folder.path().join("vault.jsonl"), vec![identity.recipient()]).expect("a vault");
        for n in 0..3 {
            sealed.seal(vec![sealing(2 * n), sealing(2 * n + 1)]).await.expect("sealed");
        }
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
        let run = engine::Run::new(plan.clone(), Arc::clone(&journal), Arc::new(MemoryVault::new())).directory(backend);
        run.approvals(approvals).start().await.expect("starts").finish().await.expect("ends");
        let mut records: Vec<Vec<u8>> = Vec::new();
        let mut rows = journal.records(1);
        while let Some(record) = rows.try_next().await.expect("a record") {
            records.push(serde_json::to_vec(&record).expect("JSON"));
        }
        Self { folder, identity, plan, records }
    }
}

fn sealing(entry: u64) -> Sealing {
    Sealing {
        entry,
        directory: DirectoryId::new("corp").expect("an id"),
        account: AccountId::new(format!("account-{entry}")).expect("an id"),
        name: format!("name-{entry}"),
        kind: SecretKind::Password,
        password: Secret::new(format!("password-{entry}")),
    }
}

/// Reads a file with these bytes in it.
fn on_disk(read: impl Fn(&Path) -> bool + 'static) -> Read {
    let folder = tempfile::tempdir().expect("a folder");
    Box::new(move |bytes| {
        let path: PathBuf = folder.path().join("file");
        std::fs::write(&path, bytes).expect("written");
        read(&path)
    })
}

/// A changed plan is refused, or is another plan: with another digest, and whole.
fn plan(original: &Plan) -> Read {
    let digest = original.digest().to_owned();
    let text = std::fs::read(original.path()).expect("the plan");
    on_disk(move |path| {
        let Ok(read) = Plan::open(path) else { return false };
        let same = std::fs::read(path).expect("written") == text;
        assert_eq!(read.digest() == digest, same, "the digest does not tell the change");
        let rows = read.rows().expect("rows").filter(|row| row.is_ok()).count();
        let counts: u64 = read.header().counts.planned + read.header().counts.manual + read.header().counts.left_out;
        assert_eq!(rows as u64, counts, "{:?}", read.header().counts);
        true
    })
}

/// What opens is what was sealed, for the account that it was sealed for.
fn vault(identity: Identity) -> Read {
    let known: BTreeSet<(u64, String, String)> = (0..6).map(|entry| told(&sealing(entry))).collect();
    on_disk(move |path| {
        let Ok(opened) = unseal(path, vec![identity.clone()]) else { return false };
        let opened: Vec<_> = opened.filter_map(Result::ok).map(|(_, sealing)| told(&sealing)).collect();
        assert!(opened.iter().all(|one| known.contains(one)), "a password for somebody else: {opened:?}");
        !opened.is_empty()
    })
}

fn told(sealing: &Sealing) -> (u64, String, String) {
    (sealing.entry, sealing.account.as_str().to_owned(), sealing.password.expose().to_owned())
}

/// A record that is read and written is the same record.
fn record(bytes: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<Record>(bytes) else { return false };
    let again = serde_json::to_vec(&read).expect("JSON");
    assert_eq!(serde_json::from_slice::<Record>(&again).expect("what was written"), read);
    true
}

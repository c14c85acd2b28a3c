//! Every bad input that we could think of, as a user gives it, with the message and the exit code that
//! come of it. docs/bad-input.md is what this test prints: `IDENTITY_RESET_BLESS=1` writes it anew.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use futures::StreamExt;
use identity_reset::limits::clock;
use testkit::mock_ad::MockAd;
use testkit::organisation::Organisation;
use tokio::process::Command;

use support::{PATIENCE, Stand, example, finish};

/// A recipient that is one; nobody has its key.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// What is tried: a section of the document, what is wrong, and the command.
struct Case {
    section: &'static str,
    what: &'static str,
    make: Box<dyn Fn(&Bench) -> Command + Send + Sync>,
}

/// What a case works with: files of its own, and a look at what all share.
struct Bench {
    stand: Stand,
    programs: Arc<Programs>,
    /// A run's folder with a plan and nothing else, and one that came to its end.
    dry: PathBuf,
    done: PathBuf,
}

struct Programs {
    mass_reset: PathBuf,
    soar_action: PathBuf,
    playbook: PathBuf,
    open_vault: PathBuf,
    still_old: PathBuf,
    evidence: PathBuf,
}

impl Bench {
    fn of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.stand.path()).env_clear().env("USER", "tester").env("PATH", "/usr/bin:/bin");
        command
    }

    fn program(&self) -> Command {
        self.of(&self.programs.mass_reset)
    }

    /// A new run that nothing is wrong with yet.
    fn fresh(&self) -> Command {
        let mut command = self.program();
        command.args(["--directories", "directories.toml", "--out", "run", "--approve", "all", "--sync-wait", "0"]);
        command.args(["--evidence", "0", "--recipient", &self.stand.identity.recipient().to_string()]);
        command.args(["--no-messages", "nobody is there to be told"]);
        command
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.stand.path().join(name), text).expect("written");
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.stand.path().join(name);
        let text = std::fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from), "{from} is not in {text}");
        std::fs::write(path, text.replace(from, to)).expect("written");
    }

    /// A new run with another directories.toml.
    fn described(&self, text: &str) -> Command {
        self.write("directories.toml", text);
        self.fresh()
    }

    /// A new run with a line changed in directories.toml.
    fn changed(&self, from: &str, to: &str) -> Command {
        self.edit("directories.toml", from, to);
        self.fresh()
    }

    /// Goes on with a copy of a run.
    fn resume(&self, of: &Path) -> Command {
        let run = self.stand.path().join("run");
        std::fs::create_dir(&run).expect("a folder");
        for file in std::fs::read_dir(of).expect("a run") {
            let file = file.expect("a file");
            std::fs::copy(file.path(), run.join(file.file_name())).expect("copied");
        }
        let mut command = self.program();
        command.args(["--directories", "directories.toml", "--resume", "run", "--sync-wait", "0", "--evidence", "0"]);
        command
    }

    fn resume_approved(&self, of: &Path) -> Command {
        let mut command = self.resume(of);
        command.args(["--approve", "all", "--recipient", &self.stand.identity.recipient().to_string()]);
        command
    }

    /// A new run by a playbook.
    fn by_playbook(&self, text: &str) -> Command {
        self.write("playbook.toml", text);
        let mut command = self.program();
        command.args(["--directories", "directories.toml", "--out", "run", "--playbook", "playbook.toml"]);
        command.args(["--recipient", RECIPIENT]);
        command
    }

    /// A trigger for the shipped playbooks.
    fn trigger(&self, text: &str) -> Command {
        self.write("trigger.json", text);
        let mut command = self.of(&self.programs.soar_action);
        command.args(["--trigger", "trigger.json", "--directories", "directories.toml", "--recipient", RECIPIENT]);
        command.arg("--playbooks").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/playbooks"));
        command
    }
}

fn with(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments);
    command
}

const EXERCISE: &str = include_str!("../examples/playbooks/exercise.toml");
const PARAMETERS: [&str; 4] = ["--parameter", "directory=corp", "--parameter", "unit=OU=People,DC=corp,DC=example"];

#[expect(clippy::too_many_lines, reason = "a list")]
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut section;
    macro_rules! case {
        ($what:literal, $make:expr) => {
            cases.push(Case { section, what: $what, make: Box::new($make) })
        };
    }

    section = "directories.toml";
    case!("the file is not there", |on| with(
        on.program(),
        &["--no-messages", "a test", "--directories", "nothing.toml", "--recipient", RECIPIENT]
    ));
    case!("it is a folder", |on| with(
        on.program(),
        &["--no-messages", "a test", "--directories", ".", "--recipient", RECIPIENT]
    ));
    case!("nobody tells the people", |on| with(
        on.program(),
        &["--directories", "directories.toml", "--recipient", RECIPIENT]
    ));
    case!("it is no TOML", |on| on.described("[[directory]\nid = 1"));
    case!("it is empty", |on| on.described(""));
    case!("it is not text", |on| {
        std::fs::write(on.stand.path().join("directories.toml"), [0xff, 0xfe, 0]).expect("written");
        on.fresh()
    });
    case!("a table that is none of ours", |on| on.described("[directories]\nid = \"corp\"\n"));
    case!("no id", |on| on.changed("id = \"corp\"\n", ""));
    case!("an id with a space", |on| on.changed("id = \"corp\"", "id = \"my corp\""));
    case!("an empty id", |on| on.changed("id = \"corp\"", "id = \"\""));
    case!("an id twice", |on| {
        let text = std::fs::read_to_string(on.stand.directories()).expect("directories.toml");
        on.described(&format!("{text}{text}"))
    });
    case!("no kind", |on| on.changed("kind = \"ldap\"\n", ""));
    case!("a kind that nobody knows", |on| on.changed("kind = \"ldap\"", "kind = \"nis\""));
    case!("a key with a mistake in it", |on| on.changed("bind_dn =", "bind_pasword = \"x\"\nbind_dn ="));
    case!("a number where text belongs", |on| on.changed("ca_file = \"ca.pem\"", "ca_file = 7"));
    case!("a plain connection", |on| on.changed("ldaps://", "ldap://"));
    case!("an address that is none", |on| on.changed("ldaps://", "ldaps//"));
    case!("another protocol", |on| on.changed("ldaps://", "https://"));
    case!("a secret file that is not there", |on| on.changed("secrets/bind", "secrets/nothing"));
    case!("a secret file that is empty", |on| {
        on.write("secrets/bind", "");
        on.fresh()
    });
    case!("a secret from a variable that is not set", |on| {
        on.changed("bind_password_file = \"secrets/bind\"", "bind_password_env = \"NOT_SET\"")
    });
    case!("two places for one secret", |on| on.changed("ca_file", "bind_password_env = \"HOME\"\nca_file"));
    case!("an authority that is not there", |on| on.changed("ca.pem", "no-ca.pem"));
    case!("an authority that is no certificate", |on| {
        on.write("ca.pem", "-----BEGIN NOTHING-----\n");
        on.fresh()
    });
    case!("a share above 1", |on| on.changed("ca_file", "writes_per_second = 10\nshare = 80\nca_file"));
    case!("no connections", |on| on.changed("ca_file", "connections = 0\nca_file"));
    case!("too many in flight", |on| on.changed("ca_file", "in_flight = 100000\nca_file"));
    case!("entra: no tenant", |on| on
        .described("[[directory]]\nid = \"cloud\"\nkind = \"entra\"\nclient_id = \"x\"\n"));
    case!("entra: a cloud that is none", |on| {
        on.described(
        "[[directory]]\nid = \"cloud\"\nkind = \"entra\"\ntenant = \"t\"\nclient_id = \"c\"\ncloud = \"mars\"\nclient_secret_file = \"secrets/bind\"\n"
    )
    });
    case!("entra: plain http to another machine", |on| {
        on.described(
        "[[directory]]\nid = \"cloud\"\nkind = \"entra\"\ntenant = \"contoso.example\"\nclient_id = \"00000000-0000-4000-8000-000000000001\"\nlogin_url = \"http://login.example\"\nclient_secret_file = \"secrets/bind\"\n"
    )
    });
    case!("okta: plain http to another machine", |on| {
        on.described(
        "[[directory]]\nid = \"org\"\nkind = \"okta\"\nurl = \"http://acme.okta.example\"\napi_token_file = \"secrets/bind\"\n"
    )
    });
    case!("okta: a private key that is none", |on| {
        on.described(
        "[[directory]]\nid = \"org\"\nkind = \"okta\"\nurl = \"https://acme.okta.example\"\nclient_id = \"0oa1\"\nprivate_key_file = \"secrets/bind\"\n"
    )
    });

    section = "Servers";
    case!("nobody listens", |on| on.changed(&url_of(on), "ldaps://127.0.0.1:1"));
    case!("a name that does not resolve", |on| on.changed(&url_of(on), "ldaps://dc.invalid:636"));
    case!("a certificate of another authority", |on| {
        let key = rcgen::KeyPair::generate().expect("a key");
        let ca = rcgen::CertificateParams::new(vec!["other".to_owned()]).expect("a name").self_signed(&key);
        on.write("ca.pem", &ca.expect("a certificate").pem());
        on.fresh()
    });
    case!("a wrong password", |on| {
        on.write("secrets/bind", "Wr0ng-Passw0rd-f0r-sure");
        on.fresh()
    });
    case!("a base that is not there", |on| on.changed("ca_file", "base = \"DC=other,DC=example\"\nca_file"));
    case!("an account to protect that is not there", |on| on.changed("protected = [", "protected = [\"CN=nobody\", "));

    section = "Options";
    case!("an option that nobody knows", |on| with(on.program(), &["--directory", "x"]));
    case!("an option without its value", |on| with(on.program(), &["--directories"]));
    case!("a new folder and an old one", |on| with(on.program(), &["--out", "a", "--resume", "b"]));
    case!("a dry run of a run", |on| with(on.program(), &["--resume", "b", "--dry-run"]));
    case!("a selection on a resume", |on| with(on.program(), &["--resume", "b", "--select", "everyone"]));
    case!("a statement without a run", |on| with(on.program(), &["--statement", "all"]));
    case!("a statement that holds too long", |on| with(
        on.program(),
        &["--resume", "b", "--statement", "all", "--expires-in", "721"]
    ));
    case!("a wave of nobody", |on| with(on.fresh(), &["--wave-size", "0"]));
    case!("a canary that is no number", |on| with(on.fresh(), &["--canary", "few"]));
    case!("an action that is none", |on| with(on.fresh(), &["--action", "delete"]));
    case!("an anchor that is none", |on| with(on.fresh(), &["--join", "shoe-size"]));
    case!("a playbook and a selection", |on| with(on.program(), &["--playbook", "p.toml", "--select", "everyone"]));
    case!("a parameter without a playbook", |on| with(on.fresh(), &["--parameter", "a=b"]));
    case!("events and the summary on one output", |on| with(on.fresh(), &["--json", "--events", "-"]));
    case!("events into a file that is there", |on| with(on.fresh(), &["--events", "ca.pem"]));
    case!("events into a folder that is not there", |on| with(on.fresh(), &["--events", "no/where.jsonl"]));

    section = "Selections and lists";
    case!("a selection in other words", |on| with(on.fresh(), &["--select", "all"]));
    case!("a group without a name", |on| with(on.fresh(), &["--select", "group:"]));
    case!("a directory that is not there", |on| with(on.fresh(), &["--select", "okta/group:x"]));
    case!("a group that is not there", |on| with(on.fresh(), &["--select", "group:No Such Group"]));
    case!("a unit that is not there", |on| with(on.fresh(), &["--select", "unit:OU=Nowhere,DC=corp,DC=example"]));
    case!("a filter that is none", |on| with(on.fresh(), &["--select", "query:(&(objectClass=user)"]));
    case!("a list that is not there", |on| with(on.fresh(), &["--select", "list:nobody.csv"]));
    case!("a list without our heading", |on| {
        on.write("list.csv", "first,last\nA,B\n");
        with(on.fresh(), &["--select", "list:list.csv"])
    });
    case!("a list with a line that is cut", |on| {
        on.write("list.csv", "directory,name\ncorp\n");
        with(on.fresh(), &["--select", "list:list.csv"])
    });
    case!("a list that is empty", |on| {
        on.write("list.csv", "");
        with(on.fresh(), &["--select", "list:list.csv"])
    });
    case!("a list of somebody who is not there", |on| {
        on.write("list.csv", "directory,name\ncorp,nobody-of-that-name\n");
        with(on.fresh(), &["--select", "list:list.csv"])
    });

    section = "Playbooks, parameters, triggers";
    case!("a playbook that is not there", |on| with(
        on.program(),
        &["--playbook", "nothing.toml", "--directories", "directories.toml"]
    ));
    case!("a playbook that is no TOML", |on| on.by_playbook("format = "));
    case!("a playbook of a later format", |on| on.by_playbook(&EXERCISE.replace("format = 1", "format = 99")));
    case!("a key that is none", |on| on.by_playbook(&EXERCISE.replace("failure_floor = 0", "failure_flor = 0")));
    case!("an action that is none, in a playbook", |on| on
        .by_playbook(&EXERCISE.replace("revoke_sessions", "revoke_session")));
    case!("a pause without its unit", |on| on.by_playbook(&EXERCISE.replacen("\"30s\"", "\"30\"", 1)));
    case!("a percentage above 100", |on| on
        .by_playbook(&EXERCISE.replace("failure_percent = 0", "failure_percent = 101")));
    case!("a placeholder that is no parameter", |on| on.by_playbook(&EXERCISE.replace("${unit}", "${units}")));
    case!("a parameter that is missing", |on| on.by_playbook(EXERCISE));
    case!("a parameter that is none", |on| with(
        with(on.by_playbook(EXERCISE), &PARAMETERS),
        &["--parameter", "units=x"]
    ));
    case!("a parameter without =", |on| with(on.by_playbook(EXERCISE), &["--parameter", "unit"]));
    case!("a playbook to check that is not there", |on| with(on.of(&on.programs.playbook), &["check", "nothing.toml"]));
    case!("a trigger that is no JSON", |on| on.trigger("{"));
    case!("a trigger that is empty", |on| on.trigger(""));
    case!("a trigger without an incident", |on| on.trigger("{\"trigger\": \"exercise\"}"));
    case!("a trigger for which there is no playbook", |on| on
        .trigger("{\"trigger\": \"flood\", \"incident\": \"INC-1\"}"));
    case!("a trigger file that is not there", |on| with(
        on.of(&on.programs.soar_action),
        &["--trigger", "nothing.json", "--playbooks", ".", "--directories", "directories.toml"]
    ));
    case!("a folder without playbooks", |on| {
        on.write("trigger.json", "{\"trigger\": \"exercise\", \"incident\": \"INC-1\"}");
        with(
            on.of(&on.programs.soar_action),
            &["--trigger", "trigger.json", "--playbooks", "secrets", "--directories", "directories.toml"],
        )
    });

    section = "Keys and vaults";
    case!("nobody who could open the passwords", |on| with(
        on.program(),
        &["--no-messages", "a test", "--directories", "directories.toml", "--out", "run"]
    ));
    case!("a recipient that is none", |on| with(
        on.program(),
        &["--no-messages", "a test", "--directories", "directories.toml", "--recipient", "age1nobody"]
    ));
    case!("a secret key as recipient", |on| with(
        on.program(),
        &["--no-messages", "a test", "--directories", "directories.toml", "--recipient", "AGE-SECRET-KEY-1QQQQ"]
    ));
    case!("an identity that is not there", |on| with(on.fresh(), &["--identity", "nothing.txt"]));
    case!("an identity that is none", |on| with(on.fresh(), &["--identity", "ca.pem"]));
    case!("the vault with another key", |on| {
        let other = identity_reset::vault::Identity::generate();
        other.write_file(on.stand.path().join("other.txt")).expect("a key");
        std::fs::copy(on.done.join("vault.jsonl"), on.stand.path().join("vault.jsonl")).expect("copied");
        with(
            on.of(&on.programs.open_vault),
            &["--vault", "vault.jsonl", "--identity", "other.txt", "--all", "--stdout"],
        )
    });
    case!("a vault that is not there", |on| with(
        on.of(&on.programs.open_vault),
        &["--vault", "nothing.jsonl", "--identity", "key.txt", "--all", "--stdout"]
    ));
    case!("a vault that is none", |on| with(
        on.of(&on.programs.open_vault),
        &["--vault", "ca.pem", "--identity", "key.txt", "--all", "--stdout"]
    ));
    case!("a vault that is changed", |on| {
        let resumed = on.resume_approved(&on.done);
        on.edit("run/vault.jsonl", "\"sealed\":\"", "\"sealed\":\"AAAA");
        resumed
    });

    section = "Runs, plans, journals";
    case!("a folder that is there already", |on| {
        std::fs::create_dir(on.stand.path().join("run")).expect("a folder");
        on.fresh()
    });
    case!("a folder below a file", |on| with(
        on.program(),
        &[
            "--no-messages",
            "a test",
            "--directories",
            "directories.toml",
            "--recipient",
            RECIPIENT,
            "--out",
            "ca.pem/run"
        ]
    ));
    case!("a folder where nothing can be written", |on| with(
        on.program(),
        &[
            "--no-messages",
            "a test",
            "--directories",
            "directories.toml",
            "--recipient",
            RECIPIENT,
            "--out",
            "/proc/run"
        ]
    ));
    case!("a run that is not there", |on| with(
        on.program(),
        &["--directories", "directories.toml", "--resume", "nothing"]
    ));
    case!("a plan that is cut", |on| {
        let resumed = on.resume_approved(&on.dry);
        let text = std::fs::read_to_string(on.stand.path().join("run/plan.jsonl")).expect("a plan");
        on.write("run/plan.jsonl", &text[..text.len() / 2]);
        resumed
    });
    case!("a plan that lacks its last line", |on| {
        let resumed = on.resume_approved(&on.dry);
        let text = std::fs::read_to_string(on.stand.path().join("run/plan.jsonl")).expect("a plan");
        let (whole, _) = text.trim_end().rsplit_once('\n').expect("lines");
        on.write("run/plan.jsonl", &format!("{whole}\n"));
        resumed
    });
    case!("a plan in which an account was moved to another wave", |on| {
        let resumed = on.resume_approved(&on.dry);
        on.edit("run/plan.jsonl", "\"wave\":\"canary\"", "\"wave\":\"privileged\"");
        resumed
    });
    case!("a plan that is empty", |on| {
        let resumed = on.resume_approved(&on.dry);
        on.write("run/plan.jsonl", "");
        resumed
    });
    case!("a plan that is none", |on| {
        let resumed = on.resume_approved(&on.dry);
        on.write("run/plan.jsonl", "{}\n");
        resumed
    });
    case!("a journal of another plan", |on| {
        let resumed = on.resume_approved(&on.dry);
        std::fs::copy(on.done.join("journal.sqlite"), on.stand.path().join("run/journal.sqlite")).expect("copied");
        resumed
    });
    case!("a journal that is no database", |on| {
        let resumed = on.resume_approved(&on.done);
        on.write(
            "run/journal.sqlite",
            "not a database, but long enough to look like one, were it not for its first bytes\n",
        );
        resumed
    });
    case!("passwords without the journal that says where they went", |on| {
        let resumed = on.resume_approved(&on.done);
        std::fs::remove_file(on.stand.path().join("run/journal.sqlite")).expect("removed");
        resumed
    });
    case!("directories.toml without a directory of the plan", |on| {
        let resumed = on.resume_approved(&on.dry);
        on.edit("directories.toml", "id = \"corp\"", "id = \"other\"");
        resumed
    });
    case!("a stop file that is there at the start", |on| {
        on.write("STOP", "");
        with(on.fresh(), &["--stop-file", "STOP"])
    });
    case!("evidence of a run that is not there", |on| with(on.of(&on.programs.evidence), &["nothing"]));
    case!("a time that is none", |on| with(on.of(&on.programs.still_old), &["--before", "yesterday"]));

    section = "Approvals and signatures";
    case!("none", |on| on.resume(&on.dry));
    case!("of a wave that is not there", |on| with(on.resume(&on.dry), &["--approve", "canarry"]));
    case!("of another plan", |on| {
        let resumed = on.resume(&on.dry);
        std::fs::copy(on.done.join("approvals.json"), on.stand.path().join("run/approvals.json")).expect("copied");
        resumed
    });
    case!("a file of approvals that is none", |on| {
        let resumed = on.resume(&on.dry);
        on.write("run/approvals.json", "[");
        resumed
    });
    case!("by name where signatures are asked for", |on| with(on.resume_approved(&on.dry), &["--signed-approvals"]));
    case!("a signature without allowed signers", |on| {
        let resumed = on.resume(&on.dry);
        on.write("a.txt", "a statement");
        on.write("a.txt.sig", "-----BEGIN SSH SIGNATURE-----\n");
        with(resumed, &["--approval", "a.txt.sig"])
    });
    case!("a signature that is not there", |on| with(
        signers(on, "a ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0000000000000000000000000000000000000000000\n"),
        &["--approval", "nothing.sig"]
    ));
    case!("allowed signers that are not there", |on| with(
        on.resume(&on.dry),
        &["--allowed-signers", "nothing", "--approval", "a.sig"]
    ));
    case!("allowed signers that are none", |on| with(signers(on, "what is this\n"), &["--approval", "a.txt.sig"]));
    case!("a signature that is none", |on| {
        let command = signers(on, KEY);
        with(command, &["--approval", "a.txt.sig"])
    });
    case!("a statement for a wave that is not there", |on| with(on.resume(&on.dry), &["--statement", "canarry"]));
    cases
}

const KEY: &str = "alice ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS alice\n";

fn signers(on: &Bench, text: &str) -> Command {
    let mut resumed = on.resume(&on.dry);
    on.write("a.txt", "a statement");
    on.write("a.txt.sig", "not a signature");
    on.write("signers", text);
    resumed.args(["--allowed-signers", "signers"]);
    resumed
}

fn url_of(on: &Bench) -> String {
    let text = std::fs::read_to_string(on.stand.directories()).expect("directories.toml");
    let (_, rest) = text.split_once("url = \"").expect("a url");
    rest.split_once('"').expect("a url").0.to_owned()
}

/// What the user sees of it: the words that say what is wrong, without what differs from run to run.
fn message(ended: &std::process::Output, folder: &Path) -> String {
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    let own = |line: &&str| {
        ["mass_reset: ", "open_vault: ", "still_old: ", "evidence: ", "playbook: ", "stopping: "]
            .iter()
            .any(|name| line.starts_with(name))
    };
    let failed = out.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let failed = failed.filter(|line| line["event"] == "failed");
    let mut failed = failed.filter_map(|line| line["error"].as_str().map(str::to_owned));
    let text = if let Some(line) = failed.next_back() {
        line
    } else if let Some(line) = err.lines().find(own) {
        line.to_owned()
    } else {
        // The command line's parser: a paragraph.
        let paragraph: Vec<&str> = err.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        paragraph.join(" ")
    };
    let text = text.replace(&folder.display().to_string(), "FOLDER").replace(env!("CARGO_MANIFEST_DIR"), "REPOSITORY");
    hidden(&text)
}

/// Ports, digests and times differ from run to run.
fn hidden(text: &str) -> String {
    let mut hidden = String::new();
    for word in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric())) {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_port = hidden.ends_with("127.0.0.1:") || hidden.ends_with("localhost:") || hidden.ends_with(".test:");
        if is_port && bare != "1" && !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit()) {
            let _ = write!(hidden, "PORT{}", &word[bare.len()..]);
        } else if bare.len() >= 40 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let _ = write!(hidden, "DIGEST{}", &word[bare.len()..]);
        } else {
            hidden.push_str(word);
        }
    }
    hidden
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_input_has_its_message_and_touches_nothing() {
    let mock = MockAd::builder().organisation(Organisation::new(3, 40)).start().await.expect("a mock");
    let other = MockAd::builder().organisation(Organisation::new(4, 40)).start().await.expect("a mock");
    let programs = Arc::new(Programs {
        mass_reset: support::mass_reset().to_owned(),
        soar_action: example("soar_action"),
        playbook: example("playbook"),
        open_vault: example("open_vault"),
        still_old: example("still_old"),
        evidence: example("evidence"),
    });
    // A plan of this directory, and a run of another one with the same name.
    let (stand, elsewhere) = (Stand::on(&mock), Stand::on(&other));
    let mut dry = stand.unapproved(&stand.run("dry"));
    dry.arg("--dry-run");
    let run = elsewhere.run("done");
    let (dry, done) = tokio::join!(finish(dry), elsewhere.go(&run));
    assert_eq!((dry.code, done.code), (Some(0), Some(0)), "{dry:?} {done:?}");
    let tried = futures::stream::iter(cases()).map(|case| {
        let bench = Bench {
            stand: Stand::on(&mock),
            programs: Arc::clone(&programs),
            dry: stand.run("dry"),
            done: elsewhere.run("done"),
        };
        async move {
            let mut command = (case.make)(&bench);
            command.stdin(Stdio::null()).kill_on_drop(true);
            let ended = clock::within(PATIENCE, command.output()).await.expect("an end").expect("it starts");
            (case.section, case.what, ended.status.code(), message(&ended, bench.stand.path()))
        }
    });
    let tried: Vec<_> = tried.buffered(4).collect().await;
    let carried_out: Vec<_> = tried.iter().filter(|(_, _, code, _)| matches!(code, Some(0 | 1) | None)).collect();
    assert_eq!(mock.counts().modifies, 0, "something was touched: {carried_out:?}");
    assert!(tried.len() >= 60, "{} are not the list that was promised", tried.len());

    let mut text = String::from(include_str!("bad_input_head.md"));
    let mut section = "";
    for (of, what, code, message) in &tried {
        if of != &section {
            section = of;
            let _ = write!(text, "\n## {of}\n\n| what is wrong | exit code | what it says |\n|---|---|---|\n");
        }
        let code = code.map_or("killed".to_owned(), |code| code.to_string());
        let message = message.replace('|', "\\|").replace('<', "&lt;");
        let _ = writeln!(text, "| {what} | {code} | {message} |");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bad-input.md");
    if std::env::var_os("IDENTITY_RESET_BLESS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    for (_, what, code, message) in &tried {
        assert!(code.is_some_and(|code| code != 0 && code != 101), "{what}: {code:?}: {message}");
        assert!(message.len() > 20 && !message.contains("panicked"), "{what}: {message}");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    for (known, now) in known.lines().zip(text.lines()) {
        assert_eq!(known, now, "docs/bad-input.md says otherwise: IDENTITY_RESET_BLESS=1 writes it anew");
    }
    assert_eq!(known.lines().count(), text.lines().count(), "docs/bad-input.md is of another list");
}

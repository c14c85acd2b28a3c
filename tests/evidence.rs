//! `evidence` on a run of `mass_reset` in a mock Okta: the command line's contract, and what others
//! did while the run went on.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use testkit::mock_okta::{MockOkta, fixed};
use testkit::organisation::Organisation;
use tokio::process::Command;

use support::{Ended, example, finish, mass_reset, unhurried};

/// The example, built once.
static EVIDENCE: OnceLock<PathBuf> = OnceLock::new();

struct Stand {
    mock: MockOkta,
    folder: tempfile::TempDir,
}

impl Stand {
    async fn new() -> Self {
        let mock = unhurried(Organisation::new(3, 60)).start().await.expect("a mock");
        mock.set_log_delay(Duration::from_secs(2));
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("okta-token");
        std::fs::write(&secret, mock.api_token()).expect("a secret");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("of the owner");
        }
        let glass = mock.user(fixed::BREAK_GLASS_1).expect("a break-glass account").login;
        let described = format!(
            "[[directory]]\nid = \"org\"\nkind = \"okta\"\nurl = {:?}\napi_token_file = \"okta-token\"\nshare = 1.0\n\
             protected = [{glass:?}]\n",
            mock.url()
        );
        std::fs::write(folder.path().join("directories.toml"), described).expect("directories.toml");
        Self { mock, folder }
    }

    fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_remove("IDENTITY_RESET_LOG").env("USER", "tester");
        command
    }

    async fn reset(&self) -> Ended {
        let identity = identity_reset::vault::Identity::generate();
        let mut command = self.command(mass_reset());
        command.args(["--json", "--directories", "directories.toml", "--out", "run", "--approve", "all"]);
        command.args(["--sync-wait", "0", "--evidence", "0", "--action", "temporary", "--no-messages", "a test"]);
        command.args(["--recipient", &identity.recipient().to_string()]);
        finish(command).await
    }

    async fn evidence(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(EVIDENCE.get_or_init(|| example("evidence")));
        command.arg(self.run()).args(["--wait", "6"]).args(arguments);
        finish(command).await
    }
}

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of<'a>(lines: &'a [Value], found: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["found"] == found).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_witnessed_and_what_somebody_else_did_is_an_exit_code_of_1() {
    let stand = Stand::new().await;
    let ended = stand.reset().await;
    assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
    let failed = ended.accounts("failed");

    let ended = stand.evidence(&["--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = lines(&ended);
    let accounts = of(&told, "account");
    assert!(accounts.len() > 20, "{} accounts", accounts.len());
    assert!(accounts.iter().all(|account| account["finding"] == "confirmed"), "{accounts:?}");
    let logs = of(&told, "log");
    assert_eq!((logs.len(), &logs[0]["confirmed"]), (1, &Value::from(accounts.len())));
    assert!(of(&told, "other").is_empty(), "{failed} failed: {told:?}");

    let taken = accounts[4]["account"].as_str().expect("an id");
    stand.mock.someone_else_did("user.account.reset_password", taken).expect("a user");
    let ended = stand.evidence(&["--report"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let somebody: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with("somebody")).collect();
    assert_eq!(somebody.len(), 1, "{}", ended.stdout);
    assert!(somebody[0].contains(taken) && somebody[0].contains("an account of the plan"), "{somebody:?}");
    let report = std::fs::read_to_string(stand.run().join("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["summary"]["logs"][0]["others_on_planned"], 1);
    let rows = report["rows"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["id"] == taken).expect("its row");
    assert_eq!((&row["evidence"]["finding"], &row["evidence"]["others"]), (&"confirmed".into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_run_or_a_right_it_is_2_and_says_why() {
    let stand = Stand::new().await;
    let ended = stand.evidence(&[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert!(ended.stderr.contains("plan.jsonl"), "{ended:?}");
    stand.reset().await;
    stand.mock.set_caller_roles(["HELP_DESK_ADMIN"]);
    let ended = stand.evidence(&["--json"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("okta.logs.read"), "{ended:?}");
    let told = lines(&ended);
    assert!(of(&told, "account").is_empty() && of(&told, "log")[0]["unreadable"].is_object(), "{told:?}");
}

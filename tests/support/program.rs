//! `mass_reset` as a child process: built once, run, killed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use identity_reset::limits::clock;
use serde_json::Value;
use tokio::process::{Child, Command};

/// Nothing that these tests run takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// The example `mass_reset`, built in the profile that this test was built in.
pub(crate) fn mass_reset() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| example("mass_reset"))
}

/// Where every example lies already, built by whoever runs the tests (`.ci/test`).
const BUILT_BEFORE: &str = "IDENTITY_RESET_TEST_EXAMPLES";

/// An example by its name, built in the profile that this test was built in.
pub(crate) fn example(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os(BUILT_BEFORE) {
        let program = Path::new(&folder).join(name);
        assert!(program.exists(), "{} is not there, although {BUILT_BEFORE} names its folder", program.display());
        return program;
    }
    let test = std::env::current_exe().expect("the path of this test");
    // <target>/<profile>/deps/<test>
    let profile = test.ancestors().nth(2).and_then(Path::file_name).and_then(|name| name.to_str()).expect("a profile");
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["build", "--package", "identity-reset", "--example", name, "--message-format", "json"]);
    if profile != "debug" {
        cargo.args(["--profile", profile]);
    }
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "{name} does not build");
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the program")
}

/// How a process came to its own end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) lasted: Duration,
}

impl Ended {
    /// The one JSON object on standard output, which holds nothing else.
    pub(crate) fn summary(&self) -> Value {
        let mut objects = serde_json::Deserializer::from_str(&self.stdout).into_iter::<Value>();
        let first = objects.next().unwrap_or_else(|| panic!("no summary: {self:?}")).expect("JSON");
        assert!(first.is_object(), "{first}");
        assert!(objects.next().is_none(), "more than one object: {}", self.stdout);
        first
    }

    /// A count of the accounts in the summary.
    pub(crate) fn accounts(&self, name: &str) -> u64 {
        self.summary()["accounts"][name].as_u64().unwrap_or_else(|| panic!("no {name}: {}", self.stdout))
    }

    /// The line that says what was wrong: the last of standard error that is the program's own.
    pub(crate) fn complaint(&self) -> &str {
        let mut own = self.stderr.lines().filter(|line| line.starts_with("mass_reset: "));
        let first = own.next().unwrap_or_else(|| panic!("no complaint: {self:?}"));
        assert!(own.next().is_none(), "more than one complaint: {}", self.stderr);
        first
    }
}

/// What became of a process that was to be killed.
#[derive(Debug)]
pub(crate) enum Struck {
    /// It was killed, after this long.
    Killed { pid: u32, after: Duration },
    /// It had ended before.
    Ended(Ended),
}

/// Runs it to its end.
pub(crate) async fn finish(command: Command) -> Ended {
    finish_within(PATIENCE, command).await
}

/// Runs it to its end, which comes before this time is over.
pub(crate) async fn finish_within(patience: Duration, command: Command) -> Ended {
    match strike(command, patience).await {
        Struck::Ended(ended) => ended,
        Struck::Killed { .. } => panic!("no end within {patience:?}"),
    }
}

/// Runs it, and kills it (SIGKILL) after a while if it still runs then.
pub(crate) async fn strike(mut command: Command, after: Duration) -> Struck {
    // Files and not pipes: a killed process leaves all that it had written.
    let out = tempfile::tempdir().expect("a folder");
    let file = |name: &str| std::fs::File::create(out.path().join(name)).expect("a file");
    command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr")).kill_on_drop(true);
    let began = clock::instant();
    let mut child: Child = command.spawn().expect("mass_reset starts");
    let pid = child.id().expect("it was not waited for yet");
    let waited = clock::within(after, child.wait()).await;
    let lasted = clock::instant().duration_since(began);
    let Ok(status) = waited else {
        child.kill().await.expect("killed");
        return Struck::Killed { pid, after: lasted };
    };
    let (stdout, stderr) = output_of(out.path());
    Struck::Ended(Ended { code: status.expect("a status").code(), stdout, stderr, lasted })
}

/// What a process wrote into these files.
fn output_of(folder: &Path) -> (String, String) {
    let text = |name: &str| String::from_utf8_lossy(&std::fs::read(folder.join(name)).unwrap_or_default()).into_owned();
    (text("stdout"), text("stderr"))
}

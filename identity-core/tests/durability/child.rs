//! Another process: this test program, started once more with a part to play.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use futures::future::join_all;
use identity_core::account::{AccountId, DirectoryId};
use identity_core::error::Result;
use identity_core::journal::{Event, Journal, SqliteJournal};
use identity_core::reset::{Secret, SecretKind};
use identity_core::vault::{Recipient, SealedFile, Sealing, Vault};

const PART: &str = "DURABILITY_PART";
const PATH: &str = "DURABILITY_PATH";
const FIRST: &str = "DURABILITY_FIRST";
const COUNT: &str = "DURABILITY_COUNT";
const RECIPIENT: &str = "DURABILITY_RECIPIENT";

/// Which store the other process writes.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Journal,
    Vault(Recipient),
}

/// What the other process says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The write with this number is durable.
    Acked(u64),
    /// A write, or the opening, failed.
    Failed(String),
    /// It came to its end.
    Ended,
}

/// The command that writes `count` numbers from `first` on, several at a time, telling of each.
pub(crate) fn command(part: &Part, path: &Path, first: u64, count: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child::plays_its_part", "--exact", "--ignored", "--nocapture", "--test-threads=2"]);
    command.env(PATH, path).env(FIRST, first.to_string()).env(COUNT, count.to_string());
    match part {
        Part::Journal => command.env(PART, "journal"),
        Part::Vault(recipient) => command.env(PART, "vault").env(RECIPIENT, recipient.to_string()),
    };
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Starts it and hears what it says, line by line.
pub(crate) fn start(mut command: Command) -> (Child, impl Iterator<Item = Said>) {
    let mut child = command.spawn().unwrap();
    let said = hear(child.stdout.take().unwrap());
    (child, said)
}

fn hear(output: ChildStdout) -> impl Iterator<Item = Said> {
    BufReader::new(output).lines().map_while(std::result::Result::ok).filter_map(|line| {
        // The test harness writes on the same lines.
        let (_, said) = line.split_once("CHILD ")?;
        match said.split_once(' ') {
            Some(("acked", number)) => Some(Said::Acked(number.parse().unwrap())),
            Some(("failed", why)) => Some(Said::Failed(why.to_owned())),
            _ => Some(Said::Ended),
        }
    })
}

enum Written {
    Journal(SqliteJournal),
    Vault(SealedFile),
}

impl Written {
    fn open(path: &Path) -> Result<Self> {
        if std::env::var(PART).unwrap() == "journal" {
            let opened = if path.exists() { SqliteJournal::open(path) } else { SqliteJournal::create(path) };
            return opened.map(Self::Journal);
        }
        let recipients = vec![Recipient::parse(&std::env::var(RECIPIENT).unwrap())?];
        let opened =
            if path.exists() { SealedFile::open(path, recipients) } else { SealedFile::create(path, recipients) };
        opened.map(Self::Vault)
    }

    async fn write(&self, number: u64) -> Result<()> {
        match self {
            Self::Journal(journal) => {
                journal.append(vec![Event::Noted { entry: number, note: format!("note {number}") }]).await
            }
            Self::Vault(vault) => vault.seal(vec![sealing(number)]).await.map(drop),
        }
    }
}

/// What the vault part seals as this number.
pub(crate) fn sealing(number: u64) -> Sealing {
    Sealing {
        entry: number,
        directory: DirectoryId::new("corp").unwrap(),
        account: AccountId::new(number.to_string()).unwrap(),
        name: format!("user{number}"),
        kind: SecretKind::Password,
        password: Secret::new(format!("password {number}")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other tests start it in a process of its own"]
async fn plays_its_part() {
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let store = match Written::open(Path::new(&std::env::var(PATH).unwrap())) {
        Ok(store) => Arc::new(store),
        Err(error) => return println!("CHILD failed {error}\nCHILD ended"),
    };
    let (first, count) = (number(FIRST), number(COUNT));
    let writers = (0..4).map(|lane| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in (first..first + count).filter(|number| number % 4 == lane) {
                match store.write(number).await {
                    Ok(()) => println!("CHILD acked {number}"),
                    Err(error) => println!("CHILD failed {error}"),
                }
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    drop(store);
    println!("CHILD ended");
}

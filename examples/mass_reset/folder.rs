//! The run's folder: every step's product is a file that the next one reads.

use std::io::Write;
use std::path::{Path, PathBuf};

use identity_reset::error::{Error, ErrorKind, Result};
use identity_reset::prelude::*;
use serde_json::json;

/// The files of one run.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new folder, or an existing one to resume in.
    pub(crate) fn open(out: Option<&Path>, resume: Option<&Path>) -> Result<Self> {
        if let Some(path) = resume {
            let folder = Self(path.to_owned());
            if !folder.plan().is_file() {
                return Err(input(format!("{} holds no plan.jsonl", path.display()))
                    .with_advice("name the folder of an earlier run"));
            }
            return Ok(folder);
        }
        let path = out.map_or_else(fresh, Path::to_owned);
        if path.exists() {
            return Err(input(format!("{} exists already", path.display()))
                .with_advice("name a new folder with --out, or go on with --resume"));
        }
        std::fs::create_dir_all(&path).map_err(|fault| input(format!("{}: {fault}", path.display())))?;
        only_ours(&path).map_err(|fault| input(format!("{}: {fault}", path.display())))?;
        Ok(Self(path))
    }

    /// The folder of an earlier run, not checked.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn plan(&self) -> PathBuf {
        self.0.join("plan.jsonl")
    }

    pub(crate) fn approvals(&self) -> PathBuf {
        self.0.join("approvals.json")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal.sqlite")
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.0.join("vault.jsonl")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.0.join("report.json")
    }

    /// The report as a page for people.
    pub(crate) fn page(&self) -> PathBuf {
        self.0.join("report.html")
    }

    /// The recipients of the vault, so that a resume seals to the same people.
    pub(crate) fn recipients(&self) -> PathBuf {
        self.0.join("recipients.txt")
    }

    /// Where the directories are described; absent for the embedded one.
    pub(crate) fn origin(&self) -> PathBuf {
        self.0.join("directories.path")
    }

    /// The identity that is made for the embedded directory only.
    pub(crate) fn embedded_identity(&self) -> PathBuf {
        self.0.join("embedded-identity.txt")
    }

    pub(crate) fn stop_file(&self) -> PathBuf {
        self.0.join("STOP")
    }

    /// The paths for the summary.
    pub(crate) fn files(&self) -> serde_json::Value {
        json!({
            "folder": self.0, "plan": self.plan(), "approvals": self.approvals(), "journal": self.journal(),
            "vault": self.vault(), "report": self.report(), "page": self.page(),
        })
    }

    /// The journal, begun or continued. After the vault, whose lines tell whether it is whole.
    pub(crate) async fn open_journal(&self) -> Result<SqliteJournal> {
        let begun = std::fs::metadata(self.vault()).is_ok_and(|vault| vault.len() > 0);
        let path = self.journal();
        let found = std::fs::metadata(&path);
        if found.as_ref().is_ok_and(|journal| journal.len() == 0) && !begun {
            // A process was killed while it made the file; nothing is sealed or sent before that.
            std::fs::remove_file(&path).map_err(|fault| cannot_write(&path, &fault))?;
            return SqliteJournal::create(path);
        }
        if found.is_err() && !begun {
            return SqliteJournal::create(path);
        }
        let journal = SqliteJournal::open(&path)?;
        if begun && journal.head().await?.number == 0 {
            let lost = format!("{} holds no record, and the vault beside it holds passwords", path.display());
            return Err(input(lost).with_advice(
                "they may have been sent: restore the journal, with the file journal.sqlite-wal that belongs to it",
            ));
        }
        Ok(journal)
    }

    /// The vault, begun or continued, sealed to `recipients`.
    pub(crate) fn open_vault(&self, recipients: Vec<Recipient>, identities: Vec<Identity>) -> Result<SealedFile> {
        let vault = SealedFile::open_or_create(self.vault(), recipients)?;
        Ok(if identities.is_empty() { vault } else { vault.with_identities(identities) })
    }

    /// Keeps the recipients that were given, for this process and for every resume.
    pub(crate) fn keep_recipients(&self, given: &[Recipient]) -> Result<()> {
        let lines: String = given.iter().map(|recipient| format!("{recipient}\n")).collect();
        if given.is_empty() { Ok(()) } else { write(&self.recipients(), &lines) }
    }

    /// The recipients given now, or those that the run was begun with.
    pub(crate) fn kept_recipients(&self) -> Result<Vec<Recipient>> {
        let text = std::fs::read_to_string(self.recipients()).map_err(|_| nobody())?;
        text.lines().map(Recipient::parse).collect()
    }
}

/// Nobody could open what would be sealed.
pub(crate) fn nobody() -> Error {
    input("nobody is named who may open the generated passwords".to_owned())
        .with_advice("make a key with age-keygen and give its public half: --recipient age1…")
}

/// Writes a small file, whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let draft = path.with_extension("draft");
    let whole = || {
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    };
    whole().map_err(|fault| cannot_write(path, &fault))
}

fn cannot_write(path: &Path, fault: &std::io::Error) -> Error {
    input(format!("{}: {fault}", path.display()))
}

pub(crate) fn input(detail: String) -> Error {
    Error::new(ErrorKind::InputInvalid, "prepare the run").with_detail(detail)
}

fn fresh() -> PathBuf {
    let now = identity_reset::limits::clock::now();
    let stamp: String = now.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    let folder = |suffix: String| PathBuf::from("runs").join(format!("{stamp}{suffix}"));
    // Two runs in one second get two folders.
    let mut path = folder(String::new());
    let mut count = 1;
    while path.exists() {
        count += 1;
        path = folder(format!("-{count}"));
    }
    path
}

#[cfg(unix)]
fn only_ours(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn only_ours(_: &Path) -> std::io::Result<()> {
    Ok(())
}

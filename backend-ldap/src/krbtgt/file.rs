//! The state file: one event a line, durable when written, chained by hash.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::clock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::story::{Event, Story};

const OPERATION: &str = "keep the krbtgt state file";
/// A file of this procedure has some dozens of lines; this is another one.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The state file, held open and locked.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    file: File,
    story: Story,
    number: u64,
    head: String,
    /// A write failed: what is on disk is not known any more.
    broken: bool,
}

#[derive(Serialize, Deserialize)]
struct Line {
    number: u64,
    /// By this machine's clock.
    recorded: Timestamp,
    event: Event,
    /// SHA-256 over the hash before and this line without its hash.
    hash: String,
}

impl StateFile {
    /// Opens the file, or begins one.
    pub(super) fn open(path: &Path, domain: &str) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|fault| journal(path, &fault.to_string()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(journal(path, "another process has it open")),
            Err(TryLockError::Error(fault)) => return Err(journal(path, &fault.to_string())),
        }
        let mut opened = Self {
            path: path.to_owned(),
            file,
            story: Story::default(),
            number: 0,
            head: String::new(),
            broken: false,
        };
        opened.read(domain)?;
        if opened.number == 0 {
            sync_folder(path)?;
            opened.append(Event::Began { domain: domain.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })?;
        }
        Ok(opened)
    }

    pub(super) fn story(&self) -> &Story {
        &self.story
    }

    pub(super) fn head(&self) -> &str {
        &self.head
    }

    /// Makes an event durable, then takes it in.
    pub(super) fn append(&mut self, event: Event) -> Result<()> {
        if self.broken {
            return Err(journal(&self.path, "an earlier write failed; open it again"));
        }
        let (number, recorded) = (self.number + 1, clock::now());
        let hash = hash(&self.head, number, recorded, &event)?;
        let line = Line { number, recorded, event, hash };
        let mut bytes = serde_json::to_vec(&line).map_err(|fault| journal(&self.path, &fault.to_string()))?;
        bytes.push(b'\n');
        let written = self.file.seek(SeekFrom::End(0)).and_then(|_| self.file.write_all(&bytes));
        if let Err(fault) = written.and_then(|()| self.file.sync_all()) {
            self.broken = true;
            return Err(journal(&self.path, &fault.to_string()));
        }
        (self.number, self.head) = (number, line.hash);
        self.story.fold(&line.event);
        Ok(())
    }

    fn read(&mut self, domain: &str) -> Result<()> {
        let length = self.file.metadata().map_err(|fault| journal(&self.path, &fault.to_string()))?.len();
        if length > LARGEST {
            return Err(changed(&self.path, "it is too large to be one"));
        }
        let mut text = String::new();
        self.file.read_to_string(&mut text).map_err(|fault| journal(&self.path, &fault.to_string()))?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for line in text.get(..whole).unwrap_or_default().lines() {
            let place = self.number + 1;
            let line: Line = serde_json::from_str(line)
                .map_err(|fault| changed(&self.path, &format!("line {place} is none of its lines ({fault})")))?;
            let expected = hash(&self.head, place, line.recorded, &line.event)?;
            if line.number != place || line.hash != expected {
                return Err(changed(&self.path, &format!("line {place} does not follow from the one before")));
            }
            match &line.event {
                Event::Began { domain: of, .. } if place == 1 && of.eq_ignore_ascii_case(domain) => {}
                Event::Began { domain: of, .. } if place == 1 => {
                    return Err(changed(&self.path, &format!("it is of the domain {of}, and this is {domain}")));
                }
                _ if place == 1 => return Err(changed(&self.path, "it does not begin with a beginning")),
                _ => {}
            }
            (self.number, self.head) = (place, line.hash);
            self.story.fold(&line.event);
        }
        if whole < text.len() {
            // A line that was cut by a crash was never durable, and nothing was done upon it.
            let cut = self.file.set_len(whole as u64).and_then(|()| self.file.sync_all());
            cut.map_err(|fault| journal(&self.path, &fault.to_string()))?;
        }
        Ok(())
    }
}

fn hash(before: &str, number: u64, recorded: Timestamp, event: &Event) -> Result<String> {
    let body = serde_json::to_vec(&(number, recorded, event))
        .map_err(|fault| Error::new(ErrorKind::Journal, OPERATION).with_source(fault))?;
    let digest = Sha256::new().chain_update(before).chain_update([b'\n']).chain_update(body).finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A new file's name is durable only with its folder.
fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|fault| journal(folder, &fault.to_string()))?;
    }
    Ok(())
}

fn journal(path: &Path, detail: &str) -> Error {
    Error::new(ErrorKind::Journal, OPERATION)
        .with_detail(format!("{}: {detail}", path.display()))
        .with_advice("mend the place of the file; without it nothing is set")
}

fn changed(path: &Path, detail: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, OPERATION)
        .with_detail(format!("{}: {detail}", path.display()))
        .with_advice("name the state file of this domain's procedure, unchanged; for a new round name a new file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::krbtgt::Stage;
    use crate::krbtgt::story::Phase;

    const DOMAIN: &str = "corp.example.test";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_900_000_000 + seconds).expect("in range")
    }

    fn events() -> [Event; 2] {
        [
            Event::Intent {
                phase: Phase::One,
                account: "krbtgt-id".parse().expect("id"),
                last_set: Some(at(0)),
                password_version: Some(3),
                at: at(100),
                interval_seconds: 36_600,
                early: false,
                without: Vec::new(),
            },
            Event::Set {
                phase: Phase::One,
                last_set: at(101),
                password_version: Some(4),
                not_before: at(36_701),
                read_back: false,
            },
        ]
    }

    #[test]
    fn what_was_written_is_there_again_and_a_cut_line_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("krbtgt.jsonl");
        let [intent, set] = events();
        let mut file = StateFile::open(&path, DOMAIN).expect("new");
        assert_eq!(file.story().stage(), Stage::NotBegun);
        assert!(StateFile::open(&path, DOMAIN).expect_err("locked").detail().contains("another process"));
        file.append(intent).expect("written");
        let head = file.head().to_owned();
        drop(file);
        let half = serde_json::to_string(&set).expect("json");
        let mut text = std::fs::read_to_string(&path).expect("read");
        text.push_str(&half[..half.len() / 2]);
        std::fs::write(&path, text).expect("cut");
        let mut file = StateFile::open(&path, "CORP.example.test").expect("again");
        assert_eq!((file.head(), file.story().stage()), (head.as_str(), Stage::Open { phase: 1 }));
        file.append(set).expect("written after the cut");
        drop(file);
        let file = StateFile::open(&path, DOMAIN).expect("whole");
        let stage = Stage::OneDone { last_set: at(101), not_before: at(36_701), converged: false };
        assert_eq!(file.story().stage(), stage);
    }

    #[test]
    fn a_changed_file_and_one_of_another_domain_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("krbtgt.jsonl");
        let mut file = StateFile::open(&path, DOMAIN).expect("new");
        events().into_iter().for_each(|event| file.append(event).expect("written"));
        drop(file);
        let text = std::fs::read_to_string(&path).expect("read");
        let refused = |text: &str, why: &str| {
            std::fs::write(&path, text).expect("written");
            let error = StateFile::open(&path, DOMAIN).expect_err(why);
            assert_eq!(error.kind(), ErrorKind::InputInvalid, "{why}: {error}");
        };
        // The earliest moment of the second reset, made earlier.
        let later = at(36_701).to_string();
        assert!(text.contains(&later));
        refused(&text.replace(&later, &at(200).to_string()), "a line was changed");
        let lines: Vec<&str> = text.lines().collect();
        refused(&format!("{}\n{}\n", lines[0], lines[2]), "a line was left out");
        refused("not a state file\n", "another file");
        std::fs::write(&path, &text).expect("written");
        assert!(StateFile::open(&path, "other.test").expect_err("other").detail().contains("is of the domain"));
        StateFile::open(&path, DOMAIN).expect("unchanged");
    }
}

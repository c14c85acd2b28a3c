//! The files of a report: streamed, and in place only when they are whole.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::control::{self, Shown};
use super::html::{Beside, Page};
use super::persons::People;
use super::row::Row;
use super::summary::Summary;
use super::survivor::{self, Survivor};
use super::table::Table;
use super::timeline::Timeline;
use crate::error::{Error, ErrorKind, Result};

/// `report.html`, `report.json`, `report.csv` and `todo.csv` in the making.
pub(super) struct Files<'a> {
    folder: &'a Path,
    /// The rows of `report.json`: the summary stands before them and is known after them.
    rows: BufWriter<File>,
    any: bool,
    page: Page,
    mark: Option<String>,
    accounts: Table<BufWriter<NamedTempFile>>,
    left: Table<BufWriter<NamedTempFile>>,
}

/// What stands in `report.json` before the rows.
#[derive(Serialize)]
struct Preamble<'a> {
    format: &'static str,
    summary: &'a Summary,
    definitions: &'static [Definition],
    survivors: Vec<Explained>,
    controls: Vec<Shown>,
    timeline: &'a Timeline,
}

#[derive(Serialize)]
pub(super) struct Definition {
    pub(super) word: &'static str,
    pub(super) means: &'static str,
}

#[derive(Serialize)]
struct Explained {
    code: Survivor,
    means: &'static str,
    source: &'static str,
}

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition { word: "seen", means: "planned + manual + left_out + protected: one row each" },
    Definition { word: "planned", means: "verified + failed + unknown" },
    Definition { word: "verified", means: "every planned action is confirmed, and reading the account back showed it" },
    Definition {
        word: "failed",
        means: "an action was refused, given up or never attempted, or reading back contradicts the confirmation",
    },
    Definition {
        word: "unknown",
        means: "no answer came, or everything is confirmed and reading back has not shown it",
    },
    Definition {
        word: "manual_done",
        means: "recorded as done by hand: by_hand says whether the password's time confirms it or somebody's word is all there is",
    },
    Definition {
        word: "manual_unconfirmed",
        means: "recorded as done by hand, and the directory says that the password is as it was",
    },
    Definition { word: "not_attempted", means: "failed without having been touched" },
    Definition {
        word: "changed_by_owner",
        means: "verified, and the owner chose another password since, as asked; that it was the owner is concluded from the must-change flag being gone",
    },
    Definition { word: "persons", means: "planned = done + partly + open; a person has one row with all accounts" },
    Definition { word: "done", means: "of a person: every account is verified or recorded as done by hand" },
    Definition { word: "partly", means: "of a person: every planned account is done, and the plan leaves out others" },
    Definition { word: "open", means: "of a person: an account is not verified, and not recorded as done by hand" },
    Definition {
        word: "log",
        means: "what the directory's own audit log says, where it was read: confirmed (by the id of the request, or by account and principal where the answer was lost), not_found, contradicted; log_others counts what others did to the account in the same minutes",
    },
    Definition {
        word: "sealed",
        means: "references of passwords generated for the account; the vault opens them, the report holds none",
    },
];

impl<'a> Files<'a> {
    /// Begins the files of a report in an existing folder.
    pub(super) fn begin(folder: &'a Path, mark: Option<&str>) -> Result<Self> {
        // Beside their final places: renaming works within one file system only, and what a
        // report says belongs nowhere else.
        let new = || NamedTempFile::new_in(folder).map(BufWriter::new).map_err(fault);
        Ok(Self {
            folder,
            rows: BufWriter::new(tempfile::tempfile_in(folder).map_err(fault)?),
            any: false,
            page: Page::default(),
            mark: mark.map(str::to_owned),
            accounts: Table::of_accounts(new()?, mark)?,
            left: Table::of_what_is_left(new()?, mark)?,
        })
    }

    /// Adds an account.
    pub(super) fn row(&mut self, row: &Row) -> Result<()> {
        self.rows.write_all(if self.any { b",\n" } else { b"\n" }).map_err(fault)?;
        self.any = true;
        serde_json::to_writer(&mut self.rows, row).map_err(fault)?;
        self.page.take(row);
        self.accounts.account(row)?;
        self.left.left(row)
    }

    /// Puts the files in place: those that the page names the digests of before it.
    pub(super) fn finish(self, summary: &Summary, timeline: &Timeline, people: &People) -> Result<()> {
        let mut rows = self.rows.into_inner().map_err(|error| fault(error.into_error()))?;
        rows.rewind().map_err(fault)?;
        let preamble = serde_json::to_string_pretty(&Preamble {
            format: "identity-reset report 1",
            summary,
            definitions: DEFINITIONS,
            survivors: survivor::ALL
                .map(|code| Explained { code, means: code.meaning(), source: code.source() })
                .into(),
            controls: control::shown(summary),
            timeline,
        })
        .map_err(fault)?;
        let open = preamble.strip_suffix("\n}").ok_or_else(|| fault("the preamble is not an object"))?;
        let mut json = BufWriter::new(NamedTempFile::new_in(self.folder).map_err(fault)?);
        write!(json, "{open},\n  \"rows\": [").map_err(fault)?;
        io::copy(&mut rows, &mut json).map_err(fault)?;
        json.write_all(b"\n]").map_err(fault)?;
        let mut persons = None;
        if summary.persons.is_some() {
            json.write_all(b",\n  \"persons\": [").map_err(fault)?;
            let mut table = Table::of_persons(
                BufWriter::new(NamedTempFile::new_in(self.folder).map_err(fault)?),
                self.mark.as_deref(),
            )?;
            let mut any = false;
            people.each(|person| {
                json.write_all(if any { b",\n" } else { b"\n" }).map_err(fault)?;
                any = true;
                serde_json::to_writer(&mut json, person).map_err(fault)?;
                table.person(person)
            })?;
            json.write_all(b"\n]").map_err(fault)?;
            persons = Some(table.finish()?);
        }
        json.write_all(b"\n}\n").map_err(fault)?;
        let persons = persons.map(|table| ("persons.csv", table));
        let tables = [("report.csv", self.accounts.finish()?), ("todo.csv", self.left.finish()?)];
        let mut beside = Vec::new();
        let mut whole = Vec::new();
        for (name, file) in tables.into_iter().chain(persons).chain([("report.json", json)]) {
            let (file, digest) = digested(file)?;
            beside.push(Beside { name, digest });
            whole.push((name, file));
        }
        let mut html = NamedTempFile::new_in(self.folder).map_err(fault)?;
        html.write_all(self.page.finish(summary, timeline, &beside).as_bytes()).map_err(fault)?;
        whole.push(("report.html", html));
        for (name, file) in whole {
            place(file, &self.folder.join(name))?;
        }
        sync_folder(self.folder)
    }
}

/// The file, and what `sha256sum` says of it.
fn digested(file: BufWriter<NamedTempFile>) -> Result<(NamedTempFile, String)> {
    let mut file = file.into_inner().map_err(|error| fault(error.into_error()))?;
    file.rewind().map_err(fault)?;
    let mut digest = Sha256::new();
    io::copy(&mut file, &mut digest).map_err(fault)?;
    Ok((file, hex::encode(digest.finalize())))
}

fn place(file: NamedTempFile, path: &Path) -> Result<()> {
    file.as_file().sync_all().map_err(fault)?;
    file.persist(path).map_err(|error| fault(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault)
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}

pub(super) fn fault(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = error.into();
    Error::new(ErrorKind::Unexpected, "write the report")
        .with_detail(source.to_string())
        .with_advice("check the folder's space and permissions, and make the report again: nothing else is lost")
        .with_source(source)
}

//! The journal and the vault, against the bare client libraries with the same durability.
//!
//! - `journal/alone`, `journal/64`, `journal/many`: events appended one call at a time; 64 in one
//!   call; one a call by 64 callers at once, who share transactions. The bare loop writes rows of
//!   the same length into a table without an index, in as many transactions, synced the same way
//!   (write-ahead log, `synchronous = FULL`); it chains, indexes and encodes nothing.
//! - `vault/64`: 64 passwords sealed in one call. The bare loop encrypts as many lines with age to
//!   the same recipient, appends them to a file and syncs it.

mod side_by_side;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use criterion::Criterion;
use futures::future::try_join_all;
use identity_reset::journal::{Baseline, Event};
use identity_reset::prelude::*;
use identity_reset::reset::{Secret, SecretKind};
use identity_reset::vault::Sealing;
use rusqlite::{Connection, params};
use tokio::runtime::Runtime;

use side_by_side::{compare, in_turns, size, timed};

/// Callers at once, and events or passwords in a call: as in a run on a directory in memory.
const MANY: usize = 64;

fn main() -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let mut criterion = Criterion::default().configure_from_args();
    let few = size(400, 20);
    journal(&mut criterion, &runtime, "journal/alone", few, 1, 1)?;
    journal(&mut criterion, &runtime, "journal/64", 64 * few, MANY, 1)?;
    journal(&mut criterion, &runtime, "journal/many", 16 * few.max(MANY as u64), 1, MANY)?;
    vault(&mut criterion, &runtime, size(100, 5))?;
    criterion.final_summary();
    Ok(())
}

fn journal(
    criterion: &mut Criterion,
    runtime: &Runtime,
    name: &str,
    events: u64,
    in_a_call: usize,
    callers: usize,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let journal = Arc::new(SqliteJournal::create(folder.path().join("journal.sqlite"))?);
    let bare = bare_journal(&folder.path().join("bare.sqlite"))?;
    let body = serde_json::to_string(&intent(1_000_000))?;
    let calls_each = events / (in_a_call * callers) as u64;
    let amount = calls_each * (in_a_call * callers) as u64;
    // How many rows a transaction of ours had, in the round before.
    let mut grouped = in_a_call as u64;
    let mut next = 0;
    compare(criterion, name, 3, |round| {
        let before = journal.commits();
        let from = next;
        next += amount;
        let ours = || {
            timed(|| {
                runtime.block_on(try_join_all((0..callers as u64).map(|caller| {
                    let journal = Arc::clone(&journal);
                    let from = from + caller * calls_each * in_a_call as u64;
                    let work = runtime.spawn(async move {
                        for call in 0..calls_each {
                            let first = from + call * in_a_call as u64;
                            journal.append((first..first + in_a_call as u64).map(intent).collect()).await?;
                        }
                        Ok::<_, Error>(())
                    });
                    async move { anyhow::Ok(work.await??) }
                })))?;
                Ok(())
            })
        };
        let measured = in_turns(round, amount, ours, || timed(|| bare_append(&bare, amount, grouped, &body)))?;
        grouped = amount.div_ceil((journal.commits() - before).max(1));
        Ok(measured)
    });
    Ok(())
}

fn intent(entry: u64) -> Event {
    Event::Intent {
        entry,
        action: Action::SetPassword { must_change: true },
        attempt: 1,
        baseline: Baseline {
            last_set: jiff::Timestamp::from_second(1_780_272_000).ok(),
            version: Some(3),
            must_change: false,
            ..Baseline::default()
        },
        sealed: Some(identity_reset::vault::SealedRef(format!("{}:{}", entry / 64 + 1, entry % 64))),
    }
}

fn bare_journal(path: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE records (number INTEGER PRIMARY KEY, at TEXT, body TEXT, hash TEXT);",
    )?;
    Ok(connection)
}

fn bare_append(connection: &Connection, rows: u64, in_a_transaction: u64, body: &str) -> anyhow::Result<()> {
    let (at, hash) = ("2026-06-01T00:00:00.123456789Z", "0".repeat(64));
    let mut insert = connection.prepare("INSERT INTO records (at, body, hash) VALUES (?1, ?2, ?3)")?;
    let mut left = rows;
    while left > 0 {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..left.min(in_a_transaction) {
            insert.execute(params![at, body, hash])?;
        }
        connection.execute_batch("COMMIT")?;
        left = left.saturating_sub(in_a_transaction);
    }
    Ok(())
}

fn vault(criterion: &mut Criterion, runtime: &Runtime, calls: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let recipient = Identity::generate().recipient();
    let bare_recipient: age::x25519::Recipient =
        recipient.to_string().parse().map_err(|fault: &str| anyhow::anyhow!(fault))?;
    let vault = SealedFile::create(folder.path().join("vault.jsonl"), vec![recipient])?;
    let mut bare = File::create(folder.path().join("bare"))?;
    let passwords: Vec<Sealing> = (0..MANY as u64).map(sealing).collect::<anyhow::Result<_>>()?;
    compare(criterion, "vault/64", 3, |round| {
        let ours = || {
            timed(|| {
                for _ in 0..calls {
                    runtime.block_on(vault.seal(passwords.clone()))?;
                }
                Ok(())
            })
        };
        let mut write = || {
            timed(|| {
                for _ in 0..calls {
                    bare_seal(&mut bare, &bare_recipient, &passwords)?;
                }
                Ok(())
            })
        };
        in_turns(round, calls * MANY as u64, ours, &mut write)
    });
    Ok(())
}

fn sealing(entry: u64) -> anyhow::Result<Sealing> {
    Ok(Sealing {
        entry,
        directory: DirectoryId::new("corp")?,
        account: AccountId::new(format!("246bc01f-e470-447e-8b04-64fa0a4b{entry:04x}"))?,
        name: format!("some.person.{entry}"),
        kind: SecretKind::Password,
        password: Secret::new("correct-Horse-7-battery".to_owned()),
    })
}

fn bare_seal(file: &mut File, recipient: &age::x25519::Recipient, passwords: &[Sealing]) -> anyhow::Result<()> {
    let encryptor = age::Encryptor::with_recipients(std::iter::once(recipient as &dyn age::Recipient))?;
    let mut message = Vec::new();
    let mut writer = encryptor.wrap_output(&mut message)?;
    for sealing in passwords {
        writeln!(writer, "{} {} {}", sealing.account, sealing.name, sealing.password.expose())?;
    }
    writer.finish()?;
    file.write_all(&message)?;
    file.sync_data()?;
    Ok(())
}

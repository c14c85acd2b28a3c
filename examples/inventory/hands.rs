//! The checklist of a plan: shown, ticked off, taken back.

use std::path::Path;

use identity_reset::inventory::{ByHand, Checklist, Standing, WhichByHand};
use identity_reset::journal::ManualEvidence;
use identity_reset::prelude::*;
use serde_json::json;

use crate::options::RunFiles;
use crate::show::plain;
use crate::source::ask;
use crate::{Exit, input};

pub(crate) async fn checklist(run: &RunFiles, only_open: bool, as_json: bool) -> Result<Exit> {
    let mut checklist = Checklist::of(Plan::open(&run.plan)?);
    if let Some(path) = &run.journal {
        checklist = checklist.journal(Arc::new(SqliteJournal::open(path)?));
    }
    let (mut all, mut open) = (0_u64, 0_u64);
    checklist
        .visit(|account| {
            all += 1;
            open += u64::from(account.standing == Standing::Open);
            if !only_open || account.standing == Standing::Open {
                println!("{}", if as_json { object(&account) } else { text(&account) });
            }
            Ok(())
        })
        .await?;
    if !as_json {
        println!("{open} of {all} are open");
    }
    Ok(Exit::Done)
}

pub(crate) async fn tick(
    run: &RunFiles,
    which: &WhichByHand,
    (by, note): (&str, &str),
    directories: Option<&Path>,
) -> Result<Exit> {
    let mut checklist = writable(run)?;
    if let Some(path) = directories {
        // One that does not answer is said in the record.
        for (_, backend) in Directories::from_file(path)?.connect_each_asking(&ask).await? {
            if let Ok(backend) = backend {
                checklist = checklist.directory(backend);
            }
        }
    }
    let done = checklist.tick(which, by, note).await?;
    println!("recorded: {which}: {}", plain(&done.evidence.to_string()));
    Ok(if matches!(done.evidence, ManualEvidence::Unchanged { .. }) { Exit::Unsure } else { Exit::Done })
}

pub(crate) async fn undo(run: &RunFiles, which: &WhichByHand, (by, note): (&str, &str)) -> Result<Exit> {
    writable(run)?.undo(which, by, note).await?;
    println!("taken back: {which}");
    Ok(Exit::Done)
}

fn writable(run: &RunFiles) -> Result<Checklist> {
    let plan = Plan::open(&run.plan)?;
    let path = run.journal.as_ref().ok_or_else(|| input("--journal names where it is recorded"))?;
    Ok(Checklist::of(plan).journal(Arc::new(SqliteJournal::open_or_create(path)?)))
}

fn text(account: &ByHand) -> String {
    let standing = match &account.standing {
        Standing::Done(done) => format!("[x] by {}: {} ({})", done.by, done.note, done.evidence),
        _ => "[ ]".to_owned(),
    };
    let entry = account.entry.map_or_else(String::new, |entry| format!(" (entry {entry})"));
    let owner = account.owner.as_deref().unwrap_or("NOT NAMED");
    let lines = [
        format!("{}/{}{entry}, tier {}, {}", account.directory, account.name, account.tier.number(), account.kind),
        format!("why:   {}", account.reason),
        format!("owner: {owner}"),
    ];
    let procedure = account.procedure.iter().map(|procedure| format!("how:   {procedure}"));
    let lines = lines.into_iter().chain(procedure).map(|line| plain(&line)).collect::<Vec<_>>();
    format!("{} {}", plain(&standing), lines.join("\n    "))
}

fn object(account: &ByHand) -> String {
    let done = match &account.standing {
        Standing::Done(done) => serde_json::to_value(done).unwrap_or_default(),
        _ => serde_json::Value::Null,
    };
    json!({
        "entry": account.entry, "directory": account.directory, "id": account.id, "name": account.name,
        "kind": account.kind, "tier": account.tier.number(), "reason": account.reason,
        "procedure": account.procedure, "owner": account.owner, "done": done,
    })
    .to_string()
}

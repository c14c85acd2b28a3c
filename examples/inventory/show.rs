//! An inventory as tables for people, or as its own lines for programs.

use std::io::Write;

use comfy_table::{ContentArrangement, Table, presets};
use identity_reset::directory::Severity;
use identity_reset::inventory::{InventoriedDirectory, Inventory, InventoryRow, Reading};
use identity_reset::prelude::*;

use crate::input;

/// The lines of the file.
pub(crate) fn json(inventory: &Inventory) -> Result<()> {
    let mut file = std::fs::File::open(inventory.path()).map_err(|fault| input(&fault.to_string()))?;
    // Whoever reads it may have seen enough and closed the pipe.
    let _ = std::io::copy(&mut file, &mut std::io::stdout());
    Ok(())
}

/// One table a directory.
pub(crate) fn table(inventory: &Inventory) -> Result<()> {
    let now = inventory.header().taken_at;
    let mut out = std::io::stdout().lock();
    let mut rows = inventory.rows()?.peekable();
    for directory in &inventory.header().directories {
        let _ = writeln!(out, "{}", heading(directory));
        if let Reading::Unread { because } = &directory.reading {
            let _ = writeln!(out, "!!! NOT READ: {}", plain(because));
            continue;
        }
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(std::env::var("COLUMNS").ok().and_then(|width| width.parse().ok()).unwrap_or(150));
        table.set_header(["tier", "account", "kind", "enabled", "password", "because", "by hand"]);
        while let Some(row) = rows.next_if(|row| row.as_ref().map_or(true, |row| row.directory == directory.info.id)) {
            let row = row?;
            let days = row.last_set().map(|set| now.duration_since(set).as_hours() / 24);
            let password = days.map_or_else(|| "not told".to_owned(), |days| format!("{days} days old"));
            table.add_row([
                tier(&row),
                plain(row.label()),
                row.kind.as_str().to_owned(),
                state(&row).to_owned(),
                password,
                because(&row),
                by_hand(&row),
            ]);
        }
        let _ = writeln!(out, "{table}");
    }
    Ok(())
}

fn heading(directory: &InventoriedDirectory) -> String {
    let (info, counts) = (&directory.info, &directory.counts);
    let mut text = format!(
        "{} ({} {}): {} of tier 0, {} of tier 1, {} need hands ({} without an owner), of {} accounts",
        info.id,
        info.kind,
        plain(&info.tenant),
        counts.tier_0,
        counts.tier_1,
        counts.hands,
        counts.unowned,
        counts.seen
    );
    for finding in directory.findings.iter().filter(|finding| finding.severity != Severity::Note) {
        text.push_str(&format!("\nwarning: {}", plain(&finding.text)));
    }
    for ground in &directory.everybody {
        text.push_str(&format!("\nwarning: every account has this; take it away: {}", plain(&ground.to_string())));
    }
    text
}

/// The tier; with a question mark where it may be a higher one.
fn tier(row: &InventoryRow) -> String {
    format!("{}{}", row.tier.number(), if row.unknown_because.is_some() { "?" } else { "" })
}

fn state(row: &InventoryRow) -> &'static str {
    match &row.state {
        None => "not here",
        Some(state) if !state.enabled => "no",
        Some(state) if state.locked => "yes, locked",
        Some(_) => "yes",
    }
}

/// One ground a line: the rule, what the account holds by it, and the path to that.
fn because(row: &InventoryRow) -> String {
    let grounds = row.grounds.iter().map(|ground| plain(&ground.to_string()));
    let unknown = row.unknown_because.iter().map(|why| plain(&format!("not certain: {why}")));
    grounds.chain(unknown).collect::<Vec<_>>().join("\n")
}

fn by_hand(row: &InventoryRow) -> String {
    let owner = row.owner.as_deref().unwrap_or("no owner");
    let hands = row.hands.as_ref().map(|hands| plain(&format!("{} ({owner})", hands.reason)));
    hands.unwrap_or_default()
}

/// A directory's text without what would move the cursor, end the line, or turn the writing round:
/// an attacker may have chosen it.
pub(crate) fn plain(text: &str) -> String {
    let turning = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turning(c) { '\u{fffd}' } else { c }).collect()
}

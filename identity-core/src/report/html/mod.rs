//! `report.html`: the report as one page for people. No script, no picture from elsewhere, no
//! network; it prints well, and a phone shows it.
//!
//! Its size is bounded however many accounts there are: [`LISTED`] exceptions and as many accounts
//! left to people are listed one by one, the privileged first, and the page says how many more are
//! in the tables beside it.

mod chart;
mod open;
mod opening;
mod proof;
mod style;
mod text;
mod work;

#[cfg(test)]
mod tests;

pub(super) use text::lasted;

use std::collections::BTreeMap;

use super::row::{Row, RowResult};
use super::summary::Summary;
use super::timeline::Timeline;
use text::Markup;

/// The most accounts that each of the two lists has.
pub(super) const LISTED: usize = 200;

/// The most different reasons that are told apart.
const REASONS: usize = 12;

/// A file that is written beside the page.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) name: &'static str,
    /// Its SHA-256, in hexadecimal.
    pub(super) digest: String,
}

/// The page in the making: what it says of single accounts.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Failed, unknown, or contradicted by a log: by tier, then by result, in the order of the plan.
    exceptions: Listed,
    /// Left to people by the plan.
    by_hand: Listed,
}

/// The first accounts by rank, and how many there are.
#[derive(Debug, Default)]
struct Listed {
    first: BTreeMap<(u8, u8, u64), Shown>,
    all: u64,
}

/// What is shown of an account.
#[derive(Debug)]
struct Shown {
    name: String,
    id: String,
    directory: String,
    tier: u8,
    wave: String,
    result: RowResult,
    why: String,
    advice: String,
    owner: Option<String>,
}

impl Listed {
    fn take(&mut self, row: &Row) {
        self.all += 1;
        let rank = u8::from(row.result == RowResult::ManualDone) * 2 + u8::from(row.result == RowResult::Unknown);
        let key = (row.tier.number(), rank, self.all);
        let greatest = self.first.last_key_value().map(|(greatest, _)| *greatest);
        if self.first.len() >= LISTED && greatest.is_some_and(|greatest| key > greatest) {
            return;
        }
        self.first.insert(key, Shown::of(row));
        if self.first.len() > LISTED {
            self.first.pop_last();
        }
    }
}

impl Shown {
    fn of(row: &Row) -> Self {
        let left = row.left.as_ref();
        Self {
            name: row.name.clone(),
            id: row.id.as_str().to_owned(),
            directory: row.directory.as_str().to_owned(),
            tier: row.tier.number(),
            wave: row.wave.clone().unwrap_or_default(),
            result: row.result,
            why: row.why.clone(),
            advice: left.map_or_else(String::new, |left| left.advice.clone()),
            owner: left.and_then(|left| left.owner.clone()),
        }
    }
}

impl Page {
    /// Adds an account.
    pub(super) fn take(&mut self, row: &Row) {
        match row.result {
            RowResult::Failed | RowResult::Unknown => self.exceptions.take(row),
            RowResult::Manual | RowResult::ManualUnconfirmed | RowResult::ManualDone => self.by_hand.take(row),
            RowResult::Verified | RowResult::LeftOut | RowResult::Protected => {}
        }
    }

    /// The whole page.
    pub(super) fn finish(&self, summary: &Summary, timeline: &Timeline, beside: &[Beside]) -> String {
        let sheet = style::sheet(summary);
        let mut html = Markup::default();
        html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"").text(style::policy(&sheet)).raw("\">\n");
        html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.raw(
            "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n<title>",
        );
        if let Some(mark) = &summary.mark {
            html.text(mark).raw(" · ");
        }
        html.raw("Password reset report · run ").text(opening::run(summary)).raw("</title>\n").style(&sheet);
        html.raw("</head>\n<body>\n<a class=\"skip\" href=\"#outcome\">To the outcome</a>\n");
        if let Some(mark) = &summary.mark {
            html.raw("<aside class=\"mark\" aria-label=\"Mark of this report\">").text(mark).raw("</aside>\n");
            html.raw("<div class=\"stamp\" aria-hidden=\"true\">").text(mark).raw("</div>\n");
        }
        opening::header(&mut html, summary);
        html.raw("<main>\n");
        opening::outcome(&mut html, summary);
        open::left(&mut html, summary);
        open::exceptions(&mut html, &self.exceptions);
        open::by_hand(&mut html, &self.by_hand);
        work::times(&mut html, summary, timeline);
        work::directories(&mut html, summary);
        work::populations(&mut html, summary);
        proof::survivors(&mut html, summary);
        proof::evidence(&mut html, summary, beside);
        proof::controls(&mut html, summary);
        proof::words(&mut html);
        html.raw("</main>\n<footer><p>Made by identity-reset ").text(env!("CARGO_PKG_VERSION"));
        html.raw(" from the plan and the journal alone; the same two give the same page. All times are UTC. This page holds names and grounds of privilege, and no password: give it to those who need it.</p></footer>\n</body>\n</html>\n");
        html.into_string()
    }
}

/// Begins a table in a box of its own, which scrolls where the page is narrow. The label is unique on
/// the page; a heading that is a number begins with `#`.
fn table(html: &mut Markup, label: &'static str, caption: &'static str, columns: &[&'static str]) {
    html.raw("<div class=\"box\" role=\"group\" tabindex=\"0\" aria-label=\"").raw(label);
    html.raw("\"><table><caption>").raw(caption).raw("</caption><thead><tr>");
    for column in columns {
        match column.strip_prefix('#') {
            Some(number) => html.raw("<th scope=\"col\" class=\"n\">").raw(number),
            None => html.raw("<th scope=\"col\">").raw(column),
        };
        html.raw("</th>");
    }
    html.raw("</tr></thead><tbody>\n");
}

fn end(html: &mut Markup) {
    html.raw("</tbody></table></div>\n");
}

/// The word for a result, with a sign beside its colour.
fn word(result: RowResult) -> &'static str {
    match result {
        RowResult::Verified => "<b class=\"good\">✓ verified</b>",
        RowResult::Failed => "<b class=\"bad\">✕ failed</b>",
        RowResult::Unknown => "<b class=\"open\">? unknown</b>",
        RowResult::Manual => "<b class=\"hand\">✎ open</b>",
        RowResult::ManualDone => "<b class=\"good\">✓ recorded as done</b>",
        RowResult::ManualUnconfirmed => "<b class=\"bad\">✕ recorded, not confirmed</b>",
        RowResult::LeftOut => "left out",
        RowResult::Protected => "protected",
    }
}

//! Rows as lines of a CSV file.

use std::borrow::Cow;
use std::io::Write;

use super::persons::{PersonAccount, PersonRow};
use super::row::{ActionRow, Row, RowResult};
use crate::account::AccountId;
use crate::error::Result;

/// The columns of `report.csv`.
const COLUMNS: [&str; 30] = [
    "directory",
    "id",
    "name",
    "kind",
    "tier",
    "population",
    "wave",
    "result",
    "not_attempted",
    "actions",
    "attempts",
    "request_ids",
    "read_back",
    "confirmed",
    "verdict",
    "last_set",
    "why",
    "retry",
    "advice",
    "notes",
    "grounds",
    "sealed",
    "survives",
    "refusals_foretold",
    "log",
    "log_because",
    "log_events",
    "log_others",
    "person",
    "mark",
];

/// The columns of `persons.csv`.
const PERSON_COLUMNS: [&str; 7] = ["person", "state", "name", "accounts", "results", "open", "mark"];

/// The columns of `todo.csv`.
const TODO_COLUMNS: [&str; 12] =
    ["directory", "id", "name", "tier", "population", "wave", "result", "why", "how", "what_to_do", "owner", "mark"];

/// A CSV file with one line an account.
pub(super) struct Table<W: Write> {
    lines: csv::Writer<W>,
    /// What every line is marked with.
    mark: String,
}

impl<W: Write> Table<W> {
    /// A table with the columns of `report.csv`.
    pub(super) fn of_accounts(file: W, mark: Option<&str>) -> Result<Self> {
        Self::new(file, &COLUMNS, mark)
    }

    /// A table with the columns of `todo.csv`.
    pub(super) fn of_what_is_left(file: W, mark: Option<&str>) -> Result<Self> {
        Self::new(file, &TODO_COLUMNS, mark)
    }

    /// A table with the columns of `persons.csv`.
    pub(super) fn of_persons(file: W, mark: Option<&str>) -> Result<Self> {
        Self::new(file, &PERSON_COLUMNS, mark)
    }

    fn new(file: W, columns: &[&str], mark: Option<&str>) -> Result<Self> {
        let mut lines = csv::Writer::from_writer(file);
        lines.write_record(columns).map_err(super::write::fault)?;
        Ok(Self { lines, mark: mark.unwrap_or_default().to_owned() })
    }

    /// Writes the line of an account.
    pub(super) fn account(&mut self, row: &Row) -> Result<()> {
        let each = |of: &dyn Fn(&ActionRow) -> String| {
            row.actions.iter().map(of).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
        };
        let (left, log) = (row.left.as_ref(), row.evidence.as_ref());
        self.line([
            row.directory.as_str(),
            AccountId::as_str(&row.id),
            &row.name,
            row.kind.as_str(),
            &row.tier.number().to_string(),
            row.population.as_ref().map_or("", |population| population.as_str()),
            row.wave.as_deref().unwrap_or_default(),
            row.result.as_str(),
            if row.not_attempted { "yes" } else { "" },
            &each(&|at| format!("{}={}", at.action, at.state.as_str())),
            &each(&|at| at.attempts.to_string()),
            &each(&|at| at.request_id.clone().unwrap_or_default()),
            if row.actions.iter().any(|at| at.read_back) { "yes" } else { "" },
            &each(&|at| at.at.map(|at| at.to_string()).unwrap_or_default()),
            row.verdict.map_or("", verdict_word),
            &row.last_set.map(|at| at.to_string()).unwrap_or_default(),
            &row.why,
            left.map_or("", |left| left.retry.as_str()),
            left.map_or("", |left| &left.advice),
            &row.notes.join("; "),
            &row.grounds.join("; "),
            &row.sealed.iter().map(|sealed| sealed.0.as_str()).collect::<Vec<_>>().join("; "),
            &row.survives.iter().map(|survivor| survivor.as_str()).collect::<Vec<_>>().join("; "),
            &row.refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            log.map_or("", |log| log.finding.as_str()),
            log.map_or("", |log| &log.because),
            &log.map_or_else(String::new, |log| log.events.join("; ")),
            &log.map_or_else(String::new, |log| log.others.to_string()),
            row.person.as_ref().map_or("", |person| person.as_str()),
        ])
    }

    /// Writes the line of a person: their accounts, each as `directory/id`; what came of each; and why
    /// those are open that are not done.
    pub(super) fn person(&mut self, row: &PersonRow) -> Result<()> {
        let each = |of: &dyn Fn(&PersonAccount) -> String| row.accounts.iter().map(of).collect::<Vec<_>>().join("; ");
        let is_open = |at: &&PersonAccount| {
            matches!(
                at.result,
                RowResult::Failed | RowResult::Unknown | RowResult::Manual | RowResult::ManualUnconfirmed
            )
        };
        let open: Vec<String> =
            row.accounts.iter().filter(is_open).map(|at| format!("{}: {}", at.directory, at.why)).collect();
        self.line([
            row.person.as_str(),
            row.state.as_str(),
            row.accounts.first().map_or("", |at| &at.name),
            &each(&|at| format!("{}/{}", at.directory, at.id)),
            &each(&|at| format!("{}={}", at.directory, at.result.as_str())),
            &open.join("; "),
        ])
    }

    /// Writes the line of an account with something left to do; nothing for the others.
    pub(super) fn left(&mut self, row: &Row) -> Result<()> {
        let Some(left) = &row.left else { return Ok(()) };
        self.line([
            row.directory.as_str(),
            AccountId::as_str(&row.id),
            &row.name,
            &row.tier.number().to_string(),
            row.population.as_ref().map_or("", |population| population.as_str()),
            row.wave.as_deref().unwrap_or_default(),
            row.result.as_str(),
            &row.why,
            left.retry.as_str(),
            &left.advice,
            left.owner.as_deref().unwrap_or_default(),
        ])
    }

    /// The file, with everything in it.
    pub(super) fn finish(self) -> Result<W> {
        self.lines.into_inner().map_err(|error| super::write::fault(error.into_error()))
    }

    fn line<const N: usize>(&mut self, cells: [&str; N]) -> Result<()> {
        for cell in cells.into_iter().chain([self.mark.as_str()]) {
            self.lines.write_field(harmless(cell).as_bytes()).map_err(super::write::fault)?;
        }
        self.lines.write_record(None::<&[u8]>).map_err(super::write::fault)
    }
}

/// A cell that a spreadsheet takes for text: names come from the directory, where an attacker may
/// have written them. A cell that begins like a formula gets an apostrophe in front; line breaks
/// and other control characters become spaces, so that an account stays one line.
fn harmless(cell: &str) -> Cow<'_, str> {
    let breaks = cell.contains(char::is_control);
    let formula = cell.trim_start().starts_with(begins_formula) || cell.starts_with(begins_formula);
    if !breaks && !formula {
        return Cow::Borrowed(cell);
    }
    let mut text = String::with_capacity(cell.len() + 1);
    if formula {
        text.push('\'');
    }
    text.extend(cell.chars().map(|c| if c.is_control() { ' ' } else { c }));
    Cow::Owned(text)
}

/// The first characters of a formula, their full-width forms included, and the tab and carriage
/// return that some spreadsheets skip before one (OWASP, CSV Injection).
fn begins_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠')
}

fn verdict_word(verdict: crate::journal::Verdict) -> &'static str {
    use crate::journal::Verdict;
    match verdict {
        Verdict::Changed => "changed",
        Verdict::Unchanged => "unchanged",
        Verdict::ChangedByOwner => "changed_by_owner",
        Verdict::ChangedByOther => "changed_by_other",
        Verdict::Unknown => "unknown",
        Verdict::Gone => "gone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_becomes_text() {
        let cases = [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "' =1"),
            ("\r=1", "' =1"),
            ("  =1", "'  =1"),
            ("＝1+1", "'＝1+1"),
            ("jdoe", "jdoe"),
            ("a=b", "a=b"),
            ("a\nb", "a b"),
            ("", ""),
        ];
        for (given, wanted) in cases {
            assert_eq!(harmless(given), wanted, "{given:?}");
        }
    }
}

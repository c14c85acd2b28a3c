//! A plan on one screen.

use std::fmt;

use super::ApprovalRules;
use super::estimate::Estimate;
use super::file::Plan;
use super::persons::PlannedPersons;
use super::tally::{Texts, WaveTally};

/// The most different texts that a section shows.
const MOST_LINES: usize = 10;

/// A plan on one screen, for whoever approves it: how many accounts of which directory, what each
/// wave does, what that contains and what it does not, what is left out and why, what people have
/// to do. `Display` is the screen; control characters in names are not passed on to the terminal.
#[derive(Clone, Debug)]
pub struct PlanSummary {
    plan: Plan,
    estimates: Vec<Estimate>,
}

impl PlanSummary {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, estimates: Vec::new() }
    }

    /// Shows how long it takes at best, as of [`Plan::estimates`].
    #[must_use]
    pub fn with_estimates(mut self, estimates: Vec<Estimate>) -> Self {
        self.estimates = estimates;
        self
    }
}

impl fmt::Display for PlanSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.plan.header();
        let tally = self.plan.tally();
        writeln!(f, "Plan {}", self.plan.digest())?;
        if let Some(messages) = &header.spec.messages {
            writeln!(f, "{messages}")?;
        }
        if let Some(origin) = &header.spec.origin {
            for line in origin.to_string().lines() {
                writeln!(f, "{}", Clean(line))?;
            }
        }
        writeln!(
            f,
            "{:<20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10}",
            "", "seen", "planned", "manual", "left out", "protected", "privileged"
        )?;
        for directory in &header.directories {
            count_line(f, &Clean(directory.info.id.as_str()), &directory.counts)?;
            writeln!(f, "  {} {}", Clean(&directory.info.kind), Clean(&directory.info.tenant))?;
        }
        if header.directories.len() > 1 {
            count_line(f, &Clean("all"), &header.counts)?;
            writeln!(f)?;
        }
        if let Some(persons) = &header.persons {
            person_lines(f, persons)?;
        }
        for warning in &header.warnings {
            writeln!(f, "WARNING: {}", Clean(warning))?;
        }
        writeln!(f, "\nWaves, each approved by its name{}", rules(header.spec.approvals))?;
        for wave in &header.waves {
            write!(f, "  {:<18} {:>9} reset", Clean(&wave.name).to_string(), wave.accounts)?;
            match tally.waves.get(&wave.name) {
                Some(counted) => wave_lines(f, counted)?,
                None => writeln!(f)?,
            }
            if let Some(pause) = header.spec.pauses.get(&wave.kind).filter(|pause| **pause > 0) {
                writeln!(f, "    then a pause of {pause} s")?;
            }
        }
        if header.waves.is_empty() {
            writeln!(f, "  none: nothing is planned")?;
        }
        if !self.estimates.is_empty() {
            writeln!(f, "\nHow long it takes at best, by the quotas known now; look-ups are not counted")?;
            for estimate in &self.estimates {
                for line in estimate.to_string().lines() {
                    writeln!(f, "  {}", Clean(line))?;
                }
            }
        }
        if header.counts.manual > 0 {
            writeln!(f, "\nBy hand ({}), by owner", header.counts.manual)?;
            text_lines(f, &tally.owners)?;
            for manual in &tally.by_hand {
                let owner = manual.owner.as_deref().unwrap_or("not named");
                let (directory, name, reason) = (&manual.directory, Clean(&manual.name), Clean(&manual.reason));
                writeln!(f, "    {directory} {name} (owner: {}): {reason}", Clean(owner))?;
            }
            let named = tally.by_hand.len() as u64;
            if header.counts.manual > named {
                writeln!(f, "    … and {} more, in the file", header.counts.manual - named)?;
            }
        }
        if header.counts.left_out > 0 {
            writeln!(f, "\nLeft out ({}), of these protected: {}", header.counts.left_out, header.counts.protected)?;
            text_lines(f, &tally.left_out)?;
        }
        if !tally.refusals.counts.is_empty() {
            writeln!(f, "\nNot planned: the directory would refuse")?;
            text_lines(f, &tally.refusals)?;
        }
        if !tally.notes.counts.is_empty() {
            writeln!(f, "\nNotes")?;
            text_lines(f, &tally.notes)?;
        }
        Ok(())
    }
}

/// What the plan asks of an approval, beyond a name.
fn rules(rules: ApprovalRules) -> &'static str {
    match rules {
        ApprovalRules { two_for_privileged: true, .. } => " and signed, the privileged by two persons",
        ApprovalRules { signed: true, .. } => " and signed",
        ApprovalRules { .. } => "",
    }
}

fn person_lines(f: &mut fmt::Formatter<'_>, persons: &PlannedPersons) -> fmt::Result {
    let counts = &persons.counts;
    writeln!(
        f,
        "Persons: {}, of these {} with {} accounts in several directories",
        counts.persons, counts.joined, counts.accounts
    )?;
    if counts.conflicts > 0 {
        writeln!(f, "  {} conflicts: nothing was guessed, these accounts stand apart", counts.conflicts)?;
        for conflict in persons.conflicts.iter().take(MOST_LINES) {
            writeln!(f, "    {}: {}", conflict.kind.as_str(), Clean(&conflict.to_string()))?;
        }
        let shown = persons.conflicts.len().min(MOST_LINES) as u64;
        if counts.conflicts > shown {
            writeln!(f, "    … and {} more, in the file", counts.conflicts - shown)?;
        }
    }
    writeln!(f)
}

fn count_line(f: &mut fmt::Formatter<'_>, name: &Clean<'_>, counts: &super::Counts) -> fmt::Result {
    write!(
        f,
        "{:<20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10}",
        name.to_string(),
        counts.seen,
        counts.planned,
        counts.manual,
        counts.left_out,
        counts.protected,
        counts.privileged
    )
}

fn wave_lines(f: &mut fmt::Formatter<'_>, wave: &WaveTally) -> fmt::Result {
    if wave.manual > 0 {
        write!(f, ", {} by hand", wave.manual)?;
    }
    writeln!(f)?;
    text_lines(f, &wave.actions)?;
    if wave.closed > 0 {
        writeln!(f, "    {:>9} × contained: the old password opens nothing any more", wave.closed)?;
    }
    if wave.half_closed > 0 {
        writeln!(f, "    {:>9} × the old password stays valid here, or is mastered elsewhere", wave.half_closed)?;
    }
    if wave.open > 0 {
        writeln!(f, "    {:>9} × DOES NOT CONTAIN an attacker who knows the old password", wave.open)?;
    }
    Ok(())
}

fn text_lines(f: &mut fmt::Formatter<'_>, texts: &Texts) -> fmt::Result {
    let counts = texts.by_count();
    for (text, count) in counts.iter().take(MOST_LINES) {
        writeln!(f, "    {count:>9} × {}", Clean(text))?;
    }
    let hidden: u64 = counts.iter().skip(MOST_LINES).map(|(_, count)| count).sum();
    if hidden + texts.further > 0 {
        writeln!(f, "    {:>9} × others, in the file", hidden + texts.further)?;
    }
    Ok(())
}

/// Text from a directory, without what a terminal would obey, and not longer than a line bears.
struct Clean<'a>(&'a str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 160;
        for (at, c) in self.0.chars().enumerate() {
            if at == LONGEST {
                return f.write_str("…");
            }
            // Marks that turn the direction of writing could make one name look like another.
            let turning = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || turning {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

//! The numbers of a report, on one screen.

use std::fmt;

use super::history::stop_words;
use super::summary::{LeftCounts, Summary};
use crate::plan::Approval;

/// Rows of one screen that directories, and that waves, may take.
const SHOWN: usize = 8;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let a = &self.accounts;
        if self.rehearsal {
            writeln!(f, "REHEARSAL: simulated directories, virtual time; nothing real was touched")?;
        } else if let Some(mark) = &self.mark {
            writeln!(f, "{mark}")?;
        }
        writeln!(f, "run      {}", if self.run.is_empty() { "not begun" } else { &self.run })?;
        writeln!(f, "plan     {}", self.plan_digest)?;
        if let Some(origin) = &self.origin {
            writeln!(f, "{origin}")?;
        }
        writeln!(f, "chain    {}, {} records, intact", self.chain.hash, self.chain.number)?;
        let state = match &self.stopped {
            Some(reason) => format!("stopped: {}", stop_words(reason)),
            None if self.finished => "finished".to_owned(),
            None => "not finished".to_owned(),
        };
        self.fmt_approvals(f)?;
        let processes = if self.processes > 1 { format!(", {} processes", self.processes) } else { String::new() };
        writeln!(f, "         {state}, {:.1} s{processes}", self.seconds)?;
        writeln!(
            f,
            "\nseen     {} = {} planned + {} manual + {} left out + {} protected ({} privileged)",
            a.seen, a.planned, a.manual, a.left_out, a.protected, a.privileged
        )?;
        writeln!(f, "planned  {} = {} verified + {} failed + {} unknown", a.planned, a.verified, a.failed, a.unknown)?;
        if a.manual_done + a.manual_unconfirmed + a.protected_done > 0 {
            writeln!(
                f,
                "by hand  {} of {} recorded as done ({} confirmed, {} by word only), {} UNCONFIRMED; {} of the protected",
                a.manual_done,
                a.manual,
                a.manual_confirmed,
                a.manual_done - a.manual_confirmed,
                a.manual_unconfirmed,
                a.protected_done
            )?;
        }
        if let Some(p) = &self.persons {
            writeln!(
                f,
                "persons  {} planned = {} done + {} done in part + {} open ({} in several directories)",
                p.planned, p.done, p.partly, p.open, p.joined
            )?;
        }
        writeln!(f, "\n{HEAD} {:>9} {:>9} {:>9}", "requests", "throttled", "seconds")?;
        for at in self.directories.iter().take(SHOWN) {
            line(f, &label(&at.id, &at.kind), [at.planned, at.verified, at.failed, at.unknown])?;
            writeln!(f, " {:>9} {:>9} {:>9.1}", at.requests, at.throttled, at.seconds)?;
        }
        more(f, self.directories.len())?;
        for at in self.waves.iter().take(SHOWN) {
            line(f, &format!("wave {}", at.name), [at.planned, at.verified, at.failed, at.unknown])?;
            writeln!(f)?;
        }
        more(f, self.waves.len())?;
        // One server alone is what the rows above already say.
        if self.servers.len() > 1 || self.servers.iter().any(|server| !server.is_converged()) {
            writeln!(f, "\nservers")?;
            self.servers.iter().try_for_each(|server| writeln!(f, "  {server}"))?;
        }
        if !self.logs.is_empty() {
            writeln!(f, "\naudit logs")?;
            self.logs.iter().try_for_each(|log| writeln!(f, "  {log}"))?;
        }
        if !self.refusals.is_empty() {
            writeln!(f, "\nnot planned: the directory would refuse")?;
            for at in self.refusals.iter().take(SHOWN) {
                writeln!(f, "  {:>9}  {}", at.accounts, at.refusal)?;
            }
            more(f, self.refusals.len())?;
        }
        self.fmt_left(f)
    }
}

/// Who approved: the signed approvals one a line, those by name together.
fn approved(approvals: &[Approval]) -> Vec<String> {
    let (signed, named): (Vec<_>, Vec<_>) = approvals.iter().partition(|approval| approval.signed_by().is_some());
    let mut lines: Vec<String> = signed.iter().map(|approval| approval.to_string()).collect();
    let mut by_name: Vec<(&str, u64)> = Vec::new();
    for approval in named {
        let waves = approval.scope.waves().len() as u64;
        match by_name.iter_mut().find(|(name, _)| *name == approval.approver) {
            Some((_, known)) => *known += waves,
            None => by_name.push((&approval.approver, waves)),
        }
    }
    lines.extend(by_name.into_iter().map(|(name, waves)| format!("{waves} waves by {name}, by name")));
    lines
}

const HEAD: &str = "                             planned  verified    failed   unknown";

impl Summary {
    fn fmt_approvals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = approved(&self.approvals);
        for (at, line) in lines.iter().take(SHOWN).enumerate() {
            // A name is whatever somebody typed.
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            writeln!(f, "{:<8} {line}", if at == 0 { "approved" } else { "" })?;
        }
        more(f, lines.len())
    }

    fn fmt_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = &self.left;
        writeln!(f, "\nleft to do")?;
        if *left == LeftCounts::default() {
            return writeln!(f, "  nothing");
        }
        let lines = [
            (left.resume, "resume the run"),
            (left.read_back, "verify again"),
            (left.by_hand, "by hand, after a failure, an unknown or an unconfirmed record"),
            (left.manual, "by hand, as planned"),
        ];
        for (accounts, what) in lines.into_iter().filter(|(accounts, _)| *accounts > 0) {
            writeln!(f, "  {accounts:>9}  {what}")?;
        }
        if self.accounts.not_attempted > 0 {
            writeln!(f, "  ({} were never attempted)", self.accounts.not_attempted)?;
        }
        Ok(())
    }
}

fn label(id: &str, kind: &str) -> String {
    if kind.is_empty() { id.to_owned() } else { format!("{id} ({kind})") }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, counts: [u64; 4]) -> fmt::Result {
    write!(f, "{name:<26.26}")?;
    counts.into_iter().try_for_each(|count| write!(f, " {count:>9}"))
}

fn more(f: &mut fmt::Formatter<'_>, all: usize) -> fmt::Result {
    if all > SHOWN { writeln!(f, "… and {} more", all - SHOWN) } else { Ok(()) }
}

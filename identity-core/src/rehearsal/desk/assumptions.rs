//! What is assumed, as data.

use std::path::Path;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::playbook::reader::{Fields, Node, Reader};
use crate::recovery::{GroupCounts, Standing};

const BUILT_IN: &str = include_str!("assumptions.toml");
/// The version of the format that this library reads.
const FORMAT: u64 = 1;
/// The longest time that can be assumed for one call: a day.
const LONGEST: u64 = 24 * 3600;
/// The most hours that calls are spread over: a week.
const MOST_HOURS: usize = 7 * 24;

/// What is assumed of people and of the desk. The default is a guess to be replaced by what a desk
/// measured; a TOML file changes what it names.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assumptions {
    /// Of the people whose account is ready, the part that calls, from 0 to 1.
    pub ready_calls: f64,
    /// Of those whose methods are too weak.
    pub too_weak_calls: f64,
    /// Of those who cannot recover alone.
    pub not_alone_calls: f64,
    /// Of those of whom it is not known.
    pub unknown_calls: f64,
    /// How long an agent is busy with one call, on average.
    pub handling: Duration,
    /// How long a caller waits before hanging up, on average.
    pub patience: Duration,
    /// Of those who hung up, the part that calls again, from 0 to 1.
    pub again: f64,
    /// After how long, on average.
    pub again_after: Duration,
    /// The part of a wave's first calls in each hour after it; together 1.
    pub arrivals: Vec<f64>,
    /// The longest average wait that a wave may cause in its worst hour.
    pub target_wait: Duration,
    /// The largest part of the callers of an hour that may hang up, from 0 to 1.
    pub target_hung_up: f64,
    /// The part of calls that is to be answered within [`answer_within`](Self::answer_within): what the
    /// number of agents that an hour needs is for.
    pub answered: f64,
    /// Within how long.
    pub answer_within: Duration,
}

impl Default for Assumptions {
    fn default() -> Self {
        // A test sees to it that the text has no faults.
        read(nothing(), BUILT_IN).unwrap_or_else(|_| nothing())
    }
}

/// Everybody calls, at once, and nobody is patient.
fn nothing() -> Assumptions {
    let second = Duration::from_secs(1);
    Assumptions {
        ready_calls: 1.0,
        too_weak_calls: 1.0,
        not_alone_calls: 1.0,
        unknown_calls: 1.0,
        handling: Duration::from_secs(LONGEST),
        patience: second,
        again: 1.0,
        again_after: second,
        arrivals: vec![1.0],
        target_wait: second,
        target_hung_up: 0.0,
        answered: 1.0,
        answer_within: second,
    }
}

impl Assumptions {
    /// The default with what a file changes.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] that names the file, and the line and key of what is wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|fault| invalid(path, &format!("cannot be read: {fault}")))?;
        Self::parse(path, &text)
    }

    /// The default with what a text changes. The path is for messages only.
    ///
    /// # Errors
    /// As of [`from_file`](Self::from_file).
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        read(Self::default(), text).map_err(|faults| invalid(path, &faults.join("; ")))
    }

    /// The part of the people of such a standing that calls, from 0 to 1.
    #[must_use]
    pub fn calls_of(&self, standing: Standing) -> f64 {
        match standing {
            Standing::Ready => self.ready_calls,
            Standing::TooWeak => self.too_weak_calls,
            Standing::NotAlone => self.not_alone_calls,
            Standing::Unknown => self.unknown_calls,
        }
    }

    /// How many first calls a group makes when all its passwords are void.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts are far below 2^52")]
    pub fn calls(&self, group: &GroupCounts) -> f64 {
        Standing::ALL.iter().map(|standing| self.calls_of(*standing) * group.of(*standing) as f64).sum()
    }
}

fn invalid(path: &Path, detail: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "read the assumptions on the service desk")
        .with_detail(format!("{}: {detail}", path.display()))
}

fn read(begin: Assumptions, text: &str) -> Result<Assumptions, Vec<String>> {
    let reader = Reader::new(text);
    let found = reader.root().map(|root| change(begin, root));
    let faults = reader.faults();
    match found {
        Some(found) if faults.is_empty() => Ok(found),
        _ => Err(faults.iter().take(3).map(ToString::to_string).collect()),
    }
}

fn change(mut it: Assumptions, mut root: Fields<'_>) -> Assumptions {
    if let Some(node) = root.need("format")
        && node.whole(1..=u64::MAX).is_some_and(|format| format != FORMAT)
    {
        node.fault(format!("this library reads format {FORMAT}"));
    }
    if let Some(mut calls) = root.take("calls").and_then(Node::table) {
        percent(&mut calls, "ready", &mut it.ready_calls);
        percent(&mut calls, "too_weak", &mut it.too_weak_calls);
        percent(&mut calls, "not_alone", &mut it.not_alone_calls);
        percent(&mut calls, "unknown", &mut it.unknown_calls);
        calls.finish();
    }
    for (table, place) in [("handling", &mut it.handling), ("patience", &mut it.patience)] {
        let Some(mut fields) = root.take(table).and_then(Node::table) else { continue };
        time(&mut fields, "time", place);
        fields.finish();
    }
    if let Some(mut again) = root.take("again").and_then(Node::table) {
        percent(&mut again, "percent", &mut it.again);
        time(&mut again, "after", &mut it.again_after);
        again.finish();
    }
    if let Some(mut arrivals) = root.take("arrivals").and_then(Node::table) {
        if let Some(found) = arrivals.need("percent").and_then(curve) {
            it.arrivals = found;
        }
        arrivals.finish();
    }
    if let Some(mut target) = root.take("target").and_then(Node::table) {
        time(&mut target, "wait", &mut it.target_wait);
        percent(&mut target, "hung_up_percent", &mut it.target_hung_up);
        if let Some(node) = target.take("answered_percent")
            // Nobody can promise to answer everybody at once.
            && let Some(found) = node.whole(1..=99)
        {
            it.answered = part(found);
        }
        time(&mut target, "within", &mut it.answer_within);
        target.finish();
    }
    root.finish();
    it
}

#[expect(clippy::cast_precision_loss, reason = "at most 100")]
fn part(percent: u64) -> f64 {
    percent as f64 / 100.0
}

fn percent(fields: &mut Fields<'_>, name: &'static str, place: &mut f64) {
    if let Some(found) = fields.take(name).and_then(|node| node.whole(0..=100)) {
        *place = part(found);
    }
}

fn time(fields: &mut Fields<'_>, name: &'static str, place: &mut Duration) {
    let Some(node) = fields.take(name) else { return };
    match node.seconds(LONGEST) {
        Some(0) => node.fault("has to be longer than nothing"),
        Some(seconds) => *place = Duration::from_secs(seconds),
        None => {}
    }
}

fn curve(node: Node<'_>) -> Option<Vec<f64>> {
    let at = node.clone();
    let hours: Vec<u64> = node.list()?.iter().map(|hour| hour.whole(0..=100)).collect::<Option<_>>()?;
    let sum: u64 = hours.iter().sum();
    if sum != 100 || hours.len() > MOST_HOURS {
        at.fault(format!("is {sum} % over {} hours; together it has to be 100 over at most {MOST_HOURS}", hours.len()));
        return None;
    }
    Some(hours.into_iter().map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_ones_have_no_fault_and_a_file_changes_what_it_names() {
        let built_in = read(nothing(), BUILT_IN).unwrap();
        assert!((built_in.arrivals.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let ours = Assumptions::parse(Path::new("x"), "format = 1\n[handling]\ntime = \"12m\"").unwrap();
        assert_eq!(ours, Assumptions { handling: Duration::from_secs(720), ..built_in });
    }

    #[test]
    fn faults_name_line_and_key() {
        for (text, line, word) in [
            ("format = 1\n[calls]\nreday = 3", "line 3", "calls.reday"),
            ("format = 1\n[calls]\nready = 101", "line 3", "calls.ready"),
            ("format = 1\n[arrivals]\npercent = [50, 40]", "line 3", "is 90 %"),
            ("format = 1\n[patience]\ntime = \"0s\"", "line 3", "patience.time"),
            ("format = 3", "line 1", "format"),
        ] {
            let error = Assumptions::parse(Path::new("desk.toml"), text).unwrap_err().to_string();
            for part in ["desk.toml", line, word] {
                assert!(error.contains(part), "{part} is not in {error}");
            }
        }
    }
}

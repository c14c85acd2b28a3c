//! What a rehearsal showed, for people and for programs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::account::DirectoryId;
use crate::report::Summary;

/// What a rehearsal showed. `Display` is for the table; `rehearsal.json` holds all of it. Times are virtual, in
/// seconds from the beginning of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RehearsalSummary {
    /// `identity-reset rehearsal 1`.
    pub format: String,
    /// Always true.
    pub rehearsal: bool,
    /// The digest of the shape.
    pub shape: String,
    /// The name of the deck, where one was played.
    pub deck: Option<String>,
    /// What the simulated directories' answers were drawn from.
    pub seed: u64,
    /// How long the enumeration and the plan took.
    pub planned_in: f64,
    /// How long the run took, stops and resumes included.
    pub ran_in: f64,
    /// The waves.
    pub waves: Vec<RehearsedWave>,
    /// What it needs from people.
    pub needs: Needs,
    /// Why and when the run stopped, each time.
    pub stops: Vec<Moment>,
    /// The stop that nothing mended: the run would end here.
    pub ends_at: Option<Moment>,
    /// The cards, in the order they were played.
    pub cards: Vec<PlayedCard>,
    /// Cards whose time did not come.
    pub not_played: Vec<String>,
    /// The course of it.
    pub course: Vec<Moment>,
    /// The counts of the report.
    pub report: Summary,
}

/// One wave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RehearsedWave {
    /// Its name.
    pub name: String,
    /// Accounts that are reset in it.
    pub accounts: u64,
    /// When it began; nothing where it was not begun.
    pub began: Option<f64>,
    /// When the last of its orders had its outcome. Waves can overlap: the slower orders of one go on beside
    /// the passwords of the next.
    pub ended: Option<f64>,
    /// Orders that were sent.
    pub orders: u64,
    /// Of these, once more.
    pub repeated: u64,
    /// The time that the quotas alone ask for: the slowest directory's.
    pub least: f64,
    /// What it asks of each directory.
    pub directories: Vec<DirectoryLoad>,
}

/// What a wave asks of one directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DirectoryLoad {
    /// The directory.
    pub directory: DirectoryId,
    /// Accounts.
    pub accounts: u64,
    /// Orders.
    pub orders: u64,
    /// Orders by their class.
    pub classes: Vec<(String, u64)>,
    /// The time that the quotas ask for, in seconds.
    pub least_seconds: f64,
    /// The quota that limits; where nothing is said, requests at once and the answers' lateness do.
    pub slowest_quota: Option<String>,
}

/// What it needs from people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Needs {
    /// Approvals, wave by wave.
    pub approvals: Vec<WaveApproval>,
    /// Accounts that people reset, by who answers for them.
    pub manual: Vec<ManualNeed>,
    /// Pauses after waves, in seconds: people look at what came of it.
    pub pauses: Vec<(String, u64)>,
    /// How often somebody had to look into a stop and resume.
    pub resumes: u32,
    /// What people still have to do when it is over: accounts, by hand.
    pub left_by_hand: u64,
}

/// Who approves a wave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WaveApproval {
    /// The wave.
    pub wave: String,
    /// How many persons.
    pub persons: u32,
    /// Who they may be; anybody where nobody is named.
    pub by: Vec<String>,
}

/// Accounts that one person resets by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ManualNeed {
    /// Who: a pseudonym, or what the playbook says.
    pub owner: String,
    /// How many.
    pub accounts: u64,
    /// Why the run does not: of the first of them.
    pub because: String,
}

/// A card that was played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlayedCard {
    /// Its word.
    pub id: String,
    /// When.
    pub at: f64,
    /// How long it lasts, in minutes.
    pub minutes: u32,
    /// What happened.
    pub happened: String,
    /// What the run did.
    pub run_did: Vec<String>,
    /// What the table is asked.
    pub question: String,
}

/// Something that happened at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Moment {
    /// When.
    pub at: f64,
    /// What.
    pub text: String,
}

/// The mark of every page.
pub(super) const MARK: &str = "REHEARSAL: simulated directories, virtual time; nothing real was touched";

/// A time as a clock shows it: hours, minutes, seconds from the beginning.
pub(super) fn clock_words(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a virtual time, above zero")]
    let seconds = seconds.max(0.0) as u64;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

impl fmt::Display for RehearsalSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MARK}")?;
        writeln!(f, "shape    {}\nplan     {}", self.shape, self.report.plan_digest)?;
        writeln!(f, "planned in {}, ran in {}", clock_words(self.planned_in), clock_words(self.ran_in))?;
        self.fmt_waves(f)?;
        self.fmt_needs(f)?;
        for stop in &self.stops {
            writeln!(f, "stopped  {} {}", clock_words(stop.at), stop.text)?;
        }
        match &self.ends_at {
            Some(end) => {
                writeln!(f, "ENDS     {} {}: nothing in the rehearsal mends it", clock_words(end.at), end.text)?;
            }
            None => writeln!(f, "the run comes to its end")?,
        }
        for card in &self.cards {
            writeln!(f, "\n--- {} at {} (rehearsal)", card.id, clock_words(card.at))?;
            writeln!(f, "    happens: {}", card.happened)?;
            for did in &card.run_did {
                writeln!(f, "    the run: {did}")?;
            }
            writeln!(f, "    for the table: {}", card.question)?;
        }
        if !self.not_played.is_empty() {
            writeln!(f, "\nnot played, their time did not come: {}", self.not_played.join(", "))?;
        }
        let a = &self.report.accounts;
        write!(
            f,
            "\nplanned {} = {} verified + {} failed + {} unknown; by hand {}",
            a.planned, a.verified, a.failed, a.unknown, a.manual
        )
    }
}

impl RehearsalSummary {
    fn fmt_waves(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<22} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9}  limits",
            "wave", "accounts", "orders", "begins", "ends", "takes", "at least"
        )?;
        for wave in &self.waves {
            let at = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), clock_words);
            let takes = wave.began.zip(wave.ended).map(|(began, ended)| ended - began);
            let slowest =
                wave.directories.iter().max_by(|one, other| one.least_seconds.total_cmp(&other.least_seconds));
            let limits = slowest.map_or_else(String::new, |load| match &load.slowest_quota {
                Some(quota) => format!("{} of {}", quota, load.directory),
                None => format!("requests at once in {}", load.directory),
            });
            writeln!(
                f,
                "{:<22} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9}  {limits}",
                wave.name,
                wave.accounts,
                wave.orders,
                at(wave.began),
                at(wave.ended),
                at(takes),
                clock_words(wave.least)
            )?;
        }
        Ok(())
    }

    fn fmt_needs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nit needs from people:")?;
        for approval in &self.needs.approvals {
            let by = if approval.by.is_empty() { "anybody".to_owned() } else { approval.by.join(", ") };
            writeln!(f, "  approval of {}: {} of {by}", approval.wave, approval.persons)?;
        }
        for (wave, seconds) in &self.needs.pauses {
            writeln!(f, "  a look at what came of {wave}, in {seconds} s of pause")?;
        }
        for need in self.needs.manual.iter().take(12) {
            writeln!(f, "  by hand: {} accounts, {}: {}", need.accounts, need.owner, need.because)?;
        }
        if self.needs.manual.len() > 12 {
            writeln!(f, "  and of {} others; rehearsal.json lists them", self.needs.manual.len() - 12)?;
        }
        if self.needs.resumes > 0 {
            writeln!(f, "  somebody who looks into a stop and resumes: {} times", self.needs.resumes)?;
        }
        if self.needs.left_by_hand > 0 {
            writeln!(f, "  afterwards, by hand: {} accounts that failed or stay unknown", self.needs.left_by_hand)?;
        }
        Ok(())
    }
}

//! When what happened: the milestones of a run, and how it progressed.
//!
//! Folded from the journal's records one after another, in flat memory: there are at most
//! [`MOST_BUCKETS`] stretches of time, which get longer as the run does, at most
//! [`MOST_MILESTONES`] milestones, and two bits for each account.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::history::stop_words;
use crate::journal::{Event, Record};

/// The most stretches of time.
const MOST_BUCKETS: usize = 240;

/// The length of the first ones, in milliseconds; it doubles as often as it has to.
const FIRST_WIDTH: u64 = 100;

/// The most milestones that are kept.
const MOST_MILESTONES: usize = 400;

/// The times of a run, by the clock of the machines that wrote its journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timeline {
    /// When the first record was made; the buckets begin here.
    pub began: Option<Timestamp>,
    /// How long each bucket is, in milliseconds.
    pub bucket_milliseconds: u64,
    /// How the run progressed, without gaps.
    pub buckets: Vec<Bucket>,
    /// What happened to the run as a whole, in the order of the records.
    pub milestones: Vec<Milestone>,
    /// How many milestones more there were than are kept.
    pub milestones_left_out: u64,
}

/// What happened in one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bucket {
    /// Accounts of which the first action was confirmed.
    pub confirmed: u64,
    /// Accounts that verification read back for the first time.
    pub read_back: u64,
    /// Attempts that failed, were refused, or got no answer.
    pub troubled: u64,
}

/// Something that happened to the run as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Milestone {
    /// When it was recorded.
    pub at: Timestamp,
    /// The number of its record in the journal.
    pub record: u64,
    /// What, in words.
    pub what: String,
}

impl Timeline {
    /// How long the buckets are together, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.buckets.len() as f64 * self.bucket_milliseconds as f64 / 1000.0
    }
}

/// A timeline in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Fold {
    timeline: Timeline,
    confirmed: Numbers,
    read_back: Numbers,
    /// Who approved last, and how many waves: approvals that follow each other are one milestone.
    approving: Option<(String, u64)>,
    first_reading: Option<(Timestamp, u64)>,
    last_reading: Option<(Timestamp, u64)>,
    by_hand: Option<(Timestamp, u64, u64)>,
}

impl Fold {
    /// Adds the next record.
    pub(super) fn take(&mut self, record: &Record) {
        let mut happened = Bucket::default();
        match &record.event {
            Event::Done { entry, .. } => happened.confirmed = u64::from(self.confirmed.insert(*entry)),
            Event::Verified { entry, .. } => {
                happened.read_back = u64::from(self.read_back.insert(*entry));
                self.first_reading.get_or_insert((record.at, record.number));
                self.last_reading = Some((record.at, record.number));
            }
            Event::AttemptFailed { .. } | Event::AttemptUnknown { .. } | Event::Failed { .. } => happened.troubled = 1,
            Event::ManualDone { .. } => {
                let known = self.by_hand.map_or(0, |(_, _, accounts)| accounts);
                self.by_hand = Some((record.at, record.number, known + 1));
            }
            _ => {}
        }
        if let Some(bucket) = self.bucket(record.at) {
            bucket.confirmed += happened.confirmed;
            bucket.read_back += happened.read_back;
            bucket.troubled += happened.troubled;
        }
        self.milestone(record);
    }

    /// The timeline, once all records are taken.
    pub(super) fn finish(&self) -> Timeline {
        let mut timeline = self.timeline.clone();
        timeline.bucket_milliseconds = timeline.bucket_milliseconds.max(FIRST_WIDTH);
        let readings =
            [(self.first_reading, "Reading back began"), (self.last_reading, "The last account was read back")];
        for (reading, what) in readings {
            timeline.milestones.extend(reading.map(|(at, record)| Milestone { at, record, what: what.to_owned() }));
        }
        timeline.milestones.extend(self.by_hand.map(|(at, record, accounts)| Milestone {
            at,
            record,
            what: format!("The last of {accounts} accounts was recorded as done by hand"),
        }));
        timeline.milestones.sort_by_key(|milestone| milestone.record);
        timeline
    }

    /// The stretch that a moment is in. A clock that went back counts for the first.
    fn bucket(&mut self, at: Timestamp) -> Option<&mut Bucket> {
        let timeline = &mut self.timeline;
        let began = *timeline.began.get_or_insert(at);
        let passed = u64::try_from(at.duration_since(began).as_millis()).unwrap_or(0);
        timeline.bucket_milliseconds = timeline.bucket_milliseconds.max(FIRST_WIDTH);
        while passed / timeline.bucket_milliseconds >= MOST_BUCKETS as u64 {
            timeline.bucket_milliseconds = timeline.bucket_milliseconds.checked_mul(2)?;
            let halves = timeline.buckets.chunks(2).map(|pair| {
                pair.iter().fold(Bucket::default(), |sum, one| Bucket {
                    confirmed: sum.confirmed + one.confirmed,
                    read_back: sum.read_back + one.read_back,
                    troubled: sum.troubled + one.troubled,
                })
            });
            timeline.buckets = halves.collect();
        }
        let place = usize::try_from(passed / timeline.bucket_milliseconds).ok()?;
        if timeline.buckets.len() <= place {
            timeline.buckets.resize(place + 1, Bucket::default());
        }
        timeline.buckets.get_mut(place)
    }

    fn milestone(&mut self, record: &Record) {
        if let Event::Approved { approval } = &record.event {
            let how = if approval.signed_by().is_some() { "signed" } else { "by name" };
            let (who, before) = (format!("{}, {how}", approval.approver), self.approving.take());
            let waves = approval.scope.waves().len() as u64;
            if let (Some((same, known)), Some(last)) =
                (before.filter(|(same, _)| *same == who), self.timeline.milestones.last_mut())
            {
                last.what = format!("{} waves were approved by {same}", known + waves);
                self.approving = Some((same, known + waves));
                return;
            }
            let what = format!(
                "{} approved by {who}",
                match approval.scope.waves() {
                    [wave] => format!("Wave {wave} was"),
                    several => format!("{} waves were", several.len()),
                }
            );
            self.approving = Some((who, waves));
            return self.keep(record, what);
        }
        let what = match &record.event {
            Event::RunStarted { resumed, version, pid, .. } => {
                let word = if *resumed { "resumed" } else { "began" };
                format!("The run {word} (process {pid}, identity-reset {version})")
            }
            Event::WaveStarted { wave } => format!("Wave {wave} began"),
            Event::WaveFinished { wave } => format!("Wave {wave} ended"),
            Event::Converged { server } => format!("Server {} was asked by itself", server.server),
            Event::LogRead { reading } => format!("The audit log of {} was read", reading.directory),
            Event::Stopped { reason } => format!("The run stopped: {}", stop_words(reason)),
            Event::RunFinished => "The run finished".to_owned(),
            _ => return,
        };
        self.approving = None;
        self.keep(record, what);
    }

    fn keep(&mut self, record: &Record, what: String) {
        if self.timeline.milestones.len() < MOST_MILESTONES {
            self.timeline.milestones.push(Milestone { at: record.at, record: record.number, what });
        } else {
            self.approving = None;
            self.timeline.milestones_left_out += 1;
        }
    }
}

/// A set of numbers, one bit each where they are close together.
#[derive(Clone, Debug, Default)]
struct Numbers(BTreeMap<u64, [u64; 8]>);

impl Numbers {
    /// Whether it is new.
    fn insert(&mut self, number: u64) -> bool {
        let block = self.0.entry(number / 512).or_default();
        let (word, bit) = (usize::try_from(number / 64 % 8).unwrap_or(0), 1 << (number % 64));
        let Some(word) = block.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

//! Counts over the rows of a plan.

use std::collections::BTreeMap;

use super::actions;
use super::entry::{Disposition, LeftOutReason, PlanRow, Population, Refusal};
use super::estimate::Ordered;
use super::header::Counts;
use crate::account::DirectoryId;
use crate::privilege::Tier;
use crate::reset::Containment;

/// The most different texts that are counted apart.
const MOST_TEXTS: usize = 40;

/// The most manual entries that are told by name.
const MOST_NAMED: usize = 12;

/// What is counted while rows go by. Its size does not grow with their number.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) all: Counts,
    pub(super) directories: BTreeMap<DirectoryId, Counts>,
    pub(super) ordered: BTreeMap<DirectoryId, Ordered>,
    /// By the name of the wave.
    pub(super) waves: BTreeMap<String, WaveTally>,
    pub(super) left_out: Texts,
    pub(super) owners: Texts,
    pub(super) by_hand: Vec<ByHand>,
    pub(super) notes: Texts,
    /// Refusals foretold.
    pub(super) refusals: Texts,
}

/// What is counted of one wave.
#[derive(Clone, Debug, Default)]
pub(super) struct WaveTally {
    pub(super) reset: u64,
    /// Of those reset, the privileged.
    pub(super) privileged: u64,
    pub(super) manual: u64,
    /// Accounts whose old password no longer opens anything afterwards.
    pub(super) closed: u64,
    /// Accounts of which only sessions or authenticators are ended.
    pub(super) half_closed: u64,
    /// Accounts of which nothing is taken from an attacker.
    pub(super) open: u64,
    pub(super) actions: Texts,
}

/// A manual entry that is told by name.
#[derive(Clone, Debug)]
pub(super) struct ByHand {
    pub(super) directory: DirectoryId,
    pub(super) name: String,
    pub(super) owner: Option<String>,
    pub(super) reason: String,
}

/// How often each text came, of the first so many different ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    pub(super) counts: BTreeMap<String, u64>,
    /// How often others came.
    pub(super) further: u64,
}

impl Texts {
    fn add(&mut self, text: &str) {
        if let Some(count) = self.counts.get_mut(text) {
            *count += 1;
        } else if self.counts.len() < MOST_TEXTS {
            self.counts.insert(text.to_owned(), 1);
        } else {
            self.further += 1;
        }
    }

    /// The texts, the most frequent first.
    pub(super) fn by_count(&self) -> Vec<(&str, u64)> {
        let mut counts: Vec<(&str, u64)> = self.counts.iter().map(|(text, count)| (text.as_str(), *count)).collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        counts
    }
}

impl Tally {
    pub(super) fn add(&mut self, row: &PlanRow) {
        let mut one = Counts { seen: 1, ..Counts::default() };
        let directory = match row {
            PlanRow::Entry(entry) => {
                one.privileged = u64::from(entry.population == Population::Privileged);
                let wave = self.waves.entry(entry.wave.clone()).or_default();
                match &entry.disposition {
                    Disposition::Reset { actions } => {
                        one.planned = 1;
                        wave.reset += 1;
                        let ordinary = entry.tier == Tier::User && entry.population != Population::Privileged;
                        wave.privileged += u64::from(!ordinary);
                        match self.ordered.get_mut(&entry.directory) {
                            Some(ordered) => ordered.add(entry, actions),
                            None => self.ordered.entry(entry.directory.clone()).or_default().add(entry, actions),
                        }
                        if actions::closes_the_door(actions) {
                            wave.closed += 1;
                        } else if actions.iter().any(|action| action.containment() != Containment::None) {
                            wave.half_closed += 1;
                        } else {
                            wave.open += 1;
                        }
                        let words: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
                        wave.actions.add(&words.join(" + "));
                    }
                    Disposition::Manual { reason, owner, .. } => {
                        one.manual = 1;
                        wave.manual += 1;
                        self.owners.add(owner.as_deref().unwrap_or("not named"));
                        if self.by_hand.len() < MOST_NAMED {
                            self.by_hand.push(ByHand {
                                directory: entry.directory.clone(),
                                name: entry.name.clone(),
                                owner: owner.clone(),
                                reason: reason.clone(),
                            });
                        }
                    }
                }
                for note in &entry.notes {
                    self.notes.add(note);
                }
                self.refused(&entry.refusals);
                &entry.directory
            }
            PlanRow::LeftOut { directory, tier, reason, refusals, .. } => {
                self.refused(refusals);
                one.left_out = 1;
                one.protected = u64::from(matches!(reason, LeftOutReason::Protected(_)));
                one.privileged = u64::from(*tier != Tier::User);
                self.left_out.add(&reason.to_string());
                directory
            }
        };
        self.all.add(&one);
        match self.directories.get_mut(directory) {
            Some(counts) => counts.add(&one),
            None => {
                self.directories.insert(directory.clone(), one);
            }
        }
    }
}

impl Tally {
    fn refused(&mut self, refusals: &[Refusal]) {
        for refusal in refusals {
            self.refusals.add(&refusal.to_string());
        }
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.seen += other.seen;
        self.planned += other.planned;
        self.manual += other.manual;
        self.left_out += other.left_out;
        self.protected += other.protected;
        self.privileged += other.privileged;
    }
}

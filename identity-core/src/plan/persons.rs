//! The persons of a plan: who is joined with whom, and whose privilege lifts which accounts.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::decide::Known;
use super::spec::PlanSpec;
use super::stage::Stage;
use crate::account::DirectoryId;
use crate::error::Result;
use crate::person::{Conflict, ConflictKind, Joiner, Member, Membership, PersonCounts, Persons, Place};
use crate::privilege::{Classification, Ground, Tier};

/// Accounts that are joined at once.
const PAGE: u32 = 500;

/// The most conflicts that the header of a plan lists.
const MOST_CONFLICTS: usize = 1_000;

/// The rule of a ground that an account has from another one of the same person.
const RULE: &str = "person";

/// What a plan says of the persons behind its accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedPersons {
    /// How many there are.
    pub counts: PersonCounts,
    /// The first thousand conflicts. Every entry that is in one says so in its notes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
}

/// Who is who, while decisions are made.
#[derive(Debug)]
pub(super) struct People {
    persons: Persons,
    /// By the place of the first account: the privileged accounts of persons with several.
    privileged: HashMap<Place, Vec<Privileged>>,
    next: Place,
}

/// A privileged account of a person with several.
#[derive(Debug)]
struct Privileged {
    member: Member,
    tier: Tier,
    why: String,
    certain: bool,
}

impl People {
    /// Joins the accounts on the stage; nothing where there is nothing to join.
    pub(super) fn of(stage: &Stage, spec: &PlanSpec, known: &[Known], folder: &Path) -> Result<Option<Self>> {
        if known.len() < 2 || spec.join.is_none() {
            return Ok(None);
        }
        let mut joiner = Joiner::open(folder, spec.join.clone())?;
        let mut after: Option<(usize, String)> = None;
        loop {
            let page = stage.accounts_after(after.as_ref().map(|(place, id)| (*place, id.as_str())), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some((last.directory, last.account.id.as_str().to_owned()));
            let accounts: Vec<_> = page.into_iter().map(|staged| staged.account).collect();
            joiner.add(&accounts)?;
        }
        let persons = joiner.join()?;
        let mut people = Self { persons, privileged: HashMap::new(), next: Place::after(0) };
        for directory in known {
            people.take_privileged(directory)?;
        }
        Ok(Some(people))
    }

    /// Notes who is privileged in a directory, of persons with accounts in others. What could not be
    /// read of a directory as a whole lifts nobody elsewhere: the plan warns of it.
    fn take_privileged(&mut self, known: &Known) -> Result<()> {
        let directory = &known.backend.info().id;
        let mut found = Vec::new();
        for (account, grounds) in known.privileges.privileged() {
            // The strongest comes first.
            let strongest = grounds.iter().next().filter(|ground| ground.tier != Tier::User);
            if let Some(ground) = strongest {
                found.push((account, ground.tier, ground.to_string(), true));
            }
        }
        for (account, reason) in known.privileges.unknown() {
            if !found.iter().any(|(known, tier, ..)| *known == account && *tier == Tier::Control) {
                found.push((account, Tier::User, reason.to_owned(), false));
            }
        }
        for (account, tier, why, certain) in found {
            let Some(place) = self.persons.find(directory, account)? else { continue };
            let Some(first) = self.persons.joined(place) else { continue };
            let member = Member { directory: directory.clone(), id: account.clone() };
            self.privileged.entry(first).or_default().push(Privileged { member, tier, why, certain });
        }
        Ok(())
    }

    /// What is known of the next accounts, in the order they were joined in.
    pub(super) fn next(&mut self, count: usize) -> Result<Vec<Membership>> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let page = self.persons.memberships(self.next, count)?;
        self.next = Place::after(self.next.number().saturating_add(count));
        Ok(page)
    }

    /// Lifts the verdict on an account to that on the other accounts of the same person.
    pub(super) fn lift(&self, membership: &Membership, directory: &DirectoryId, class: &mut Classification) {
        let others = membership.joined.and_then(|first| self.privileged.get(&first));
        for other in others.into_iter().flatten().filter(|other| other.member.directory != *directory) {
            let Privileged { member, tier, why, certain } = other;
            let text = format!("the same person has {member}: {why}");
            if *certain {
                class.tier = class.tier.min(*tier);
                class.grounds.push(Ground { tier: *tier, rule: RULE.to_owned(), holds: text, evidence: Vec::new() });
            } else if class.tier != Tier::Control && class.unknown_because.is_none() {
                class.unknown_because = Some(text);
            }
        }
        class.grounds.sort();
        if class.tier == Tier::Control {
            // A tier-0 ground stands whatever else could not be read.
            class.unknown_because = None;
        }
    }

    /// For the header of the plan.
    pub(super) fn planned(&self) -> Result<PlannedPersons> {
        Ok(PlannedPersons { counts: self.persons.counts(), conflicts: self.persons.conflicts(MOST_CONFLICTS)? })
    }
}

/// What an entry's notes say of a conflict that its account is in.
pub(super) fn note(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::Shared => {
            "joined with no account of another directory: another account of this directory has the same hard anchor"
        }
        ConflictKind::Contradiction => {
            "joined with no account of another directory: its hard anchors contradict those of others"
        }
        ConflictKind::Ambiguous => "a soft anchor fits several accounts, and was not used to join it",
    }
}

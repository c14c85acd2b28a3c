//! What a new plan does differently from an old one.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt;

use super::entry::PlanRow;
use super::file::Plan;
use super::rows::PlanRows;
use crate::account::{AccountId, DirectoryId};
use crate::error::Result;

/// One account that a new plan treats differently from an old one. Numbers of entries are not
/// compared: they move when an account is added before them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanChange {
    /// Only the new plan has the account.
    Added(Box<PlanRow>),
    /// Only the old plan has the account.
    Removed(Box<PlanRow>),
    /// Both have it, with different rows.
    Changed {
        /// The row of the old plan.
        before: Box<PlanRow>,
        /// The row of the new plan.
        after: Box<PlanRow>,
    },
}

/// The changes from one plan to another by directory and id; see [`Plan::changes_since`]. It ends
/// after an error.
#[derive(Debug)]
pub struct PlanChanges {
    old: ByAccount,
    new: ByAccount,
    failed: bool,
}

impl Plan {
    /// What this plan does differently from an older one, account by account: for whoever approved
    /// the old one and is asked again. Both are read from their files; memory does not grow with
    /// the number of accounts.
    ///
    /// # Errors
    /// In the iterator, when a file changed or cannot be read.
    #[must_use]
    pub fn changes_since(&self, old: &Self) -> PlanChanges {
        PlanChanges { old: ByAccount::new(old), new: ByAccount::new(self), failed: false }
    }
}

impl PlanChanges {
    fn read_next(&mut self) -> Result<Option<PlanChange>> {
        loop {
            let order = match (self.old.peek()?, self.new.peek()?) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.cmp(&new),
            };
            let before = if order == Ordering::Greater { None } else { self.old.take()? };
            let after = if order == Ordering::Less { None } else { self.new.take()? };
            return Ok(Some(match (before, after) {
                (Some(before), Some(after)) if before == after => continue,
                (Some(before), Some(after)) => PlanChange::Changed { before: Box::new(before), after: Box::new(after) },
                (Some(before), None) => PlanChange::Removed(Box::new(before)),
                (None, Some(after)) => PlanChange::Added(Box::new(after)),
                (None, None) => return Ok(None),
            }));
        }
    }
}

impl Iterator for PlanChanges {
    type Item = Result<PlanChange>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let change = self.read_next().transpose();
        self.failed = matches!(change, None | Some(Err(_)));
        change
    }
}

impl std::iter::FusedIterator for PlanChanges {}

/// The rows of a plan by directory and id: its waves, each in that order, merged.
struct ByAccount {
    unread: Vec<PlanRows>,
    /// The next row of each part, the first account on top.
    next: BinaryHeap<Reverse<Head>>,
}

type Key = (DirectoryId, AccountId);

struct Head {
    key: Key,
    row: PlanRow,
    rest: PlanRows,
}

impl ByAccount {
    fn new(plan: &Plan) -> Self {
        Self { unread: plan.parts(), next: BinaryHeap::new() }
    }

    /// The account that comes next.
    fn peek(&mut self) -> Result<Option<Key>> {
        while let Some(part) = self.unread.pop() {
            self.advance(part)?;
        }
        Ok(self.next.peek().map(|Reverse(head)| head.key.clone()))
    }

    fn take(&mut self) -> Result<Option<PlanRow>> {
        let Some(Reverse(head)) = self.next.pop() else { return Ok(None) };
        self.advance(head.rest)?;
        Ok(Some(head.row))
    }

    fn advance(&mut self, mut rest: PlanRows) -> Result<()> {
        if let Some(row) = rest.next() {
            let mut row = row?;
            let key = match &mut row {
                PlanRow::Entry(entry) => {
                    entry.seq = 0;
                    entry.follows.clear();
                    (entry.directory.clone(), entry.id.clone())
                }
                PlanRow::LeftOut { directory, id, .. } => (directory.clone(), id.clone()),
            };
            self.next.push(Reverse(Head { key, row, rest }));
        }
        Ok(())
    }
}

impl fmt::Debug for ByAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByAccount").field("parts", &(self.unread.len() + self.next.len())).finish()
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

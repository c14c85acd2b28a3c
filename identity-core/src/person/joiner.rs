//! Joins accounts.

use std::path::Path;

use super::anchor::{Anchor, Joining};
use super::conflict::{Conflict, ConflictKind, MOST_NAMED};
use super::forest::Forest;
use super::persons::{Marks, Persons};
use super::record::{Carrier, Linked, Record};
use crate::account::{Account, AccountId, DirectoryId};
use crate::error::{Error, ErrorKind, Result};

/// Takes accounts in, then joins them.
///
/// ```
/// use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
/// use identity_core::person::{Joiner, Joining};
///
/// let account = |directory: &str, id: &str| -> Result<Account, Box<dyn std::error::Error>> {
///     let mut account =
///         Account::new(DirectoryId::new(directory)?, AccountId::new(id)?, "jdoe", AccountKind::Person);
///     account.anchors.security_id = Some("S-1-5-21-1-2-3-1104".into());
///     Ok(account)
/// };
/// let folder = tempfile::tempdir()?;
/// let mut joiner = Joiner::open(folder.path(), Joining::default())?;
/// joiner.add(&[account("cloud", "7")?, account("corp", "1")?])?;
/// let persons = joiner.join()?;
/// assert_eq!((persons.counts().persons, persons.counts().joined), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Joiner {
    record: Record,
    joining: Joining,
    count: u32,
    last: Option<(DirectoryId, AccountId)>,
}

impl Joiner {
    /// Opens one whose temporary database is inside `folder`.
    ///
    /// # Errors
    /// When the anchors make no sense, or the folder cannot be written.
    pub fn open(folder: &Path, joining: Joining) -> Result<Self> {
        joining.validate()?;
        Ok(Self { record: Record::open(folder)?, joining, count: 0, last: None })
    }

    /// Takes the next accounts in, by directory and id, each once.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when they are out of order, there twice, or more than 4 billion;
    /// otherwise what the disk says.
    pub fn add(&mut self, accounts: &[Account]) -> Result<()> {
        for account in accounts {
            let next = (account.directory.clone(), account.id.clone());
            if self.last.as_ref().is_some_and(|last| *last >= next) {
                return Err(invalid(format!("{} of {} is out of order or there twice", next.1, next.0)));
            }
            self.last = Some(next);
        }
        let many = || invalid("there are more than 4,294,967,295 accounts".to_owned());
        let count =
            u32::try_from(accounts.len()).ok().and_then(|more| self.count.checked_add(more)).ok_or_else(many)?;
        self.record.put(self.count, accounts, &self.joining)?;
        self.count = count;
        Ok(())
    }

    /// Joins what was taken in, by the rules of [this module](super).
    ///
    /// # Errors
    /// What the disk says.
    pub fn join(self) -> Result<Persons> {
        let Self { record, joining, count, .. } = self;
        record.index()?;
        let mut work = Work { record, forest: Forest::of(count), marks: Marks::of(count) };
        let hard = joining.hard().count();
        work.join_hard(&joining)?;
        for (place, anchor) in joining.in_order().enumerate().skip(hard) {
            work.join_soft(place, anchor)?;
        }
        work.link()?;
        let Work { record, forest, marks } = work;
        Persons::new(record, forest, marks)
    }
}

struct Work {
    record: Record,
    forest: Forest,
    marks: Marks,
}

impl Work {
    /// Rules 1 and 2.
    fn join_hard(&mut self, joining: &Joining) -> Result<()> {
        let Self { record, forest, marks } = self;
        for (place, anchor) in joining.hard().enumerate() {
            record.each_value(place, |value, carriers| {
                let shared: Vec<u32> = several(carriers).map(|carrier| carrier.place).collect();
                if !shared.is_empty() {
                    shared.iter().for_each(|place| marks.set(*place, ConflictKind::Shared));
                    record.put_conflict(&conflict(
                        record,
                        ConflictKind::Shared,
                        Some(anchor),
                        Some(value),
                        &shared,
                        shared.len() as u64,
                    )?)?;
                }
                Ok(())
            })?;
        }
        for place in 0..joining.hard().count() {
            record.each_value(place, |_, carriers| {
                unite(forest, carriers.iter().filter(|carrier| !marks.is_out(carrier.place)));
                Ok(())
            })?;
        }
        self.link()?;
        let bad = self.unfit(ConflictKind::Contradiction, None)?;
        self.forest.flatten(|root| bad.has(root));
        Ok(())
    }

    /// Rules 3 and 4.
    fn join_soft(&mut self, place: usize, anchor: &Anchor) -> Result<()> {
        let before = self.forest.clone();
        let Self { record, forest, marks } = self;
        record.each_value(place, |value, carriers| {
            if several(carriers).next().is_none() {
                unite(forest, carriers.iter().filter(|carrier| !marks.is_out(carrier.place)));
                return Ok(());
            }
            let all: Vec<u32> = carriers.iter().map(|carrier| carrier.place).collect();
            all.iter().for_each(|place| marks.set(*place, ConflictKind::Ambiguous));
            let count = all.len() as u64;
            record.put_conflict(&conflict(record, ConflictKind::Shared, Some(anchor), Some(value), &all, count)?)
        })?;
        self.link()?;
        let bad = self.unfit(ConflictKind::Ambiguous, Some(anchor))?;
        // What does not fit stays as it was before; the rest is united for good.
        let mut after = std::mem::replace(&mut self.forest, before);
        for number in 0..after.len() {
            let root = after.root(number);
            if !bad.has(root) {
                self.forest.unite(root, number);
            }
        }
        Ok(())
    }

    /// Writes down who is joined with whom.
    fn link(&mut self) -> Result<()> {
        self.forest.flatten(|_| false);
        self.marks.forget_joined();
        for number in 0..self.forest.len() {
            let root = self.forest.root(number);
            if root != number {
                self.marks.set_joined(root);
                self.marks.set_joined(number);
            }
        }
        let Self { record, forest, marks } = self;
        let joined = (0..forest.len()).filter(|number| marks.is_joined(*number));
        record.link(joined.map(|number| (forest.parent(number), number)))
    }

    /// Looks at what is joined as a whole: those that must not be, by the number that stands for
    /// each; told as conflicts.
    fn unfit(&mut self, kind: ConflictKind, anchor: Option<&Anchor>) -> Result<Bits> {
        let Self { record, marks, forest } = self;
        let mut bad = Bits::of(forest.len());
        let mut whole = Whole::default();
        let mut end = |whole: &mut Whole, record: &Record| -> Result<()> {
            if whole.is_unfit(kind) {
                bad.set(whole.root);
                record.put_conflict(&conflict(record, kind, anchor, None, &whole.named, whole.count)?)?;
            }
            Ok(())
        };
        record.each_linked(|linked| {
            if whole.count > 0 && whole.root != linked.root {
                end(&mut whole, record)?;
                whole = Whole::default();
            }
            whole.take(linked);
            Ok(())
        })?;
        if whole.count > 0 {
            end(&mut whole, record)?;
        }
        for number in 0..forest.len() {
            if marks.is_joined(number) && bad.has(forest.root(number)) {
                marks.set(number, kind);
            }
        }
        Ok(bad)
    }
}

/// The carriers of a value whose directory has several; they come by directory.
fn several(carriers: &[Carrier]) -> impl Iterator<Item = &Carrier> {
    carriers.chunk_by(|a, b| a.directory == b.directory).filter(|same| same.len() > 1).flatten()
}

fn unite<'a>(forest: &mut Forest, carriers: impl Iterator<Item = &'a Carrier>) {
    let mut first = None;
    for carrier in carriers {
        forest.unite(*first.get_or_insert(carrier.place), carrier.place);
    }
}

fn conflict(
    record: &Record,
    kind: ConflictKind,
    anchor: Option<&Anchor>,
    value: Option<&str>,
    places: &[u32],
    count: u64,
) -> Result<Conflict> {
    let accounts = places.iter().take(MOST_NAMED).map(|place| record.member(*place)).collect::<Result<Vec<_>>>()?;
    Ok(Conflict {
        kind,
        anchor: anchor.cloned(),
        value: value.map(str::to_owned),
        further: count - accounts.len() as u64,
        accounts,
    })
}

/// What is joined, seen as a whole. It does not grow with what is wrong.
#[derive(Debug, Default)]
struct Whole {
    root: u32,
    count: u64,
    named: Vec<u32>,
    /// The directory of the one before: they come by directory.
    directory: Option<i64>,
    twice: bool,
    /// The different values of each hard anchor, and whether they are some account's own.
    values: [Vec<(String, bool)>; 2],
}

impl Whole {
    fn take(&mut self, linked: Linked) {
        self.root = linked.root;
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(linked.place);
        }
        self.twice |= self.directory.replace(linked.directory) == Some(linked.directory);
        if self.twice {
            // The verdict stands; more would only take room.
            return;
        }
        for (values, value) in self.values.iter_mut().zip(linked.hard) {
            let Some(value) = value else { continue };
            match values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, own)) => *own |= linked.is_own,
                None => values.push((value, linked.is_own)),
            }
        }
    }

    fn is_unfit(&self, kind: ConflictKind) -> bool {
        let contradicting = |values: &Vec<(String, bool)>| {
            // A person may have accounts of their own in two forests, and others that point to each.
            values.len() > 1 && (kind == ConflictKind::Contradiction || values.iter().any(|(_, own)| !own))
        };
        self.twice || self.values.iter().any(contradicting)
    }
}

/// One bit for each number from 0.
#[derive(Debug)]
struct Bits(Vec<u64>);

impl Bits {
    fn of(count: u32) -> Self {
        Self(vec![0; (count as usize).div_ceil(64)])
    }

    fn set(&mut self, number: u32) {
        if let Some(word) = self.0.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }

    fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InputInvalid, "join accounts of persons").with_detail(detail)
}

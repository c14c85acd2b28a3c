//! What a run left behind, and whether it is what was promised.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use identity_reset::account::AccountId;
use identity_reset::error::ErrorKind;
use identity_reset::journal::{Event, Journal, Record, SqliteJournal};
use identity_reset::plan::{Disposition, Entry, Plan, PlanRow};
use identity_reset::reset::Action;
use identity_reset::vault::{Identity, SealedRef, Sealing, unseal};
use jiff::Timestamp;
use uuid::Uuid;

use super::stand::ORG;
use super::witness::Witness;

/// What is in a run's folder.
pub(crate) struct Evidence {
    pub(crate) rows: Vec<PlanRow>,
    pub(crate) records: Vec<Record>,
    /// Every password that was sealed, oldest first.
    pub(crate) sealed: Vec<(SealedRef, Sealing)>,
    /// Whether the journal lost nothing: otherwise passwords were sent that it does not know of.
    pub(crate) whole: bool,
}

/// What was counted against the directory's own record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PromisedState {
    /// Accounts that the run resets.
    pub(crate) planned: u64,
    /// Password sets that took effect on them.
    pub(crate) sets: u64,
    /// Intents beyond the first of an action.
    pub(crate) repeated: u64,
    /// Actions without an answer that reading back found done.
    pub(crate) read_back: u64,
    /// Temporary passwords that took effect and that a newer one took the place of: the answer that
    /// would have told them was lost.
    pub(crate) superseded: u64,
    /// Times that sessions were ended.
    pub(crate) revoked: u64,
    /// Accounts whose password was set on-prem, and whose sessions then ended in another directory.
    pub(crate) hybrid: u64,
    /// Accounts outside the plan, found untouched.
    pub(crate) untouched: u64,
}

impl Evidence {
    /// Reads a run's folder. The journal is read from a copy, its whole chain checked.
    pub(crate) async fn read(run: &Path, identity: &Identity) -> Self {
        let plan = Plan::open(run.join("plan.jsonl")).expect("the plan");
        let rows = plan.rows().expect("rows").map(|row| row.expect("a row")).collect();
        let records = peek(run).await.expect("a journal");
        let vault = run.join("vault.jsonl");
        let sealed = match vault.exists() {
            true => unseal(vault, vec![identity.clone()]).expect("the vault").map(|one| one.expect("opens")).collect(),
            false => Vec::new(),
        };
        Self { rows, records, sealed, whole: true }
    }

    /// The entries that the engine resets.
    pub(crate) fn resets(&self) -> impl Iterator<Item = (&Entry, &[Action])> {
        self.rows.iter().filter_map(|row| match row {
            PlanRow::Entry(entry) => match &entry.disposition {
                Disposition::Reset { actions } => Some((entry, actions.as_slice())),
                Disposition::Manual { .. } => None,
            },
            PlanRow::LeftOut { .. } => None,
        })
    }

    /// Of the resets, how many only end sessions in Okta, which shows no account's sessions: confirmed, and
    /// nothing to read it back by, so that they are reported as unknown.
    pub(crate) fn unseen(&self) -> u64 {
        let of_sessions = |actions: &[Action]| actions.iter().all(|action| *action == Action::RevokeSessions);
        let resets = self.resets().filter(|(entry, actions)| entry.directory.as_str() == ORG && of_sessions(actions));
        resets.count() as u64
    }

    /// The accounts that nobody is to touch: left out, or left to people.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&AccountId, &str)> {
        self.rows.iter().filter_map(|row| match row {
            PlanRow::Entry(Entry { disposition: Disposition::Reset { .. }, .. }) => None,
            PlanRow::Entry(entry) => Some((&entry.id, entry.name.as_str())),
            PlanRow::LeftOut { id, name, .. } => Some((id, name.as_str())),
        })
    }

    /// What was sealed for an entry, oldest first.
    pub(crate) fn sealed_for(&self, seq: u64) -> impl Iterator<Item = &(SealedRef, Sealing)> {
        self.sealed.iter().filter(move |(_, sealing)| sealing.entry == seq)
    }

    /// The password of an entry that is to be in force: the last one sealed for it.
    pub(crate) fn password(&self, seq: u64) -> Option<&str> {
        self.sealed_for(seq).last().map(|(_, sealing)| sealing.password.expose())
    }

    /// Intents of an entry's passwords: how many, and how many different sealed ones they name.
    pub(crate) fn sends(&self, seq: u64) -> (u64, BTreeSet<Option<&SealedRef>>) {
        let mut sends = (0, BTreeSet::new());
        for record in &self.records {
            if let Event::Intent { entry, action, sealed, .. } = &record.event
                && *entry == seq
                && action.sets_password()
            {
                sends.0 += 1;
                sends.1.insert(sealed.as_ref());
            }
        }
        sends
    }

    /// How often an action of an entry was intended.
    fn intents(&self, seq: u64, of: Action) -> usize {
        let of_it = |record: &&Record| matches!(&record.event, Event::Intent { entry, action, .. } if *entry == seq && *action == of);
        self.records.iter().filter(of_it).count()
    }

    /// How many passwords of an entry the directory refused by its policy.
    fn refused_passwords(&self, seq: u64) -> usize {
        let refused = |record: &&Record| match &record.event {
            Event::AttemptFailed { entry, error, .. } => *entry == seq && error.kind == ErrorKind::PasswordRejected,
            _ => false,
        };
        self.records.iter().filter(refused).count()
    }

    /// Every action of every reset has exactly one final outcome; how many were repeated, and how
    /// many found by reading back.
    pub(crate) fn assert_each_action_ends_once(&self) -> (u64, u64) {
        let mut ends: BTreeMap<(u64, Action), u64> = BTreeMap::new();
        let (mut repeated, mut read_back) = (0, 0);
        for record in &self.records {
            match &record.event {
                Event::Done { entry, action, read_back: seen, .. } => {
                    *ends.entry((*entry, *action)).or_default() += 1;
                    read_back += u64::from(*seen);
                }
                Event::Failed { entry, action, .. } => *ends.entry((*entry, *action)).or_default() += 1,
                Event::Intent { attempt, .. } => repeated += u64::from(*attempt > 1),
                _ => {}
            }
        }
        for (entry, actions) in self.resets() {
            for action in actions {
                let count = ends.remove(&(entry.seq, *action)).unwrap_or(0);
                assert_eq!(count, 1, "{action} of {} has {count} final outcomes", entry.name);
            }
        }
        assert!(ends.is_empty(), "outcomes of what was not planned: {ends:?}");
        (repeated, read_back)
    }

    /// Promises 1 to 4, counted against a directory's own record: every planned account of it has
    /// one password, the vault's last for it (of those that the directory makes, too), and its sessions were ended where that is planned;
    /// nobody else was touched. What was repeated and read back is counted over the whole run.
    pub(crate) fn assert_promised_state(&self, witness: &dyn Witness) -> PromisedState {
        let (repeated, read_back) = self.assert_each_action_ends_once();
        let mut state = PromisedState { repeated, read_back, ..PromisedState::default() };
        let mut planned = BTreeSet::new();
        for (entry, actions) in self.resets().filter(|(entry, _)| entry.directory.as_str() == witness.directory()) {
            state.planned += 1;
            planned.insert(entry.id.clone());
            let last_set = self.assert_one_password(witness, entry, actions, &mut state);
            self.assert_sessions_ended(witness, entry, actions, last_set, &mut state);
        }
        for (account, name) in witness.everyone().into_iter().filter(|(account, _)| !planned.contains(account)) {
            assert!(witness.untouched(&account), "{name} is not planned and was touched");
            state.untouched += 1;
        }
        state
    }

    /// Says when the password was set last.
    fn assert_one_password(
        &self,
        witness: &dyn Witness,
        entry: &Entry,
        actions: &[Action],
        state: &mut PromisedState,
    ) -> Option<Timestamp> {
        let (account, name) = (&entry.id, &entry.name);
        let sets = witness.sets(account);
        if !actions.iter().any(|action| action.sets_password()) {
            assert_eq!(sets.len(), 0, "{name}");
            return None;
        }
        let (sends, references) = self.sends(entry.seq);
        assert!(!sets.is_empty(), "{name} was lost: its password was never set");
        if self.whole {
            assert!(sets.len() as u64 <= sends, "{name} was set {} times by {sends} intents", sets.len());
        }
        assert!(sets.iter().all(|set| set.by_administrator), "{name}");
        let different: BTreeSet<[u8; 32]> = sets.iter().map(|set| set.sha256).collect();
        // A scramble is nobody's to know: it is not sealed, and a second one is as good.
        if actions.iter().any(|action| action.needs_sealing()) {
            // Set twice: first to one that nobody knows, so that the old one is not even the previous one.
            let interim = self.intents(entry.seq, Action::Scramble);
            let twice = actions.contains(&Action::Scramble);
            let expected = if twice { 2..=1 + interim } else { 1..=1 };
            assert!(expected.contains(&different.len()), "{name} was given {} different passwords", different.len());
            // Another one only after the directory refused one by its policy.
            let refused = self.refused_passwords(entry.seq);
            let named = references.iter().flatten().count();
            assert_eq!(named, 1 + refused, "{name}: intents name {references:?}");
            let password = self.password(entry.seq).unwrap_or_else(|| panic!("{name} has nothing sealed"));
            assert!(witness.opens(account, password), "{name}: the vault's last password is not in force");
        }
        // The directory makes it and tells it once: one whose answer was lost has to be replaced.
        if actions.contains(&Action::SetTemporaryPassword) {
            assert_eq!(different.len(), sets.len(), "{name}: a directory gave the same temporary password again");
            let password = self.password(entry.seq).unwrap_or_else(|| panic!("{name} has nothing sealed"));
            assert!(witness.opens(account, password), "{name}: the vault's last temporary password is not in force");
            state.superseded += sets.len() as u64 - 1;
        }
        state.sets += sets.len() as u64;
        sets.last().map(|set| set.at)
    }

    /// Sessions are ended where that is planned, by no more requests than intents, and after the
    /// password: before it, the old one would open new ones.
    fn assert_sessions_ended(
        &self,
        witness: &dyn Witness,
        entry: &Entry,
        actions: &[Action],
        last_set: Option<Timestamp>,
        state: &mut PromisedState,
    ) {
        let (name, revoked) = (&entry.name, witness.revoked(&entry.id));
        if !actions.contains(&Action::RevokeSessions) {
            assert!(revoked.is_empty(), "{name}: sessions were ended, which is not planned");
            return;
        }
        let intents = self.intents(entry.seq, Action::RevokeSessions);
        assert!((1..=intents).contains(&revoked.len()), "{name}: {} revocations by {intents} intents", revoked.len());
        assert!(last_set <= revoked.first().copied(), "{name}: sessions were ended before the password was set");
        state.revoked += revoked.len() as u64;
    }
}

/// The records of a run's journal, chain checked, read from a copy: the folder stays as it is.
/// `None` where there is no journal yet, or only its beginning.
pub(crate) async fn peek(run: &Path) -> Option<Vec<Record>> {
    let journal = run.join("journal.sqlite");
    if std::fs::metadata(&journal).map_or(0, |found| found.len()) == 0 {
        return None;
    }
    let copies = tempfile::tempdir().expect("a folder");
    let copy = copies.path().join("journal.sqlite");
    std::fs::copy(&journal, &copy).expect("copied");
    for suffix in ["-wal", "-journal"] {
        let beside = beside(&journal, suffix);
        if beside.exists() {
            std::fs::copy(beside, super::evidence::beside(&copy, suffix)).expect("copied");
        }
    }
    let journal = SqliteJournal::open(&copy).expect("the journal opens");
    journal.verify_chain().await.expect("the chain is whole");
    Some(journal.records(1).try_collect().await.expect("records"))
}

/// A file's name with more behind it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The objectGUID or object id that is an account's id in Active Directory and in Entra ID.
pub(crate) fn guid(id: &AccountId) -> Uuid {
    Uuid::try_parse(id.as_str()).expect("a GUID")
}

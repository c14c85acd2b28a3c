//! What is read of it, and what of that is wrong.

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, future, stream};
use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
use identity_core::directory::{
    AccountEnumerator, AccountQuery, AccountStream, ChangeMark, Directory, PrivilegeClassifier, Scope,
};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::privilege::{Ground, PrivilegeIndex, Tier};
use identity_core::recovery::{Enrolment, RecoveryAuditor};

use super::{Broken, How};

#[async_trait]
impl AccountEnumerator for Broken {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        let how = self.how;
        let listing = {
            let mut seen = self.seen.lock().unwrap();
            seen.listings += 1;
            seen.listings
        };
        let scoped = query.scope != Scope::Everyone;
        let rows = match how {
            How::IgnoresScope => self.memory.accounts(&AccountQuery::everyone()),
            _ => self.memory.accounts(query),
        };
        match how {
            How::TruncatesSilently => rows.take(150).boxed(),
            How::HidesErrors => rows.take_while(|row| future::ready(row.is_ok())).boxed(),
            How::HidesComputers => rows.try_filter(|row| future::ready(row.kind != AccountKind::Computer)).boxed(),
            How::ListsNobodyTwice if listing % 2 == 0 => stream::empty().boxed(),
            How::ListsNobodyTwice => rows,
            _ => rows.map_ok(move |row| misread(how, listing, scoped, row)).boxed(),
        }
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        if self.is(How::FailsOnEmpty) && ids.is_empty() {
            return Err(Error::new(ErrorKind::InputInvalid, "look up"));
        }
        let mut found = self.memory.lookup(ids).await?;
        match self.how {
            How::LookupAnyOrder => found.reverse(),
            How::LookupSkipsGone => found.retain(Option::is_some),
            How::LookupLies => {
                found.truncate(200);
                found.iter_mut().flatten().for_each(|row| row.state.enabled = !row.state.enabled);
            }
            How::StaleLookup => {
                let mut seen = self.seen.lock().unwrap();
                for row in found.iter_mut().flatten() {
                    *row = seen.first_looks.entry(row.id.clone()).or_insert_with(|| row.clone()).clone();
                }
            }
            _ => {}
        }
        Ok(found)
    }

    async fn mark(&self) -> Result<ChangeMark> {
        self.memory.mark().await
    }

    fn changed_since(&self, mark: &ChangeMark) -> AccountStream {
        match self.how {
            How::TruncatesSilently => stream::empty().boxed(),
            _ => self.memory.changed_since(mark),
        }
    }
}

fn misread(how: How, listing: u32, scoped: bool, mut row: Account) -> Account {
    let id = |text: String| AccountId::new(text).unwrap();
    match how {
        How::ChangesIds => row.id = id(format!("{}-{listing}", row.id)),
        How::MixesNames => {
            row.id = id("one-for-all".into());
            row.display_name = row.display_name.map(|name| name.chars().filter(char::is_ascii).collect());
        }
        How::DropsAttributes => row.attributes.clear(),
        How::MisreadsKinds => row.kind = AccountKind::Person,
        How::WrongDirectory => row.directory = DirectoryId::new("other").unwrap(),
        How::IgnoresScope => assert!(!scoped || row.name != "\0"),
        _ => {}
    }
    row
}

#[async_trait]
impl PrivilegeClassifier for Broken {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        let index = self.memory.privileges().await?;
        let mut other = PrivilegeIndex::default();
        for (account, grounds) in index.privileged() {
            for ground in grounds {
                let mut ground = ground.clone();
                if self.is(How::EmptyEvidence) {
                    ground.evidence.clear();
                }
                if !(self.is(How::ForgetsNested) && ground.evidence.len() > 1) {
                    other.add(account.clone(), ground);
                }
            }
        }
        if self.is(How::AccusesEverybody) {
            let everyone: Vec<Account> = self.memory.accounts(&AccountQuery::everyone()).try_collect().await?;
            for row in everyone {
                let ground =
                    Ground { tier: Tier::Control, rule: "x".into(), holds: "x".into(), evidence: vec!["x".into()] };
                other.add(row.id, ground);
            }
        }
        if !self.is(How::IgnoresIncomplete) {
            index.incomplete().iter().for_each(|reason| other.mark_incomplete(reason));
        }
        Ok(other)
    }
}

#[async_trait]
impl RecoveryAuditor for Broken {
    fn enrolments(&self, query: &AccountQuery) -> BoxStream<'static, Result<Enrolment>> {
        match self.how {
            How::EnrolsStrangers => {
                let stranger = Enrolment::new(AccountId::new("nobody").unwrap());
                stream::once(future::ready(Ok(stranger))).boxed()
            }
            _ => self.memory.recovery().unwrap().enrolments(query),
        }
    }
}

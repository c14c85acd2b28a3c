//! Listings, look-ups, and who is privileged.

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};

use super::SimulatedDirectory;
use crate::account::{Account, AccountId};
use crate::directory::{AccountEnumerator, AccountQuery, AccountStream, PrivilegeClassifier, Scope};
use crate::error::{Error, ErrorKind, Result};
use crate::privilege::{Ground, PrivilegeIndex, Tier};
use crate::rehearsal::shape::scope_digest;

/// Requests of one look-up that are under way at once; the governor decides how many really go.
const AT_ONCE: usize = 16;

const LIST: &str = "list accounts";

#[async_trait]
impl AccountEnumerator for SimulatedDirectory {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        let (directory, scope) = (self.clone(), query.scope.clone());
        stream::once(async move { directory.mark_of(&scope).map(|mark| directory.listing(mark)) }).try_flatten().boxed()
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        let most = self.server.shaped().reads.ids as usize;
        let requests = ids.chunks(most.max(1)).map(|part| async move {
            let first = part.first().map(|id| id.as_str().as_bytes()).unwrap_or_default();
            self.read(self.server.look_up, "look up", first).await?;
            part.iter()
                .map(|id| match self.server.place(id) {
                    Some(place) => self.server.row(place),
                    None => Ok(None),
                })
                .collect::<Result<Vec<_>>>()
        });
        // Collected: a closure in a stream that is held across an await is not general enough.
        let requests: Vec<_> = requests.collect();
        let answers: Vec<Vec<Option<Account>>> = stream::iter(requests).buffered(AT_ONCE).try_collect().await?;
        Ok(answers.into_iter().flatten().collect())
    }
}

impl SimulatedDirectory {
    /// The mark that the members of a scope have; `None` for everyone.
    fn mark_of(&self, scope: &Scope) -> Result<Option<u16>> {
        if *scope == Scope::Everyone {
            return Ok(None);
        }
        let part = &self.server.part;
        let digest = scope_digest(&part.salt, &self.server.info.id, scope);
        let place = part.directory.scopes.iter().position(|known| *known == digest);
        place.and_then(|place| u16::try_from(place).ok()).map(Some).ok_or_else(|| {
            self.error(ErrorKind::InputInvalid, LIST)
                .with_detail("the shape does not say who is in this group, unit or query")
                .with_advice("take the shape with the playbook that names it")
        })
    }

    fn listing(&self, mark: Option<u16>) -> AccountStream {
        let page = self.server.shaped().reads.page as usize;
        let directory = self.clone();
        stream::try_unfold(Some(0_usize), move |from| {
            let directory = directory.clone();
            async move {
                let Some(from) = from else { return Ok::<_, Error>(None) };
                directory.read(directory.server.list, LIST, &from.to_le_bytes()).await?;
                let (rows, next) = directory.page(from, page, mark)?;
                Ok(Some((stream::iter(rows.into_iter().map(Ok)), next)))
            }
        })
        .try_flatten()
        .boxed()
    }

    fn page(&self, from: usize, page: usize, mark: Option<u16>) -> Result<(Vec<Account>, Option<usize>)> {
        let server = &self.server;
        let shaped = server.part.accounts(from, page)?;
        let members = shaped.into_iter().filter(|(_, row)| mark.is_none_or(|mark| row.scopes.contains(&mark)));
        let mut rows = Vec::new();
        for (place, row) in members {
            if let Ok(id) = AccountId::new(&row.id) {
                rows.push(server.as_now(place as usize, row.account(&server.info.id, id, server.capabilities)));
            }
        }
        let next = Some(from + page).filter(|next| *next < server.part.len());
        if next.is_none() && mark.is_none() {
            let born: Vec<Account> = server.inner().born.clone();
            rows.extend(born.into_iter().enumerate().map(|(born, row)| server.as_now(server.part.len() + born, row)));
        }
        Ok((rows, next))
    }
}

#[async_trait]
impl PrivilegeClassifier for SimulatedDirectory {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        self.read(self.server.list, "classify", b"classify").await?;
        let part = &self.server.part;
        let mut index = PrivilegeIndex::default();
        for _ in 0..part.directory.incomplete_privileges.min(MOST_REASONS) {
            index.mark_incomplete("something could not be read when the shape was taken");
        }
        let id_at = |place: u32| part.account(place).map(|account| AccountId::new(&account.id).ok());
        for place in &part.unknown {
            if let Some(id) = id_at(*place)? {
                index.mark_unknown(id, "it could not be told when the shape was taken");
            }
        }
        for (place, grounds) in &part.privileged {
            let Some(id) = id_at(*place)? else { continue };
            for (tier, rule) in grounds {
                let holds = "a role or group that the shape does not name".to_owned();
                index.add(id.clone(), Ground { tier: *tier, rule: rule.clone(), holds, evidence: Vec::new() });
            }
        }
        for id in &self.server.inner().promoted {
            let holds = "a privileged group, since the plan".to_owned();
            let ground = Ground { tier: Tier::Control, rule: "member".to_owned(), holds, evidence: Vec::new() };
            index.add(id.clone(), ground);
        }
        Ok(index)
    }
}

/// More reasons say no more.
const MOST_REASONS: u32 = 5;

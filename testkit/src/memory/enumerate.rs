//! Listings in pages, lookups, and what changed since a mark.

use std::collections::HashSet;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use identity_core::account::{Account, AccountId};
use identity_core::directory::{AccountEnumerator, AccountQuery, AccountStream, ChangeMark, Scope};
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::limits::clock;

use super::MemoryDirectory;
use crate::fault::{Fault, Operation};

const LIST: &str = "list accounts";

/// Which rows a listing gives.
enum Filter {
    All,
    /// Members of any of these groups.
    Groups(HashSet<String>),
    /// Below this path.
    Unit(String),
    /// An attribute and its value.
    Equals(String, String),
    /// Changed after this change.
    Changed(u32),
}

/// Where a listing stands.
struct Cursor {
    directory: MemoryDirectory,
    filter: Filter,
    next: u64,
    /// Repeated at the head of the next page, where listings are untidy.
    last: Option<Account>,
    found: bool,
}

#[async_trait]
impl AccountEnumerator for MemoryDirectory {
    fn accounts(&self, query: &AccountQuery) -> AccountStream {
        let (directory, scope) = (self.clone(), query.scope.clone());
        stream::once(async move { directory.filter(&scope).map(|filter| directory.listing(filter)) })
            .try_flatten()
            .boxed()
    }

    async fn lookup(&self, ids: &[AccountId]) -> Result<Vec<Option<Account>>> {
        let page = usize::try_from(self.world.page).unwrap_or(usize::MAX);
        let mut found = Vec::with_capacity(ids.len());
        for part in ids.chunks(page) {
            self.read("look up", 1).await?;
            self.read_fault("look up").await.map_or(Ok(()), Err)?;
            found.extend(part.iter().map(|id| self.index_of(id).and_then(|index| self.row(index))));
        }
        Ok(found)
    }

    async fn mark(&self) -> Result<ChangeMark> {
        if !self.world.capabilities.enumerate_changed {
            return Err(self.error(ErrorKind::Unsupported, "mark"));
        }
        self.read("mark", 1).await?;
        Ok(ChangeMark(self.inner().states.changes().to_string()))
    }

    fn changed_since(&self, mark: &ChangeMark) -> AccountStream {
        let filter = match mark.0.parse() {
            _ if !self.world.capabilities.enumerate_changed => {
                Err(self.error(ErrorKind::Unsupported, "list changed accounts"))
            }
            Ok(after) => Ok(Filter::Changed(after)),
            Err(_) => {
                let error = self.error(ErrorKind::InputInvalid, "list changed accounts");
                Err(error.with_detail("the mark is not one of this directory"))
            }
        };
        match filter {
            Ok(filter) => self.listing(filter),
            Err(error) => stream::once(async move { Err(error) }).boxed(),
        }
    }
}

impl MemoryDirectory {
    fn filter(&self, scope: &Scope) -> Result<Filter> {
        let can = self.world.capabilities;
        let invalid = |what: &str| Err(self.error(ErrorKind::InputInvalid, LIST).with_detail(what.to_owned()));
        match scope {
            Scope::Everyone => Ok(Filter::All),
            Scope::Group(group) if can.enumerate_group => match self.world.roster.group_name(group) {
                Some(name) => Ok(Filter::Groups(self.graph().close([name]).into_keys().collect())),
                None => invalid(&format!("there is no group {group:?}")),
            },
            Scope::Unit(unit) if can.enumerate_unit => Ok(Filter::Unit(unit.to_lowercase())),
            Scope::Native(text) if can.enumerate_native => match text.split_once('=') {
                Some((attribute, value)) if ATTRIBUTES.contains(&attribute) => {
                    Ok(Filter::Equals(attribute.to_owned(), value.to_owned()))
                }
                _ => invalid(&format!("the filter is not attribute=value with one of {}", ATTRIBUTES.join(", "))),
            },
            _ => {
                Err(self.error(ErrorKind::Unsupported, LIST).with_detail("this directory does not list by that scope"))
            }
        }
    }

    fn listing(&self, filter: Filter) -> AccountStream {
        let cursor = Cursor { directory: self.clone(), filter, next: 0, last: None, found: false };
        stream::try_unfold(Some(cursor), next_page)
            .map_ok(|rows| stream::iter(rows.into_iter().map(Ok)))
            .try_flatten()
            // A page that was cut in the middle gives its rows first, then the error.
            .map(Result::flatten)
            .boxed()
    }
}

/// What a native filter can compare.
const ATTRIBUTES: [&str; 5] = ["department", "enabled", "kind", "mail", "name"];

type Page = Vec<Result<Account>>;

async fn next_page(cursor: Option<Cursor>) -> Result<Option<(Page, Option<Cursor>)>> {
    let Some(mut cursor) = cursor else { return Ok(None) };
    let directory = cursor.directory.clone();
    directory.read(LIST, 1).await?;
    let fault = directory.read_fault(LIST).await;
    let size = directory.inner().states.len();
    let mut rows: Page = Vec::new();
    let mut scanned = 0;
    while cursor.next < size && (rows.len() as u64) < directory.world.page {
        let index = cursor.next;
        cursor.next += 1;
        scanned += 1;
        if scanned % 1024 == 0 {
            tokio::task::yield_now().await;
        }
        if let Some(row) = directory.row(index).filter(|row| cursor.filter.lets(&directory, index, row)) {
            rows.push(Ok(row));
        }
    }
    cursor.found |= !rows.is_empty();
    if directory.world.untidy {
        rows.reverse();
        let last = rows.iter().filter_map(|row| row.as_ref().ok()).next_back().cloned();
        rows.extend(std::mem::replace(&mut cursor.last, last).map(Ok));
    }
    if let Some(error) = fault {
        rows.truncate(rows.len() / 2);
        rows.push(Err(error));
        return Ok(Some((rows, None)));
    }
    if cursor.next < size {
        return Ok(Some((rows, Some(cursor))));
    }
    if let (Filter::Unit(unit), false) = (&cursor.filter, cursor.found) {
        let error = directory.error(ErrorKind::InputInvalid, LIST);
        return Err(error.with_detail(format!("there is nobody below {unit:?}")));
    }
    Ok(Some((rows, None)))
}

impl MemoryDirectory {
    /// What the fault script makes of a read; some faults have no meaning for one in memory.
    pub(super) async fn read_fault(&self, operation: &'static str) -> Option<Error> {
        let (kind, text) = match self.world.faults.next(Operation::Read, None)? {
            Fault::TruncatedPage => (ErrorKind::Protocol, "the answer ends in the middle"),
            Fault::Busy | Fault::GarbledMessage | Fault::Throttle(_) | Fault::Conflict => {
                (ErrorKind::RateLimited, "the directory is busy")
            }
            Fault::Unavailable | Fault::NoticeOfDisconnection | Fault::BadGateway => {
                (ErrorKind::Unavailable, "the directory is stopping")
            }
            Fault::CutBeforeApply | Fault::CutAfterApply | Fault::CutMidAnswer | Fault::GatewayTimeout => {
                (ErrorKind::Transport, "the connection broke")
            }
            Fault::NeverAnswer | Fault::Swallow => {
                clock::sleep(self.world.limits.deadline).await;
                (ErrorKind::Timeout, "no answer in time")
            }
            Fault::Forbid => (ErrorKind::InsufficientPrivilege, "reading is refused"),
            Fault::Slow(time) => {
                clock::sleep(time).await;
                return None;
            }
            Fault::LateApply(_) | Fault::Overtaken | Fault::RefusePassword => return None,
        };
        let error = self.error(kind, operation).with_detail(text).with_advice("read again from the beginning");
        // A read that was not answered changed nothing.
        let status = if kind == ErrorKind::Timeout { Status::Temporary } else { error.status() };
        Some(error.with_status(status))
    }
}

impl Filter {
    fn lets(&self, directory: &MemoryDirectory, index: u64, row: &Account) -> bool {
        match self {
            Self::All => true,
            Self::Groups(groups) => {
                let primary = || directory.world.roster.primary_group(index);
                row.groups.iter().any(|group| groups.contains(group))
                    || primary().is_some_and(|group| groups.contains(&group))
            }
            Self::Unit(unit) => {
                let path = row.path.as_deref().map(str::to_lowercase);
                path.is_some_and(|path| path.strip_suffix(unit.as_str()).is_some_and(|above| above.ends_with(',')))
            }
            Self::Changed(mark) => directory.inner().states.changed_after(index, *mark),
            Self::Equals(attribute, value) => match attribute.as_str() {
                "name" => row.name.eq_ignore_ascii_case(value),
                "mail" => row.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(value)),
                "kind" => row.kind.as_str() == value,
                "enabled" => row.state.enabled.to_string() == *value,
                other => row.attributes.get(other) == Some(value),
            },
        }
    }
}

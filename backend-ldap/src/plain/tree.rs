//! The entries of a server as they are read: pages of listings, single objects. Each read takes its
//! permit and tells the governor how it went.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use futures::stream::BoxStream;
use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::Governor;
use uuid::Uuid;

use super::answer;
use super::config::PlainConfig;
use super::policy::Policies;
use crate::listing::{self, Paged};
use crate::pace;
use crate::wire::entry::Entry;
use crate::wire::{Connection, Fault, Page, Pool, Search};

/// A server as it is read.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) directory: DirectoryId,
    pub(crate) pool: Pool,
    pub(crate) governor: Arc<Governor>,
    pub(crate) base: String,
    pub(crate) config: PlainConfig,
    pub(crate) policies: RwLock<Arc<Policies>>,
    /// Whether the server has the password policy of the draft.
    pub(crate) has_policy: bool,
    /// Whether a change can be made to depend on which entry it hits (RFC 4528).
    pub(crate) has_assertion: bool,
}

impl Tree {
    /// The entries of a search, page by page. Lazy, and then one page ahead. A listing that does
    /// not come to its end is an error, never a short stream.
    pub(crate) fn list(self: &Arc<Self>, search: Search) -> BoxStream<'static, Result<Entry>> {
        let source: Arc<Self> = Arc::clone(self);
        listing::list(source, search)
    }

    /// What a search finds in one answer: for searches that find a handful. One whose base does not
    /// exist finds nothing.
    pub(crate) async fn read(&self, search: &Search) -> Result<Vec<Entry>> {
        let connection = self.pool.pick().await?;
        match self.timed(connection.read(search)).await {
            Ok(entries) => Ok(entries),
            Err(fault) if fault.is_missing() => Ok(Vec::new()),
            Err(fault) => Err(self.error(fault, "read")),
        }
    }

    /// The object `dn`; `None` if there is none that this sign-in may see.
    pub(crate) async fn object(&self, dn: &str, attributes: &[&str]) -> Result<Option<Entry>> {
        Ok(self.read(&Search::object(dn, attributes)).await?.into_iter().next())
    }

    /// The password policies as they were last read.
    pub(crate) fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.policies.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the password policies anew.
    pub(crate) async fn read_policies(self: &Arc<Self>) -> Result<Arc<Policies>> {
        let policies = Arc::new(Policies::read(self, self.config.default_policy.as_deref()).await?);
        *self.policies.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&policies);
        Ok(policies)
    }

    fn error(&self, fault: Fault, operation: &'static str) -> Error {
        answer::error(fault, operation, false).with_directory(self.directory.clone())
    }

    async fn timed<T>(&self, reading: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        pace::read(&self.governor, reading).await
    }
}

#[async_trait]
impl Paged for Tree {
    async fn connection(&self) -> Result<Arc<Connection>> {
        self.pool.pick().await
    }

    fn size(&self, _connection: &Connection) -> u32 {
        self.config.transport.page_size
    }

    async fn page(&self, connection: &Connection, search: &Search, size: u32, cookie: Vec<u8>) -> Result<Page, Fault> {
        self.timed(connection.page(search, size, cookie)).await
    }

    fn error(&self, fault: Fault) -> Error {
        Self::error(self, fault, "list accounts")
    }

    /// A limit of slapd is on the whole listing, pages or not (slapd.conf(5), limits).
    fn smaller_pages_help(&self) -> bool {
        false
    }

    fn identity_attribute(&self) -> &'static str {
        "entryUUID"
    }

    fn identity(&self, entry: &Entry) -> Option<Uuid> {
        Uuid::try_parse(entry.text("entryuuid")?).ok()
    }

    /// A part of the tree that another server holds is not in the listing, which would be short in
    /// silence.
    fn check(&self, page: &Page) -> Result<()> {
        let is_covered = |url: &&String| self.config.covered.iter().any(|covered| is_same(covered, url));
        match page.references.iter().find(|url| !is_covered(url)) {
            None => Ok(()),
            Some(url) => Err(Error::new(ErrorKind::Unsupported, "list accounts")
                .with_directory(self.directory.clone())
                .with_detail(format!(
                    "the listing is not whole: {:?} is on another server, which is not asked",
                    cut(url)
                ))
                .with_advice(
                    "configure that part as a directory of its own and name it in covered_references, or choose a \
                     base without it",
                )),
        }
    }
}

/// Whether a reference leads to what the configuration names: what follows a question mark (the scope,
/// which a server adds) says nothing of it.
fn is_same(covered: &str, url: &str) -> bool {
    cut(covered).trim_end_matches('/').eq_ignore_ascii_case(cut(url).trim_end_matches('/'))
}

fn cut(url: &str) -> &str {
    url.trim().split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_known_whatever_scope_the_server_adds() {
        let url = "ldap://other.example.test/ou=away,dc=x??sub";
        assert!(is_same("ldap://OTHER.example.test/ou=away,dc=x", url) && is_same(url, url));
        assert!(!is_same("ldap://other.example.test/ou=elsewhere,dc=x", url) && !is_same("", url));
    }
}

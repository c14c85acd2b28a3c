//! One controller of a domain, and what is known of it.

use std::sync::{Arc, OnceLock};

use futures::future::join_all;
use identity_core::error::{Error, ErrorKind, Result};

use super::is_loss;
use crate::discovery;
use crate::limits::{self, ServerLimits};
use crate::root::Root;
use crate::value::dn;
use crate::wire::{Connection, Pool, Search};

/// One controller.
#[derive(Debug)]
pub(crate) struct Member {
    pub(super) pool: Pool,
    pub(super) known: OnceLock<Known>,
}

/// What is known of a controller once it was reached.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) root: Root,
    pub(crate) limits: ServerLimits,
}

impl Member {
    /// The url that it was named by.
    pub(crate) fn url(&self) -> &str {
        self.pool.name()
    }

    /// What is known of it; `None` while it could not be reached.
    pub(crate) fn known(&self) -> Option<&Known> {
        self.known.get()
    }

    pub(super) fn is_at(&self, url: &str) -> bool {
        self.url().trim_end_matches('/').eq_ignore_ascii_case(url.trim_end_matches('/'))
    }

    /// A connection to it. The first time it is asked who it is: a controller of another domain is
    /// never worked on.
    pub(super) async fn meet(&self, domain: Option<&str>) -> Result<Arc<Connection>> {
        let connection = self.pool.pick().await?;
        if self.known.get().is_none() {
            let mut root = Root::read(&connection).await?;
            if domain.is_some_and(|domain| dn::key(domain) != dn::key(&root.domain)) {
                return Err(Error::new(ErrorKind::ConfigInvalid, "configure")
                    .with_detail(format!("{} is a controller of another domain, {}", self.url(), root.domain))
                    .with_advice("configure each domain as a directory of its own"));
            }
            let read = limits::read(&connection, &root).await;
            root.read_only |= read.read_only;
            if let Some(idle) = read.limits.idle {
                self.pool.set_idle_limit(idle);
            }
            let _ = self.known.set(Known { root, limits: read.limits });
        }
        Ok(connection)
    }
}

/// Meets all of them at once and gives the domain that they are of. Those that cannot be reached
/// stay unknown; at least one has to be.
pub(super) async fn meet(members: &[Member], domain: Option<&str>) -> Result<String> {
    let outcomes = join_all(members.iter().map(|member| member.meet(domain))).await;
    let mut lost = None;
    for outcome in outcomes {
        match outcome {
            Ok(_) => {}
            Err(error) if is_loss(&error) => {
                lost.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    let mut known = members.iter().filter_map(|member| Some((member, member.known.get()?)));
    let Some((_, first)) = known.next() else {
        return Err(lost.unwrap_or_else(|| Error::new(ErrorKind::ConfigInvalid, "connect")));
    };
    for (member, other) in known {
        if dn::key(&other.root.domain) != dn::key(&first.root.domain) {
            return Err(Error::new(ErrorKind::ConfigInvalid, "configure")
                .with_detail(format!(
                    "{} is a controller of {}, and not of {} as the first one",
                    member.url(),
                    other.root.domain,
                    first.root.domain
                ))
                .with_advice("configure each domain as a directory of its own"));
        }
    }
    Ok(first.root.domain.clone())
}

/// The names of the domain's controllers, as the first one that was met knows them.
pub(super) async fn found_by(members: &[Member], domain: &str) -> Result<Vec<String>> {
    let met = members.iter().find_map(|member| Some((member, member.known.get()?)));
    let Some((member, known)) = met else { return Ok(Vec::new()) };
    let connection = member.pool.pick().await?;
    let read = |search: Search| {
        let connection = Arc::clone(&connection);
        async move {
            let found = connection.read(&search).await;
            found.map_err(|fault| fault.into_error("list the controllers", false))
        }
    };
    let listed = discovery::controllers(read, &known.root.configuration, domain).await?;
    Ok(listed.into_iter().filter_map(|controller| controller.host).collect())
}

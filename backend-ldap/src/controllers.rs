//! The controllers of a domain, and which of them does what: one takes the changes and all reads
//! around them, another may take the listings, and who is lost is replaced.

mod member;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::limits::clock;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::config::LdapConfig;
use crate::discovery;
use crate::value::dn;
use crate::wire::{Connection, Pool, Search, Shared};

pub(crate) use member::{Known, Member};
use member::{found_by, meet};

/// How often a lost controller is asked for while it is waited for.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The controllers of one domain.
#[derive(Debug)]
pub(crate) struct Controllers {
    config: LdapConfig,
    members: Vec<Member>,
    /// The distinguished name of the domain.
    domain: String,
    /// Who takes the changes. It changes when that one is lost, and stays so: two controllers that
    /// take turns would not know of each other's changes.
    writer: AtomicUsize,
    /// Who takes the listings.
    reader: AtomicUsize,
    /// Held by whoever looks for another controller to take the changes.
    moving: Mutex<()>,
    /// How many such searches have ended without one.
    fruitless: AtomicUsize,
    shared: Arc<Shared>,
}

impl Controllers {
    /// Reaches every controller that can be reached, and chooses who does what.
    ///
    /// # Errors
    /// What is wrong with the configuration, wherever it shows; otherwise the first controller's
    /// fault if none can be reached.
    pub(crate) async fn connect(config: LdapConfig) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let member = |url: &str| -> Result<Member> {
            Ok(Member { pool: Pool::new(config.at(url), Arc::clone(&shared))?, known: OnceLock::new() })
        };
        let mut members = config.urls().into_iter().map(&member).collect::<Result<Vec<Member>>>()?;
        let domain = meet(&members, None).await?;
        if config.discover {
            let found = found_by(&members, &domain).await?;
            let fresh: Vec<String> = found
                .iter()
                .map(|host| discovery::url_of(&config, host))
                .filter(|url| !members.iter().any(|member| member.is_at(url)))
                .collect();
            let fresh = fresh.iter().map(|url| member(url)).collect::<Result<Vec<Member>>>()?;
            if !fresh.is_empty() {
                // Those that cannot be reached are kept: they may come back.
                let _ = meet(&fresh, Some(&domain)).await;
            }
            members.extend(fresh);
        }
        let controllers = Self {
            writer: AtomicUsize::new(0),
            reader: AtomicUsize::new(0),
            moving: Mutex::new(()),
            fruitless: AtomicUsize::new(0),
            domain,
            members,
            config,
            shared,
        };
        controllers.choose().await;
        Ok(controllers)
    }

    /// The configuration.
    pub(crate) fn config(&self) -> &LdapConfig {
        &self.config
    }

    /// All of them, in the order in which they are tried.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// What the connections share.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// A connection to the controller that takes the changes.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where every controller is read-only; otherwise as of
    /// [`authority`](Self::authority).
    pub(crate) async fn pick(&self) -> Result<Arc<Connection>> {
        let connection = self.authority().await?;
        if self.known(&connection).is_some_and(|known| known.root.read_only) {
            return Err(Error::new(ErrorKind::Unsupported, "connect")
                .with_directory(self.config.directory.clone())
                .with_detail(format!("{} is a read-only controller and takes no changes", connection.controller()))
                .with_advice("name a writable controller of the domain"));
        }
        Ok(connection)
    }

    /// A connection to the controller that takes the changes, for reads that belong to a change.
    ///
    /// # Errors
    /// When neither it nor, after the time that it is given to come back, another one can be
    /// reached; [`ErrorKind::Unauthenticated`] from the first refused sign-in on, for good.
    pub(crate) async fn authority(&self) -> Result<Arc<Connection>> {
        let fruitless = self.fruitless.load(Ordering::Acquire);
        let writer = self.writer.load(Ordering::Acquire);
        let picked = self.member(writer)?.pool.pick().await;
        match picked {
            Err(error) if self.members.len() > 1 && is_loss(&error) => self.fail_over(writer, fruitless).await,
            other => other,
        }
    }

    /// A connection for a listing. A controller that is lost is left for another one at once, and
    /// not gone back to.
    ///
    /// # Errors
    /// When no controller can be reached.
    pub(crate) async fn reading(&self) -> Result<Arc<Connection>> {
        let first = self.reader.load(Ordering::Acquire);
        let mut lost = None;
        for at in self.in_order(first, true) {
            match self.ready(at).await {
                Ok(connection) => {
                    if at != first {
                        tracing::warn!(controller = %connection.controller(), "listings go on on another controller");
                        let _ = self.reader.compare_exchange(first, at, Ordering::AcqRel, Ordering::Acquire);
                    }
                    return Ok(connection);
                }
                Err(error) if is_loss(&error) => {
                    lost.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(lost.unwrap_or_else(|| self.nobody()))
    }

    /// A connection to the controller with this url, only while it can be reached.
    pub(crate) async fn named(&self, url: &str) -> Result<Arc<Connection>> {
        let at = self.members.iter().position(|member| &**member.pool.name() == url);
        self.ready(at.ok_or_else(|| self.nobody())?).await
    }

    /// A connection to the controller that calls itself `host`; `None` if it is not one of these.
    pub(crate) async fn host(&self, host: &str) -> Option<Result<Arc<Connection>>> {
        let is_it =
            |member: &Member| member.known.get().is_some_and(|known| known.root.host.eq_ignore_ascii_case(host));
        let at = self.members.iter().position(is_it)?;
        Some(self.ready(at).await)
    }

    /// What is known of the controller that a connection leads to.
    pub(crate) fn known(&self, connection: &Connection) -> Option<&Known> {
        self.members.iter().find(|member| member.pool.name() == connection.controller())?.known.get()
    }

    /// The controller that takes the changes now.
    pub(crate) fn writer(&self) -> Option<&Known> {
        self.members.get(self.writer.load(Ordering::Acquire))?.known.get()
    }

    /// The page size to ask a controller for: never above its own limit.
    pub(crate) fn page_size(&self, connection: &Connection) -> u32 {
        let limit = self.known(connection).and_then(|known| known.limits.page).unwrap_or(u32::MAX);
        self.config.page_size.min(limit).max(1)
    }

    /// The controller that has to tell whether the last change of this account landed.
    pub(crate) fn unsettled(&self, account: &Uuid) -> Option<Arc<str>> {
        self.shared.unsettled(account)
    }

    /// Chooses who takes the changes: the PDC emulator if it is here and can be written to, else
    /// the first that can; and who takes the listings.
    async fn choose(&self) {
        let writable = |at: &usize| {
            self.members.get(*at).and_then(|member| member.known.get()).is_some_and(|known| !known.root.read_only)
        };
        let reached = |at: &usize| self.members.get(*at).is_some_and(|member| member.known.get().is_some());
        let all = || 0..self.members.len();
        let first = all().find(writable).or_else(|| all().find(reached)).unwrap_or_default();
        let pdc = match self.role_owner(first).await {
            Some(owner) => all().filter(writable).find(|at| {
                let known = self.members.get(*at).and_then(|member| member.known.get());
                known.is_some_and(|known| dn::key(&known.root.service) == owner)
            }),
            None => None,
        };
        let writer = pdc.unwrap_or(first);
        let apart = || all().filter(writable).find(|at| *at != writer);
        let reader = if self.config.reads_elsewhere { apart().unwrap_or(writer) } else { writer };
        self.writer.store(writer, Ordering::Release);
        self.reader.store(reader, Ordering::Release);
    }

    /// The key of the name of the PDC emulator's settings object, as one controller knows it.
    async fn role_owner(&self, at: usize) -> Option<String> {
        let connection = self.members.get(at)?.pool.pick().await.ok()?;
        let found = connection.read(&Search::object(&self.domain, &["fSMORoleOwner"])).await.ok()?;
        found.first()?.text("fsmoroleowner").map(dn::key)
    }

    /// Waits for the lost controller as long as was configured, then takes the next one that can
    /// be written to.
    async fn fail_over(&self, lost: usize, fruitless: usize) -> Result<Arc<Connection>> {
        let _one_at_a_time = self.moving.lock().await;
        let writer = self.writer.load(Ordering::Acquire);
        if writer != lost {
            return self.member(writer)?.pool.pick().await;
        }
        if self.fruitless.load(Ordering::Acquire) != fruitless {
            // Somebody looked while we waited for our turn, and found none: no stampede.
            return Err(self.nobody());
        }
        let begun = clock::instant();
        loop {
            match self.member(lost)?.pool.pick().await {
                Err(error) if is_loss(&error) => {}
                other => return other,
            }
            let left = self.config.patience().saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            clock::sleep(ASK_AGAIN.min(left)).await;
        }
        for at in self.in_order(lost, false).filter(|at| *at != lost) {
            match self.ready(at).await {
                Ok(connection) if self.known(&connection).is_some_and(|known| !known.root.read_only) => {
                    tracing::warn!(
                        lost = %self.member(lost)?.pool.name(),
                        controller = %connection.controller(),
                        "another controller takes the changes from now on"
                    );
                    self.writer.store(at, Ordering::Release);
                    let _ = self.reader.compare_exchange(lost, at, Ordering::AcqRel, Ordering::Acquire);
                    return Ok(connection);
                }
                Ok(_) => {}
                Err(error) if is_loss(&error) => {}
                // A refused sign-in is final; what is wrong with one controller's certificate or
                // domain does not keep another from being used.
                Err(error) if error.kind() == ErrorKind::Unauthenticated => return Err(error),
                Err(error) => tracing::warn!(%error, "a controller cannot take the changes"),
            }
        }
        self.fruitless.fetch_add(1, Ordering::AcqRel);
        Err(self.nobody())
    }

    /// A connection to one controller, which is met first if it was not yet.
    async fn ready(&self, at: usize) -> Result<Arc<Connection>> {
        self.member(at)?.meet(Some(&self.domain)).await
    }

    /// All of them, beginning with one; `last` puts those that are read-only last.
    fn in_order(&self, first: usize, last: bool) -> impl Iterator<Item = usize> + use<> {
        let count = self.members.len();
        let read_only = |at: &usize| {
            let known = self.members.get(*at).and_then(|member| member.known.get());
            last && *at != first && known.is_some_and(|known| known.root.read_only)
        };
        let (late, early): (Vec<usize>, Vec<usize>) =
            (0..count).map(|step| (first + step) % count.max(1)).partition(read_only);
        early.into_iter().chain(late)
    }

    fn member(&self, at: usize) -> Result<&Member> {
        self.members.get(at).ok_or_else(|| self.nobody())
    }

    fn nobody(&self) -> Error {
        Error::new(ErrorKind::Transport, "connect")
            .with_status(Status::Temporary)
            .with_directory(self.config.directory.clone())
            .with_detail(format!("none of the {} controllers can be used now", self.members.len()))
            .with_advice("check that a writable controller of the domain runs and can be reached from here")
    }
}

/// Whether another controller may be better off.
fn is_loss(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Transport | ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout)
}

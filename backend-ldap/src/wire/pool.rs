//! The pool: a few connections, made when needed, made anew when lost, never signed in twice with a
//! refused password.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::limits::clock;
use ldap3::{LdapConnAsync, LdapConnSettings, LdapError, StdStream};
use rustls::ClientConfig;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::connection::{Connection, Terms};
use super::shared::Shared;
use super::tls;
use crate::config::{LdapConfig, Target};

/// After this long a lost connection is tried again; doubled with each failure.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// AD ends a connection that was idle for 900 seconds (MaxConnIdleTime), unless its policy says
/// otherwise.
const IDLE: Duration = Duration::from_secs(600);

/// A few connections to one controller.
#[derive(Debug)]
pub(crate) struct Pool {
    config: LdapConfig,
    target: Target,
    tls: Arc<ClientConfig>,
    slots: Vec<Slot>,
    next: AtomicUsize,
    name: Arc<str>,
    idle_ms: AtomicU64,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Slot {
    state: Mutex<SlotState>,
    /// How many attempts to connect have ended.
    attempts: AtomicU64,
}

#[derive(Debug, Default)]
struct SlotState {
    live: Option<Arc<Connection>>,
    failures: u32,
    not_before: Option<Instant>,
    last_failure: String,
}

impl Pool {
    /// A pool for the first address of a valid configuration. Nothing is sent.
    pub(crate) fn new(config: LdapConfig, shared: Arc<Shared>) -> Result<Self> {
        let target = config.target()?;
        let tls = tls::client_config(&config)?;
        let slots = (0..config.connections).map(|_| Slot::default()).collect();
        Ok(Self {
            target,
            tls,
            slots,
            next: AtomicUsize::new(0),
            name: Arc::from(config.url.trim()),
            idle_ms: AtomicU64::new(u64::try_from(IDLE.as_millis()).unwrap_or(u64::MAX)),
            config,
            shared,
        })
    }

    /// The url of the controller.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Gives up connections to come before the controller does, which ends those that were idle
    /// for `limit`.
    pub(crate) fn set_idle_limit(&self, limit: Duration) {
        let idle = (limit / 3 * 2).min(IDLE).max(Duration::from_secs(1));
        self.idle_ms.store(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A connection that operations can be sent on; made if need be.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] from the first refused sign-in on, for good;
    /// [`ErrorKind::Transport`] while the controller cannot be reached.
    pub(crate) async fn pick(&self) -> Result<Arc<Connection>> {
        self.check_refused()?;
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let slot = self.slots.get(turn % self.slots.len().max(1)).ok_or_else(|| self.fault("no connections"))?;
        let seen = slot.attempts.load(Ordering::Acquire);
        let mut state = match slot.state.try_lock() {
            Ok(state) => state,
            // Somebody is making this connection: another one that stands is sooner there.
            Err(_) => match self.standing() {
                Some(standing) => return Ok(standing),
                None => slot.state.lock().await,
            },
        };
        if let Some(live) = state.live.as_ref().filter(|connection| connection.is_live()) {
            // Answers do not come in turns: to wait here while another one has room leaves that idle.
            let roomier = if live.room() == 0 { self.standing().filter(|other| other.room() > 0) } else { None };
            return Ok(roomier.unwrap_or_else(|| Arc::clone(live)));
        }
        if slot.attempts.load(Ordering::Acquire) != seen {
            // Somebody tried while we waited for our turn, and failed: no stampede.
            self.check_refused()?;
            return Err(self.fault(&state.last_failure));
        }
        state.live = None;
        if let Some(not_before) = state.not_before {
            let wait = not_before.saturating_duration_since(clock::instant());
            if !wait.is_zero() {
                if let Some(standing) = self.standing() {
                    return Ok(standing);
                }
                clock::sleep(wait).await;
            }
        }
        let opened = self.open().await;
        slot.attempts.fetch_add(1, Ordering::AcqRel);
        match opened {
            Ok(connection) => {
                let connection = Arc::new(connection);
                state.live = Some(Arc::clone(&connection));
                (state.failures, state.not_before) = (0, None);
                Ok(connection)
            }
            Err(error) => {
                let wait = FIRST_WAIT.saturating_mul(1 << state.failures.min(6)).min(LONGEST_WAIT);
                state.failures = state.failures.saturating_add(1);
                state.not_before = clock::instant().checked_add(wait);
                state.last_failure = error.detail().to_owned();
                Err(error)
            }
        }
    }

    /// A connection that stands now, the one with the most room.
    fn standing(&self) -> Option<Arc<Connection>> {
        let stands = |slot: &Slot| slot.state.try_lock().ok()?.live.clone().filter(|connection| connection.is_live());
        self.slots.iter().filter_map(stands).max_by_key(|connection| connection.room())
    }

    async fn open(&self) -> Result<Connection> {
        let config = &self.config;
        let begun = clock::instant();
        let stream = match clock::within(config.deadline, self.stream()).await {
            Ok(stream) => stream.map_err(|source| self.unreachable(LdapError::Io { source }))?,
            Err(_) => return Err(self.silent()),
        };
        let settings = LdapConnSettings::new()
            .set_std_stream(StdStream::Tcp(stream))
            .set_conn_timeout(config.deadline.saturating_sub(begun.elapsed()))
            .set_config(Arc::clone(&self.tls))
            .set_starttls(self.target.starttls);
        // A malformed answer to StartTLS panics in the library, in this task.
        let connecting =
            AssertUnwindSafe(LdapConnAsync::with_settings(settings, config.url.trim())).catch_unwind().await;
        let (transport, ldap) = match connecting {
            Ok(connected) => connected.map_err(|error| self.unreachable(error))?,
            Err(_) => return Err(self.fault("the controller sent an answer that cannot be read")),
        };
        let window = config.in_flight.div_ceil(config.connections.max(1)).max(1);
        let terms = Terms {
            controller: Arc::clone(&self.name),
            window: usize::try_from(window).unwrap_or(usize::MAX),
            deadline: config.deadline,
            idle: Duration::from_millis(self.idle_ms.load(Ordering::Relaxed)),
            shared: Arc::clone(&self.shared),
        };
        let connection = Connection::new(transport, ldap, terms);
        let _one_at_a_time = self.shared.signing_in.lock().await;
        self.check_refused()?;
        if let Err(error) = self.sign_in(&connection).await {
            let error = error.with_directory(config.directory.clone());
            if error.kind() == ErrorKind::Unauthenticated {
                let _ = self.shared.refused.set(error.detail().to_owned());
            }
            return Err(error);
        }
        Ok(connection)
    }

    /// What a connection runs over. The library would leave Nagle's algorithm on (RFC 896): an order would be
    /// held back until the answer to an earlier one has come, and a part of the window stay idle.
    async fn stream(&self) -> io::Result<std::net::TcpStream> {
        let stream = TcpStream::connect((self.target.host.as_str(), self.target.port)).await?;
        stream.set_nodelay(true)?;
        stream.into_std()
    }

    async fn sign_in(&self, connection: &Connection) -> Result<()> {
        #[cfg(feature = "gssapi")]
        if self.config.kerberos {
            return connection.bind_kerberos().await;
        }
        let password = self.config.bind_password.as_ref().map_or("", |password| password.expose_secret());
        let bound = connection.bind(&self.config.bind_dn, password).await;
        bound.map_err(|fault| fault.into_error("sign in", false))
    }

    fn check_refused(&self) -> Result<()> {
        match self.shared.refused.get() {
            None => Ok(()),
            Some(detail) => Err(Error::new(ErrorKind::Unauthenticated, "sign in")
                .with_directory(self.config.directory.clone())
                .with_detail(detail.clone())
                .with_advice(
                    "mend the account that the run signs in with, then start again; it is not tried again meanwhile",
                )),
        }
    }

    /// Why the controller could not be reached. Nothing was sent that could have an effect.
    fn unreachable(&self, error: LdapError) -> Error {
        let (host, config) = (&self.target.host, &self.config);
        match error {
            LdapError::Io { source } => tls::explain(config, host, &source).unwrap_or_else(|| {
                self.fault(&format!("{} cannot be reached: {source}", config.url.trim())).with_source(source)
            }),
            LdapError::Timeout { .. } => self.silent(),
            LdapError::LdapResult { result } => super::answer::AdError::new(result.rc, &result.text)
                .into_error("start tls")
                .with_directory(config.directory.clone()),
            LdapError::DNSName { .. } => Error::new(ErrorKind::ConfigInvalid, "connect")
                .with_directory(config.directory.clone())
                .with_detail(format!("{host:?} is not a host name that a certificate can be checked against"))
                .with_advice("write the controller's full DNS name in the url"),
            other => self.fault(&other.to_string()),
        }
    }

    fn silent(&self) -> Error {
        self.fault(&format!("{} did not answer within {:?}", self.config.url.trim(), self.config.deadline))
    }

    fn fault(&self, cause: &str) -> Error {
        Error::new(ErrorKind::Transport, "connect")
            .with_status(Status::Temporary)
            .with_directory(self.config.directory.clone())
            .with_detail(cause)
            .with_advice("check the url, that the controller runs, and that its port (636 for ldaps) is open from here")
    }
}

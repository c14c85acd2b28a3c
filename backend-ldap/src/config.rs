//! How to reach a domain: addresses, trust, sign-in, pace.

mod address;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use identity_core::account::DirectoryId;
use identity_core::limits::{Limits, OperationClass, Quota};
use secrecy::SecretString;

/// How to reach a domain, whom to trust, whom to sign in as, how fast to go.
///
/// ```
/// use backend_ldap::LdapConfig;
/// use identity_core::account::DirectoryId;
///
/// let config = LdapConfig::new(DirectoryId::new("corp")?, "ldaps://dc1.example.test")
///     .also("ldaps://dc2.example.test")
///     .bind("CN=reset,CN=Users,DC=example,DC=test", "a secret".into())
///     .ca_file("ca.pem")
///     .in_flight(16);
/// assert!(!format!("{config:?}").contains("a secret"));
/// # Ok::<(), identity_core::account::InvalidId>(())
/// ```
#[derive(Clone)]
pub struct LdapConfig {
    pub(crate) directory: DirectoryId,
    pub(crate) url: String,
    /// Further controllers of the same domain.
    pub(crate) others: Vec<String>,
    pub(crate) discover: bool,
    pub(crate) reads_elsewhere: bool,
    pub(crate) failover_after: Duration,
    /// Sign in with a Kerberos ticket instead of a password.
    pub(crate) kerberos: bool,
    pub(crate) base: Option<String>,
    pub(crate) bind_dn: String,
    pub(crate) bind_password: Option<SecretString>,
    pub(crate) trust: Trust,
    pub(crate) starttls: bool,
    pub(crate) in_flight: u32,
    pub(crate) connections: u32,
    pub(crate) deadline: Duration,
    pub(crate) page_size: u32,
    pub(crate) writes_per_second: Option<NonZeroU32>,
    pub(crate) share: f64,
    /// Where controllers are reached, by their host name in lower case.
    pub(crate) controller_urls: BTreeMap<String, String>,
    pub(crate) policy_hints: bool,
}

/// Whose certificates are believed.
#[derive(Clone)]
pub(crate) enum Trust {
    /// Those that the operating system believes.
    System,
    /// Those that the certificates in a PEM file signed, and no others.
    File(PathBuf),
    /// Those that these PEM certificates signed, and no others.
    Pem(Vec<u8>),
}

/// Where a valid configuration leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) starttls: bool,
}

/// A batch that is more than this many orders only queues in the window.
const LARGEST_BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(31);

impl LdapConfig {
    /// A directory at `url`: `ldaps://host[:port]`, or `ldap://host[:port]` with
    /// [`starttls`](Self::starttls). 16 operations in flight over 2 connections, 30 seconds for
    /// each, pages of 500.
    #[must_use]
    pub fn new(directory: DirectoryId, url: impl Into<String>) -> Self {
        Self {
            directory,
            url: url.into(),
            others: Vec::new(),
            discover: false,
            reads_elsewhere: false,
            failover_after: Duration::from_secs(10),
            kerberos: false,
            base: None,
            bind_dn: String::new(),
            bind_password: None,
            trust: Trust::System,
            starttls: false,
            in_flight: 16,
            connections: 2,
            deadline: Duration::from_secs(30),
            page_size: 500,
            writes_per_second: None,
            share: 1.0,
            controller_urls: BTreeMap::new(),
            policy_hints: false,
        }
    }

    /// One more controller of the same domain, for when the first is lost. Which of them takes the
    /// changes is not a matter of their order: the PDC emulator, if it is among them.
    #[must_use]
    pub fn also(mut self, url: impl Into<String>) -> Self {
        self.others.push(url.into());
        self
    }

    /// Ask the first controller that answers for the others of its domain, and use those too, with
    /// the scheme and port of the first url. Not done unless asked for: a controller behind a slow
    /// line would be used as well.
    #[must_use]
    pub fn discover(mut self) -> Self {
        self.discover = true;
        self
    }

    /// List accounts and groups on a controller that takes no changes of this run, where there is
    /// one, to spare the PDC emulator. What is read right before and after a change is read where
    /// the change is made all the same.
    #[must_use]
    pub fn reads_elsewhere(mut self, elsewhere: bool) -> Self {
        self.reads_elsewhere = elsewhere;
        self
    }

    /// How long a lost controller is given to come back before another one takes the changes;
    /// 10 seconds unless given, 10 minutes at most. Without effect where there is one controller.
    #[must_use]
    pub fn failover_after(mut self, patience: Duration) -> Self {
        self.failover_after = patience;
        self
    }

    /// Sign in with the Kerberos ticket of the environment (`KRB5CCNAME`, or a keytab by
    /// `KRB5_CLIENT_KTNAME`) instead of a name and a password. Over TLS only, as everything else:
    /// the name of the service is the one that the controller gives as its own.
    #[cfg(feature = "gssapi")]
    #[must_use]
    pub fn kerberos(mut self) -> Self {
        self.kerberos = true;
        self
    }

    /// Where accounts are looked for, a distinguished name; the whole domain unless given.
    #[must_use]
    pub fn base(mut self, base: impl Into<String>) -> Self {
        self.base = Some(base.into());
        self
    }

    /// Whom to sign in as: a distinguished name, `name@domain` or `DOMAIN\name`, and the password.
    #[must_use]
    pub fn bind(mut self, name: impl Into<String>, password: SecretString) -> Self {
        self.bind_dn = name.into();
        self.bind_password = Some(password);
        self
    }

    /// Believe only certificates that the ones in this PEM file signed. Without it the operating
    /// system's are believed.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.trust = Trust::File(path.into());
        self
    }

    /// As [`ca_file`](Self::ca_file), from memory.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust = Trust::Pem(pem.into());
        self
    }

    /// Begin on the plain port and turn to TLS before anything else is said (RFC 4511 4.14); only
    /// with `ldap://`.
    #[must_use]
    pub fn starttls(mut self) -> Self {
        self.starttls = true;
        self
    }

    /// The most operations in flight, over all connections together; 1 to 256.
    #[must_use]
    pub fn in_flight(mut self, operations: u32) -> Self {
        self.in_flight = operations;
        self
    }

    /// The most connections; 1 to 16.
    #[must_use]
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections;
        self
    }

    /// The longest that one operation may take before it counts as unanswered; 100 ms or more.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Accounts per page of a listing; 1 to 1000.
    #[must_use]
    pub fn page_size(mut self, accounts: u32) -> Self {
        self.page_size = accounts;
        self
    }

    /// A quota of our own on changes, for a controller that serves sign-ins meanwhile; none unless
    /// given.
    #[must_use]
    pub fn writes_per_second(mut self, writes: NonZeroU32) -> Self {
        self.writes_per_second = Some(writes);
        self
    }

    /// The part of [`writes_per_second`](Self::writes_per_second) that this run uses: above 0, at
    /// most 1.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Where the controller of this host name is reached when it is asked by itself (for
    /// [convergence](identity_core::verify::Convergence)), if not at the scheme and port of `url` and its own name: for a
    /// network whose names are not resolved here, or a tunnel.
    #[must_use]
    pub fn controller_url(mut self, host: impl AsRef<str>, url: impl Into<String>) -> Self {
        self.controller_urls.insert(host.as_ref().to_lowercase(), url.into());
        self
    }

    /// Have a set by this run respect the password history and the minimum age too (the policy
    /// hints control, MS-ADTS 3.1.1.3.4.1.27). Only for passwords that come from people or another
    /// system: a generated one repeats nothing. Without effect on controllers that do not have it.
    #[must_use]
    pub fn policy_hints(mut self) -> Self {
        self.policy_hints = true;
        self
    }

    /// The same with one of its addresses.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self { url: url.trim().to_owned(), others: Vec::new(), ..self.clone() }
    }

    /// The addresses, in the order given, each one once.
    pub(crate) fn urls(&self) -> Vec<&str> {
        let mut urls: Vec<&str> = Vec::new();
        for url in std::iter::once(&self.url).chain(&self.others).map(|url| url.trim()) {
            if !urls.iter().any(|known| known.trim_end_matches('/').eq_ignore_ascii_case(url.trim_end_matches('/'))) {
                urls.push(url);
            }
        }
        urls
    }

    /// How long a lost controller is waited for: not at all where there is no other.
    pub(crate) fn patience(&self) -> Duration {
        if self.others.is_empty() && !self.discover { Duration::ZERO } else { self.failover_after }
    }

    /// What the governor is made from.
    pub(crate) fn limits(&self) -> Limits {
        let in_flight = NonZeroU32::new(self.in_flight).unwrap_or(NonZeroU32::MIN);
        let mut limits = Limits::new(LARGEST_BATCH, in_flight);
        // A batch may wait for its turn in the window, for a reconnect, and for its answers.
        limits.deadline = self.deadline.saturating_mul(3).saturating_add(self.patience());
        if let Some(writes) = self.writes_per_second {
            let mut quota = Quota::new("ldap writes", writes, Duration::from_secs(1), OperationClass::Write);
            quota.share = self.share;
            limits = limits.with_quota(quota);
        }
        limits
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Pem(pem) => write!(f, "Pem({} bytes)", pem.len()),
        }
    }
}

impl fmt::Debug for LdapConfig {
    /// Everything but the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapConfig")
            .field("directory", &self.directory)
            .field("url", &self.url)
            .field("others", &self.others)
            .field("discover", &self.discover)
            .field("reads_elsewhere", &self.reads_elsewhere)
            .field("failover_after", &self.failover_after)
            .field("kerberos", &self.kerberos)
            .field("base", &self.base)
            .field("bind_dn", &self.bind_dn)
            .field("trust", &self.trust)
            .field("starttls", &self.starttls)
            .field("in_flight", &self.in_flight)
            .field("connections", &self.connections)
            .field("deadline", &self.deadline)
            .field("page_size", &self.page_size)
            .field("writes_per_second", &self.writes_per_second)
            .field("share", &self.share)
            .field("controller_urls", &self.controller_urls)
            .field("policy_hints", &self.policy_hints)
            .finish_non_exhaustive()
    }
}

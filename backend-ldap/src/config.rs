//! How to reach a domain: address, trust, sign-in, pace.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::limits::{Limits, OperationClass, Quota};
use secrecy::SecretString;

/// How to reach a domain, whom to trust, whom to sign in as, how fast to go.
///
/// ```
/// use backend_ldap::LdapConfig;
/// use identity_core::account::DirectoryId;
///
/// let config = LdapConfig::new(DirectoryId::new("corp")?, "ldaps://dc1.example.test")
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
    pub(crate) starttls: bool,
}

/// AD's own ceiling for a page (MaxPageSize, Microsoft "View and set LDAP policy").
const LARGEST_PAGE: u32 = 1000;
/// More only queue: AD works with 4 threads a processor (MaxPoolThreads, same page).
const MOST_IN_FLIGHT: u32 = 256;
const MOST_CONNECTIONS: u32 = 16;
const LARGEST_BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(31);
const SHORTEST_DEADLINE: Duration = Duration::from_millis(100);

impl LdapConfig {
    /// A directory at `url`: `ldaps://host[:port]`, or `ldap://host[:port]` with
    /// [`starttls`](Self::starttls). 16 operations in flight over 2 connections, 30 seconds for
    /// each, pages of 500.
    #[must_use]
    pub fn new(directory: DirectoryId, url: impl Into<String>) -> Self {
        Self {
            directory,
            url: url.into(),
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

    /// The address, if the configuration can be used at all. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`], naming the setting and the remedy.
    pub(crate) fn target(&self) -> Result<Target> {
        let url = self.url.trim();
        let (plain, rest) = if let Some(rest) = strip_scheme(url, "ldaps://") {
            (false, rest)
        } else if let Some(rest) = strip_scheme(url, "ldap://") {
            (true, rest)
        } else {
            return Err(self.wrong(
                format!("the url {url:?} is neither ldaps:// nor ldap://"),
                "write it as ldaps://host or ldaps://host:port",
            ));
        };
        if plain && !self.starttls {
            return Err(self.wrong(
                format!("the url {url:?} is plain LDAP: passwords would cross the network in clear; nothing was sent"),
                "use ldaps://, or keep ldap:// and turn on starttls",
            ));
        }
        if !plain && self.starttls {
            return Err(self.wrong(
                "starttls is for ldap://; ldaps:// is encrypted from the first byte".to_owned(),
                "remove starttls, or write the url as ldap://",
            ));
        }
        let host = host_of(rest).ok_or_else(|| {
            self.wrong(
                format!("the url {url:?} names no usable host and port"),
                "write it as ldaps://host or ldaps://host:port",
            )
        })?;
        self.check_numbers()?;
        if self.bind_dn.trim().is_empty() || self.bind_password.is_none() {
            // An empty name or password would be an anonymous bind that "succeeds" (RFC 4513 5.1.2).
            return Err(
                self.wrong("the bind name or its password is missing".to_owned(), "give bind_dn and the password")
            );
        }
        Ok(Target { host: host.to_owned(), starttls: plain })
    }

    /// What the governor is made from.
    pub(crate) fn limits(&self) -> Limits {
        let in_flight = NonZeroU32::new(self.in_flight).unwrap_or(NonZeroU32::MIN);
        let mut limits = Limits::new(LARGEST_BATCH, in_flight);
        // A batch may wait for its turn in the window, for a reconnect, and for its answers.
        limits.deadline = self.deadline.saturating_mul(3);
        if let Some(writes) = self.writes_per_second {
            let mut quota = Quota::new("ldap writes", writes, Duration::from_secs(1), OperationClass::Write);
            quota.share = self.share;
            limits = limits.with_quota(quota);
        }
        limits
    }

    fn check_numbers(&self) -> Result<()> {
        let within = |name: &str, value: u32, most: u32| {
            if (1..=most).contains(&value) {
                Ok(())
            } else {
                Err(self.wrong(format!("{name} is {value}"), &format!("choose 1 to {most}")))
            }
        };
        within("in_flight", self.in_flight, MOST_IN_FLIGHT)?;
        within("connections", self.connections, MOST_CONNECTIONS)?;
        within("page_size", self.page_size, LARGEST_PAGE)?;
        if self.deadline < SHORTEST_DEADLINE {
            return Err(self.wrong(format!("the deadline is {:?}", self.deadline), "choose 100 ms or more"));
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            return Err(self.wrong(format!("share is {}", self.share), "choose above 0 and at most 1"));
        }
        Ok(())
    }

    fn wrong(&self, detail: String, advice: &str) -> Error {
        Error::new(ErrorKind::ConfigInvalid, "configure")
            .with_directory(self.directory.clone())
            .with_detail(detail)
            .with_advice(advice)
    }
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let head = url.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| url.get(scheme.len()..)).flatten()
}

/// The host of `host[:port][/]`; an IPv6 address stands in brackets. A user name, a path or a
/// query is refused: they would be ignored in silence.
fn host_of(rest: &str) -> Option<&str> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = if let Some(inner) = rest.strip_prefix('[') {
        let (host, after) = inner.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, after)
    } else {
        let at = rest.find(':').unwrap_or(rest.len());
        let (host, after) = rest.split_at(at);
        let fits = |c: char| c.is_alphanumeric() || c == '.' || c == '-' || c == '_';
        if host.is_empty() || !host.chars().all(fits) {
            return None;
        }
        (host, after)
    };
    if port.is_empty() {
        return Some(host);
    }
    port.strip_prefix(':')?.parse::<u16>().ok().filter(|port| *port > 0).map(|_| host)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> LdapConfig {
        LdapConfig::new(DirectoryId::new("corp").expect("id"), url).bind("cn=x", "planted-secret".into())
    }

    #[test]
    fn plain_ldap_is_refused_even_on_loopback() {
        for url in ["ldap://dc1.example.test", "LDAP://127.0.0.1", "ldap://localhost:3890/"] {
            let error = config(url).target().expect_err(url);
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.detail().contains("plain LDAP"), "{error}");
        }
        assert!(config("ldap://dc1.example.test").starttls().target().expect("starttls").starttls);
        assert!(config("ldaps://dc1").starttls().target().is_err(), "both is a contradiction");
    }

    #[test]
    fn addresses_are_taken_apart() {
        let host = |url: &str| config(url).target().map(|target| target.host);
        assert_eq!(host("ldaps://dc1.example.test:636/").expect("fits"), "dc1.example.test");
        assert_eq!(host("ldaps://[::1]:636").expect("fits"), "::1");
        for bad in [
            "",
            "dc1",
            "https://dc1",
            "ldaps://",
            "ldaps://a:b",
            "ldaps://a:0",
            "ldaps://u@h",
            "ldaps://h/DC=x",
            "ldaps://[x]",
        ] {
            assert_eq!(host(bad).expect_err(bad).kind(), ErrorKind::ConfigInvalid);
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let wrong = [
            (config("ldaps://h").in_flight(0), "in_flight"),
            (config("ldaps://h").connections(99), "connections"),
            (config("ldaps://h").page_size(1001), "page_size"),
            (config("ldaps://h").deadline(Duration::ZERO), "deadline"),
            (config("ldaps://h").share(f64::NAN), "share"),
            (config("ldaps://h").bind("", "x".into()), "bind"),
        ];
        for (config, name) in wrong {
            let error = config.target().expect_err(name);
            assert!(error.detail().contains(name), "{error}");
            assert!(error.advice().is_some());
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", config("ldaps://h")).contains("planted-secret"));
    }
}

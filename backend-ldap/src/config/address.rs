//! Whether a configuration can be used at all, and where its address leads.

use std::time::Duration;

use identity_core::error::{Error, ErrorKind, Result};

use super::{LdapConfig, Target};

/// AD's own ceiling for a page (MaxPageSize, Microsoft "View and set LDAP policy").
const LARGEST_PAGE: u32 = 1000;
/// More only queue: AD works with 4 threads a processor (MaxPoolThreads, same page).
const MOST_IN_FLIGHT: u32 = 256;
const MOST_CONNECTIONS: u32 = 16;
const SHORTEST_DEADLINE: Duration = Duration::from_millis(100);
const MOST_CONTROLLERS: usize = 64;
const LONGEST_PATIENCE: Duration = Duration::from_secs(600);

impl LdapConfig {
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
        let (host, port) = host_of(rest).ok_or_else(|| {
            self.wrong(
                format!("the url {url:?} names no usable host and port"),
                "write it as ldaps://host or ldaps://host:port",
            )
        })?;
        self.check_numbers()?;
        if !self.kerberos && (self.bind_dn.trim().is_empty() || self.bind_password.is_none()) {
            // An empty name or password would be an anonymous bind that "succeeds" (RFC 4513 5.1.2).
            return Err(
                self.wrong("the bind name or its password is missing".to_owned(), "give bind_dn and the password")
            );
        }
        let usual = if plain { 389 } else { 636 };
        Ok(Target { host: host.to_owned(), port: port.unwrap_or(usual), starttls: plain })
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
        if self.failover_after > LONGEST_PATIENCE {
            return Err(self.wrong(format!("failover_after is {:?}", self.failover_after), "choose 10 minutes or less"));
        }
        let urls = self.urls().len();
        if urls > MOST_CONTROLLERS {
            return Err(self.wrong(format!("{urls} controllers are named"), "name 64 or fewer"));
        }
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

/// Host and port of `host[:port][/]`; an IPv6 address stands in brackets. A user name, a path or a
/// query is refused: they would be ignored in silence.
fn host_of(rest: &str) -> Option<(&str, Option<u16>)> {
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
        return Some((host, None));
    }
    port.strip_prefix(':')?.parse::<u16>().ok().filter(|port| *port > 0).map(|port| (host, Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::account::DirectoryId;

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
        let host = |url: &str| config(url).target().map(|target| (target.host, target.port));
        assert_eq!(host("ldaps://dc1.example.test:3636/").expect("fits"), ("dc1.example.test".to_owned(), 3636));
        assert_eq!(host("ldaps://dc1.example.test/").expect("fits"), ("dc1.example.test".to_owned(), 636));
        assert_eq!(host("ldaps://[::1]:6360").expect("fits"), ("::1".to_owned(), 6360));
        assert_eq!(config("ldap://dc1").starttls().target().expect("fits").port, 389);
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

//! Where a service is, and which links belong to it.

use std::fmt;

use http::Uri;
use oauth2::url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

/// Where a service is: `https`, or plain `http` to this machine only (127.0.0.0/8, `::1`,
/// `localhost`). Without user, password, query and fragment.
///
/// ```
/// use identity_core::http::BaseUrl;
///
/// let base = BaseUrl::parse("https://graph.example.com/v1.0/")?;
/// let query = [("$filter".to_owned(), "name eq 'a&b'".to_owned())];
/// let url = base.join("/users", &query)?;
/// assert_eq!(url.to_string(), "https://graph.example.com/v1.0/users?$filter=name%20eq%20%27a%26b%27");
/// assert!(base.accepts("https://graph.example.com/v1.0/users?$skiptoken=x").is_ok());
/// assert!(base.accepts("https://graph.example.org/v1.0/users?$skiptoken=x").is_err());
/// assert!(BaseUrl::parse("http://graph.example.com").is_err());
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    /// Scheme, host and port, as in `https://host:8443`.
    origin: String,
    /// Begins with a slash unless empty; ends without one.
    path: String,
}

impl BaseUrl {
    /// Reads the address of a service.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for anything but `https`, or `http` to loopback, and for an
    /// address with user, password, query or fragment.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_if(text, is_safe)
    }

    /// As [`parse`](Self::parse); what is wrong is said of the key of the configuration that gave
    /// the address.
    ///
    /// # Errors
    /// As of [`parse`](Self::parse).
    pub fn parse_of(key: &str, text: &str) -> Result<Self> {
        Self::parse(text).map_err(|fault| {
            let detail = format!("{key}: {}", fault.detail());
            fault.with_detail(detail)
        })
    }

    /// Reads an address on the machine that we run on, where clouds keep its identity: as
    /// [`parse`](Self::parse), and plain `http` to a link-local address (169.254.0.0/16) too, which no
    /// router passes on. Not for an address that tokens are sent to.
    ///
    /// # Errors
    /// As of [`parse`](Self::parse).
    pub fn parse_local(text: &str) -> Result<Self> {
        Self::parse_if(text, |url| is_safe(url) || is_link_local(url))
    }

    fn parse_if(text: &str, may_be: impl FnOnce(&Url) -> bool) -> Result<Self> {
        let invalid = |detail: &str, advice: &str| {
            Error::new(ErrorKind::ConfigInvalid, "read an address").with_detail(detail).with_advice(advice)
        };
        let advice = "give an address such as https://host/path";
        let url = Url::parse(text.trim()).map_err(|error| invalid(&error.to_string(), advice))?;
        if !may_be(&url) {
            return Err(invalid(
                "the address is neither https nor http to this machine",
                "use https; plain http goes to loopback only",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("the address holds a user or a password", "take them out of the address"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("the address has a query or a fragment", advice));
        }
        Ok(Self { origin: url.origin().ascii_serialization(), path: url.path().trim_end_matches('/').to_owned() })
    }

    /// The address of `path` below this one, with a query. The path is taken as it stands: escape
    /// what comes from outside, or build it by [`Request::segment`](super::Request::segment). Query
    /// values are escaped here.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] for a path that could be taken for another one: an empty segment,
    /// `.` or `..` (escaped or not), a `?`, `#`, `\` or blank, an escaped slash. An id from outside
    /// cannot lead to a place that was not meant.
    pub fn join(&self, path: &str, query: &[(String, String)]) -> Result<Uri> {
        let below = path_and_query(path, query)?;
        Uri::try_from(format!("{self}{below}")).map_err(|error| bad_path(&error.to_string()))
    }

    /// The address of a link that the service gave, as it stands, if the link is of the same origin.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for a link elsewhere: our token would go with it.
    pub fn accepts(&self, link: &str) -> Result<Uri> {
        let refused = |detail: &str| {
            Error::new(ErrorKind::Protocol, "follow a link").with_detail(format!("the service gave {detail}"))
        };
        // Parsers disagree on what these mean, and pass over some of them in silence.
        if link.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(refused("a link with a blank or a backslash"));
        }
        let url = Url::parse(link).map_err(|error| refused(&format!("no whole link ({error})")))?;
        let origin = url.origin().ascii_serialization();
        if origin != self.origin || !url.username().is_empty() || url.password().is_some() {
            return Err(refused(&format!("a link to another place than {}", self.origin))
                .with_advice("nothing was sent there; a proxy in between may be rewriting answers"));
        }
        if url.fragment().is_some() {
            return Err(refused("a link with a fragment"));
        }
        Uri::try_from(url.as_str()).map_err(|error| refused(&format!("no usable link ({error})")))
    }

    /// Scheme, host and port, as in `https://host:8443`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `path` with its query, both as they go over the wire.
pub(super) fn path_and_query(path: &str, query: &[(String, String)]) -> Result<String> {
    check_path(path)?;
    let mut text = path.to_owned();
    let mut before = '?';
    for (name, value) in query {
        text.push(before);
        escape_into(&mut text, name, b"$");
        text.push('=');
        escape_into(&mut text, value, b"");
        before = '&';
    }
    Ok(text)
}

/// Appends text, all but unreserved characters (RFC 3986, section 2.3) and those to `keep` escaped.
pub(super) fn escape_into(to: &mut String, text: &str, keep: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn check_path(path: &str) -> Result<()> {
    let Some(segments) = path.strip_prefix('/') else {
        return if path.is_empty() { Ok(()) } else { Err(bad_path("it does not begin with a slash")) };
    };
    for segment in segments.split('/') {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        if matches!(plain.as_str(), "" | "." | "..") {
            return Err(bad_path("one of its parts is empty, `.` or `..`"));
        }
        if plain.contains("%2f") || plain.contains("%5c") {
            return Err(bad_path("it has an escaped slash"));
        }
        // The characters of RFC 3986, section 3.3.
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@".contains(&byte);
        if !plain.bytes().all(known) {
            return Err(bad_path("it has a character that a path cannot have"));
        }
    }
    Ok(())
}

/// The path is not told: it may hold anything.
fn bad_path(detail: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "build an address").with_detail(format!("the path cannot be used: {detail}"))
}

/// Whether an address is `https`, or `http` to this machine.
pub(super) fn is_safe(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(Host::Ipv6(ip))) => ip.is_loopback(),
        ("http", Some(Host::Domain(name))) => name == "localhost",
        _ => false,
    }
}

/// Whether an address is plain `http` to what no router passes on (RFC 3927).
pub(super) fn is_link_local(url: &Url) -> bool {
    matches!((url.scheme(), url.host()), ("http", Some(Host::Ipv4(ip))) if ip.is_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_are_services() {
        for good in [
            "https://graph.example.com",
            "https://graph.example.com:8443/v1.0/",
            "http://127.0.0.1:8080",
            "http://127.9.9.9/x",
            "http://[::1]:1/",
            "http://localhost:3000",
        ] {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://graph.example.com",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://[::ffff:10.0.0.1]",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "ftp://graph.example.com",
            "file:///etc/passwd",
            "graph.example.com",
            "",
            "https://",
            "https://user@graph.example.com",
            "https://graph.example.com/#x",
            "https://graph.example.com/?x",
        ] {
            assert_eq!(BaseUrl::parse(bad).unwrap_err().kind(), ErrorKind::ConfigInvalid, "{bad}");
        }
    }

    #[test]
    fn a_path_stays_below_the_address() {
        let base = BaseUrl::parse("https://graph.example.com/v1.0").unwrap();
        assert_eq!(base.join("", &[]).unwrap(), "https://graph.example.com/v1.0");
        assert_eq!(base.join("/users/a'b(c)$x", &[]).unwrap(), "https://graph.example.com/v1.0/users/a'b(c)$x");
        for bad in [
            "users",
            "/",
            "//evil.example.com",
            "/users/",
            "/users//x",
            "/./x",
            "/../x",
            "/%2E%2e/x",
            "/.%2e",
            "/a%2fb",
            "/a%5Cb",
            "/a\\b",
            "/a?b",
            "/a#b",
            "/a b",
            "/a\nb",
            "/\u{e4}",
            "@evil.example.com/",
            ":80/x",
        ] {
            assert_eq!(base.join(bad, &[]).unwrap_err().kind(), ErrorKind::InputInvalid, "{bad}");
        }
    }

    #[test]
    fn a_link_local_address_is_for_this_machine_only() {
        for good in ["http://169.254.169.254/metadata/identity", "http://127.0.0.1/x", "https://identity.example.com"] {
            assert!(BaseUrl::parse_local(good).is_ok(), "{good}");
        }
        assert!(BaseUrl::parse("http://169.254.169.254/metadata/identity").is_err());
        for bad in ["http://169.253.1.1", "http://10.0.0.1", "http://[fe80::1]", "http://example.com"] {
            assert_eq!(BaseUrl::parse_local(bad).unwrap_err().kind(), ErrorKind::ConfigInvalid, "{bad}");
        }
    }

    #[test]
    fn a_link_is_taken_as_it_stands_from_the_same_origin_only() {
        let base = BaseUrl::parse("https://graph.example.com/v1.0").unwrap();
        for good in [
            "https://graph.example.com/v1.0/users?$skiptoken=RFNwdAIAAQ%2B%3d+x",
            "https://graph.example.com/other/path",
            "https://graph.example.com/users?after=00u&limit=200",
        ] {
            assert_eq!(base.accepts(good).unwrap().to_string(), good);
        }
        assert_eq!(base.accepts("https://GRAPH.example.com:443/x").unwrap(), "https://graph.example.com/x");
        for bad in [
            "http://graph.example.com/x",
            "https://graph.example.com:444/x",
            "https://graph.example.com.evil.org/x",
            "https://evil.org/graph.example.com",
            "https://graph.example.com@evil.org/x",
            "https://user:pw@graph.example.com/x",
            "https://evil.org\\@graph.example.com/x",
            "https://graph.example.com\\.evil.org/x",
            "//graph.example.com/x",
            "/users?$skiptoken=x",
            "https://graph.example.com/x#y",
            "https://graph.exa\nmple.com/x",
            " https://graph.example.com/x",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(base.accepts(bad).unwrap_err().kind(), ErrorKind::Protocol, "{bad}");
        }
    }
}

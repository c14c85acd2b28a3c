//! Links: the `Link` header (RFC 8288), of which there are several lines, and those in a body.

use http::{HeaderMap, header};
use serde::Deserialize;

/// An address in a body.
#[derive(Debug, Deserialize)]
pub(crate) struct Href {
    pub(crate) href: String,
}

/// The address of the link with this relation, as it stands: a cursor is never decoded.
pub(crate) fn link(headers: &HeaderMap, relation: &str) -> Option<String> {
    let lines = headers.get_all(header::LINK).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(links).find(|link| link.has(relation)).map(|link| link.target.to_owned())
}

/// Whether every line can be read to its end: what cannot be read may be the link to the next page.
pub(crate) fn is_whole(headers: &HeaderMap) -> bool {
    let is_read = |line: &str| {
        let mut rest = line;
        while let Some((_, after)) = first(rest) {
            rest = after;
        }
        rest.trim_matches(BETWEEN).is_empty()
    };
    headers.get_all(header::LINK).iter().all(|line| line.to_str().is_ok_and(is_read))
}

/// What is between links.
const BETWEEN: [char; 3] = [',', ' ', '\t'];

struct Link<'a> {
    target: &'a str,
    parameters: &'a str,
}

impl Link<'_> {
    /// Whether `rel` names this relation; it may name several.
    fn has(&self, relation: &str) -> bool {
        let rel = parameters(self.parameters).find(|(name, _)| name.eq_ignore_ascii_case("rel"));
        rel.is_some_and(|(_, value)| value.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(relation)))
    }
}

/// The links of one line. What is no link ends it.
fn links(line: &str) -> impl Iterator<Item = Link<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (link, after) = first(rest)?;
        rest = after;
        Some(link)
    })
}

/// The first link of a line, and what comes after it.
fn first(line: &str) -> Option<(Link<'_>, &str)> {
    let (target, after) = line.trim_start_matches(BETWEEN).strip_prefix('<')?.split_once('>')?;
    // A comma inside quotes belongs to a parameter.
    let mut quoted = false;
    let end = after.find(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    let (parameters, next) = after.split_at(end.unwrap_or(after.len()));
    Some((Link { target, parameters }, next))
}

/// Name and value of each parameter, without quotes.
fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut quoted = false;
    let parts = text.split(move |c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    parts.filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim(), value.trim().trim_matches('"')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::LINK, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn the_next_page_is_found_among_lines_and_among_links_and_is_not_decoded() {
        let own = r#"<https://x.okta.com/api/v1/users?limit=2>; rel="self""#;
        let next = r#"<https://x.okta.com/api/v1/users?after=a%2Bb+c,d&limit=2>; rel="next""#;
        let expected = Some("https://x.okta.com/api/v1/users?after=a%2Bb+c,d&limit=2");
        assert_eq!(link(&headers(&[own, next]), "next").as_deref(), expected);
        assert_eq!(link(&headers(&[&format!("{own}, {next}")]), "next").as_deref(), expected);
        assert_eq!(link(&headers(&[own]), "next"), None);
        assert_eq!(link(&HeaderMap::new(), "next"), None);
    }

    #[test]
    fn spellings_that_the_rfc_allows_are_read() {
        for line in [
            "<u>;rel=next",
            "<u>; title=\"a, b; rel=prev\"; rel=\"next\"",
            "<u>; REL=\"prev next\"",
            "<v>; rel=prev,<u>; rel=NEXT",
        ] {
            assert_eq!(link(&headers(&[line]), "next").as_deref(), Some("u"), "{line}");
        }
        for line in ["u; rel=next", "<u", "<u>", "<u>; rel=nextpage", "<u>; rev=next", ""] {
            assert_eq!(link(&headers(&[line]), "next"), None, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_to_its_end_is_noticed() {
        for line in ["<u>; rel=next", "<u>; rel=self, <v>; rel=next,", "", "<u>; title=\"a, b\""] {
            assert!(is_whole(&headers(&[line])), "{line}");
        }
        assert!(is_whole(&HeaderMap::new()));
        for line in ["u; rel=next", "<u", "<u>; rel=self, v; rel=next"] {
            assert!(!is_whole(&headers(&["<w>; rel=self", line])), "{line}");
        }
        let mut unread = HeaderMap::new();
        unread.append(header::LINK, HeaderValue::from_bytes(b"<u\xe4>; rel=next").unwrap());
        assert!(!is_whole(&unread));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(line in "[ -~]{0,80}") {
            let _ = link(&headers(&[&line]), "next");
        }

        #[test]
        fn any_cursor_comes_back_as_it_was(cursor in "[!-;=?-~]{1,60}") {
            let line = format!("<https://x.okta.com/a?b=c>; rel=\"self\", <https://x.okta.com/a?after={cursor}>; rel=\"next\"");
            let expected = format!("https://x.okta.com/a?after={cursor}");
            prop_assert_eq!(link(&headers(&[&line]), "next"), Some(expected));
        }
    }
}

//! Distinguished names, as far as they are looked into: keys for comparison, the first name, the
//! parent, the domain.

/// A key that names which differ in case only share. AD compares names without case.
pub(crate) fn key(dn: &str) -> String {
    dn.to_lowercase()
}

/// The first name of a distinguished name, without escapes: `Smith, J` of `CN=Smith\, J,OU=x`.
pub(crate) fn first_name(dn: &str) -> String {
    let first = split_first(dn).0;
    let value = first.split_once('=').map_or(first, |(_, value)| value);
    unescape(value)
}

/// The name of the object above; empty for the last.
pub(crate) fn parent(dn: &str) -> &str {
    split_first(dn).1
}

/// Whether `dn` is `base` or stands below it.
pub(crate) fn is_below(dn: &str, base: &str) -> bool {
    let (dn, base) = (key(dn), key(base));
    dn == base || dn.strip_suffix(&base).is_some_and(|front| front.ends_with(','))
}

/// Whether an object is of the domain with this distinguished name, and not of one below it: the names
/// of a child domain end as those of its parent do.
pub(crate) fn is_of(dn: &str, base: &str) -> bool {
    domain(dn) == domain(base)
}

/// The DNS name of the domain in a distinguished name: `example.test` of `…,DC=example,DC=test`.
pub(crate) fn domain(dn: &str) -> String {
    let mut rest = dn;
    let mut labels: Vec<String> = Vec::new();
    while !rest.is_empty() {
        let (first, after) = split_first(rest);
        if let Some((attribute, value)) = first.split_once('=')
            && attribute.trim().eq_ignore_ascii_case("dc")
        {
            labels.push(unescape(value).to_lowercase());
        }
        rest = after;
    }
    labels.join(".")
}

/// Splits at the first comma that is not escaped.
fn split_first(dn: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in dn.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => return (dn.get(..at).unwrap_or_default(), dn.get(at + 1..).unwrap_or_default()),
            _ => {}
        }
    }
    (dn, "")
}

/// Undoes the escapes of RFC 4514: `\,` and `\2C`.
fn unescape(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some(first) = rest.next() else { break };
        let digits = rest.peek().and_then(|second| Some((hex(first)?, hex(*second)?)));
        if let Some((high, low)) = digits {
            rest.next();
            bytes.push(high << 4 | low);
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_taken_apart_with_their_escapes() {
        let dn = r"CN=Smith\, J\2B,OU=Sales,DC=Example,DC=test";
        assert_eq!(first_name(dn), "Smith, J+");
        assert_eq!(parent(dn), "OU=Sales,DC=Example,DC=test");
        assert_eq!(domain(dn), "example.test");
        assert!(is_below(dn, "dc=example,dc=test"));
        assert!(!is_below("CN=a,DC=notexample,DC=test", "example,DC=test"));
        assert!(is_below("DC=example,DC=test", "DC=example,DC=test"));
        assert!(is_of("CN=a,OU=b,dc=Example,DC=test", "DC=example,DC=test"));
        assert!(!is_of("CN=a,DC=child,DC=example,DC=test", "DC=example,DC=test"));
        assert!(!is_of("CN=a,DC=test", "DC=example,DC=test"));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart(text in "\\PC{0,60}", other in "\\PC{0,20}") {
            let _ = (first_name(&text), parent(&text), domain(&text), is_below(&text, &other));
        }
    }
}

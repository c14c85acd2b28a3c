//! Security identifiers and distinguished names, from text to bytes and to one form.

pub(super) use crate::security::sid_bytes;

/// `S-1-5-21-…` of bytes.
pub(super) fn sid_text(bytes: &[u8]) -> Option<String> {
    let authority = bytes.get(2..8)?.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let parts = bytes.get(8..)?.chunks_exact(4).filter_map(|part| part.try_into().ok()).map(u32::from_le_bytes);
    let parts: Vec<String> = parts.map(|part| part.to_string()).collect();
    Some(format!("S-1-{authority}-{}", parts.join("-")))
}

pub(super) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

/// One form of a distinguished name for comparison: lower case, no spaces around commas, each
/// character escaped in one way.
pub(super) fn normal_dn(dn: &str) -> String {
    if !dn.contains('\\') && !dn.contains(", ") && !dn.contains(" ,") {
        return dn.to_lowercase();
    }
    let parts: Vec<String> = split_dn(dn).into_iter().map(normal_rdn).collect();
    parts.join(",")
}

/// What stands above a distinguished name; nothing above the last part.
pub(super) fn parent_dn(dn: &str) -> Option<&str> {
    let first = split_dn(dn).into_iter().next()?;
    dn.get(first.len() + 1..)
}

fn split_dn(dn: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in dn.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.extend(dn.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(dn.get(start..));
    parts
}

fn normal_rdn(rdn: &str) -> String {
    let Some((kind, value)) = rdn.split_once('=') else { return rdn.trim().to_lowercase() };
    let mut plain = Vec::new();
    let mut rest = value.trim_start().as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok()).and_then(from_hex);
        match (first, hex) {
            (b'\\', Some(byte)) => {
                plain.extend(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'\\', None) => {
                plain.extend(after.first());
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    let plain = String::from_utf8_lossy(&plain);
    format!("{}={}", kind.trim(), crate::organisation::escape_dn(plain.trim_end())).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_the_same_have_one_form() {
        let one = normal_dn("CN=Smith\\, John \\#1,OU=X,DC=test");
        assert_eq!(one, normal_dn("cn=smith\\2c John #1, ou=x ,dc=Test"));
        assert_eq!(parent_dn("CN=Smith\\, J,OU=X,DC=test"), Some("OU=X,DC=test"));
        assert_eq!(parent_dn("DC=test"), None);
    }

    #[test]
    fn sids_have_the_bytes_of_the_specification() {
        let bytes = sid_bytes("S-1-5-32-544").unwrap();
        assert_eq!(bytes, [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]);
        assert!(sid_bytes("S-1-x").is_none());
    }
}

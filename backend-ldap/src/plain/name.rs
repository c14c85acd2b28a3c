//! Names for comparison: one distinguished name has several spellings (RFC 4514 sections 2 and 4).

use crate::value::dn;

/// A key that all spellings of a distinguished name share which differ in case, in blanks around
/// the separators, or in how a character is escaped.
pub(crate) fn key(name: &str) -> String {
    let mut rest = name.trim();
    let mut parts: Vec<String> = Vec::new();
    while !rest.is_empty() {
        let attribute = rest.split('=').next().unwrap_or_default().trim().to_lowercase();
        parts.push(format!("{attribute}={}", dn::first_name(rest).trim().to_lowercase()));
        rest = dn::parent(rest).trim_start();
    }
    // A separator that no name has: a value may hold a comma.
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_name_are_one() {
        for other in ["UID=Jane, OU=People,dc=example,dc=test", " uid = jane ,ou= people , DC=example,dc=test"] {
            assert_eq!(key(other), key("uid=jane,ou=people,dc=example,dc=test"), "{other}");
        }
        assert_eq!(key(r"cn=Smith\, J,dc=x"), key(r"cn=smith\2c j,dc=x"));
        assert_ne!(key(r"cn=a\,dc=b,dc=x"), key("cn=a,dc=b,dc=x"));
    }

    proptest! {
        #[test]
        fn any_text_has_a_key(text in "\\PC{0,60}") {
            let _ = key(&text);
        }
    }
}

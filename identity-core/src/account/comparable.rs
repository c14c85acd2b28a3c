//! Names as they are compared.

use super::Account;

/// A name without upper case and, for a distinguished name, without spaces after its commas. An
/// escaped comma belongs to a value, and so do the spaces behind it.
pub(crate) fn comparable(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    if !(lower.contains('=') && lower.contains(", ")) {
        return lower;
    }
    let mut text = String::with_capacity(lower.len());
    let (mut escaped, mut after_comma) = (false, false);
    for c in lower.chars() {
        if after_comma && c == ' ' {
            continue;
        }
        text.push(c);
        after_comma = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    text
}

impl Account {
    /// What people call the account by: its id, sign-in name, principal name, path or security
    /// identifier.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let anchors = &self.anchors;
        [
            Some(self.id.as_str()),
            Some(self.name.as_str()),
            anchors.principal_name.as_deref(),
            self.path.as_deref(),
            anchors.security_id.as_deref(),
        ]
        .into_iter()
        .flatten()
    }
}

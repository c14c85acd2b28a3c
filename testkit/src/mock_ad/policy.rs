//! The password policies, and what they say of a password.

use crate::organisation::{SyntheticAccount, uac};

/// A password policy: of the domain, or fine-grained.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DomainPolicy {
    /// `minPwdLength`, in UTF-16 units.
    pub min_length: usize,
    /// Complexity: three of five classes of characters, and no name inside.
    pub complexity: bool,
    /// How many former passwords a change may not repeat. A set by an administrator may.
    pub history: usize,
    /// `maxPwdAge` in days; without, passwords do not expire.
    pub max_age_days: Option<u32>,
    /// `minPwdAge` in days; it holds for a change, not for a set.
    pub min_age_days: u32,
    /// Failed sign-ins until an account is locked; 0 for never.
    pub lockout_threshold: u32,
}

impl Default for DomainPolicy {
    fn default() -> Self {
        Self {
            min_length: 12,
            complexity: true,
            history: 24,
            max_age_days: None,
            min_age_days: 1,
            lockout_threshold: 10,
        }
    }
}

impl DomainPolicy {
    /// Whether a new password satisfies length and complexity (MS-SAMR 3.1.1.7.1 and 3.1.1.7.2).
    /// Accounts that need no password are exempt, as there.
    pub(super) fn accepts(&self, password: &str, account: &SyntheticAccount) -> bool {
        if account.uac & uac::PASSWORD_NOT_REQUIRED != 0 {
            return true;
        }
        let length = password.encode_utf16().count();
        if length < self.min_length || length > 256 {
            return false;
        }
        !self.complexity || (classes(password) >= 3 && !names_inside(password, account))
    }
}

fn classes(password: &str) -> usize {
    let kinds: [fn(char) -> bool; 5] = [
        char::is_uppercase,
        char::is_lowercase,
        |c| c.is_ascii_digit(),
        |c| c.is_ascii_punctuation() || c == ' ',
        |c| c.is_alphabetic() && !c.is_uppercase() && !c.is_lowercase(),
    ];
    kinds.iter().filter(|kind| password.chars().any(kind)).count()
}

fn names_inside(password: &str, account: &SyntheticAccount) -> bool {
    let password = password.to_lowercase();
    let inside = |name: &str| name.chars().count() >= 3 && password.contains(&name.to_lowercase());
    let tokens = account.display_name.as_deref().unwrap_or_default();
    inside(&account.name) || tokens.split([',', '.', '-', '_', ' ', '#', '\t']).any(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organisation::{Organisation, special};

    #[test]
    fn length_classes_and_names_are_checked() {
        let organisation = Organisation::new(1, 60);
        let account = organisation.account(special::UMLAUT);
        let policy = DomainPolicy::default();
        assert!(policy.accepts("Correct7horse!", &account));
        assert!(!policy.accepts("Short7!", &account));
        assert!(!policy.accepts("nocapitalsnodigits", &account));
        assert!(!policy.accepts("xx-JMUELLER-2xx9", &account), "the account name, in whatever case");
        assert!(!policy.accepts("xx-müller-2xxA9", &account), "a part of the display name");
        assert!(policy.accepts("x", &organisation.account(special::NOT_REQUIRED)));
        for account in organisation.accounts() {
            assert!(policy.accepts(&organisation.initial_password(account.index), &account), "{}", account.name);
        }
    }
}

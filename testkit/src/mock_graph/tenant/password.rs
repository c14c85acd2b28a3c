//! What a password must be like, and what is kept of it.

use sha2::{Digest as _, Sha256};

/// The symbols that a password may have (Entra's password policies), with the space.
const SYMBOLS: &str = "@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<> ";

/// What is kept of a password.
pub(in crate::mock_graph) fn fingerprint(password: &str) -> [u8; 32] {
    Sha256::digest(password.as_bytes()).into()
}

/// Whether a new password is taken: 8 to 256 characters of ASCII, three of four classes, and none
/// of the banned words inside, whatever the case.
pub(in crate::mock_graph) fn acceptable(password: &str, strong: bool, banned: &[String]) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || SYMBOLS.contains(c);
    if !(8..=256).contains(&password.len()) || !password.chars().all(fits) {
        return false;
    }
    let classes: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_ascii_alphanumeric(),
    ];
    if strong && classes.iter().filter(|class| password.chars().any(**class)).count() < 3 {
        return false;
    }
    let lower = password.to_lowercase();
    !banned.iter().any(|word| lower.contains(word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_alphabet_classes_and_banned_words_are_checked() {
        let banned = ["contoso".to_owned()];
        let taken = |password: &str| acceptable(password, true, &banned);
        assert!(taken("Zq7-bcdf"));
        assert!(taken(&format!("Aa1{}", "x".repeat(253))));
        assert!(!taken("Zq7-bcd"), "seven characters");
        assert!(!taken(&format!("Aa1{}", "x".repeat(254))), "257 characters");
        assert!(!taken("Zq7-bcdé"), "not ASCII");
        assert!(!taken("Zq7-bcd\t"), "a control character");
        assert!(!taken("abcdefg1"), "two classes");
        assert!(!taken("xxConToso-1"), "a banned word");
        assert!(acceptable("abcdefgh", false, &banned), "DisableStrongPassword");
    }
}

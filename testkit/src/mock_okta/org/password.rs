//! What a password must be like, and what is kept of it.

use sha2::{Digest as _, Sha256};

/// What is kept of a password.
pub(in crate::mock_okta) fn fingerprint(password: &str) -> [u8; 32] {
    Sha256::digest(password.as_bytes()).into()
}

/// Why a new password is not taken: 8 to 72 characters, lower case, upper case and a digit, no part
/// of the login inside, none of the common words.
pub(in crate::mock_okta) fn refusal(login: &str, password: &str, common: &[String]) -> Option<&'static str> {
    let length = password.chars().count();
    if length < 8 {
        return Some("Password requirements were not met. Password requirements: at least 8 characters.");
    }
    // bcrypt ends there.
    if password.len() > 72 {
        return Some("Password requirements were not met. Password requirements: at most 72 characters.");
    }
    let classes: [fn(char) -> bool; 3] = [|c| c.is_lowercase(), |c| c.is_uppercase(), |c| c.is_ascii_digit()];
    if !classes.iter().all(|class| password.chars().any(*class)) {
        return Some(
            "Password requirements were not met. Password requirements: a lowercase letter, an uppercase letter, a number.",
        );
    }
    let lower = password.to_lowercase();
    let local = login.split('@').next().unwrap_or_default().to_lowercase();
    let mut parts = local.split(['.', '-', '_', ',', '\'', '/']).filter(|part| part.chars().count() >= 4);
    if parts.any(|part| lower.contains(part)) {
        return Some("Password requirements were not met. Password requirements: no parts of your username.");
    }
    if common.iter().any(|word| lower.contains(word.as_str())) {
        return Some("This password was found in a list of commonly used passwords. Please try another password.");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_classes_names_and_common_words_are_checked() {
        let common = ["welcome".to_owned()];
        let taken = |password: &str| refusal("jane.doering@corp.test", password, &common).is_none();
        assert!(taken("Zq7bcdfg"));
        assert!(!taken("Zq7bcdf"), "seven characters");
        assert!(!taken(&format!("Aa1{}", "x".repeat(70))), "73 bytes");
        assert!(!taken("zq7bcdfg"), "no upper case");
        assert!(!taken("ZQ7BCDFG"), "no lower case");
        assert!(!taken("Zqrbcdfg"), "no digit");
        assert!(!taken("x1-DOERING-x"), "a part of the login");
        assert!(taken("x1-JANx-DOE-x"), "short parts are not looked for");
        assert!(!taken("Welcome2026"), "a common word");
    }
}

//! The password policy: what a directory refuses.

use identity_core::directory::PasswordPolicy;
use identity_core::reset::Secret;

/// Active Directory takes no longer password over LDAP (MS-ADTS 3.1.1.3.1.5.1, 256 characters).
const LONGEST: usize = 256;

/// Why the policy refuses this password for an account of this name; never the password itself.
pub(super) fn refusal(policy: &PasswordPolicy, name: &str, password: &Secret) -> Option<&'static str> {
    let password = password.expose();
    let length = password.chars().count();
    if length < usize::from(policy.min_length) {
        return Some("the password is shorter than the policy asks");
    }
    if length > policy.max_length.map_or(LONGEST, usize::from) {
        return Some("the password is longer than the directory takes");
    }
    if !policy.complexity {
        return None;
    }
    let classes: [fn(char) -> bool; 4] =
        [char::is_uppercase, char::is_lowercase, |c| c.is_ascii_digit(), |c| !c.is_alphanumeric()];
    if classes.iter().filter(|class| password.chars().any(class)).count() < 3 {
        return Some("the password has characters of fewer than three classes");
    }
    // The rule of Windows: names shorter than three characters are not looked for.
    let inside = name.chars().count() >= 3 && password.to_lowercase().contains(&name.to_lowercase());
    inside.then_some("the account's name is inside the password")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_refuses_what_windows_refuses() {
        let mut policy = PasswordPolicy::default();
        policy.min_length = 8;
        policy.complexity = true;
        let verdict = |name: &str, password: &str| refusal(&policy, name, &Secret::new(password.into())).is_none();
        assert!(verdict("jdoe", "Correct7horse"));
        assert!(!verdict("jdoe", "C7-h"));
        assert!(!verdict("jdoe", "correcthorse"));
        assert!(!verdict("jdoe", "my-JDOE-7-horse"));
        assert!(verdict("jd", "my-jd-7-Horse"), "a short name is not looked for");
        assert!(!verdict("jdoe", &format!("Aa1!{}", "x".repeat(300))));
    }
}

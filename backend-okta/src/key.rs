//! The ids that Okta gives.

/// The id of a user in 16 bytes: a listing of a million users remembers whom it has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UserKey(u128);

/// What ids of users and of groups begin with.
const USER: &str = "00u";
const GROUP: &str = "00g";
/// Every recorded id has 20 characters; others are let pass as far as nothing but an id can be meant
/// (and 21 is what 16 bytes hold).
const LENGTHS: std::ops::RangeInclusive<usize> = 18..=21;

impl UserKey {
    /// The key of a user's id; `None` for what is none, such as a login. Where Okta wants an id it
    /// takes a login too ("Retrieve a user"), which may be somebody else's by now.
    pub(crate) fn of(id: &str) -> Option<Self> {
        if !is_user_id(id) {
            return None;
        }
        // Digits of base 63 that are never 0, so that no two ids have the same key.
        id.bytes()
            .try_fold(0_u128, |key, byte| {
                let digit = match byte {
                    b'0'..=b'9' => byte - b'0' + 1,
                    b'A'..=b'Z' => byte - b'A' + 11,
                    b'a'..=b'z' => byte - b'a' + 37,
                    _ => return None,
                };
                key.checked_mul(63)?.checked_add(digit.into())
            })
            .map(Self)
    }
}

/// Whether a text is the id of a user, and not a login: the one rule for what is read and what is
/// ordered.
pub(crate) fn is_user_id(text: &str) -> bool {
    is_id(USER, text)
}

/// Whether a text is the id of a group, and not a name.
pub(crate) fn is_group_id(text: &str) -> bool {
    is_id(GROUP, text)
}

fn is_id(prefix: &str, text: &str) -> bool {
    text.starts_with(prefix) && LENGTHS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_is_told_from_a_login_and_from_a_name() {
        assert!(UserKey::of("00uqrjxsgd0UxglnX5d7").is_some());
        for login in [
            "",
            "me",
            "00u",
            "jdoe@example.test",
            "00uqrjxsgd0Uxg@x.test",
            "00gqrjxsgd0UxglnX5d7",
            "00uqrjxsgd0UxglnX5/7",
            "00uqrjxsgd0UxglnX5d\u{e4}",
            "00uqrjxsgd0UxglnX5d7x9",
        ] {
            assert_eq!(UserKey::of(login), None, "{login}");
        }
        assert!(is_group_id("00gsfarpwDkGSzs394x6") && !is_group_id("00g of sales") && !is_group_id("Everyone"));
        assert!(UserKey::of(&format!("00u{}", "z".repeat(18))).is_some(), "the greatest key fits");
    }

    proptest! {
        #[test]
        fn two_ids_never_have_the_same_key(one in "00u[0-9A-Za-z]{15,18}", other in "00u[0-9A-Za-z]{15,18}", at in 3_usize..18) {
            prop_assert_eq!(UserKey::of(&one) == UserKey::of(&other), one == other);
            // Those that differ in one place only, and in the case of one letter.
            let mut near: Vec<u8> = one.clone().into_bytes();
            near[at] ^= 0x20;
            let near = String::from_utf8_lossy(&near).into_owned();
            prop_assert!(UserKey::of(&near).is_none() || UserKey::of(&near) != UserKey::of(&one));
        }
    }
}

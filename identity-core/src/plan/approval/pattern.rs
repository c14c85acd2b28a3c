//! Lists of patterns, as ssh_config(5) has them under PATTERNS.

/// Whether a list matches: some pattern does, and none that begins with `!`.
pub(super) fn list_matches(list: &str, text: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

/// `*` stands for any text, `?` for one character. Case counts. The time is bounded by the product of
/// both lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), text.get(t), star) {
            (Some('*'), ..) => {
                star = Some((p, t));
                p += 1;
            }
            (Some('?'), ..) => (p, t) = (p + 1, t + 1),
            (Some(a), Some(b), _) if a == b => (p, t) = (p + 1, t + 1),
            (_, _, Some((at, taken))) => {
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
            _ => return false,
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_question_marks_and_exceptions() {
        for (list, text, expected) in [
            ("ann@example.test", "ann@example.test", true),
            ("ann@example.test", "Ann@example.test", false),
            ("*@example.test", "ann@example.test", true),
            ("*@example.test", "ann@example.test.evil", false),
            ("a?n@*,bob", "ann@x", true),
            ("a?n@*,bob", "bob", true),
            ("a?n", "an", false),
            ("*,!bob", "bob", false),
            ("!bob,*", "bob", false),
            ("!bob", "ann", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*c", "xxaxxbxx", false),
            ("", "", true),
            ("", "a", false),
            ("**", "", true),
        ] {
            assert_eq!(list_matches(list, text), expected, "{list} {text}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let (pattern, text) = ("*a".repeat(1_000), "a".repeat(10_000) + "b");
        assert!(!list_matches(&pattern, &text));
    }
}

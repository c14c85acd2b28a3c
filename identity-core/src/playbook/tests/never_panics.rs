//! No text makes the reader panic, and what it accepts can be ordered or says why not.

use proptest::prelude::*;

use super::{FULL, arguments, directories, parse};
use crate::playbook::{Playbook, Trigger};

fn harmless(text: &str) {
    match parse(text) {
        Err(_) => {
            let faults = Playbook::faults(text);
            let lines = text.lines().count().max(1) + 1;
            assert!(!faults.is_empty());
            assert!(faults.iter().all(|fault| fault.line >= 1 && fault.line <= lines), "{faults:?}");
        }
        Ok(playbook) => {
            assert!(Playbook::faults(text).is_empty());
            let _ = playbook.order(&arguments(), &directories());
        }
    }
}

/// A cut of the full playbook with something else in its place.
fn changed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(String::new()),
        Just("\"${group}\"".to_owned()),
        Just("[[".to_owned()),
        Just("= 99999999999999999999999".to_owned()),
        Just("= -1".to_owned()),
        Just("= {}".to_owned()),
        Just("= []".to_owned()),
        Just("\u{0}".to_owned()),
        Just("\"\"\"".to_owned()),
        ".{0,12}",
    ];
    (0..FULL.len(), 0_usize..40, piece).prop_map(|(at, long, piece)| {
        // The text is ASCII: every offset is between two characters.
        let end = (at + long).min(FULL.len());
        format!("{}{piece}{}", &FULL[..at], &FULL[end..])
    })
}

/// The full playbook with two lines in each other's place, or one of them twice.
fn reordered() -> impl Strategy<Value = String> {
    let lines: Vec<String> = FULL.lines().map(str::to_owned).collect();
    let count = lines.len();
    (0..count, 0..count, any::<bool>()).prop_map(move |(one, other, twice)| {
        let mut lines = lines.clone();
        if twice {
            let line = lines[one].clone();
            lines.insert(other, line);
        } else {
            lines.swap(one, other);
        }
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_text(text in "(?s).{0,200}") {
        harmless(&text);
        let _ = Trigger::parse(&text);
    }

    #[test]
    fn changed_playbooks(text in changed()) {
        harmless(&text);
    }

    #[test]
    fn reordered_playbooks(text in reordered()) {
        harmless(&text);
    }
}

#[test]
fn deep_nesting_and_long_lists() {
    harmless(&format!("triggers = {}{}", "[".repeat(5000), "]".repeat(5000)));
    harmless(&format!("a{} = 1", ".a".repeat(5000)));
    harmless(&format!("triggers = [{}]", "\"a\",".repeat(20_000)));
    let _ = Trigger::parse(&"[".repeat(100_000));
}

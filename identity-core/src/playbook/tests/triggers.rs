//! Triggers, and the playbook that each chooses.

use super::{FULL, directories};
use crate::playbook::{Shelf, TRIGGERS, Trigger};

#[test]
fn unknown_members_are_refused_and_context_is_kept() {
    let trigger = Trigger::parse(r#"{"trigger": "ransomware", "incident": "INC-1", "context": {"a": [1]}}"#).unwrap();
    assert_eq!(trigger.context.unwrap()["a"][0], 1);
    for (text, words) in [
        ("", "line 1"),
        ("[]", "line 1"),
        (r#"{"trigger": "ransomware"}"#, "`incident`"),
        (r#"{"incident": "x"}"#, "`trigger`"),
        (r#"{"trigger": "ransomware", "incident": "x", "paramters": {}}"#, "paramters"),
        (r#"{"trigger": "ransomware", "incident": "x", "incident": "y"}"#, "incident"),
        (r#"{"trigger": "Ransom ware", "incident": "x"}"#, "`trigger`"),
        (r#"{"trigger": "ransomware", "incident": "../x"}"#, "`incident`"),
        (r#"{"trigger": "ransomware", "incident": ".."}"#, "`incident`"),
        (r#"{"trigger": "ransomware", "incident": ""}"#, "`incident`"),
        (r#"{"trigger": "ransomware", "incident": "x"} {}"#, "trailing"),
    ] {
        let error = Trigger::parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_trigger_chooses_the_one_that_lists_it() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Shelf::from_folder(folder.path()).unwrap_err().to_string().contains("no playbook"));
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("full.toml", FULL);
    write("notes.txt", "not a playbook");
    write("other.toml", &FULL.replace("\"full\"", "\"other\"").replace("our_own_word", "insider"));
    let shelf = Shelf::from_folder(folder.path()).unwrap();
    let trigger = |text: &str| Trigger::parse(text).unwrap();
    let chosen = shelf.choose(&trigger(r#"{"trigger": "insider", "incident": "x"}"#)).unwrap();
    assert_eq!(chosen.name(), "other");
    let error = shelf.choose(&trigger(r#"{"trigger": "ransomware", "incident": "x"}"#)).unwrap_err();
    assert!(error.to_string().contains("full, other"), "{error}");
    let named = trigger(
        r#"{"trigger": "ransomware", "incident": "INC-7", "playbook": "full",
        "parameters": {"group": "Sales", "since": "2026-03-01T08:00:00Z", "spared": "one"}}"#,
    );
    let spec = shelf.choose(&named).unwrap().order_for(&named, &directories()).unwrap();
    let origin = spec.origin.unwrap();
    assert_eq!((origin.trigger.as_deref(), origin.incident.as_deref()), (Some("ransomware"), Some("INC-7")));
    for (text, words) in [
        (r#"{"trigger": "exercise", "incident": "x"}"#, "there are insider, our_own_word, ransomware"),
        (r#"{"trigger": "insider", "incident": "x", "playbook": "full"}"#, "is for ransomware, our_own_word"),
        (r#"{"trigger": "insider", "incident": "x", "playbook": "none"}"#, "it has full, other"),
    ] {
        let error = shelf.choose(&trigger(text)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    write("third.toml", FULL);
    let error = Shelf::from_folder(folder.path()).unwrap_err().to_string();
    assert!(error.contains("third.toml") && error.contains("full.toml"), "{error}");
    write("third.toml", "format = 1\nname = 7\n");
    let error = Shelf::from_folder(folder.path()).unwrap_err().to_string();
    assert!(error.contains("third.toml: line 1: `triggers`"), "{error}");
}

#[test]
fn the_documented_words_are_words() {
    for (word, meaning) in TRIGGERS {
        let text = format!(r#"{{"trigger": "{word}", "incident": "x"}}"#);
        assert_eq!(Trigger::parse(&text).unwrap().trigger, word);
        assert!(!meaning.is_empty());
    }
}

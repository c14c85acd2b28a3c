//! Every fault names its line and its key.

use super::{FULL, parse};
use crate::playbook::Playbook;

/// What is put in the place of what, and the key and words of the fault.
const CASES: &[(&str, &str, &str, &str)] = &[
    ("format = 1\n", "", "format", "is missing"),
    ("format = 1", "format = 2", "format", "reads format 1"),
    ("format = 1", "format = \"1\"", "format", "whole number"),
    ("name = \"full\"\n", "", "name", "is missing"),
    ("name = \"full\"", "name = \"Full One\"", "name", "not a word"),
    ("name = \"full\"", "name = \"full\"\nname = \"two\"", "name", "duplicate"),
    ("name = \"full\"", "name = \"full\"\nnmae = \"two\"", "nmae", "is no key here; there are"),
    ("[\"ransomware\", \"our_own_word\"]", "[]", "triggers", "is empty"),
    ("[\"ransomware\", \"our_own_word\"]", "[\"ransomware\", \"ransomware\"]", "triggers[2]", "twice"),
    ("[\"ransomware\", \"our_own_word\"]", "\"ransomware\"", "triggers", "a list"),
    ("about = \"everything at once\"", "about = \"for ${group}\"", "about", "no parameter can stand here"),
    ("seed = 7", "seed = -7", "seed", "-7 is not a whole number"),
    ("unless_set_since = \"${since}\"", "unless_set_since = \"${group}\"", "unless_set_since", "is of type text"),
    ("unless_set_since = \"${since}\"", "unless_set_since = 2026-03-01", "unless_set_since", "offset"),
    ("unless_set_since = \"${since}\"", "unless_set_since = \"${sinse}\"", "unless_set_since", "not declared"),
    ("unless_set_since = \"${since}\"\n", "", "parameter.since", "is used nowhere"),
    ("type = \"text\"", "type = \"string\"", "parameter.group.type", "there are text, accounts, timestamp, count"),
    ("default = 500", "default = 0", "parameter.slice.default", "from 1"),
    ("default = 500", "defualt = 500", "parameter.slice.defualt", "no key"),
    ("group = \"${group}\"", "group = \"CN=${group},DC=x\"", "scope[1].group", "whole value"),
    ("group = \"${group}\"", "group = \"${group}\"\neveryone = true", "scope[1]", "not several"),
    ("kind = \"entra\"\neveryone = true", "kind = \"entra\"", "scope[2]", "say one of"),
    ("kind = \"entra\"\neveryone = true", "kind = \"entra\"\neveryone = false", "scope[2].everyone", "only be true"),
    ("kind = \"entra\"\neveryone", "kind = \"entra\"\ndirectory = \"cloud\"\neveryone", "scope[2].kind", "not by both"),
    ("query = \"(department=Lab)\"", "query = \"${group}\"", "exclude[2].query", "no parameter can stand here"),
    ("accounts = \"${spared}\"", "accounts = []", "exclude[3].accounts", "is empty"),
    ("accounts = [\"CN=breakglass,DC=example,DC=test\"]", "", "protect[1].accounts", "is missing"),
    (
        "\"set_password_must_change\", \"revoke_sessions\"",
        "\"setpassword\"",
        "population.workforce.actions[1]",
        "there are",
    ),
    (
        "\"set_password_must_change\", \"revoke_sessions\"",
        "\"set_password\", \"scramble\"",
        "population.workforce.actions[2]",
        "both concern the password",
    ),
    ("[\"scramble\"]", "[]", "population.dormant.actions", "leave_out"),
    ("[\"scramble\"]", "[\"scramble\"]\nleave_out = \"x\"", "population.dormant.leave_out", "keep one"),
    ("[population.guest]\nleave_out = \"their own organisation resets them\"\n", "", "population.guest", "is missing"),
    ("[population.guest]", "[population.gest]", "population.gest", "no key"),
    ("owner = \"platform team\"", "actions = [\"set_password\"]", "population.service.actions", "either people"),
    ("owner = \"platform team\"", "set_twice = true", "population.service.set_twice", "nothing that the run"),
    (
        "leave_out = \"their own",
        "set_twice = true\nleave_out = \"their own",
        "population.guest.set_twice",
        "both or of neither",
    ),
    ("[\"set_password\"]", "[\"disable\"]\nset_twice = true", "population.mailbox.set_twice", "no action here sets"),
    ("name = \"duty lead\"", "name = \"duty\\u202e lead\"", "contact[1].name", "turn the direction"),
    ("pause = \"30m\"", "pause = \"30 min\"", "waves.canary.pause", "length of time"),
    ("pause = \"30m\"", "pause = \"300h\"", "waves.canary.pause", "longer than 168 h"),
    ("pause = \"30m\"", "pause = 30", "waves.canary.pause", "must be a text"),
    ("pause = \"2h\"", "size = 3", "waves.privileged.size", "no key"),
    ("[waves.canary]", "[waves.canaries]", "waves.canaries", "no key"),
    ("size = \"${slice}\"", "size = 0", "waves.workforce.size", "0 is not"),
    ("failure_percent = 2", "failure_percent = 101", "guardrails.failure_percent", "from 0 to 100"),
    ("failure_percent = 2", "failure_share = 0.1", "guardrails.failure_share", "no key"),
    ("sync_wait = \"5m\"", "sync_wait = true", "guardrails.sync_wait", "must be a text"),
    ("persons = 2", "persons = 3", "approval[1].persons", "`by` names 2"),
    ("persons = 2", "persons = 0", "approval[1].persons", "from 1 to 10"),
    ("by = [\"Ada\", \"Grace\"]", "by = [\"Ada\", \"ADA\"]", "approval[1]", "one person twice"),
    ("\"privileged\", \"privileged_elsewhere\"", "\"privileged\"", "approval", "privileged_elsewhere"),
    ("\"privileged\", \"privileged_elsewhere\"", "\"admins\"", "approval[1].waves[1]", "no kind of wave"),
    ("reach = \"the printed list\"", "", "contact[1].reach", "is missing"),
    ("age1ql3", "age1qq3", "vault.recipients[1]", "no age recipient"),
    ("[[contact]]", "[[message]]", "message", "no key"),
    ("[messages]\nfolder = \"messages\"\ncompromised = [\"corp\"]\n", "", "messages", "nobody tells them"),
    ("folder = \"messages\"\n", "", "messages", "waiver = "),
    ("compromised = [\"corp\"]", "waiver = \"why\"", "messages.waiver", "keep one"),
    ("compromised = [\"corp\"]", "compromised = [\"The Corp\"]", "messages.compromised[1]", "a-z"),
    ("folder = \"messages\"\n", "waiver = \"why\"\n", "messages.compromised", "no channel"),
    ("compromised = [\"corp\"]", "waivr = \"why\"", "messages.waivr", "no key"),
    ("[guardrails]", "[guardrails", "", ""),
];

#[test]
fn the_full_playbook_has_none() {
    assert_eq!(Playbook::faults(FULL), []);
}

#[test]
fn every_fault_names_its_line_and_key() {
    for (from, to, key, words) in CASES {
        assert_eq!(FULL.matches(from).count(), 1, "{from:?} has to stand there once");
        let text = FULL.replacen(from, to, 1);
        let faults = Playbook::faults(&text);
        let found = faults.iter().find(|fault| fault.key == *key && fault.problem.contains(words));
        let found = found.unwrap_or_else(|| panic!("{to:?}: no fault of {key:?} with {words:?} in {faults:#?}"));
        // What is wrong stands on the line of the fault; what is missing, in the table that begins there.
        let line = text.lines().nth(found.line - 1).unwrap();
        let last =
            key.rsplit('.').next().unwrap().trim_end_matches(|c: char| c == ']' || c == '[' || c.is_ascii_digit());
        let missing = words.contains("missing") || *key == "approval" || words.contains("nobody tells them");
        assert!(missing || line.contains(last), "{key} is not on line {}: {line}", found.line);
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains("full.toml: line "), "{error}");
    }
}

#[test]
fn what_is_missing_is_told_at_its_table() {
    let text = FULL.replace("reach = \"the printed list\"", "");
    let fault = &Playbook::faults(&text)[0];
    assert_eq!(text.lines().nth(fault.line - 1), Some("[[contact]]"), "{fault}");
}

#[test]
fn all_faults_are_told_by_line() {
    let text = FULL.replace("seed = 7", "seed = 0.5").replace("[\"scramble\"]", "[\"hash\"]").replace("2h", "two");
    let faults = Playbook::faults(&text);
    assert_eq!(faults.len(), 3, "{faults:#?}");
    assert!(faults.is_sorted_by_key(|fault| fault.line));
    let error = parse(&text).unwrap_err().to_string();
    assert!(error.contains("`seed`") && error.contains("`waves.privileged.pause`"), "{error}");
}

#[test]
fn a_file_that_is_not_there_or_too_large_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    assert!(Playbook::from_file(&path).unwrap_err().to_string().contains("none.toml"));
    std::fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(Playbook::check(&path).unwrap_err().to_string().contains("at most"));
    std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
    assert!(Playbook::from_file(&path).unwrap_err().to_string().contains("none.toml"));
}

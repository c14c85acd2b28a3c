//! From a playbook and arguments to a plan's settings.

use super::{FULL, arguments, directories, parse};
use crate::engine::Guardrails;
use crate::plan::{Population, Selection, ServiceDisposition, WaveKind};
use crate::playbook::{Arguments, Playbook};
use crate::reset::Action;

#[test]
fn everything_that_is_said_arrives() {
    let playbook = parse(FULL).unwrap();
    let spec = playbook.order(&arguments(), &directories()).unwrap();
    assert_eq!(
        spec.select,
        [
            Selection::group("corp", "CN=Sales,DC=example,DC=test"),
            Selection::directory("cloud"),
            Selection::directory("cloud2"),
        ]
    );
    let excluded: Vec<String> = spec.exclude.iter().map(ToString::to_string).collect();
    assert_eq!(
        excluded,
        ["unit OU=Kiosk,DC=example,DC=test of corp", "query (department=Lab) of corp", "a list of 1 accounts"]
    );
    assert_eq!(spec.protect[0].directory.as_deref(), Some("corp"));
    assert_eq!(spec.unless_set_since, Some("2026-03-01T08:00:00Z".parse().unwrap()));
    assert_eq!(spec.actions.workforce, [Action::SetPassword { must_change: true }, Action::RevokeSessions]);
    assert_eq!(spec.actions.guest, []);
    assert_eq!(spec.actions_in["cloud"].workforce, [Action::RevokeSessions]);
    assert_eq!(spec.actions_in["cloud"].privileged, spec.actions.privileged);
    assert_eq!(spec.actions_in["cloud2"].workforce, [], "the id counts more than the kind");
    assert!(!spec.actions_in.contains_key("corp"));
    assert_eq!(spec.set_twice, [Population::Workforce]);
    let ServiceDisposition::Manual { procedure, owner } = &spec.service else { panic!("{:?}", spec.service) };
    assert_eq!((procedure.is_some(), owner.as_deref()), (true, Some("platform team")));
    assert_eq!((spec.waves.canary, spec.waves.workforce.unwrap().get(), spec.seed), (5, 500, 7));
    assert_eq!(
        spec.pauses.iter().map(|(kind, seconds)| (*kind, *seconds)).collect::<Vec<_>>(),
        [(WaveKind::Canary, 1800), (WaveKind::Privileged, 7200), (WaveKind::Workforce, 90)]
    );
    let origin = spec.origin.unwrap();
    assert_eq!(origin.digest, playbook.digest());
    assert_eq!(origin.parameters["spared"], "a.spared");
    assert_eq!((origin.approvals[0].persons, origin.contacts.len(), origin.recipients.len()), (2, 1, 1));
    assert!(origin.notes.iter().any(|note| note.contains("a test tenant")), "{:?}", origin.notes);
    let rails = Guardrails::from(&origin.guardrails);
    assert!((rails.failure_share - 0.02).abs() < 1e-9);
    assert_eq!((rails.failure_floor, rails.canary_failures, rails.consecutive_refusals), (5, 1, 10));
    assert_eq!((rails.passwords_per_account, rails.sync_wait.as_secs()), (4, 300));
}

#[test]
fn the_same_makes_the_same_and_a_changed_byte_another_digest() {
    let playbook = parse(FULL).unwrap();
    let spec = playbook.order(&arguments(), &directories()).unwrap();
    let mut turned = directories();
    turned.reverse();
    assert_eq!(playbook.order(&arguments(), &turned).unwrap(), spec);
    let text = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<crate::plan::PlanSpec>(&text).unwrap(), spec);
    let other = parse(&format!("{FULL}# reviewed\n")).unwrap();
    assert_ne!(other.digest(), playbook.digest());
}

fn refused(playbook: &Playbook, arguments: &Arguments, words: &[&str]) {
    let error = playbook.order(arguments, &directories()).unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[test]
fn arguments_are_checked_by_type() {
    let playbook = parse(FULL).unwrap();
    refused(&playbook, &Arguments::default(), &["full.toml", "`group`", "is required", "whose members were phished"]);
    refused(&playbook, &arguments().with("grup", "x"), &["`grup`", "it has group, since, slice, spared"]);
    let with = |name: &str, value: serde_json::Value| {
        let json = serde_json::json!({"group": "g", "since": "2026-03-01T08:00:00Z"});
        let mut json = json.as_object().unwrap().clone();
        json.insert(name.to_owned(), value);
        serde_json::from_value::<Arguments>(json.into()).unwrap()
    };
    refused(&playbook, &with("since", "yesterday".into()), &["`since`", "a time with its offset"]);
    refused(&playbook, &with("since", 17.into()), &["`since`", "a time with its offset"]);
    refused(&playbook, &with("slice", 0.into()), &["`slice`", "a whole number"]);
    refused(&playbook, &with("group", "".into()), &["`group`", "a text"]);
    refused(&playbook, &with("group", "a\nb".into()), &["`group`", "a text"]);
    refused(&playbook, &with("spared", serde_json::json!(["a", 1])), &["`spared`", "a list of account names"]);
    let spec = playbook.order(&with("slice", "25".into()), &directories()).unwrap();
    assert_eq!(spec.waves.workforce.unwrap().get(), 25, "words of a command line are taken too");
}

#[test]
fn a_directory_that_is_not_there_is_an_error_with_its_key() {
    let order = |from: &str, to: &str| {
        let text = FULL.replacen(from, to, 1);
        parse(&text).unwrap().order(&arguments(), &directories()).unwrap_err().to_string()
    };
    let error = order("directory = \"corp\"\ngroup", "directory = \"crop\"\ngroup");
    assert!(error.contains("`scope[1]`") && error.contains("\"crop\"") && error.contains("corp (ldap)"), "{error}");
    let error = order("kind = \"entra\"\neveryone", "kind = \"okta\"\neveryone");
    assert!(error.contains("`scope[2]`") && error.contains("kind \"okta\""), "{error}");
    let error = order("directory.cloud2", "directory.cloud3");
    assert!(error.contains("`population`") && error.contains("cloud3"), "{error}");
    let error = order("[[protect]]\ndirectory = \"corp\"", "[[protect]]\nkind = \"entra\"");
    assert!(error.contains("`protect[1]`") && error.contains("name its id"), "{error}");
    // Actions by kind are for whichever directories a run has; the plan tells that there is none.
    let text = FULL.replacen("kind.entra", "kind.okta", 1);
    let spec = parse(&text).unwrap().order(&arguments(), &directories()).unwrap();
    assert!(spec.origin.unwrap().notes.iter().any(|note| note.contains("okta")));
}

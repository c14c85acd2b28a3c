use super::*;
use identity_core::account::PasswordAuthority;
use proptest::prelude::*;
use serde_json::{Value, json};

const ID: &str = "00uqrjxsgd0UxglnX5d7";

/// The row, over that of an active user with a password of Okta's.
fn row(over: &Value) -> Value {
    let mut row = json!({
        "id": ID, "status": "ACTIVE", "created": "2025-09-29T02:03:56.000Z", "activated": null,
        "statusChanged": "2025-09-29T02:04:04.000Z", "lastLogin": null, "lastUpdated": "2025-09-29T02:04:04.000Z",
        "passwordChanged": "2025-09-29T02:03:56.000Z", "type": { "id": "otynwlw0pkLLUgtNG5d7" },
        "profile": { "firstName": "Ada", "lastName": "Doe", "login": "ada@example.test", "email": "ada@example.test" },
        "credentials": { "password": {}, "provider": { "type": "OKTA", "name": "OKTA" } },
    });
    for (name, value) in over.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

fn try_read(anchors: &AnchorAttributes, over: &Value) -> Result<Account> {
    let user: User = serde_json::from_value(row(over)).unwrap();
    account(&DirectoryId::new("org").unwrap(), anchors, &user)
}

fn read(over: &Value) -> Account {
    try_read(&AnchorAttributes::default(), over).unwrap()
}

#[test]
fn every_status_is_told_apart_and_kept() {
    for (status, enabled, locked, must_change, awaits_recovery) in [
        ("STAGED", false, false, false, false),
        ("PROVISIONED", true, false, false, false),
        ("ACTIVE", true, false, false, false),
        ("RECOVERY", true, false, false, true),
        ("PASSWORD_EXPIRED", true, false, true, false),
        ("LOCKED_OUT", true, true, false, false),
        ("SUSPENDED", false, false, false, false),
        ("DEPROVISIONED", false, false, false, false),
        ("ACTIVATING", true, false, false, false),
        ("SOMETHING_NEW", true, false, false, false),
    ] {
        let account = read(&json!({ "status": status }));
        let state = (account.state.enabled, account.state.locked);
        assert_eq!(state, (enabled, locked), "{status}");
        let password = (account.password.must_change, account.password.awaits_recovery);
        assert_eq!(password, (must_change, awaits_recovery), "{status}");
        assert_eq!(account.attributes[STATUS], status);
        assert_eq!(is_deprovisioned(status), status == "DEPROVISIONED");
    }
}

#[test]
fn the_owner_of_the_password_is_told_by_who_checks_it() {
    use PasswordAuthority::{Federated, Here, Nowhere, OnPrem, Unknown};
    let with = |sort: &str, name: &str, password: bool| {
        let mut credentials = json!({ "provider": { "type": sort, "name": name } });
        if password {
            credentials["password"] = json!({});
        }
        json!({ "credentials": credentials })
    };
    let in_status = |status: &str, mut row: Value| {
        row["status"] = json!(status);
        row
    };
    let none = || with("OKTA", "OKTA", false);
    for (what, row, authority, procedure) in [
        ("a password of Okta's", with("OKTA", "OKTA", true), Here, None),
        ("passwordless", none(), Nowhere, Some("no password and signs in by")),
        ("never activated", in_status("STAGED", none()), Nowhere, Some("no password yet")),
        ("not set up", in_status("PROVISIONED", none()), Nowhere, Some("no password yet")),
        ("its password is void", in_status("RECOVERY", none()), Here, None),
        ("its password has expired", in_status("PASSWORD_EXPIRED", none()), Here, None),
        ("locked out", in_status("LOCKED_OUT", none()), Here, None),
        ("staged with a password", in_status("STAGED", with("OKTA", "OKTA", true)), Here, None),
        ("a hash", with("IMPORT", "IMPORT", true), Here, None),
        ("a hash that an inline hook checks", with("IMPORT", "IMPORT", false), Here, None),
        ("Active Directory", with("ACTIVE_DIRECTORY", "corp.example.test", false), OnPrem, None),
        ("LDAP", with("LDAP", "ldap.example.test", true), OnPrem, None),
        (
            "federation",
            with("FEDERATION", "FEDERATION", false),
            Federated(String::new()),
            Some("at its identity provider"),
        ),
        (
            "a named one",
            with("FEDERATION", "Partner SAML", true),
            Federated("Partner SAML".into()),
            Some("would turn it"),
        ),
        ("social", with("SOCIAL", "GOOGLE", false), Federated("GOOGLE".into()), Some("at its identity provider")),
        ("new", with("ORACLE", "x", true), Unknown, Some("not known here")),
        (
            "no type",
            json!({ "credentials": { "password": {}, "provider": { "name": "x" } } }),
            Unknown,
            Some("does not tell"),
        ),
        ("no provider", json!({ "credentials": { "password": {} } }), Unknown, Some("does not tell")),
        ("no credentials", json!({ "credentials": null }), Unknown, Some("does not tell")),
    ] {
        let account = read(&row);
        assert_eq!(account.authority, authority, "{what}");
        match (account.procedure.as_deref(), procedure) {
            (None, None) => {}
            (Some(said), Some(words)) => assert!(said.contains(words), "{what}: {said}"),
            other => panic!("{what}: {other:?}"),
        }
        let provider = row["credentials"]["provider"]["type"].as_str().map(str::to_owned);
        assert_eq!(account.attributes.get(PROVIDER_TYPE), provider.as_ref(), "{what}");
    }
}

#[test]
fn anchors_join_with_active_directory_where_the_org_says_which_attributes_hold_them() {
    let profile = |guid: &str, sid: &str| json!({ "profile": { "login": "ada@example.test", "adGuid": guid, "adSid": sid, "upn": "ada@corp.test" } });
    // Bytes of the objectGUID 246bc01f-e470-447e-8b04-64fa0a4bbb19 as Active Directory keeps them.
    let (base64, text) = ("H8BrJHDkfkSLBGT6Cku7GQ==", "246bc01f-e470-447e-8b04-64fa0a4bbb19");
    let sid = "S-1-5-21-1-2-3-1104";
    let anchors = AnchorAttributes::default().object_guid("adGuid").security_id("adSid").principal_name("upn");
    for written in [base64, text, "246BC01F-E470-447E-8B04-64FA0A4BBB19", "{246bc01f-e470-447e-8b04-64fa0a4bbb19}"] {
        let account = try_read(&anchors, &profile(written, sid)).unwrap();
        assert_eq!(account.anchors.immutable_id.as_deref(), Some(text), "{written}");
        assert_eq!(account.anchors.security_id.as_deref(), Some(sid));
        assert_eq!(account.anchors.principal_name.as_deref(), Some("ada@corp.test"));
        assert!(!account.attributes.contains_key("adGuid") && !account.attributes.contains_key("adSid"));
    }
    for other in ["employee-4711", "246bc01fe470447e8b0464fa0a4bbb19", "00000000-0000-0000-0000-000000000000", "QUJD"] {
        let account = try_read(&anchors, &profile(other, "1104")).unwrap();
        assert_eq!((account.anchors.immutable_id, account.anchors.security_id), (None, None), "{other}");
        assert_eq!((account.attributes["adGuid"].as_str(), account.attributes["adSid"].as_str()), (other, "1104"));
    }
    let account = read(&profile(base64, sid));
    assert_eq!((account.anchors.immutable_id, account.anchors.security_id), (None, None), "nothing is guessed");
    assert_eq!(account.anchors.principal_name.as_deref(), Some("ada@example.test"));
}

#[test]
fn the_rest_of_a_row_is_read() {
    let account = read(&json!({
        "lastLogin": "2025-10-01T08:00:00.000Z", "realmId": "guotivlj45ZSJtnfF1d7",
        "profile": {
            "firstName": "Ada", "lastName": null, "login": "ada@example.test", "email": "ada@mail.test",
            "secondEmail": "ada@home.test", "department": "Finance", "employeeNumber": 4711, "manager": "Grace",
            "managerId": "g1", "costCenter": "", "custom": ["x"], "externalId": "e-1",
        },
    }));
    assert_eq!((account.id.as_str(), account.name.as_str()), (ID, "ada@example.test"));
    assert_eq!(account.kind, AccountKind::Person);
    assert_eq!(account.display_name.as_deref(), Some("Ada"));
    assert_eq!(account.mail.as_deref(), Some("ada@mail.test"));
    assert_eq!(account.owner.as_deref(), Some("Grace"));
    let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    assert_eq!(account.created, time("2025-09-29T02:03:56Z"));
    assert_eq!(account.password.last_set, time("2025-09-29T02:03:56Z"));
    assert_eq!(account.state.status_changed, time("2025-09-29T02:04:04Z"));
    assert_eq!(account.last_sign_in, time("2025-10-01T08:00:00Z"));
    for (name, value) in [
        ("department", "Finance"),
        ("employeeNumber", "4711"),
        ("externalId", "e-1"),
        ("secondEmail", "ada@home.test"),
        ("type.id", "otynwlw0pkLLUgtNG5d7"),
        ("realmId", "guotivlj45ZSJtnfF1d7"),
        ("credentials.provider.name", "OKTA"),
    ] {
        assert_eq!(account.attributes[name], value);
    }
    assert!(!account.attributes.contains_key("costCenter") && !account.attributes.contains_key("custom"));
    let bare = read(&json!({ "profile": { "login": "ada", "secondEmail": "ada@home.test" }, "passwordChanged": null }));
    assert_eq!((bare.display_name, bare.password.last_set), (None, None));
    assert_eq!(bare.mail.as_deref(), Some("ada@home.test"));
}

#[test]
fn a_row_that_shows_too_little_is_an_error_and_no_account() {
    let read = |over: &Value| try_read(&AnchorAttributes::default(), over);
    for profile in [json!({}), json!(null), json!({ "login": "" }), json!({ "login": ["ada"] })] {
        let error = read(&json!({ "profile": profile })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
        assert!(error.detail().contains(ID) && error.advice().is_some(), "{error}");
    }
    for id in ["", "ada@example.test", "00g0000000000000000", "a b"] {
        assert_eq!(read(&json!({ "id": id })).unwrap_err().kind(), ErrorKind::Protocol, "{id:?}");
    }
    for lacking in ["id", "status"] {
        let mut without = row(&json!({}));
        without.as_object_mut().unwrap().remove(lacking);
        assert!(serde_json::from_value::<User>(without).is_err(), "{lacking}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::collection::vec(".{0,5}", 0..3).prop_map(Value::from),
        Just(json!({ "a": 1 })),
    ]
}

proptest! {
    #[test]
    fn any_status_provider_and_profile_are_read_and_nothing_is_made_up(
        status in prop_oneof![".{0,20}", Just("RECOVERY".to_owned()), Just("SUSPENDED".to_owned())],
        sort in prop_oneof![Just("OKTA".to_owned()), Just("IMPORT".to_owned()), Just("LDAP".to_owned()), ".{0,20}"],
        password in any::<bool>(),
        profile in prop::collection::btree_map(
            prop::sample::select(FOR_POPULATIONS.to_vec()).prop_map(str::to_owned).boxed(), any_value(), 0..10),
        time in ".{0,30}",
    ) {
        let mut all = json!(profile);
        all["login"] = json!("ada@example.test");
        all["email"] = json!(time);
        let mut credentials = json!({ "provider": { "type": sort, "name": status } });
        if password {
            credentials["password"] = json!({ "value": "planted" });
        }
        let over = json!({
            "status": status, "created": time, "passwordChanged": time, "profile": all, "credentials": credentials,
        });
        let anchors = AnchorAttributes::default().object_guid("title").security_id("city");
        let account = try_read(&anchors, &over).unwrap();
        let here = account.authority == PasswordAuthority::Here;
        let had_one = ["RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT"].contains(&status.as_str());
        prop_assert_eq!(here, sort == "IMPORT" || (sort == "OKTA" && (password || had_one)));
        prop_assert_eq!(account.attributes.get(STATUS).map_or("", String::as_str), status.as_str());
        prop_assert!(account.attributes.values().all(|value| !value.is_empty()));
        let shown = format!("{account:?}");
        prop_assert!(!shown.contains("planted"));
        let closed = ["STAGED", "SUSPENDED", "DEPROVISIONED"].contains(&status.as_str());
        prop_assert_eq!(account.state.enabled, !closed);
    }
}

#[test]
fn a_recovery_question_is_told_and_not_kept() {
    let with = |question: Value| {
        read(&json!({ "credentials": {
            "password": {}, "provider": { "type": "OKTA", "name": "OKTA" }, "recovery_question": question,
        } }))
    };
    let account = with(json!({ "question": "Who was your first teacher?" }));
    assert_eq!(account.attributes[RECOVERY_QUESTION], "set");
    assert!(!format!("{account:?}").contains("teacher"));
    assert!(!with(json!(null)).attributes.contains_key(RECOVERY_QUESTION));
}

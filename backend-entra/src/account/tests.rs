use super::*;
use identity_core::account::{AccountKind, PasswordAuthority};
use serde_json::{Value, json};

use crate::domains::tests::two;

const ID: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";

const SYNC_ID: &str = "0a1b2c3d-0000-4000-8000-000000000007";

/// One account synchronises.
fn sync() -> SyncAccounts {
    SyncAccounts::Holders([SYNC_ID.to_owned()].into())
}

/// The row, over that of an ordinary member.
fn read(over: &Value) -> Account {
    let mut row = json!({
        "id": ID, "userPrincipalName": "adelev@managed.test", "displayName": "Adele Vance", "accountEnabled": true,
        "userType": "Member", "creationType": null, "externalUserState": null, "onPremisesSyncEnabled": null,
        "passwordProfile": null, "mail": "",
        "identities": [{ "signInType": "userPrincipalName", "issuer": "x.test", "issuerAssignedId": "a@managed.test" }],
    });
    for (name, value) in over.as_object().unwrap() {
        row[name] = value.clone();
    }
    let user: User = serde_json::from_value(row).unwrap();
    let directory = DirectoryId::new("cloud").unwrap();
    account(&directory, &two(), &sync(), user).unwrap()
}

#[test]
fn every_kind_is_told_apart() {
    use AccountKind::{DirectorySync, Guest, Person, Service};
    use PasswordAuthority::{Here, Nowhere, OnPrem, Unknown};
    let federated = PasswordAuthority::Federated("federated.test".into());
    let here = json!({ "signInType": "userPrincipalName", "issuer": "x.test" });
    let elsewhere = json!({ "signInType": "federated", "issuer": "ExternalAzureAD" });
    let guest_name = "a_partner.test#EXT#@managed.test";
    for (what, row, kind, authority) in [
        ("cloud member", json!({}), Person, Here),
        ("sync switched off", json!({ "onPremisesSyncEnabled": false }), Person, Here),
        ("synced", json!({ "onPremisesSyncEnabled": true }), Person, OnPrem),
        ("federated", json!({ "userPrincipalName": "a@Federated.test" }), Person, federated.clone()),
        (
            "synced and federated",
            json!({ "userPrincipalName": "a@federated.test", "onPremisesSyncEnabled": true }),
            Person,
            federated,
        ),
        ("domain not known", json!({ "userPrincipalName": "a@other.test" }), Person, Unknown),
        (
            "guest",
            json!({ "userType": "Guest", "creationType": "Invitation", "userPrincipalName": guest_name }),
            Guest,
            Unknown,
        ),
        ("invited, made a member", json!({ "creationType": "Invitation" }), Guest, Unknown),
        (
            "guest without an invitation",
            json!({ "userType": "Guest", "userPrincipalName": guest_name, "identities": [elsewhere, here] }),
            Guest,
            Unknown,
        ),
        ("only an outer identity", json!({ "identities": [elsewhere] }), Guest, Unknown),
        ("a second, outer identity", json!({ "identities": [elsewhere, here] }), Person, Here),
        ("internal guest", json!({ "userType": "Guest" }), Person, Here),
        (
            "customer",
            json!({
                "creationType": "LocalAccount", "userPrincipalName": "x@other.test",
                "identities": [{ "signInType": "emailAddress", "issuer": "x.test" }],
            }),
            Person,
            Here,
        ),
        ("agent", json!({ "@odata.type": "#microsoft.graph.agentUser" }), Service, Nowhere),
        ("sync account", json!({ "id": SYNC_ID }), DirectorySync, Here),
        ("named like one", json!({ "userPrincipalName": "Sync_DC01_4f2a@managed.test" }), Person, Here),
    ] {
        let account = read(&row);
        assert_eq!((account.kind, account.authority), (kind, authority), "{what}");
        let by_hand = matches!(account.kind, Guest | Service | DirectorySync);
        assert_eq!(account.procedure.is_some(), by_hand, "{what}");
    }
}

#[test]
fn anchors_join_with_active_directory() {
    // Bytes of the objectGUID 246bc01f-e470-447e-8b04-64fa0a4bbb19 as Active Directory keeps them.
    let account = read(&json!({
        "onPremisesImmutableId": "H8BrJHDkfkSLBGT6Cku7GQ==",
        "onPremisesSecurityIdentifier": "S-1-5-21-1-2-3-1104",
        "onPremisesDomainName": "corp.test",
    }));
    assert_eq!(account.anchors.immutable_id.as_deref(), Some("246bc01f-e470-447e-8b04-64fa0a4bbb19"));
    assert_eq!(account.anchors.security_id.as_deref(), Some("S-1-5-21-1-2-3-1104"));
    assert_eq!(account.anchors.principal_name.as_deref(), Some("adelev@managed.test"));
    assert_eq!(account.attributes["onPremisesDomainName"], "corp.test");
    assert!(!account.attributes.contains_key("onPremisesImmutableId"));
    let other = read(&json!({ "onPremisesImmutableId": "employee-4711", "onPremisesSecurityIdentifier": "" }));
    assert_eq!((other.anchors.immutable_id, other.anchors.security_id), (None, None));
    assert_eq!(other.attributes["onPremisesImmutableId"], "employee-4711");
}

#[test]
fn the_state_of_account_password_and_sessions_is_read() {
    let account = read(&json!({
        "accountEnabled": false, "lastPasswordChangeDateTime": "2026-05-01T10:00:00Z",
        "signInSessionsValidFromDateTime": "2026-05-02T10:00:00Z", "department": "Finance",
        "passwordProfile": { "password": null, "forceChangePasswordNextSignIn": false, "forceChangePasswordNextSignInWithMfa": true },
        "isManagementRestricted": true, "passwordPolicies": "None",
        "signInActivity": {
            "lastSignInDateTime": "2026-01-01T00:00:00Z", "lastNonInteractiveSignInDateTime": "2026-02-01T00:00:00Z",
        },
    }));
    assert!(!account.state.enabled && account.mail.is_none());
    assert_eq!(account.password.last_set, Some("2026-05-01T10:00:00Z".parse().unwrap()));
    assert_eq!(account.state.sessions_valid_from, Some("2026-05-02T10:00:00Z".parse().unwrap()));
    assert!(account.password.must_change && account.password.change_after_mfa);
    assert_eq!(account.last_sign_in, Some("2026-02-01T00:00:00Z".parse().unwrap()));
    assert_eq!(account.attributes["department"], "Finance");
    assert_eq!(account.attributes["isManagementRestricted"], "true");
    assert!(!account.attributes.contains_key("passwordPolicies"));
    let forced = read(&json!({ "passwordProfile": { "forceChangePasswordNextSignIn": true } })).password;
    assert!(forced.must_change && !forced.change_after_mfa);
}

#[test]
fn a_row_that_shows_too_little_is_an_error_and_not_a_cloud_account() {
    for row in [
        json!({ "@odata.type": "#microsoft.graph.user", "id": ID }),
        json!({ "id": ID, "userPrincipalName": "a@managed.test" }),
        json!({ "id": "not an id", "userPrincipalName": "a@managed.test", "accountEnabled": true }),
    ] {
        let user: User = serde_json::from_value(row).unwrap();
        let directory = DirectoryId::new("cloud").unwrap();
        let error = account(&directory, &two(), &sync(), user).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege);
        assert!(error.advice().unwrap().contains("User.Read.All"), "{error}");
    }
}

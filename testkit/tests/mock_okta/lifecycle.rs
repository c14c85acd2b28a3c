//! Statuses, and what takes a user from one to another.

use testkit::mock_okta::{Agents, OktaSignInRefusal, Provider, Status, fixed};

use crate::client::{begun, described, with};

#[tokio::test(start_paused = true)]
async fn what_an_operation_does_depends_on_the_status() {
    use Status::{Active, Deprovisioned, PasswordExpired, Provisioned, Recovery, Suspended};
    let places = [
        fixed::STAGED,
        fixed::PROVISIONED,
        fixed::ORDINARY,
        fixed::RECOVERY,
        fixed::PASSWORD_EXPIRED,
        fixed::LOCKED_OUT,
        fixed::SUSPENDED,
        fixed::DEPROVISIONED,
    ];
    let not_now = Err((403, "E0000038"));
    let no = Err((400, "E0000001"));
    let locked = Err((403, "E0000032"));
    let active = Err((403, "E0000016"));
    let same = places.map(|_| not_now);
    for (operation, expected) in [
        (
            "lifecycle/reset_password?sendEmail=false",
            [not_now, not_now, Ok(Recovery), Ok(Recovery), Ok(Recovery), Ok(Recovery), not_now, not_now],
        ),
        (
            "lifecycle/expire_password",
            [
                not_now,
                not_now,
                Ok(PasswordExpired),
                not_now,
                Ok(PasswordExpired),
                Ok(PasswordExpired),
                not_now,
                not_now,
            ],
        ),
        (
            "lifecycle/expire_password_with_temp_password",
            [
                not_now,
                not_now,
                Ok(PasswordExpired),
                not_now,
                Ok(PasswordExpired),
                Ok(PasswordExpired),
                not_now,
                not_now,
            ],
        ),
        ("lifecycle/unlock", [locked, locked, locked, locked, locked, Ok(Active), locked, locked]),
        ("lifecycle/suspend", [no, no, Ok(Suspended), no, Ok(Suspended), no, no, no]),
        ("lifecycle/unsuspend", [no, no, no, no, no, no, Ok(Active), no]),
        (
            "lifecycle/activate?sendEmail=false",
            [Ok(Provisioned), active, active, active, active, active, active, Ok(Active)],
        ),
        (
            "lifecycle/reactivate?sendEmail=false",
            [not_now, Ok(Provisioned), not_now, Ok(Recovery), not_now, not_now, not_now, not_now],
        ),
        (
            "lifecycle/deactivate",
            [
                Ok(Deprovisioned),
                Ok(Deprovisioned),
                Ok(Deprovisioned),
                Ok(Deprovisioned),
                Ok(Deprovisioned),
                Ok(Deprovisioned),
                Ok(Deprovisioned),
                not_now,
            ],
        ),
        ("credentials/forgot_password", {
            let (kind, not_allowed) = (Err((403, "E0000017")), Err((403, "E0000034")));
            let mut expected = same;
            expected.fill(not_allowed);
            // They have no password that could be forgotten.
            (expected[0], expected[1]) = (kind, kind);
            expected
        }),
    ] {
        for (place, expected) in places.into_iter().zip(expected) {
            let (mock, client) = begun();
            let user = mock.user(place).unwrap();
            let reply = client.operate(&user, operation).await;
            let case = format!("{operation} in {}", user.status().as_str());
            match expected {
                Ok(status) => {
                    assert_eq!(reply.status, 200, "{case}: {}", reply.text);
                    assert_eq!(client.user(&user).await.body["status"], status.as_str(), "{case}");
                }
                Err(refusal) => {
                    assert_eq!(reply.refusal(), refusal, "{case}");
                    assert!(mock.untouched(&user.id), "{case}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_an_expiry_is_stale_about_when_the_status_changed() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let before = client.user(&user).await;
    let reply = client.operate(&user, "lifecycle/expire_password").await;
    assert_eq!(reply.body["status"], "PASSWORD_EXPIRED");
    assert_eq!(reply.body["statusChanged"], before.body["statusChanged"], "stale");
    let after = client.user(&user).await;
    assert_ne!(after.body["statusChanged"], before.body["statusChanged"]);
    assert_eq!(after.body["passwordChanged"], before.body["passwordChanged"]);
    assert_ne!(after.body["lastUpdated"], before.body["lastUpdated"]);
    let password = mock.initial_password(&user.id).unwrap();
    assert_eq!(mock.sign_in(&user.id, &password), Err(OktaSignInRefusal::MustChange), "good for once");
    assert_eq!(mock.sessions(&user.id).unwrap().okta, mock.sessions(&user.login).unwrap().okta);
    assert!(mock.sessions(&user.id).unwrap().okta > 0, "sessions live on");
}

#[tokio::test(start_paused = true)]
async fn a_temporary_password_is_another_one_every_time_and_has_to_be_changed() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let path = "lifecycle/expire_password_with_temp_password?revokeSessions=true";
    let first = client.operate(&user, path).await.body["tempPassword"].as_str().unwrap().to_owned();
    assert_eq!(first.len(), 8);
    assert_eq!(mock.sign_in(&user.id, &first), Err(OktaSignInRefusal::MustChange));
    let second = client.operate(&user, path).await.body["tempPassword"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(mock.sign_in(&user.id, &first), Err(OktaSignInRefusal::WrongPassword));
    let left = mock.sessions(&user.id).unwrap();
    assert_eq!(left.okta, 0);
    assert_eq!(mock.revoked(&user.id).iter().map(|(_, tokens)| *tokens).collect::<Vec<_>>(), [false, false]);
    assert_eq!(mock.sets(&user.id).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reset_voids_the_password_and_gives_a_link_or_a_mail() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    assert_eq!(client.operate(&user, "lifecycle/reset_password").await.refusal(), (400, "E0000001"), "sendEmail");
    let reply = client.operate(&user, "lifecycle/reset_password?sendEmail=false").await;
    let link = reply.body["resetPasswordUrl"].as_str().unwrap().to_owned();
    assert!(link.starts_with("https://okta.mock.test/reset_password/"), "{link}");
    assert!(mock.honours_link(&user.id, &link));
    let password = mock.initial_password(&user.id).unwrap();
    assert_eq!(mock.sign_in(&user.id, &password), Err(OktaSignInRefusal::AwaitsRecovery));
    assert_eq!((mock.counts().mails, mock.sessions(&user.id).unwrap().okta > 0), (0, true));
    let again = client.operate(&user, "lifecycle/reset_password?sendEmail=false&revokeSessions=true").await;
    let newer = again.body["resetPasswordUrl"].as_str().unwrap();
    assert!(mock.honours_link(&user.id, newer) && !mock.honours_link(&user.id, &link), "the first one is void");
    assert_eq!(mock.sessions(&user.id).unwrap().okta, 0);
    let mailed = client.operate(&user, "lifecycle/reset_password?sendEmail=true").await;
    assert_eq!(mailed.body, serde_json::json!({}));
    assert_eq!(mock.counts().mails, 1);
    assert!(!mock.honours_link(&user.id, newer));
    assert!(mock.record().is_empty(), "nobody set a password");
    let events: Vec<&str> = mock.events().iter().map(|event| event.event_type).collect();
    assert_eq!(events.iter().filter(|event| **event == "user.account.reset_password").count(), 3);
    assert_eq!(mock.events()[0].transaction, reply.header("x-okta-request-id").unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_second_mail_may_have_to_wait() {
    let pause = std::time::Duration::from_secs(5);
    let (mock, client) = with(described().mail_pause(pause));
    let (user, other) = (mock.user(fixed::ORDINARY).unwrap(), mock.user(fixed::APOSTROPHE).unwrap());
    let path = "lifecycle/reset_password?sendEmail=true";
    assert_eq!(client.operate(&user, path).await.status, 200);
    let refused = client.operate(&user, path).await;
    assert_eq!(refused.refusal(), (429, "E0000118"));
    assert_eq!(refused.limits().1, 298, "and nothing is wrong with the rate limit");
    assert_eq!(client.operate(&other, path).await.status, 200);
    identity_core::limits::clock::sleep(pause).await;
    assert_eq!(client.operate(&user, path).await.status, 200);
    assert_eq!(mock.counts().mails, 3);
}

#[tokio::test(start_paused = true)]
async fn a_link_is_good_for_an_hour() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let reply = client.operate(&user, "lifecycle/reset_password?sendEmail=false").await;
    let link = reply.body["resetPasswordUrl"].as_str().unwrap();
    identity_core::limits::clock::sleep(std::time::Duration::from_secs(3_599)).await;
    assert!(mock.honours_link(&user.id, link));
    identity_core::limits::clock::sleep(std::time::Duration::from_secs(2)).await;
    assert!(!mock.honours_link(&user.id, link));
}

#[tokio::test(start_paused = true)]
async fn a_reset_turns_a_federated_user_into_one_with_a_password_for_good() {
    let (mock, client) = begun();
    let user = mock.user(fixed::FEDERATED).unwrap();
    assert_eq!(client.operate(&user, "lifecycle/expire_password").await.refusal(), (403, "E0000038"));
    assert_eq!(mock.counts().conversions, 0);
    assert_eq!(client.operate(&user, "lifecycle/reset_password?sendEmail=false").await.status, 200);
    assert_eq!(mock.counts().conversions, 1);
    let after = client.user(&user).await;
    assert_eq!(after.body["credentials"]["provider"]["type"], "OKTA");
    assert_eq!(mock.user(fixed::FEDERATED).unwrap().provider(), Provider::Okta);
    let ordinary = mock.user(fixed::ORDINARY).unwrap();
    let federate = client.operate(&ordinary, "lifecycle/reset_password?sendEmail=false&provider=FEDERATION").await;
    assert_eq!((federate.status, federate.body), (200, serde_json::json!({})));
    assert_eq!(mock.user(fixed::ORDINARY).unwrap().provider(), Provider::Federation);
}

#[tokio::test(start_paused = true)]
async fn passwords_elsewhere_need_an_agent() {
    for (agents, expected, applied) in [
        (Agents::Connected, (200, "(no code)"), true),
        (Agents::Offline, (504, "E0000241"), false),
        (Agents::Late, (502, "E0000240"), true),
        (Agents::Powerless, (403, "E0000017"), false),
    ] {
        let (mock, client) = with(described().agents(agents));
        let user = mock.user(fixed::LDAP).unwrap();
        let reply = client.operate(&user, "lifecycle/reset_password?sendEmail=false").await;
        assert_eq!(reply.refusal(), expected, "{agents:?}");
        assert_eq!(mock.user(fixed::LDAP).unwrap().status() == Status::Recovery, applied, "{agents:?}");
        let here = mock.user(fixed::ORDINARY).unwrap();
        assert_eq!(client.operate(&here, "lifecycle/reset_password?sendEmail=false").await.status, 200, "{agents:?}");
        assert_eq!(client.operate(&user, "lifecycle/unlock").await.refusal(), (403, "E0000032"));
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_being_activated_cannot_be_written_to_yet() {
    let (mock, client) = begun();
    let user = mock.user(fixed::ACTIVATING).unwrap();
    for operation in ["lifecycle/reset_password?sendEmail=false", "lifecycle/suspend", "lifecycle/reset_factors"] {
        assert_eq!(client.operate(&user, operation).await.refusal(), (409, "E0000112"), "{operation}");
    }
    mock.change(&user.id, |user| user.activating = false).unwrap();
    assert_eq!(client.operate(&user, "lifecycle/reset_factors").await.body, serde_json::json!({}));
    assert!(mock.factors_were_reset(&user.id));
}

#[tokio::test(start_paused = true)]
async fn sessions_end_and_tokens_for_apps_only_where_that_is_asked() {
    let (mock, client) = begun();
    let user = mock.users().find(|user| mock.sessions(&user.id).is_some_and(|left| left.app_tokens > 0)).unwrap();
    let before = mock.sessions(&user.id).unwrap();
    let path = format!("/api/v1/users/{}/sessions", user.id);
    let reply = client.send("DELETE", &format!("{path}?forgetDevices=false")).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    let left = mock.sessions(&user.id).unwrap();
    assert_eq!((left.okta, left.app_tokens, left.devices), (0, before.app_tokens, before.devices));
    assert_eq!(client.send("DELETE", &format!("{path}?oauthTokens=true")).await.status, 204);
    let left = mock.sessions(&user.id).unwrap();
    assert_eq!((left.okta, left.app_tokens, left.devices), (0, 0, 0));
    assert_eq!(client.send("DELETE", &format!("{path}?oauthTokens=maybe")).await.refusal(), (400, "E0000001"));
    let other = mock.users().find(|one| one.id != user.id && mock.sessions(&one.id).unwrap().app_tokens > 0).unwrap();
    assert_eq!(client.send("DELETE", &format!("/api/v1/users/{}/grants", other.id)).await.status, 204);
    let left = mock.sessions(&other.id).unwrap();
    assert!(left.okta > 0 && left.app_tokens == 0);
}

#[tokio::test(start_paused = true)]
async fn links_of_a_user_offer_what_the_status_allows() {
    let (mock, client) = begun();
    for place in 0..24 {
        let user = mock.user(place).unwrap();
        let links = client.user(&user).await.body["_links"].clone();
        let offered: Vec<(String, String)> = links
            .as_object()
            .unwrap()
            .iter()
            .filter_map(|(name, link)| {
                Some((name.clone(), link["href"].as_str().filter(|_| link["method"] == "POST")?.to_owned()))
            })
            .collect();
        for (name, href) in offered {
            // These need a body.
            if name.starts_with("change") {
                continue;
            }
            let (other, client) = begun();
            other.change(&user.id, |user| user.activating = false).unwrap();
            let query = if name == "resetPassword" { "?sendEmail=false" } else { "" };
            let reply = client.send("POST", &format!("{href}{query}")).await;
            assert_eq!(reply.status, 200, "{name} of {}: {}", user.login, reply.text);
        }
    }
}

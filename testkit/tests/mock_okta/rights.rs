//! Scopes, roles, and whose password it is.

use testkit::mock_okta::fixed;

use crate::client::{NEW, begun, described, with};
use crate::sign_in::{Signer, app};

#[tokio::test(start_paused = true)]
async fn who_may_not_is_told_nothing_more() {
    for (roles, expected) in [
        (&["SUPER_ADMIN"][..], [200, 200, 200, 200, 200]),
        (&["ORG_ADMIN"], [200, 200, 200, 200, 403]),
        (&["USER_ADMIN"], [200, 200, 200, 200, 403]),
        (&["HELP_DESK_ADMIN"], [200, 200, 403, 403, 403]),
        (&["READ_ONLY_ADMIN"], [200, 403, 403, 403, 403]),
        (&[], [403, 403, 403, 403, 403]),
    ] {
        let (mock, client) = with(described().caller_roles(roles.iter().copied()));
        let (user, admin) = (mock.user(fixed::ORDINARY).unwrap(), mock.user(fixed::BREAK_GLASS_1).unwrap());
        let replies = [
            client.user(&user).await,
            client.operate(&user, "lifecycle/reset_password?sendEmail=false").await,
            client.set(&user, NEW).await,
            client.operate(&user, "lifecycle/suspend").await,
            client.operate(&admin, "lifecycle/reset_password?sendEmail=false").await,
        ];
        assert_eq!(replies.each_ref().map(|reply| reply.status), expected, "{roles:?}");
        for reply in replies.iter().filter(|reply| reply.status == 403) {
            assert_eq!(reply.body["errorCode"], "E0000006", "{roles:?}");
            assert_eq!(reply.body["errorCauses"], serde_json::json!([]));
        }
        assert_eq!(mock.untouched(&admin.id), expected[4] == 403);
    }
}

#[tokio::test(start_paused = true)]
async fn a_custom_role_is_its_permissions() {
    let permissions = ["okta.users.credentials.resetPassword", "okta.users.lifecycle.clearSessions"];
    let (mock, client) = with(described().caller_roles([]).caller_permissions(permissions));
    let user = mock.user(fixed::ORDINARY).unwrap();
    assert_eq!(client.user(&user).await.status, 200, "what may be written may be read");
    assert_eq!(client.operate(&user, "lifecycle/reset_password?sendEmail=false").await.status, 200);
    assert_eq!(client.send("DELETE", &format!("/api/v1/users/{}/sessions", user.id)).await.status, 204);
    assert_eq!(client.operate(&user, "lifecycle/expire_password").await.refusal(), (403, "E0000006"));
    assert_eq!(client.set(&user, NEW).await.refusal(), (403, "E0000006"));
    let (_, client) = with(described().caller_roles([]).caller_permissions(["okta.users.manage"]));
    assert_eq!(client.set(&user, NEW).await.status, 200);
    assert_eq!(client.operate(&user, "lifecycle/suspend").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_token_needs_the_scope_and_manage_implies_read() {
    let signer = Signer::rsa("k1");
    let (mock, client) = with(described().key(signer.jwk()));
    let user = mock.user(fixed::ORDINARY).unwrap();
    let reading = app(&mock, &client, &signer, "okta.users.read").await;
    assert_eq!(reading.user(&user).await.status, 200);
    let refused = reading.operate(&user, "lifecycle/expire_password").await;
    assert_eq!(refused.refusal(), (403, "E0000006"));
    assert!(refused.header("www-authenticate").unwrap().contains("insufficient_scope"));
    let writing = app(&mock, &client, &signer, "okta.users.manage").await;
    assert_eq!(writing.user(&user).await.status, 200);
    assert_eq!(writing.operate(&user, "lifecycle/expire_password").await.status, 200);
    assert_eq!(writing.get("/api/v1/users/me").await.status, 404, "an app is nobody");
    // A scope is given whatever the role: the refusal comes when it is used.
    mock.set_caller_roles(["READ_ONLY_ADMIN"]);
    let downscoped = app(&mock, &client, &signer, "okta.users.manage").await;
    assert_eq!(downscoped.operate(&user, "lifecycle/expire_password").await.refusal(), (403, "E0000006"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_revoked_is_401() {
    let (mock, client) = begun();
    assert_eq!(client.get("/api/v1/users/me").await.status, 200);
    assert!(mock.tokens().contains(&mock.api_token()));
    mock.forget_tokens(true);
    assert_eq!(client.get("/api/v1/users/me").await.refusal(), (401, "E0000011"));
}

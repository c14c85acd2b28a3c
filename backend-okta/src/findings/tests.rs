use super::*;
use crate::canned::{Answer, Canned, DENIED, ME, app_key, config, directory, reply, with_header};
use crate::{OktaConfig, OktaDirectory};
use identity_core::account::AccountId;

use std::sync::Arc;

const POLICIES: &str = r#"[
    {"id":"00p1","status":"ACTIVE","settings":{"password":{"complexity":{"minLength":12,"minLowerCase":1,"minUpperCase":1,"minNumber":1,"minSymbol":0}}}},
    {"id":"00p2","status":"INACTIVE","settings":{"password":{"complexity":{"minLength":40}}}},
    {"id":"00p3","status":"ACTIVE","settings":{"password":{"complexity":{"minLowerCase":4,"minUpperCase":4,"minNumber":4,"minSymbol":4}}}},
    {"id":"00p4","status":"ACTIVE"},
    {"id":"00p5","name":null,"status":null,"conditions":null,"settings":null},
    {"id":"00p6","status":"ACTIVE","settings":{"password":null,"recovery":null}},
    {"id":"00p7","status":"ACTIVE","settings":{"password":{"complexity":null}}}
]"#;

/// A page of users with headers of a bucket of 300 a minute, as the clock of Okta has it.
fn users(ahead: i64) -> Answer {
    let then = clock::now() + jiff::SignedDuration::from_secs(ahead);
    let date = then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let reset = (then.as_second() + 60).to_string();
    let headers = [("date", date.as_str()), ("x-rate-limit-limit", "300"), ("x-rate-limit-remaining", "299")];
    let answer = headers.into_iter().fold(reply(200, "[]"), |answer, (name, value)| with_header(answer, name, value));
    with_header(answer, "x-rate-limit-reset", &reset)
}

fn said(preflight: &Preflight, severity: Severity, word: &str) -> bool {
    preflight.findings.iter().any(|finding| finding.severity == severity && finding.text.contains(word))
}

#[tokio::test(start_paused = true)]
async fn the_owner_of_the_token_is_found_and_the_strictest_policy_counts() {
    let (directory, canned) = directory([users(0), reply(200, POLICIES)]).await;
    let preflight = super::preflight(&directory.org).await.unwrap();
    assert_eq!(preflight.principal.as_ref().map(AccountId::as_str), Some(ME));
    assert!(said(&preflight, Severity::Note, ME) && !preflight.is_fatal());
    assert_eq!((preflight.password_policy.min_length, preflight.password_policy.complexity), (16, true));
    assert!(said(&preflight, Severity::Note, "300 actions and pages a minute"), "{:?}", preflight.findings);
    assert!(!preflight.findings.iter().any(|finding| finding.text.contains("clock")));
    let targets: Vec<_> = canned.sent().into_iter().map(|sent| sent.target).collect();
    assert!(targets[0].ends_with("/api/v1/users?limit=1") && targets[1].ends_with("/api/v1/policies?type=PASSWORD"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_is_said() {
    for ahead in [-600, 600] {
        let (directory, _) = directory([users(ahead), reply(200, "[]")]).await;
        let begun = clock::now();
        let preflight = super::preflight(&directory.org).await.unwrap();
        assert!(said(&preflight, Severity::Warning, "seconds apart"), "{:?}", preflight.findings);
        let off = preflight.server_time.unwrap().duration_since(begun).as_secs();
        assert!((off - ahead).abs() <= 5, "{off}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_a_finding_and_without_accounts_there_is_no_run() {
    let (okta, _) = directory([users(0), reply(403, DENIED)]).await;
    let preflight = super::preflight(&okta.org).await.unwrap();
    assert!(said(&preflight, Severity::Warning, "password policies cannot be read") && !preflight.is_fatal());
    assert_eq!(preflight.password_policy.min_length, 8);
    assert!(said(&preflight, Severity::Warning, "rate limits Okta gives the caller is not known"));

    let (okta, _) = directory([reply(403, DENIED), reply(403, DENIED)]).await;
    assert!(super::preflight(&okta.org).await.unwrap().is_fatal());
}

async fn app(config: OktaConfig, percentage: u32, answers: impl IntoIterator<Item = Answer>) -> Arc<OktaDirectory> {
    let token = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"t0k3n"}"#;
    let part =
        format!(r#"[{{"principalId":"0oaApp1","principalType":"OAUTH_CLIENT","defaultPercentage":{percentage}}}]"#);
    let canned = Canned::new([reply(200, token), reply(200, &part)].into_iter().chain(answers));
    let config = config.service_app("0oaApp1", app_key().into()).dpop(false);
    OktaDirectory::connect(config.transport(canned)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_callers_part_of_the_rate_limits_is_said_and_heeded() {
    let run = app(config().share(0.5), 75, [users(0), reply(200, "[]")]).await;
    let preflight = super::preflight(&run.org).await.unwrap();
    assert!(said(&preflight, Severity::Note, "gives the caller 75 % of each rate limit of the org; the run uses 50 %"));
    assert_eq!(preflight.principal, None, "an app is no account");
    // 300 are three quarters of the org's 400, of which the run uses half.
    let quotas = run.org.governor().quotas();
    let users = quotas.iter().find(|quota| quota.name == "users").unwrap();
    assert_eq!((users.limit, users.allowed.round()), (Some(300), 200.0));

    let run = app(config().share(0.9), 50, [self::users(0), reply(200, "[]")]).await;
    let preflight = super::preflight(&run.org).await.unwrap();
    assert!(said(&preflight, Severity::Warning, "the run could use 90 %"), "{:?}", preflight.findings);
    let quotas = run.org.governor().quotas();
    let users = quotas.iter().find(|quota| quota.name == "users").unwrap();
    assert_eq!(users.allowed.round(), 300.0, "never more than what Okta gives the caller");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_nobody_is_no_run_without_a_protected_caller() {
    for id in ["", " "] {
        let canned = Canned::new([reply(200, &format!(r#"{{"id":"{id}","profile":null}}"#))]);
        let error = OktaDirectory::connect(config().transport(canned)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert_eq!(error.directory().unwrap().as_str(), "okta");
    }
    let me = reply(200, &format!(r#"{{"id":"{ME}","profile":null}}"#));
    let canned = Canned::new([me, reply(403, DENIED)]);
    assert!(OktaDirectory::connect(config().transport(canned)).await.is_ok(), "null is no profile");
}

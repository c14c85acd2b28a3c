use super::*;
use http::HeaderValue;
use identity_core::http::{Effect, classify};
use serde_json::json;

fn response(status: u16, body: &str) -> Response {
    Response::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.as_bytes().to_vec())
}

fn with(mut response: Response, name: &'static str, value: &'static str) -> Response {
    response.headers.append(name, HeaderValue::from_static(value));
    response
}

fn envelope(code: &str, summary: &str, causes: &[&str]) -> String {
    let causes: Vec<_> = causes.iter().map(|cause| json!({ "errorSummary": cause })).collect();
    json!({ "errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oae1", "errorCauses": causes })
        .to_string()
}

fn verdict_of(response: &Response, effect: Effect) -> Verdict {
    let plain = classify(response.status, effect, true);
    OktaDialect::default().refine(response, &OktaDialect::default().fault(response), plain)
}

#[test]
fn who_keeps_to_no_quota_hears_of_a_bucket_only_when_it_refuses() {
    let told = |status| {
        let response = with(response(status, "[]"), "x-rate-limit-limit", "300");
        let response = with(with(response, "x-rate-limit-remaining", "0"), "x-rate-limit-reset", "4102444800");
        with(response, "date", "Thu, 31 Dec 2099 23:59:10 GMT")
    };
    let heard = |unpaced, status| {
        let dialect = OktaDialect::unpaced(unpaced);
        dialect.pace(OperationClass::Named("users"), &told(status)).window.is_some()
    };
    assert_eq!([heard(false, 200), heard(false, 429), heard(true, 200), heard(true, 429)], [true, true, false, true]);
}

#[test]
fn codes_mean_what_the_reference_says() {
    use ErrorKind::{
        AccountNotFound, Conflict, InputInvalid, InsufficientPrivilege, PasswordRejected, RateLimited, Timeout,
        Unauthenticated, Unavailable, Unsupported,
    };
    use Status::{Permanent, Temporary, Unknown};
    let common = "This password was found in a list of commonly used passwords. Please try another password.";
    for (status, code, summary, causes, kind, expected) in [
        (
            400,
            "E0000001",
            "Api validation failed: password",
            &["password: Password requirements were not met."][..],
            PasswordRejected,
            Permanent,
        ),
        (
            400,
            "E0000001",
            "Api validation failed: login",
            &["login: An object with this field already exists"],
            InputInvalid,
            Permanent,
        ),
        (400, "E0000031", "Invalid search criteria.", &[], InputInvalid, Permanent),
        (401, "E0000011", "Invalid token provided", &[], Unauthenticated, Permanent),
        (401, "E0000015", "You do not have permission to access the feature", &[], Unsupported, Permanent),
        (403, "E0000006", "You do not have permission", &[], InsufficientPrivilege, Permanent),
        (403, "E0000014", "Update of credentials failed", &[common], PasswordRejected, Permanent),
        (403, "E0000014", "Update of credentials failed", &[], Conflict, Permanent),
        (403, "E0000016", "Activation failed", &[], Conflict, Permanent),
        (
            403,
            "E0000017",
            "Password reset failed",
            &["Forgot password is not supported for the user's login type"],
            Unsupported,
            Permanent,
        ),
        (403, "E0000017", "Password reset failed", &[], Conflict, Permanent),
        (
            403,
            "E0000023",
            "Operation failed because user profile is mastered under another system",
            &[],
            Unsupported,
            Permanent,
        ),
        (
            403,
            "E0000032",
            "Unlock is not allowed for this user.",
            &["The user is not locked out."],
            Conflict,
            Permanent,
        ),
        (403, "E0000034", "Forgot password not allowed on specified user.", &[], Unsupported, Permanent),
        (403, "E0000038", "This operation is not allowed in the user's current status.", &[], Conflict, Permanent),
        (403, "E0000080", "The password does not meet the complexity requirements", &[], PasswordRejected, Permanent),
        (403, "E0000107", "The entity is not in the expected state", &[], Conflict, Permanent),
        (404, "E0000007", "Not found: Resource not found: 00u1 (User)", &[], AccountNotFound, Permanent),
        (404, "E0000008", "The requested path was not found", &[], Unsupported, Permanent),
        (405, "E0000022", "The endpoint does not support the provided HTTP method", &[], Unsupported, Permanent),
        (409, "E0000112", "Cannot update this user because they are still being activated.", &[], Conflict, Temporary),
        (409, "E0000268", "Another request is making changes to the role assignments.", &[], Conflict, Temporary),
        (412, "E0000231", "ETag value doesn't match.", &[], Conflict, Permanent),
        (423, "E0000239", "Policy priorities are being reconciled.", &[], Conflict, Temporary),
        (429, "E0000047", "API call exceeded rate limit due to too many requests.", &[], RateLimited, Temporary),
        (429, "E0000118", "An email was recently sent.", &[], RateLimited, Temporary),
        (429, "E0000146", "Your organization has reached the limit of sms requests", &[], RateLimited, Permanent),
        (500, "E0000009", "Internal Server Error", &[], Unavailable, Unknown),
        (502, "E0000240", "Request timed out waiting for agent.", &[], Unavailable, Unknown),
        (503, "E0000010", "Service is in read only mode", &[], Unavailable, Temporary),
        (503, "E0000100", "Unable to perform search query.", &[], Unavailable, Temporary),
        (503, "E0000181", "Service temporarily unavailable.", &[], Unavailable, Temporary),
        (504, "E0000241", "No connected agents.", &[], Timeout, Unknown),
        (418, "E9999999", "A code of tomorrow", &[], InputInvalid, Permanent),
    ] {
        let verdict = verdict_of(&response(status, &envelope(code, summary, causes)), Effect::Write);
        assert_eq!((verdict.kind, verdict.status), (kind, expected), "{status} {code} {causes:?}");
    }
}

#[test]
fn a_read_that_failed_for_want_of_an_agent_or_by_an_accident_is_repeated() {
    for (status, code) in [(500, "E0000009"), (502, "E0000240"), (503, "E0000100"), (504, "E0000241")] {
        let verdict = verdict_of(&response(status, &envelope(code, "", &[])), Effect::Read);
        assert_eq!(verdict.status, Status::Temporary, "{code}");
    }
}

#[test]
fn words_of_oauth_are_understood_and_words_of_nobody_do_not_say_that_an_account_is_gone() {
    let scope = r#"Bearer authorization_uri="http://acme.okta.test/oauth2/v1/authorize", realm="http://acme.okta.test", scope="okta.users.manage", error="insufficient_scope", error_description="The access token provided does not contain the required scopes.""#;
    let lacking = with(response(403, ""), "www-authenticate", scope);
    assert_eq!(verdict_of(&lacking, Effect::Write).kind, ErrorKind::InsufficientPrivilege);
    assert!(verdict_of(&lacking, Effect::Write).advice.unwrap().contains("scope"));
    let proof = response(
        400,
        r#"{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT is issued in the future."}"#,
    );
    assert_eq!(verdict_of(&proof, Effect::Write).kind, ErrorKind::Unauthenticated);
    let replayed = response(
        400,
        r#"{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT has already been used."}"#,
    );
    let verdict = verdict_of(&replayed, Effect::Write);
    assert_eq!(verdict.status, Status::Unknown, "the first may have landed");
    assert!(!OktaDialect::default().refuses_sign_in(&replayed, &OktaDialect::default().fault(&replayed)));
    let unbound = response(
        400,
        r#"{"error":"invalid_request","error_description":"The resource request requires a DPoP proof."}"#,
    );
    assert!(verdict_of(&unbound, Effect::Read).advice.unwrap().contains("turn it on"));
    // As recorded for a path with a double slash.
    for body in [r#"{"status":404,"message":"Resource not found"}"#, "<html>", ""] {
        let verdict = verdict_of(&response(404, body), Effect::Read);
        assert_eq!((verdict.kind, verdict.status), (ErrorKind::Unavailable, Status::Temporary), "{body}");
    }
}

#[test]
fn only_a_refused_token_or_a_wanted_nonce_is_worth_another_sign_in() {
    let refuses =
        |response: &Response| OktaDialect::default().refuses_sign_in(response, &OktaDialect::default().fault(response));
    let bearer = r#"Bearer realm="x", error="invalid_token", error_description="The access token is invalid""#;
    for yes in [
        response(401, &envelope("E0000011", "Invalid token provided", &[])),
        response(401, r#"{"error":"invalid_token"}"#),
        with(response(401, ""), "www-authenticate", bearer),
        with(response(401, ""), "www-authenticate", r#"DPoP error="use_dpop_nonce""#),
        with(response(401, ""), "www-authenticate", "DPoP realm=x, error=invalid_token"),
        response(
            400,
            r#"{"error":"use_dpop_nonce","error_description":"Authorization server requires nonce in DPoP proof."}"#,
        ),
        response(
            400,
            r#"{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT is issued in the future."}"#,
        ),
    ] {
        assert!(refuses(&yes), "{:?}", String::from_utf8_lossy(&yes.body));
    }
    // As recorded by okta-sdk-python (test_list_user_blocks): no licence, and a token that is good.
    let feature = envelope("E0000015", "You do not have permission to access the feature you are requesting", &[]);
    for no in [
        response(401, &feature),
        with(response(401, &feature), "www-authenticate", bearer),
        with(response(401, ""), "www-authenticate", r#"Bearer error="invalid_token_of_another_kind""#),
        response(401, &envelope("E0000004", "Authentication failed", &[])),
        response(401, ""),
        response(403, &envelope("E0000011", "", &[])),
        response(400, &envelope("E0000001", "", &[])),
    ] {
        assert!(!refuses(&no), "{:?}", String::from_utf8_lossy(&no.body));
    }
}

#[test]
fn the_id_of_the_request_is_the_header_and_that_of_the_error_where_there_is_none() {
    let response = response(403, &envelope("E0000032", "Unlock is not allowed.", &["The user is not locked out."]));
    let fault = OktaDialect::default().fault(&response);
    assert_eq!((fault.code.as_str(), fault.request_id.as_deref()), ("E0000032", Some("oae1")));
    assert_eq!(fault.message, "Unlock is not allowed. (The user is not locked out.)");
    let headers = with(response, "x-okta-request-id", "3ab36365bd73dbdcaaa2f93109fecc8d").headers;
    assert_eq!(OktaDialect::default().request_id(&headers).as_deref(), Some("3ab36365bd73dbdcaaa2f93109fecc8d"));
}

#[test]
fn pace_is_of_the_bucket_and_the_trouble_of_one_account_slows_nobody_else() {
    let limited = |code: &str| {
        let response = with(response(429, &envelope(code, "", &[])), "x-rate-limit-limit", "600");
        let response = with(with(response, "x-rate-limit-remaining", "0"), "x-rate-limit-reset", "1757607758");
        with(response, "date", "Thu, 11 Sep 2025 16:21:50 GMT")
    };
    let pace = |response: &Response| OktaDialect::default().pace(OperationClass::Named("users"), response);
    let bucket = pace(&limited("E0000047"));
    assert_eq!((bucket.signal, bucket.retry_after), (Signal::Throttled, None));
    assert_eq!(bucket.window.map(|window| window.resets_in), Some(Duration::from_secs(48)));
    let mail = pace(&limited("E0000118"));
    assert_eq!((mail.signal, mail.retry_after), (Signal::Ok, Some(Duration::from_secs(5))));
    assert_eq!(pace(&response(504, &envelope("E0000241", "No connected agents.", &[]))).signal, Signal::Ok);
    assert_eq!(pace(&response(503, &envelope("E0000181", "", &[]))).signal, Signal::Busy);
    assert_eq!(pace(&response(405, &envelope("E0000022", "", &[]))).window, None);
    let at_once = with(with(response(429, ""), "x-rate-limit-limit", "0"), "x-rate-limit-remaining", "0");
    assert_eq!(pace(&at_once).window.map(|window| window.limit), Some(0));
}

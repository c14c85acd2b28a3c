//! Real exchanges with Okta, as its public recordings have them: each is read by what reads it.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use identity_core::http::{Dialect as _, Response};
use serde_json::Value;

use crate::canned::{Answer, reply};
use crate::dialect::OktaDialect;

/// One exchange.
pub(crate) struct Exchange {
    /// `1`, and `1a` for the one that followed it.
    pub(crate) number: &'static str,
    /// Method and address.
    pub(crate) request: &'static str,
    status: u16,
    headers: HeaderMap,
    body: &'static str,
}

impl Exchange {
    pub(crate) fn response(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        let mut response = Response::new(status, self.headers.clone(), self.body);
        response.request_id = OktaDialect::default().request_id(&self.headers);
        response
    }

    /// The answer once more, for a canned org.
    pub(crate) fn answer(&self) -> Answer {
        reply(self.status, self.body).map(|mut answer| {
            *answer.headers_mut() = self.headers.clone();
            answer
        })
    }
}

/// All of them, in the order of the file.
pub(crate) fn exchanges() -> Vec<Exchange> {
    let parts = include_str!("recorded/exchanges.http").split("\n### ").skip(1);
    parts.map(exchange_of).collect()
}

/// The one of this number.
pub(crate) fn exchange(number: &str) -> Exchange {
    exchanges().into_iter().find(|exchange| exchange.number == number).unwrap()
}

fn exchange_of(part: &'static str) -> Exchange {
    let mut lines = part.lines();
    let number = lines.next().unwrap().split_once(' ').unwrap().0;
    let request = lines.next().unwrap();
    let mut answer = lines.by_ref().skip_while(|line| !line.starts_with("< "));
    let status = answer.next().unwrap()[2..].parse().unwrap();
    let (mut headers, mut body) = (HeaderMap::new(), "");
    for line in answer {
        match line.strip_prefix("< ") {
            Some(header) => {
                let (name, value) = header.split_once(": ").unwrap();
                headers.append(
                    HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).unwrap(),
                    HeaderValue::from_static(value),
                );
            }
            None if !line.is_empty() => body = line,
            None => {}
        }
    }
    Exchange { number, request, status, headers, body }
}

mod tests {
    use super::*;
    use crate::OktaConfig;
    use crate::account::{STATUS, moment};
    use crate::canned::connected;
    use crate::enumerate::tests::names;
    use crate::limits::{GROUPS, IAM};
    use crate::wire::user::User;
    use futures::TryStreamExt as _;
    use http::header;
    use identity_core::account::{AccountId, DirectoryId, PasswordAuthority};
    use identity_core::directory::{AccountEnumerator as _, Scope};
    use identity_core::error::ErrorKind;
    use identity_core::http::{Request, server_date};

    fn config(url: &str) -> OktaConfig {
        OktaConfig::new(DirectoryId::new("okta").unwrap(), url).api_token("planted-token".into())
    }

    fn ours() -> OktaConfig {
        config("https://test.okta.com")
    }

    #[test]
    fn every_exchange_is_there_and_tells_what_every_answer_tells() {
        let all = exchanges();
        assert_eq!(all.len(), 37);
        for exchange in &all {
            let number = exchange.number;
            assert!(exchange.request.contains(" https://"), "{number}");
            assert!(server_date(&exchange.headers).is_some(), "{number}");
            if exchange.status != 204 {
                serde_json::from_str::<Value>(exchange.body).unwrap_or_else(|error| panic!("{number}: {error}"));
            }
            // The second project's recordings, and one of the first, leave these headers out.
            let reduced = exchange.request.contains("dne-okta") || number == "23";
            assert_eq!(exchange.response().request_id.is_none(), reduced, "{number}");
        }
    }

    #[test]
    fn refusals_say_their_code() {
        for (number, code) in
            [("5", "E0000007"), ("11", "E0000032"), ("12", "E0000038"), ("28a", "E0000047"), ("33", "E0000015")]
        {
            assert_eq!(OktaDialect::default().fault(&exchange(number).response()).code, code, "{number}");
        }
        let refused: Vec<&str> =
            exchanges().iter().filter(|exchange| exchange.status >= 400).map(|exchange| exchange.number).collect();
        assert_eq!(refused, ["5", "11", "12", "28a", "29", "30", "33"], "and the two of the token endpoint");
    }

    #[test]
    fn users_are_read_from_listings_and_from_answers_of_their_own() {
        for (number, rows) in [("1", 1), ("1a", 1), ("2", 0), ("3", 1)] {
            let users: Vec<User> = exchange(number).response().json("list").unwrap();
            assert_eq!(users.len(), rows, "{number}");
        }
        for (number, id, status, set) in [
            ("4", "00uqrjxsgd0UxglnX5d7", "PASSWORD_EXPIRED", "2025-09-29T02:03:56Z"),
            ("6", "00uqrjxsgd0UxglnX5d7", "PASSWORD_EXPIRED", "2025-09-29T02:03:56Z"),
            ("17", "00uvozkb04be72b3Y1d7", "ACTIVE", "2026-03-02T12:46:05Z"),
        ] {
            let user: User = exchange(number).response().json("read").unwrap();
            let directory = DirectoryId::new("okta").unwrap();
            let account = crate::account::account(&directory, &crate::AnchorAttributes::default(), &user).unwrap();
            assert_eq!((account.id.as_str(), account.attributes[STATUS].as_str()), (id, status), "{number}");
            assert_eq!(account.password.last_set, moment(Some(set)), "{number}");
            assert_eq!(account.authority, PasswordAuthority::Here, "{number}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_recorded_pages_are_walked() {
        // What the recording stops before: a last page without rows that names itself.
        let next = r#"<https://test.okta.com/api/v1/users?after=000usfgmn9xhwtA6f74x6&limit=1>; rel="next""#;
        let last = crate::canned::with_header(exchange("2").answer(), "link", next);
        let answers = [exchange("1").answer(), exchange("1a").answer(), last];
        let (directory, canned) = connected(ours(), answers).await;
        let listed = names(&directory, Scope::Everyone).await.unwrap();
        assert_eq!(listed, ["John.Doe-Activate@example.com", "John.Doe-Paginate-1@example.com"]);
        let sent = canned.sent();
        assert_eq!(format!("GET {}", sent[1].target), exchange("1a").request);
        assert_eq!(sent.len(), 3);

        let (directory, _) = connected(ours(), [exchange("3").answer()]).await;
        let listed: Vec<_> = directory
            .accounts(&identity_core::directory::AccountQuery::of(Scope::Native(r#"status eq "SUSPENDED""#.into())))
            .try_collect()
            .await
            .unwrap();
        assert_eq!(listed.len(), 1);
        assert!(!listed[0].state.enabled);
    }

    #[tokio::test(start_paused = true)]
    async fn the_recorded_answers_of_single_reads_are_told_apart() {
        let (directory, _) = connected(ours(), [exchange("4").answer(), exchange("5").answer()]).await;
        let read = |id: &str| AccountId::new(id).unwrap();
        let found = directory.lookup(&[read("00uqrjxsgd0UxglnX5d7")]).await.unwrap();
        let account = found[0].as_ref().unwrap();
        assert!(account.password.must_change && account.state.enabled);
        assert_eq!(account.state.status_changed, moment(Some("2025-09-29T02:04:04Z")));
        assert_eq!(directory.lookup(&[read("00usfgmn9xhwtA6f74x6")]).await.unwrap(), [None]);
        let (directory, _) = connected(ours(), [exchange("33").answer(), exchange("33").answer()]).await;
        // A licence is missing, not a sign-in.
        let error = directory.lookup(&[read("00usfgmn9xhwtA6f74x6")]).await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::AccountNotFound, "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_recorded_listings_of_administrators_are_walked() {
        let (directory, _) =
            connected(ours(), ["20", "22", "18", "19", "21"].map(|number| exchange(number).answer())).await;
        let okta = &directory.org.okta;
        for (member, rows) in [("value", 2), ("roles", 0)] {
            let listed = okta.list_in::<Value>("list", IAM, Request::get("/api/v1/iam"), member);
            assert_eq!(listed.try_collect::<Vec<_>>().await.unwrap().len(), rows, "{member}");
        }
        for types in [&["USER_ADMIN"][..], &["APP_ADMIN", "SUPER_ADMIN"], &["APP_ADMIN", "USER_ADMIN"]] {
            let listed = okta.list::<Value>("list", GROUPS, Request::get("/api/v1/x"));
            let listed: Vec<Value> = listed.try_collect().await.unwrap();
            let read: Vec<&str> = listed.iter().filter_map(|role| role["type"].as_str()).collect();
            assert_eq!(read, types);
        }
    }

    #[test]
    fn the_rest_has_what_is_read_of_it() {
        for (number, pointer, value) in [
            ("7", "/tempPassword", "x4HpS7TE"),
            ("8", "/resetPasswordUrl", "https://test.okta.com/reset_password/drpwf5himYrnOpIMbDfb"),
            ("9", "/resetPasswordUrl", "https://test.okta.com/signin/reset-password/dfptXZax-p-clAEEqPzu"),
            ("23", "/1/factorType", "token:software:totp"),
            ("25", "/status", "PENDING_ACTIVATION"),
            ("26", "/0/conditions/authProvider/provider", "OKTA"),
            ("27", "/actions/selfServicePasswordReset/access", "ALLOW"),
            ("29", "/error", "use_dpop_nonce"),
            ("29a", "/token_type", "DPoP"),
            ("30", "/error", "invalid_dpop_proof"),
            ("31", "/0/principalType", "SSWS_TOKEN"),
            ("32", "/0/userId", "00uq3v4l71WsFPInE1d7"),
        ] {
            let read: Value = exchange(number).response().json("read").unwrap();
            assert_eq!(read.pointer(pointer).and_then(Value::as_str), Some(value), "{number}");
        }
        for (number, body) in [("10", "{}"), ("13", "{}"), ("14", ""), ("15", ""), ("16", "[]"), ("24", "[]")] {
            assert_eq!(exchange(number).body, body, "{number}");
        }
        assert_eq!(exchange("28").headers[&header::HeaderName::from_static("x-rate-limit-remaining")], "0");
        assert!(exchange("29").headers.contains_key("dpop-nonce"));
    }
}

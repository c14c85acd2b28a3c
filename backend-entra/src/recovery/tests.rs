//! The report, page by page, with and without a licence.

use futures::StreamExt;
use identity_core::account::{Account, AccountKind, DirectoryId};
use identity_core::recovery::MethodKind;
use serde_json::{Value, json};
use std::sync::Arc;

use super::*;
use crate::canned::{Answer, config, connected, reply};

fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn accounts(numbers: impl IntoIterator<Item = u32>) -> AccountStream {
    let directory = DirectoryId::new("cloud").unwrap();
    let account = |number| {
        let id = AccountId::new(id(number)).unwrap();
        Ok(Account::new(directory.clone(), id, "a@managed.test", AccountKind::Person))
    };
    stream::iter(numbers.into_iter().map(account).collect::<Vec<_>>()).boxed()
}

fn row(number: u32, registered: bool, enabled: bool, capable: bool) -> Value {
    json!({
        "id": id(number), "userPrincipalName": "a@managed.test", "isAdmin": false, "isMfaCapable": true,
        "isSsprRegistered": registered, "isSsprEnabled": enabled, "isSsprCapable": capable,
        "lastUpdatedDateTime": "2026-11-20T19:15:41.6195833Z",
        "methodsRegistered": ["mobilePhone", "microsoftAuthenticatorPush"],
        "userPreferredMethodForSecondaryAuthentication": "",
    })
}

fn page(rows: &[Value], next: Option<&str>) -> Answer {
    let mut page = json!({ "value": rows });
    if let Some(next) = next {
        page["@odata.nextLink"] = json!(format!("https://graph.microsoft.com/v1.0{REPORT}?$skiptoken={next}"));
    }
    reply(200, &page.to_string())
}

fn unlicensed() -> Answer {
    let message = "Neither tenant is B2C or tenant doesn't have premium license";
    reply(403, &json!({ "error": { "code": code::NO_LICENCE, "message": message } }).to_string())
}

async fn read(
    answers: impl IntoIterator<Item = Answer>,
    asked: impl IntoIterator<Item = u32>,
) -> (Vec<Result<Enrolment>>, usize) {
    let (directory, canned) = connected(config().without_quotas(), answers).await;
    let rows: Vec<Result<Enrolment>> = enrolments(Arc::clone(&directory.tenant), accounts(asked)).collect().await;
    for row in rows.iter().flatten().filter(|row| row.as_of.is_some()) {
        assert_eq!(directory.tenant.known.can_do_mfa(&row.account), Some(true), "the report says so");
    }
    assert_eq!(canned.left(), 0);
    (rows, canned.sent().len())
}

#[tokio::test(start_paused = true)]
async fn capable_is_told_from_registered_and_everybody_has_a_reason() {
    let rows = [
        row(1, true, true, true),
        row(2, true, false, false),
        row(3, false, true, false),
        row(4, true, true, false),
        row(5, false, false, false),
    ];
    let (read, _) = read([page(&rows, None)], 1..=5).await;
    let read: Vec<Enrolment> = read.into_iter().map(Result::unwrap).collect();
    let reasons: Vec<(Option<bool>, &str)> =
        read.iter().map(|row| (row.self_service, row.because.as_deref().unwrap_or_default())).collect();
    assert_eq!(reasons[0], (Some(true), ""));
    for (at, words) in [(1, "policy does not let"), (2, "too few"), (3, "not with methods"), (4, "not registered")] {
        assert_eq!(reasons[at].0, Some(false));
        assert!(reasons[at].1.contains(words), "{reasons:?}");
    }
    let kinds: Vec<MethodKind> = read[0].methods.iter().map(|method| method.kind).collect();
    assert_eq!(kinds, [MethodKind::Sms, MethodKind::Push]);
    assert_eq!(read[0].as_of, Some("2026-11-20T19:15:41.6195833Z".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn only_who_was_asked_for_is_told_of_once_and_who_has_no_row_is_unknown() {
    let first = page(&[row(1, true, true, true), row(9, true, true, true)], Some("a"));
    let pages = [first, page(&[], Some("b")), page(&[row(2, true, true, true), row(1, true, true, true)], None)];
    let (read, sent) = read(pages, [1, 2, 3]).await;
    let told: Vec<(String, Option<bool>)> =
        read.into_iter().map(Result::unwrap).map(|row| (row.account.to_string(), row.self_service)).collect();
    assert_eq!(told, [(id(1), Some(true)), (id(2), Some(true)), (id(3), None)]);
    assert_eq!(sent, 3);
}

#[tokio::test(start_paused = true)]
async fn a_licence_that_is_missing_for_a_moment_is_asked_for_again() {
    let answers =
        [unlicensed(), unlicensed(), page(&[row(1, true, true, true)], Some("a")), unlicensed(), page(&[], None)];
    let (read, sent) = read(answers, [1]).await;
    assert_eq!((read.len(), sent), (1, 5));
    assert_eq!(read[0].as_ref().unwrap().self_service, Some(true));
}

#[tokio::test(start_paused = true)]
async fn without_a_licence_everybody_is_unknown() {
    let (read, _) = read((0..4).map(|_| unlicensed()), [1, 2]).await;
    assert_eq!(read.len(), 2);
    for row in read {
        let row = row.unwrap();
        assert_eq!(row.self_service, None);
        assert!(row.because.unwrap().contains("licence"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_that_breaks_off_is_an_error() {
    let first = || page(&[row(1, true, true, true)], Some("a"));
    let (broken, _) = read(std::iter::once(first()).chain((0..4).map(|_| unlicensed())), [1, 2]).await;
    assert!(broken[0].is_ok() && broken[1].is_err() && broken.len() == 2);
    let (circle, _) = read([first(), page(&[], Some("a"))], [1, 2]).await;
    assert_eq!(circle.last().unwrap().as_ref().unwrap_err().kind(), ErrorKind::Protocol);
    let nobody = json!({ "value": [{ "id": "x" }] }).to_string();
    let (odd, _) = read([reply(200, &nobody)], [1]).await;
    assert_eq!(odd[0].as_ref().unwrap_err().kind(), ErrorKind::Protocol);
}

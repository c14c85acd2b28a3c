//! Every fault has its meaning over HTTP, on sockets and without.

use std::time::Duration;

use identity_core::limits::clock;
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_okta::{MARKER, MockOkta, OktaUser, Status, fixed};

use crate::client::{Client, NEW, begun, credentials, described, with};

fn failing(fault: Fault) -> (MockOkta, Client, OktaUser) {
    let (mock, client) = begun();
    let user = mock.user(fixed::ORDINARY).unwrap();
    mock.add_fault(When::write().on(&user.id).times(1), fault);
    (mock, client, user)
}

#[tokio::test(start_paused = true)]
async fn refusals_say_what_they_are() {
    for (fault, refusal, limits) in [
        (Fault::Busy, (429, "E0000047"), Some((0, 0))),
        (Fault::Throttle(Duration::from_secs(30)), (429, "E0000047"), Some((300, 0))),
        (Fault::Unavailable, (503, "E0000010"), None),
        (Fault::NoticeOfDisconnection, (503, "E0000010"), None),
        (Fault::Conflict, (409, "E0000112"), None),
        (Fault::Forbid, (403, "E0000006"), Some((300, 299))),
        (Fault::RefusePassword, (403, "E0000014"), Some((300, 299))),
        (Fault::TruncatedPage, (500, "E0000009"), Some((300, 299))),
        (Fault::BadGateway, (502, "(no code)"), None),
        (Fault::GarbledMessage, (503, "(no code)"), None),
    ] {
        let (mock, client, user) = failing(fault.clone());
        let reply = client.set(&user, NEW).await;
        assert_eq!(reply.refusal(), refusal, "{fault:?}");
        assert_eq!(reply.header("retry-after"), None, "{fault:?}");
        let shown = reply.header("x-rate-limit-limit").map(|_| (reply.limits().0, reply.limits().1));
        assert_eq!(shown, limits, "{fault:?}");
        assert!(mock.untouched(&user.id), "{fault:?}");
        assert_eq!(client.set(&user, NEW).await.status, 200, "{fault:?}");
        assert_eq!(mock.counts().faults, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_answer_names_the_second_to_come_back() {
    let (_mock, client, user) = failing(Fault::Throttle(Duration::from_secs(30)));
    let (_, _, reset) = client.set(&user, NEW).await.limits();
    assert!((29..=30).contains(&(reset - clock::now().as_second())));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_may_have_taken_effect_and_the_temporary_password_with_it() {
    for (fault, sets) in [(Fault::CutBeforeApply, 0), (Fault::CutAfterApply, 1), (Fault::CutMidAnswer, 1)] {
        let (mock, client, user) = failing(fault.clone());
        let path = format!("/api/v1/users/{}/lifecycle/expire_password_with_temp_password", user.id);
        let error = client.try_send("POST", &path, &[], b"").await.unwrap_err();
        assert!(
            [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::UnexpectedEof].contains(&error.kind()),
            "{fault:?}"
        );
        assert_eq!(mock.sets(&user.id).len(), sets, "{fault:?}");
        let status = mock.user(fixed::ORDINARY).unwrap().status();
        assert_eq!(status == Status::PasswordExpired, sets == 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn gateways_give_up_and_what_is_late_comes_later() {
    let (mock, client, user) = failing(Fault::GatewayTimeout);
    let reply = client.set(&user, NEW).await;
    assert_eq!((reply.status, reply.header("content-type"), mock.sets(&user.id).len()), (504, Some("text/html"), 1));
    let (mock, client, user) = failing(Fault::LateApply(Duration::from_secs(5)));
    let path = format!("/api/v1/users/{}", user.id);
    let headers = [("content-type", "application/json")];
    let body = credentials(NEW).to_string();
    assert!(client.try_send("POST", &path, &headers, body.as_bytes()).await.is_err());
    assert!(mock.untouched(&user.id));
    clock::sleep(Duration::from_secs(6)).await;
    assert_eq!(mock.sign_in(&user.id, NEW), Ok(()));
    for (fault, sets) in [(Fault::NeverAnswer, 1), (Fault::Swallow, 0)] {
        let (mock, client, user) = failing(fault.clone());
        assert!(clock::within(Duration::from_secs(60), client.set(&user, NEW)).await.is_err(), "{fault:?}");
        assert_eq!(mock.sets(&user.id).len(), sets, "{fault:?}");
    }
    let (_mock, client, user) = failing(Fault::Slow(Duration::from_secs(9)));
    let began = clock::instant();
    assert_eq!(client.set(&user, NEW).await.status, 200);
    assert!(began.elapsed() >= Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn answers_overtake_each_other_and_show_an_older_count() {
    let (mock, client) = begun();
    let (one, other) = (mock.user(fixed::ORDINARY).unwrap(), mock.user(fixed::APOSTROPHE).unwrap());
    mock.add_fault(When::read().nth(1), Fault::Overtaken);
    let order = std::cell::RefCell::new(Vec::new());
    let ask = async |user: &OktaUser| {
        let remaining = client.user(user).await.limits().1;
        order.borrow_mut().push(remaining);
    };
    futures::join!(ask(&one), ask(&other));
    assert_eq!(*order.borrow(), [998, 999], "the first one asked comes last");
}

#[tokio::test(start_paused = true)]
async fn a_page_ends_in_the_middle() {
    let (mock, client) = begun();
    mock.add_fault(When::read().times(2), Fault::TruncatedPage);
    assert_eq!(client.get("/api/v1/users").await.refusal(), (500, "E0000009"));
    let cut = client.get("/api/v1/users").await;
    assert!(cut.status == 200 && cut.body.is_null() && cut.text.starts_with('['), "{}", cut.text);
    assert_eq!(client.get("/api/v1/users").await.rows().len(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_refusals_passes() {
    let script = FaultScript::new(1).rule(When::write().times(20), Fault::Throttle(Duration::from_secs(1)));
    let (mock, client) = with(described().faults(script));
    let user = mock.user(fixed::ORDINARY).unwrap();
    for _ in 0..20 {
        assert_eq!(client.set(&user, NEW).await.status, 429);
    }
    assert_eq!(client.set(&user, NEW).await.status, 200);
    assert_eq!((mock.counts().throttled, mock.counts().faults), (20, 20));
}

#[tokio::test]
async fn on_sockets_connections_break_and_come_back() {
    let mock = described().start().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let user = mock.user(fixed::ORDINARY).unwrap();
    let url = format!("{}/api/v1/users/{}", mock.url(), user.id);
    let authorization = format!("SSWS {}", mock.api_token());
    let get = || http.get(&url).header("authorization", &authorization).send();
    let post = || http.post(&url).header("authorization", &authorization).json(&credentials(NEW)).send();
    assert_eq!(get().await.unwrap().status(), 200);
    mock.cut_connections();
    // The client may find out about it with the next request only.
    let next = match get().await {
        Ok(answer) => answer,
        Err(_) => get().await.unwrap(),
    };
    assert_eq!(next.status(), 200);
    mock.add_fault(When::write().times(1), Fault::CutAfterApply);
    assert!(post().await.is_err());
    assert_eq!(mock.sets(&user.id).len(), 1);
    mock.add_fault(When::read().times(1), Fault::CutMidAnswer);
    let cut = get().await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.text().await.is_err());
    mock.add_fault(When::write().times(1), Fault::NoticeOfDisconnection);
    assert_eq!(post().await.unwrap().headers()["connection"], "close");
    let links = http.get(format!("{}/api/v1/users?limit=1", mock.url())).header("authorization", &authorization);
    let links = links.send().await.unwrap();
    assert_eq!(links.headers().get_all("link").iter().count(), 2);
    mock.refuse_connections(true);
    mock.cut_connections();
    assert!(get().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_record_has_every_exchange_and_no_secret() {
    let (mock, client) = with(described().recording());
    let user = mock.user(fixed::ORDINARY).unwrap();
    client.set(&user, NEW).await;
    let temporary = client.operate(&user, "lifecycle/expire_password_with_temp_password").await;
    let temporary = temporary.body["tempPassword"].as_str().unwrap();
    let link = client.operate(&user, "lifecycle/reset_password?sendEmail=false").await;
    let link = link.body["resetPasswordUrl"].as_str().unwrap();
    let exchanges = mock.exchanges();
    assert_eq!(exchanges.len(), 3);
    assert_eq!(exchanges[1].answer["tempPassword"], MARKER);
    assert_eq!(exchanges[2].query.as_deref(), Some("sendEmail=false"));
    let shown = format!("{exchanges:?} {mock:?} {:?}", mock.record());
    for secret in [NEW, temporary, link, &mock.api_token()] {
        assert!(!shown.contains(secret));
    }
}

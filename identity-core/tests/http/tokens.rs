//! One token for all, renewed ahead of its end and once after a 401.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{AccessToken, Request, TokenCache, TokenSource};
use identity_core::limits::OperationClass::{Read, Write};
use identity_core::limits::{RetryPolicy, clock};
use secrecy::SecretString;

use crate::support::{Answered, InProcess, Tokens, answer, client};

const HOUR: Duration = Duration::from_secs(3600);

/// A service that refuses tokens up to a number that a test can raise.
fn refusing_up_to(last: &Arc<Mutex<u32>>) -> Arc<InProcess> {
    let last = Arc::clone(last);
    InProcess::new(move |request| {
        let token = request.headers()["authorization"].to_str().unwrap();
        let number: u32 = token.strip_prefix("Bearer token-").unwrap().parse().unwrap();
        let is_refused = number <= *last.lock().unwrap();
        async move {
            clock::sleep(Duration::from_millis(100)).await;
            let answered: Answered =
                Ok(if is_refused { answer(401, r#"{"code":"Expired"}"#) } else { answer(204, "") });
            answered
        }
    })
}

#[tokio::test(start_paused = true)]
async fn fifty_at_once_need_one_token() {
    let last = Arc::default();
    let (service, tokens) = (refusing_up_to(&last), Tokens::living(HOUR));
    let given = Arc::clone(&tokens.given);
    let client = client("https://service.test", service.clone(), Arc::new(TokenCache::new(tokens)));
    let write = Request::post("/x");
    let all = || join_all((0..50).map(|_| client.attempt("write", Write, &write)));
    assert!(all().await.iter().all(Result::is_ok));
    assert_eq!((*given.lock().unwrap(), service.count()), (1, 50));
    *last.lock().unwrap() = 1;
    assert!(all().await.iter().all(Result::is_ok));
    assert_eq!(*given.lock().unwrap(), 2, "fifty refusals, one renewal");
    assert_eq!(service.count(), 50 + 100, "each was replayed once");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_replaced_meanwhile_is_just_replayed() {
    let tokens = Tokens::living(HOUR);
    let given = Arc::clone(&tokens.given);
    let cache = TokenCache::new(tokens);
    let (_, first) = cache.token().await.unwrap();
    cache.accepted(first);
    assert!(cache.renew(first).await.unwrap());
    assert!(cache.renew(first).await.unwrap(), "a late refusal of the first");
    assert_eq!(*given.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_no_token_is_not_asked_for_ever() {
    let last = Arc::new(Mutex::new(u32::MAX));
    let (service, tokens) = (refusing_up_to(&last), Tokens::living(HOUR));
    let given = Arc::clone(&tokens.given);
    let client = client("https://service.test", service.clone(), Arc::new(TokenCache::new(tokens)));
    for _ in 0..10 {
        let error = client.read("look up", Read, &Request::get("/x")).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Unauthenticated, Status::Permanent));
    }
    assert_eq!(*given.lock().unwrap(), 2, "the renewed one was refused too: no third");
    assert_eq!(service.count(), 11, "the first was replayed, the others not");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_ahead_of_its_end_while_others_use_the_old_one() {
    let tokens = Tokens { takes: Duration::from_secs(5), ..Tokens::living(HOUR) };
    let given = Arc::clone(&tokens.given);
    let cache = TokenCache::new(tokens);
    cache.token().await.unwrap();
    clock::sleep(HOUR - Duration::from_secs(310)).await;
    assert_eq!(cache.token().await.unwrap().1, 1, "310 seconds before the end nothing is renewed");
    clock::sleep(Duration::from_secs(10)).await;
    let begun = clock::instant();
    let (renewing, others) = tokio::join!(
        cache.token(),
        join_all((0..20).map(|_| async {
            let token = cache.token().await.unwrap();
            (token.1, begun.elapsed())
        }))
    );
    assert_eq!(renewing.unwrap().1, 2);
    assert!(others.iter().all(|other| *other == (1, Duration::ZERO)), "{others:?}");
    assert_eq!(*given.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_short_life_is_used_to_nine_tenths() {
    let cache = TokenCache::new(Tokens { takes: Duration::ZERO, ..Tokens::living(Duration::from_secs(100)) });
    cache.token().await.unwrap();
    clock::sleep(Duration::from_secs(89)).await;
    assert_eq!(cache.token().await.unwrap().1, 1);
    clock::sleep(Duration::from_secs(2)).await;
    assert_eq!(cache.token().await.unwrap().1, 2);
}

/// Fails as it is told, and counts.
#[derive(Debug)]
struct Failing {
    asked: Arc<Mutex<u32>>,
    plan: fn(u32) -> Option<ErrorKind>,
}

#[async_trait]
impl TokenSource for Failing {
    async fn token(&self) -> Result<AccessToken> {
        let asked = {
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            *asked
        };
        match (self.plan)(asked) {
            Some(kind) => Err(Error::new(kind, "sign in").with_detail("no")),
            None => Ok(AccessToken::new(SecretString::from(format!("token-{asked}")), HOUR)),
        }
    }
}

fn failing(plan: fn(u32) -> Option<ErrorKind>) -> (TokenCache<Failing>, Arc<Mutex<u32>>) {
    let asked = Arc::<Mutex<u32>>::default();
    (TokenCache::new(Failing { asked: Arc::clone(&asked), plan }), asked)
}

#[tokio::test(start_paused = true)]
async fn bad_credentials_are_tried_once() {
    let (cache, asked) = failing(|_| Some(ErrorKind::Unauthenticated));
    for error in join_all((0..50).map(|_| cache.token())).await {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
    clock::sleep(24 * HOUR).await;
    let error = cache.token().await.unwrap_err();
    assert_eq!((error.status(), error.detail()), (Status::Permanent, "no"));
    assert_eq!(*asked.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_passing_fault_is_repeated() {
    let (cache, asked) = failing(|asked| (asked < 4).then_some(ErrorKind::Unavailable));
    assert!(join_all((0..50).map(|_| cache.token())).await.iter().all(Result::is_ok));
    assert_eq!(*asked.lock().unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_made_worse_and_ends_by_itself() {
    let (cache, asked) = failing(|asked| (asked < 6).then_some(ErrorKind::Unavailable));
    for error in join_all((0..50).map(|_| cache.token())).await {
        let error = error.unwrap_err();
        assert!(error.is_temporary(), "nothing was sent: it may be tried later");
    }
    assert_eq!(*asked.lock().unwrap(), 4, "one series for all");
    let error = cache.token().await.unwrap_err();
    clock::sleep(error.retry_after().unwrap()).await;
    cache.token().await.unwrap();
    assert_eq!(*asked.lock().unwrap(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_served_while_renewing_fails() {
    let (cache, asked) = failing(|asked| (asked == 2).then_some(ErrorKind::Unavailable));
    cache.token().await.unwrap();
    clock::sleep(HOUR - Duration::from_secs(200)).await;
    for _ in 0..20 {
        assert_eq!(cache.token().await.unwrap().1, 1);
    }
    assert_eq!(*asked.lock().unwrap(), 2, "no request for each of them");
    clock::sleep(Duration::from_secs(30)).await;
    assert_eq!(cache.token().await.unwrap().1, 2);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_shows_when_the_old_token_ends() {
    let (cache, asked) = failing(|asked| (asked > 1).then_some(ErrorKind::Unauthenticated));
    cache.token().await.unwrap();
    clock::sleep(HOUR - Duration::from_secs(100)).await;
    for _ in 0..20 {
        assert_eq!(cache.token().await.unwrap().1, 1);
    }
    clock::sleep(Duration::from_secs(101)).await;
    assert_eq!(cache.token().await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(*asked.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_request_without_an_answer_ends() {
    let tokens = Tokens { takes: 10 * HOUR, ..Tokens::living(HOUR) };
    let cache = TokenCache::new(tokens);
    let error = cache.token().await.unwrap_err();
    assert_eq!((error.kind(), error.status(), error.attempts()), (ErrorKind::Timeout, Status::Temporary, 4));
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_does_not_hold_up_the_others() {
    let tokens = Tokens { takes: Duration::from_secs(5), ..Tokens::living(HOUR) };
    let cache = TokenCache::new(tokens);
    clock::within(Duration::from_secs(1), cache.token()).await.unwrap_err();
    assert_eq!(cache.token().await.unwrap().1, 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_outlives_the_one_who_was_told_of_it() {
    let (cache, asked) = failing(|asked| (asked == 1).then_some(ErrorKind::Unavailable));
    let policy = RetryPolicy::default().with_backoff(Duration::from_secs(1 << 20), Duration::from_secs(1 << 20));
    let cache = cache.with_policy(policy);
    let begun = clock::instant();
    clock::within(Duration::from_secs(1), cache.token()).await.unwrap_err();
    cache.token().await.unwrap();
    assert_eq!(*asked.lock().unwrap(), 2);
    // The backoff is drawn from twelve days; that it is a second by chance is not to be feared.
    assert!(begun.elapsed() > Duration::from_secs(1));
}

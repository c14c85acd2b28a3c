//! Tokens, nonces and clocks that change in the middle of a run, in virtual time.

use std::time::Duration;

use backend_okta::OktaConfig;
use identity_core::http::SigningAlgorithm;
use identity_core::limits::clock;
use identity_core::reset::Action;
use testkit::mock_okta::{MockOkta, MockOktaBuilder};

use crate::campaign::Campaign;
use crate::inside::{connect, reaching_inside};
use crate::stage::{KEY_ID, key, of, ordinary};

const SET: Action = Action::SetPassword { must_change: false };
const USERS: usize = 600;

fn started(described: MockOktaBuilder, algorithm: SigningAlgorithm) -> (MockOkta, OktaConfig) {
    let (pem, public) = key(algorithm);
    let described = described.okta_mastered_share(95).dpop().key(public).with_scope("okta.clients.read");
    let mock = described.latency(Duration::from_millis(50)).build();
    let config = reaching_inside(&mock).service_app(mock.client_id(), pem).key_id(KEY_ID);
    let config = config.scopes(testkit::mock_okta::SCOPES.iter().copied().chain(["okta.clients.read"]));
    (mock, config)
}

/// Tokens of 40 seconds in a run of two minutes: renewed ahead of their end, so that none is refused.
#[tokio::test(start_paused = true)]
async fn tokens_are_renewed_in_the_middle_of_a_run_and_none_is_refused() {
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256] {
        let (mock, config) = started(of(1_000).token_lifetime(Duration::from_secs(40)), algorithm);
        let directory = connect(config).await;
        let campaign = Campaign::planned(&directory, &ordinary(&mock, USERS), &[SET]).await;
        let before = mock.counts().tokens;
        let campaign = campaign.finished().await;
        let counts = mock.counts();
        let (count, seconds) = campaign.course(SET).await;
        println!("{algorithm:?}: {count} in {seconds:.1} s with {} tokens, {counts:?}", counts.tokens - before);
        assert_eq!((count, counts.unauthenticated, counts.throttled), (USERS, 0, 0), "{counts:?}");
        assert!(counts.tokens - before >= 3, "{counts:?}");
    }
}

/// The nonce of before is not good any more, and every token neither: one refusal, one new token by a
/// new nonce, and each order once.
#[tokio::test(start_paused = true)]
async fn a_nonce_and_tokens_that_end_in_the_middle_of_a_run_cost_no_order() {
    let (mock, config) = started(of(1_000), SigningAlgorithm::Rs256);
    let directory = connect(config).await;
    let campaign = Campaign::planned(&directory, &ordinary(&mock, USERS), &[SET]).await;
    let before = mock.counts();
    let trouble = async {
        clock::sleep(Duration::from_secs(30)).await;
        mock.forget_nonces();
        mock.forget_tokens(false);
    };
    let (campaign, ()) = tokio::join!(campaign.finished(), trouble);
    let counts = mock.counts();
    assert_eq!((campaign.course(SET).await.0, mock.record().len()), (USERS, USERS), "each once");
    // What was under way in that moment is refused, and there is one new token for all of it: one
    // request that brings the nonce, and one with it.
    assert!((1..=10).contains(&counts.unauthenticated), "{counts:?}");
    assert_eq!((counts.tokens - before.tokens, counts.token_requests - before.token_requests), (1, 2), "{counts:?}");
    println!("{} refused, one new token: {counts:?}", counts.unauthenticated);
}

/// A nonce that ends by its age: three days between two runs of one process.
#[tokio::test(start_paused = true)]
async fn a_nonce_that_is_too_old_is_replaced() {
    let (mock, config) = started(of(200), SigningAlgorithm::Es256);
    let directory = connect(config).await;
    clock::sleep(Duration::from_secs(80 * 3_600)).await;
    let users = ordinary(&mock, 20);
    let campaign = Campaign::planned(&directory, &users, &[SET]).await.finished().await;
    assert_eq!(campaign.course(SET).await.0, users.len());
    assert_eq!(mock.counts().unauthenticated, 0, "{:?}", mock.counts());
}

/// An API token that ends in the middle stops the run at once: nothing else can be done with it.
#[tokio::test(start_paused = true)]
async fn an_api_token_that_ends_stops_with_what_to_do() {
    use identity_core::directory::ForcedReset as _;
    use identity_core::error::ErrorKind;
    use identity_core::reset::Order;

    let mock = of(50).build();
    let directory = connect(crate::inside::config(&mock)).await;
    let user = ordinary(&mock, 1).remove(0);
    mock.forget_tokens(true);
    let order = Order::new(crate::stage::account_id(&user.id), Action::RevokeSessions);
    let outcome = directory.apply(&[order]).await.remove(0);
    let error = outcome.error().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    assert!(error.advice().unwrap().contains("30 days"), "{error:?}");
    assert!(mock.untouched(&user.id) && mock.counts().unauthenticated == 1, "{:?}", mock.counts());
}

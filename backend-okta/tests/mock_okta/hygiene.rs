//! No secret in what is logged, whatever the level and whatever goes wrong.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use backend_okta::{OktaConfig, OktaDirectory};
use bytes::Bytes;
use http::{Request, Response};
use identity_core::directory::{AccountEnumerator as _, ForcedReset as _, Scope};
use identity_core::http::{HttpTransport, SigningAlgorithm, Transport, TransportFault, TransportSettings};
use identity_core::reset::{Action, Order, Outcome, Secret};
use secrecy::ExposeSecret as _;
use testkit::fault::{Fault, When};
use testkit::mock_okta::{MockOkta, OktaUser, fixed};
use testkit::overheard;
use tracing_subscriber::filter::LevelFilter;

use crate::journey::{self, PASSWORD};
use crate::stage::{KEY_ID, account_id, key, list, of, reaching};

/// The network, overheard: which secrets came by, in requests and in answers.
#[derive(Debug)]
struct Overheard {
    carrier: Arc<HttpTransport>,
    secrets: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Transport for Overheard {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportFault> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let proof = header("dpop");
        let sent = String::from_utf8_lossy(request.body()).into_owned();
        let assertion = sent.split('&').find_map(|part| part.strip_prefix("client_assertion=")).map(str::to_owned);
        self.secrets.lock().unwrap().extend(proof.into_iter().chain(assertion));
        let answer = self.carrier.send(request).await?;
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        for name in ["access_token", "tempPassword", "resetPasswordUrl"] {
            self.secrets.lock().unwrap().extend(body[name].as_str().map(str::to_owned));
        }
        Ok(answer)
    }
}

/// Where things go wrong: a new sign-in, refusals, answers that are none.
async fn trouble(mock: &MockOkta, directory: &OktaDirectory, user: &OktaUser) -> (String, Vec<String>) {
    let (mut told, mut made) = (String::new(), Vec::new());
    mock.forget_tokens(false);
    mock.forget_nonces();
    let order = |action: Action, password: &str| {
        let order = Order::new(account_id(&user.id), action);
        [if action.needs_password() { order.with_password(Secret::new(password.to_owned())) } else { order }]
    };
    let set = Action::SetPassword { must_change: false };
    told += &format!("{:?}", directory.apply(&order(set, &format!("{PASSWORD}winter"))).await);
    for fault in [
        Fault::RefusePassword,
        Fault::Forbid,
        Fault::CutAfterApply,
        Fault::CutMidAnswer,
        Fault::BadGateway,
        Fault::GatewayTimeout,
        Fault::GarbledMessage,
        Fault::TruncatedPage,
        Fault::Busy,
    ] {
        for action in [set, Action::SetTemporaryPassword, Action::ResetToRecovery { mail: false }] {
            mock.add_fault(When::write().times(1), fault.clone());
            for outcome in directory.apply(&order(action, &format!("{PASSWORD}again"))).await {
                told += &format!("{outcome:?}");
                if let Outcome::Done(receipt) = outcome {
                    made.extend(receipt.server_secret.map(|secret| secret.expose().to_owned()));
                }
            }
        }
    }
    mock.set_caller_roles([]);
    told += &format!("{:?}", directory.apply(&order(set, &format!("{PASSWORD}denied"))).await);
    told += &format!("{:?}", list(directory, Scope::Everyone).await);
    told += &format!("{:?}", directory.lookup(&[account_id(&user.id)]).await);
    mock.forget_tokens(true);
    told += &format!("{:?}", directory.apply(&order(set, &format!("{PASSWORD}unknown"))).await);
    told += &format!("{directory:?}");
    (told, made)
}

async fn nothing_shows(by_app: bool) {
    let log = overheard::Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // For this thread, which is all that this runtime has.
    let _logging = tracing::subscriber::set_default(subscriber);

    let heard = Arc::<Mutex<Vec<String>>>::default();
    let carrier = HttpTransport::shared(&TransportSettings::default()).unwrap();
    let transport = Arc::new(Overheard { carrier, secrets: Arc::clone(&heard) });
    let (pem, public) = key(SigningAlgorithm::Es256);
    let mock = of(150).without_quotas().dpop().key(public).start().await.unwrap();
    let config: OktaConfig = if by_app {
        let scopes = testkit::mock_okta::SCOPES.iter().copied().chain(["okta.clients.read"]);
        mock.set_scope("okta.clients.read", true);
        reaching(&mock).service_app(mock.client_id(), pem.clone()).key_id(KEY_ID).scopes(scopes)
    } else {
        reaching(&mock).api_token(mock.api_token().into())
    };
    let mut told = format!("{config:?}");
    let directory = OktaDirectory::connect(config.without_quotas().transport(transport)).await.unwrap();
    let ending = journey::whole(&mock, directory.as_ref()).await;
    assert!(ending.done > 100 && ending.made.len() > 20, "{} done, {} made", ending.done, ending.made.len());
    told += &ending.told;
    let (of_trouble, made) = trouble(&mock, &directory, &mock.user(fixed::ORDINARY).unwrap()).await;
    told += &of_trouble;

    let text = log.text();
    assert!(text.contains("backend_okta") || text.contains("identity_core"), "nothing of ours was logged: {text}");
    let heard = heard.lock().unwrap().clone();
    assert!(heard.len() > if by_app { 100 } else { 20 }, "{} secrets came by", heard.len());
    let made = ending.made.iter().map(|secret| secret.expose().to_owned()).chain(made);
    // A link is as secret as what it ends in.
    let made: Vec<String> = made.flat_map(|made| made.rsplit('/').next().map(str::to_owned)).collect();
    let planted = [PASSWORD.to_owned(), mock.api_token()];
    let of_key = pem.expose_secret().lines().filter(|line| line.len() > 30).map(str::to_owned);
    let secrets: Vec<String> = planted.into_iter().chain(of_key).chain(heard).chain(made).collect();
    overheard::assert_hidden(&secrets, &[("the log", &text), ("an outcome", &told)]);
    println!("{} lines of log without any of {} secrets", text.lines().count(), secrets.len());
}

#[tokio::test]
async fn nothing_that_is_logged_has_a_secret_in_it_when_an_app_signs_in() {
    nothing_shows(true).await;
}

#[tokio::test]
async fn nothing_that_is_logged_has_a_secret_in_it_when_an_api_token_signs_in() {
    nothing_shows(false).await;
}

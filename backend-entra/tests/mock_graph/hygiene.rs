//! No secret in what is logged, whatever the level and whatever goes wrong.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use backend_entra::EntraDirectory;
use bytes::Bytes;
use http::{Request, Response};
use identity_core::directory::ForcedReset as _;
use identity_core::http::{HttpTransport, Transport, TransportFault, TransportSettings};
use identity_core::reset::{Action, Order, Secret};
use testkit::fault::{Fault, When};
use testkit::mock_graph::fixed;
use testkit::overheard;
use tracing_subscriber::filter::LevelFilter;

use crate::journey::{self, PASSWORD};
use crate::stage::{account_id, config, of};

/// The network, overheard: which tokens came by.
#[derive(Debug)]
struct Overheard {
    carrier: Arc<HttpTransport>,
    tokens: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Transport for Overheard {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportFault> {
        let answer = self.carrier.send(request).await?;
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if let Some(token) = body["access_token"].as_str() {
            self.tokens.lock().unwrap().push(token.to_owned());
        }
        Ok(answer)
    }
}

#[tokio::test]
async fn nothing_that_is_logged_has_a_secret_in_it() {
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

    let tokens = Arc::<Mutex<Vec<String>>>::default();
    let carrier = HttpTransport::shared(&TransportSettings::default()).unwrap();
    let transport = Arc::new(Overheard { carrier, tokens: Arc::clone(&tokens) });
    let mock = of(300).without_quotas().client_secret("pl~nted/client=secret").start().await.unwrap();
    let directory = EntraDirectory::connect(config(&mock).without_quotas().transport(transport)).await.unwrap();
    let ending = journey::whole(&mock, directory.as_ref()).await;
    assert!(ending.done > 50 && !ending.passes.is_empty(), "{} done, {} passes", ending.done, ending.passes.len());

    // And where things go wrong: a new sign-in, refusals, answers that are none.
    mock.forget_tokens();
    let one = account_id(mock.user(fixed::ORDINARY).unwrap().id);
    let set = |password: &str| {
        let order = Order::new(one.clone(), Action::SetPassword { must_change: true });
        [order.with_password(Secret::new(password.to_owned()))]
    };
    let mut told = ending.told.clone();
    told += &format!("{:?}", directory.apply(&set(&format!("{PASSWORD}contoso"))).await);
    for fault in [
        Fault::RefusePassword,
        Fault::Forbid,
        Fault::CutAfterApply,
        Fault::CutMidAnswer,
        Fault::BadGateway,
        Fault::GatewayTimeout,
        Fault::GarbledMessage,
    ] {
        mock.add_fault(When::write().times(1), fault);
        told += &format!("{:?}", directory.apply(&set(&format!("{PASSWORD}again"))).await);
    }
    mock.set_permission("User-PasswordProfile.ReadWrite.All", false);
    mock.forget_tokens();
    told += &format!("{:?}", directory.apply(&set(&format!("{PASSWORD}denied"))).await);
    told += &format!("{directory:?}");

    let text = log.text();
    assert!(text.contains("backend_entra") || text.contains("identity_core"), "nothing of ours was logged: {text}");
    let tokens = tokens.lock().unwrap().clone();
    assert!(tokens.len() >= 3, "{} tokens came by", tokens.len());
    let passes = ending.passes.iter().map(|pass| pass.expose().to_owned());
    let planted = [PASSWORD.to_owned(), mock.client_secret().unwrap()];
    let secrets: Vec<String> = planted.into_iter().chain(tokens).chain(passes).collect();
    overheard::assert_hidden(&secrets, &[("the log", &text), ("an outcome", &told)]);
    println!("{} lines of log without any of {} secrets", text.lines().count(), secrets.len());
}

//! No secret in what is printed, logged or reported; and everything can move between threads.

use std::error::Error as _;

use identity_core::directory::{Backend, Support};
use identity_core::reset::{Action, Order, Outcome, Receipt, Secret, SecretKind};

use super::stage::ensure;
use super::{Check, Circumstance, Halt, Stage};

const SET: Action = Action::SetPassword { must_change: false };

/// Neither the passwords of orders nor what the backend signs in with show in any text.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn nowhere_in_text(stage: &Stage<'_>) -> Check {
    let directory = stage.directory();
    let mut planted = stage.harness().planted_secrets();
    let mut texts = vec![
        format!("{directory:?}"),
        format!("{:#?}", directory.info()),
        format!("{:?}", directory.limits()),
        format!("{:?}", directory.governor()),
    ];
    if let Ok(preflight) = directory.preflight().await {
        texts.push(format!("{preflight:?}"));
    }
    if stage.need_action(SET).is_ok() {
        let account = stage.account().await?;
        let mut orders = vec![Order::new(account.id.clone(), SET).with_password(stage.password())];
        if let Some(absent) = stage.harness().absent_id() {
            orders.push(Order::new(absent, SET).with_password(stage.password()));
        }
        // Refused for its length or its characters, where anything refuses it.
        let long = Secret::new(format!("{}\u{0}{}", stage.password().expose(), "x".repeat(4096)));
        orders.push(Order::new(account.id.clone(), SET).with_password(long));
        for order in &orders {
            planted.extend(order.password.clone());
            for outcome in stage.apply_once(std::slice::from_ref(order)).await? {
                texts.extend(printed(&outcome));
            }
        }
        // A lost answer has an error of its own.
        if stage.arrange(Circumstance::CutAfterApply(account.id.clone())).await.is_ok() {
            let order = Order::new(account.id.clone(), SET).with_password(stage.password());
            planted.extend(order.password.clone());
            for outcome in stage.apply_once(std::slice::from_ref(&order)).await? {
                texts.extend(printed(&outcome));
            }
        }
        texts.push(format!("{directory:?}"));
        // Leaves the account with a password that the directory's policy likes.
        stage.set(&account.id, false).await?;
    }
    for secret in &planted {
        let secret = secret.expose();
        let start: String = secret.chars().take(16).collect();
        let leak = texts.iter().find(|text| !start.is_empty() && text.contains(&start));
        let text = leak.map(|text| text.replace(secret, "…").replace(&start, "…"));
        ensure!(text.is_none(), "a secret shows in: {:.200}", text.unwrap_or_default());
    }
    Ok(())
}

/// A secret that the server makes reaches the receipt and nothing else; where the harness can tell,
/// the directory honours it, and after a second one the first no more.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn server_secret(stage: &Stage<'_>) -> Check {
    let directory = stage.directory();
    let actions = [
        Action::IssueAccessPass,
        Action::SendRecoveryLink,
        Action::SetTemporaryPassword,
        Action::ResetToRecovery { mail: false },
    ];
    let can: Vec<Action> = actions.into_iter().filter(|action| directory.capabilities().can(*action)).collect();
    if can.is_empty() {
        let names = "capability issue_access_pass, send_recovery_link, set_temporary_password or reset_to_recovery";
        return Err(Halt::Skip(names.into()));
    }
    let account = stage.account().await?;
    stage.retire(&account.id);
    let mut came = false;
    for action in can.into_iter().filter(|action| directory.support(&account, *action) == Support::Works) {
        let mut given = Vec::new();
        for _ in 0..2 {
            let Outcome::Done(mut receipt) = stage.order(Order::new(account.id.clone(), action)).await? else {
                return Err(Halt::Fail(format!("{action} of {} is not done", account.name)));
            };
            let secret = receipt.server_secret.take();
            // A link may be sent to the person; anything else is of no use to anybody unless it comes back.
            ensure!(secret.is_some() || action == Action::SendRecoveryLink, "{action}: the receipt has no secret");
            let texts = [format!("{directory:?}"), format!("{receipt:?}"), receipt.request_id.unwrap_or_default()];
            for secret in secret.iter().map(Secret::expose) {
                ensure!(!secret.is_empty(), "{action}: the secret is empty");
                ensure!(!texts.iter().any(|text| text.contains(secret)), "{action}: its secret shows in a text");
            }
            given.extend(secret);
        }
        came |= !given.is_empty();
        let ([first, second], Some(kind)) = (given.as_slice(), action.server_secret()) else { continue };
        if let Some(honoured) = stage.harness().honours(&account.id, kind, second).await {
            ensure!(honoured, "{action}: the directory does not take the secret that it issued");
        }
        if matches!(kind, SecretKind::AccessPass | SecretKind::TemporaryPassword) {
            let honoured = stage.harness().honours(&account.id, kind, first).await;
            ensure!(honoured != Some(true), "{action}: the first {kind} opens after a second one was issued");
        }
    }
    if came { Ok(()) } else { Err(Halt::Skip("an action whose receipt carries a secret".into())) }
}

/// The directory can be shared between threads, and its futures move between them.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn send_and_sync(stage: &Stage<'_>) -> Check {
    fn shared<T: Send + Sync + 'static + ?Sized>() {}
    shared::<dyn Backend>();
    let account = stage.account().await?;
    let directory = std::sync::Arc::clone(stage.directory());
    let id = account.id.clone();
    let found = tokio::spawn(async move { directory.lookup(&[id]).await }).await;
    let found = found.map_err(|error| super::Halt::Fail(format!("a spawned lookup: {error}")))??;
    let id = found.into_iter().next().flatten().map(|row| row.id);
    ensure!(id.as_ref() == Some(&account.id), "a spawned lookup of {} finds {id:?}", account.id);
    Ok(())
}

fn printed(outcome: &Outcome) -> Vec<String> {
    let mut texts = vec![format!("{outcome:?}")];
    if let Outcome::Done(Receipt { request_id: Some(id), .. }) = outcome {
        texts.push(id.clone());
    }
    if let Some(error) = outcome.error() {
        texts.push(error.to_string());
        texts.push(format!("{error:#?}"));
        let mut source = error.source();
        while let Some(cause) = source {
            texts.push(format!("{cause} {cause:?}"));
            source = cause.source();
        }
    }
    texts
}

//! Listings: complete, stable, by scope, and never short in silence.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt, TryStreamExt};
use identity_core::account::{Account, AccountId};
use identity_core::directory::{AccountQuery, Scope};
use identity_core::error::{Error, ErrorKind};

use super::stage::ensure;
use super::{Check, Circumstance, Halt, KnownAccount, Stage};

/// Everybody who is known to be there is listed; where the truth is exhaustive, nobody else.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn complete(stage: &Stage<'_>) -> Check {
    let truth = stage.truth().await?;
    let listed = names(stage.list(&AccountQuery::everyone()).await?.into_values());
    let known: BTreeSet<String> = truth.accounts.iter().map(|account| fold(&account.name)).collect();
    let lost: Vec<&String> = known.difference(&listed).take(5).collect();
    ensure!(
        lost.is_empty(),
        "{} of {} known accounts are not listed, such as {lost:?}",
        known.difference(&listed).count(),
        known.len()
    );
    if truth.exhaustive {
        let invented: Vec<&String> = listed.difference(&known).take(5).collect();
        ensure!(invented.is_empty(), "accounts are listed that are not there, such as {invented:?}");
    }
    Ok(())
}

/// An id belongs to one account.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn ids_are_unique(stage: &Stage<'_>) -> Check {
    let mut rows = stage.directory().accounts(&AccountQuery::everyone());
    let mut seen: HashMap<String, String> = HashMap::new();
    while let Some(account) = rows.try_next().await? {
        let name = account.name.clone();
        if let Some(other) = seen.insert(account.id.to_string(), account.name) {
            ensure!(other == name, "the id {} is given to {other:?} and to {name:?}", account.id);
        }
    }
    ensure!(!seen.is_empty(), "the listing of everyone is empty");
    Ok(())
}

/// Two listings of a directory at rest name the same accounts by the same ids.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn two_listings_agree(stage: &Stage<'_>) -> Check {
    let first = stage.list(&AccountQuery::everyone()).await?;
    let second = stage.list(&AccountQuery::everyone()).await?;
    ensure!(first.len() == second.len(), "the first lists {} accounts, the second {}", first.len(), second.len());
    for (id, account) in &first {
        let again = second.get(id).map(|again| again.name.as_str());
        ensure!(again == Some(account.name.as_str()), "{id} is {:?} first and {again:?} then", account.name);
    }
    Ok(())
}

/// A row says which directory it is of.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn rows_are_of_this_directory(stage: &Stage<'_>) -> Check {
    let id = &stage.directory().info().id;
    for account in stage.list(&AccountQuery::everyone()).await?.values() {
        ensure!(account.directory == *id, "{} says it is of {}, not of {id}", account.id, account.directory);
        ensure!(!account.name.is_empty(), "{} has an empty name", account.id);
    }
    Ok(())
}

/// Names outside ASCII arrive unharmed.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn unicode_names(stage: &Stage<'_>) -> Check {
    let truth = stage.truth().await?;
    let foreign = |name: &str| !name.is_ascii();
    let shown = |known: &KnownAccount| known.display_name.as_deref().is_some_and(foreign);
    let known: Vec<&KnownAccount> =
        truth.accounts.iter().filter(|known| foreign(&known.name) || shown(known)).collect();
    if known.is_empty() {
        return Err(Halt::Skip("the truth has no name outside ASCII".into()));
    }
    let listed: HashMap<String, Account> = by_name(stage).await?;
    for known in known {
        let Some(row) = listed.get(&fold(&known.name)) else {
            return Err(Halt::Fail(format!("{:?} is not listed", known.name)));
        };
        let same = known.display_name.is_none() || row.display_name == known.display_name;
        ensure!(same, "{:?} is listed as {:?}", known.display_name, row.display_name);
    }
    Ok(())
}

/// Accounts are listed with the attributes that populations are chosen by and persons are joined by.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn attributes_as_known(stage: &Stage<'_>) -> Check {
    let truth = stage.truth().await?;
    let known: Vec<&KnownAccount> = truth.accounts.iter().filter(|known| !known.attributes.is_empty()).collect();
    if known.is_empty() {
        return Ok(());
    }
    let listed: HashMap<String, Account> = by_name(stage).await?;
    for known in known {
        let Some(row) = listed.get(&fold(&known.name)) else {
            return Err(Halt::Fail(format!("{:?} is not listed", known.name)));
        };
        for (name, value) in &known.attributes {
            let found = row.attributes.get(name);
            ensure!(found == Some(value), "{:?} is listed with {name} {found:?}, and has {value:?}", known.name);
        }
    }
    Ok(())
}

/// Every account is seen with its kind, the protected kinds above all: what is not seen cannot be
/// left out with a reason.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn kinds_and_states_as_known(stage: &Stage<'_>) -> Check {
    let truth = stage.truth().await?;
    let listed = by_name(stage).await?;
    for known in &truth.accounts {
        let Some(account) = listed.get(&fold(&known.name)) else {
            return Err(Halt::Fail(format!("{} is not listed", known.name)));
        };
        ensure!(account.kind == known.kind, "{} is listed as {}, it is {}", known.name, account.kind, known.kind);
        let enabled = account.state.enabled;
        ensure!(enabled == known.enabled, "{} is listed with enabled = {enabled}", known.name);
    }
    Ok(())
}

/// The members of a group, nested ones included.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn scope_group(stage: &Stage<'_>) -> Check {
    stage.need(stage.directory().capabilities().enumerate_group, "enumerate_group")?;
    scopes_as_known(stage, &|scope| matches!(scope, Scope::Group(_))).await
}

/// Everybody below an organisational unit.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn scope_unit(stage: &Stage<'_>) -> Check {
    stage.need(stage.directory().capabilities().enumerate_unit, "enumerate_unit")?;
    scopes_as_known(stage, &|scope| matches!(scope, Scope::Unit(_))).await
}

/// Everybody whom a filter in the directory's own language selects.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn scope_native(stage: &Stage<'_>) -> Check {
    stage.need(stage.directory().capabilities().enumerate_native, "enumerate_native")?;
    scopes_as_known(stage, &|scope| matches!(scope, Scope::Native(_))).await
}

/// A group that is not there must not select nobody in silence.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn unknown_group_is_input_invalid(stage: &Stage<'_>) -> Check {
    stage.need(stage.directory().capabilities().enumerate_group, "enumerate_group")?;
    let query = AccountQuery::of(Scope::Group("no-such-group-4c1d".into()));
    match first_error(stage, &query).await {
        Some(error) => {
            let kind = error.kind();
            ensure!(kind == ErrorKind::InputInvalid, "a group that is not there is {kind:?}, not InputInvalid");
            Ok(())
        }
        None => Err(Halt::Fail("a group that is not there selects nobody, without an error".into())),
    }
}

/// A scope that the directory does not have says so.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn missing_scopes_say_unsupported(stage: &Stage<'_>) -> Check {
    let can = stage.directory().capabilities();
    let scopes = [
        (can.enumerate_group, Scope::Group("any".into())),
        (can.enumerate_unit, Scope::Unit("any".into())),
        (can.enumerate_native, Scope::Native("any".into())),
    ];
    for (_, scope) in scopes.into_iter().filter(|(has, _)| !has) {
        let kind = first_error(stage, &AccountQuery::of(scope.clone())).await.map(|error| error.kind());
        ensure!(kind == Some(ErrorKind::Unsupported), "{scope:?} is not supported, and answers {kind:?}");
    }
    Ok(())
}

/// Whoever stops reading early does no harm to whoever reads next.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn dropped_early(stage: &Stage<'_>) -> Check {
    for _ in 0..5 {
        let mut rows = stage.directory().accounts(&AccountQuery::everyone());
        ensure!(rows.try_next().await?.is_some(), "the listing of everyone is empty");
    }
    two_listings_agree(stage).await
}

/// A listing that ends midway ends with an error.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn truncated_is_an_error(stage: &Stage<'_>) -> Check {
    let whole: BTreeSet<AccountId> = stage.list(&AccountQuery::everyone()).await?.into_keys().collect();
    stage.arrange(Circumstance::TruncateListing).await?;
    let rows = stage.directory().accounts(&AccountQuery::everyone());
    let listed: Result<BTreeSet<AccountId>, Error> = rows.map_ok(|account| account.id).try_collect().await;
    if let Ok(listed) = listed {
        // A backend may begin again by itself; then nobody is missing.
        ensure!(listed == whole, "a truncated listing ends as if it were complete");
    }
    // The next one is whole again.
    stage.list(&AccountQuery::everyone()).await.map(drop)
}

/// An account that changed after the mark is listed.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn changed_since_a_mark(stage: &Stage<'_>) -> Check {
    stage.need(stage.directory().capabilities().enumerate_changed, "enumerate_changed")?;
    let accounts = stage.accounts(2).await?;
    let [touched, left] = accounts.as_slice() else { return Err(Halt::Skip("two accounts".into())) };
    let mark = stage.directory().mark().await?;
    stage.set(&touched.id, false).await?;
    let changed: Vec<Account> = stage.directory().changed_since(&mark).try_collect().await?;
    ensure!(changed.iter().any(|row| row.id == touched.id), "{} changed after the mark and is not listed", touched.id);
    ensure!(!changed.iter().any(|row| row.id == left.id), "{} did not change after the mark and is listed", left.id);
    Ok(())
}

/// Without the capability, marks say so.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn changed_without_capability(stage: &Stage<'_>) -> Check {
    if stage.directory().capabilities().enumerate_changed {
        return Err(Halt::Skip("a directory without enumerate_changed".into()));
    }
    let kind = stage.directory().mark().await.err().map(|error| error.kind());
    ensure!(kind == Some(ErrorKind::Unsupported), "a mark is not supported, and answers {kind:?}");
    Ok(())
}

async fn scopes_as_known(stage: &Stage<'_>, which: &(dyn Fn(&Scope) -> bool + Sync)) -> Check {
    let truth = stage.truth().await?;
    let mut scopes = truth.scopes;
    scopes.retain(|known| which(&known.scope));
    if scopes.is_empty() {
        return Err(Halt::Skip("the truth has no such scope".into()));
    }
    for known in &scopes {
        let listed = names(stage.list(&AccountQuery::of(known.scope.clone())).await?.into_values());
        let members: BTreeSet<String> = known.members.iter().map(|name| fold(name)).collect();
        let lost: Vec<&String> = members.difference(&listed).take(5).collect();
        let extra: Vec<&String> = listed.difference(&members).take(5).collect();
        ensure!(lost.is_empty() && extra.is_empty(), "{:?} lacks {lost:?} and has {extra:?} too much", known.scope);
    }
    Ok(())
}

async fn by_name(stage: &Stage<'_>) -> Result<HashMap<String, Account>, Halt> {
    let everyone = stage.list(&AccountQuery::everyone()).await?;
    Ok(everyone.into_values().map(|account| (fold(&account.name), account)).collect())
}

async fn first_error(stage: &Stage<'_>, query: &AccountQuery) -> Option<Error> {
    let mut rows = stage.directory().accounts(query);
    while let Some(row) = rows.next().await {
        if let Err(error) = row {
            return Some(error);
        }
    }
    None
}

fn names(accounts: impl Iterator<Item = Account>) -> BTreeSet<String> {
    accounts.map(|account| fold(&account.name)).collect()
}

/// Directories keep the case of a name and do not look at it.
fn fold(name: &str) -> String {
    name.to_lowercase()
}

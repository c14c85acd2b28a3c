//! Reading accounts by id.

use futures::TryStreamExt;
use identity_core::account::{Account, AccountId};
use identity_core::directory::AccountQuery;

use super::stage::ensure;
use super::{Check, Halt, Stage};

/// Answers come in the order asked.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn order_is_kept(stage: &Stage<'_>) -> Check {
    let mut ids = some_ids(stage, 7).await?;
    as_asked(stage, &ids).await?;
    ids.reverse();
    as_asked(stage, &ids).await
}

/// An account that is not there is `None`, and costs its neighbours nothing.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn unknown_is_none(stage: &Stage<'_>) -> Check {
    let Some(absent) = stage.harness().absent_id() else {
        return Err(Halt::Skip("the harness has no id that is absent".into()));
    };
    let ids = some_ids(stage, 2).await?;
    let mut ask = ids.clone();
    ask.insert(1.min(ids.len()), absent.clone());
    let found = stage.directory().lookup(&ask).await?;
    ensure!(found.len() == ask.len(), "{} answers for {} ids", found.len(), ask.len());
    for (id, answer) in ask.iter().zip(&found) {
        let right = if *id == absent { answer.is_none() } else { answer.as_ref().is_some_and(|row| row.id == *id) };
        ensure!(right, "the answer for {id} is {:?}", answer.as_ref().map(|row| &row.id));
    }
    Ok(())
}

/// An id that is asked twice is answered twice.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn duplicates(stage: &Stage<'_>) -> Check {
    let ids = some_ids(stage, 2).await?;
    // Not the same from behind: a reversed answer has to show.
    let ask: Vec<AccountId> = ids.first().into_iter().chain(&ids).chain(ids.last()).chain(&ids).cloned().collect();
    as_asked(stage, &ask).await
}

/// Nothing asked, nothing answered.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn empty(stage: &Stage<'_>) -> Check {
    as_asked(stage, &[]).await
}

/// One, a full batch, one more, and more than any page.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn every_size(stage: &Stage<'_>) -> Check {
    let batch = stage.directory().limits().max_batch.get() as usize;
    // 20 is a batch of Microsoft Graph, 200 a page of Okta, 1000 one of Active Directory.
    for size in [1, batch.saturating_sub(1), batch, batch + 1, 20, 21, 200, 201, 1001] {
        let ids = some_ids(stage, size.min(1001)).await?;
        as_asked(stage, &ids).await?;
    }
    Ok(())
}

/// A lookup says what the listing said.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn agrees_with_listing(stage: &Stage<'_>) -> Check {
    for row in some(stage, 50).await? {
        let read = stage.look(&row.id).await?;
        let same = read.name == row.name && read.kind == row.kind && read.state == row.state;
        ensure!(same, "{} is listed as {:?} and read as {:?}", row.id, summary(&row), summary(&read));
        // A listing may leave out what costs a read of its own.
        let mut listed = row.password.clone();
        listed.version = listed.version.or(read.password.version);
        listed.last_set = listed.last_set.or(read.password.last_set);
        let password = read.password == listed && read.authority == row.authority;
        ensure!(password, "the password of {} is listed as {listed:?} and read as {:?}", row.id, read.password);
    }
    Ok(())
}

fn summary(account: &Account) -> String {
    format!("{} {} enabled={}", account.name, account.kind, account.state.enabled)
}

async fn as_asked(stage: &Stage<'_>, ids: &[AccountId]) -> Check {
    let found = stage.directory().lookup(ids).await?;
    ensure!(found.len() == ids.len(), "{} answers for {} ids", found.len(), ids.len());
    for (place, (id, answer)) in ids.iter().zip(&found).enumerate() {
        let read = answer.as_ref().map(|row| &row.id);
        ensure!(read == Some(id), "place {place} of {} asks for {id} and is answered with {read:?}", ids.len());
    }
    Ok(())
}

/// Up to `count` different accounts of the directory.
async fn some(stage: &Stage<'_>, count: usize) -> Result<Vec<Account>, Halt> {
    let mut rows = stage.directory().accounts(&AccountQuery::everyone());
    let mut accounts: Vec<Account> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    while accounts.len() < count {
        let Some(row) = rows.try_next().await? else { break };
        if seen.insert(row.id.clone()) {
            accounts.push(row);
        }
    }
    Ok(accounts)
}

async fn some_ids(stage: &Stage<'_>, count: usize) -> Result<Vec<AccountId>, Halt> {
    Ok(some(stage, count).await?.into_iter().map(|row| row.id).collect())
}

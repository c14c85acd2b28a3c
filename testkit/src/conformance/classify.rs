//! Who is privileged: every route is seen, nobody is accused, and what cannot be read is unknown.

use std::collections::{BTreeMap, HashMap};

use identity_core::account::AccountId;
use identity_core::directory::AccountQuery;
use identity_core::privilege::{PrivilegeIndex, Tier};

use super::stage::ensure;
use super::{Check, Circumstance, Halt, KnownAccount, Stage};

/// Whoever is privileged is found with the right tier, whatever the route.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn privileged_are_found(stage: &Stage<'_>) -> Check {
    compare(stage, |known| known.tier.is_some_and(|tier| tier != Tier::User)).await
}

/// Whoever is not privileged is not called so.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn nobody_else(stage: &Stage<'_>) -> Check {
    compare(stage, |known| known.tier == Some(Tier::User)).await
}

/// Membership through other groups counts, through cycles too.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn nested_groups(stage: &Stage<'_>) -> Check {
    stage.need(stage.directory().capabilities().classify_nested_groups, "classify_nested_groups")?;
    let nested = |route: &str| ["nested", "cycl", "circular"].iter().any(|word| route.contains(word));
    compare(stage, |known| known.route.as_deref().is_some_and(nested)).await
}

/// Every ground can be shown to the person whom it concerns.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn grounds_have_evidence(stage: &Stage<'_>) -> Check {
    for (account, grounds) in stage.directory().privileges().await?.privileged() {
        for ground in grounds {
            let stated = !ground.rule.is_empty() && !ground.holds.is_empty() && !ground.evidence.is_empty();
            ensure!(stated, "a ground of {account} lacks its rule, what it holds or its evidence: {ground:?}");
        }
    }
    Ok(())
}

/// Where memberships could not be read, an account without a ground is unknown, not a user.
///
/// # Errors
/// [`Halt`], as every case.
pub async fn fails_closed(stage: &Stage<'_>) -> Check {
    let account = stage.account().await?;
    stage.arrange(Circumstance::HideMemberships).await?;
    // An error is closed too: there is no index to plan with.
    let Ok(index) = stage.directory().privileges().await else { return Ok(()) };
    let said = index.classify(&account.id).is_privileged() || index.unknown().next().is_some();
    ensure!(said, "memberships could not be read, and {} is called an ordinary user", account.id);
    Ok(())
}

async fn compare(stage: &Stage<'_>, which: impl Fn(&KnownAccount) -> bool + Send) -> Check {
    let truth = stage.truth().await?;
    let known: Vec<&KnownAccount> = truth.accounts.iter().filter(|known| which(known)).collect();
    if known.is_empty() {
        return Err(Halt::Skip("the truth has no such account".into()));
    }
    let index = stage.directory().privileges().await?;
    let ids = ids_by_name(stage).await?;
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for account in known {
        if let Some(text) = mistake(&index, &ids, account) {
            wrong.entry(account.route.as_deref().unwrap_or("no route")).or_default().push(text);
        }
    }
    let lines: Vec<String> = wrong
        .iter()
        .map(|(route, texts)| {
            format!("by {route}: {} wrong, such as {}", texts.len(), texts.first().map_or("", |text| text))
        })
        .collect();
    ensure!(lines.is_empty(), "{}", lines.join("; "));
    Ok(())
}

fn mistake(index: &PrivilegeIndex, ids: &HashMap<String, AccountId>, known: &KnownAccount) -> Option<String> {
    let Some(id) = ids.get(&known.name.to_lowercase()) else { return Some(format!("{} is not listed", known.name)) };
    let verdict = index.classify(id);
    if let Some(reason) = verdict.unknown_because.filter(|_| known.tier == Some(Tier::User)) {
        return Some(format!("{} is unknown: {reason}", known.name));
    }
    let (found, tier) = (verdict.tier.number(), known.tier?.number());
    (found != tier).then(|| format!("{} is of tier {tier}, classified as {found}", known.name))
}

async fn ids_by_name(stage: &Stage<'_>) -> Result<HashMap<String, AccountId>, Halt> {
    let everyone = stage.list(&AccountQuery::everyone()).await?;
    Ok(everyone.into_iter().map(|(id, account)| (account.name.to_lowercase(), id)).collect())
}

//! Which part of the org's rate limits the caller has: Okta gives each API token and app a
//! percentage of every bucket ("Set a principal's rate limits").

use futures::TryStreamExt;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;
use serde::Deserialize;

use crate::limits::{POLICIES, PRINCIPAL_RATE_LIMITS};
use crate::okta::Okta;
use crate::org::Caller;
use crate::sign_in::Scopes;

const OPERATION: &str = "read the caller's part of the rate limits";
/// The most rows of a page (Okta API reference, Principal Rate Limits).
const PAGE: &str = "50";

/// Which part of each bucket of the org Okta gives the caller.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// Above 0 and at most 1.
    Known(f64),
    /// Why it is not known.
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PrincipalRateLimit {
    principal_id: String,
    default_percentage: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    id: String,
    #[serde(default)]
    user_id: Option<String>,
}

impl Part {
    /// Reads the caller's part. That it may not be read is no error.
    ///
    /// # Errors
    /// When signing in is refused.
    pub(crate) async fn read(okta: &Okta, caller: &Caller, scopes: Option<&Scopes>) -> Result<Self> {
        const SCOPE: &str = "okta.principalRateLimits.read";
        if scopes.is_some_and(|scopes| !scopes.has(SCOPE)) {
            return Ok(Self::Unknown(format!("the app lacks {SCOPE}")));
        }
        match read(okta, caller).await {
            Ok(part) => Ok(part),
            Err(error) if error.kind() == ErrorKind::Unauthenticated => Err(error),
            Err(error) => Ok(Self::Unknown(because(&error))),
        }
    }
}

fn because(error: &Error) -> String {
    match error.kind() {
        ErrorKind::InsufficientPrivilege => "the caller may not read it".to_owned(),
        ErrorKind::Unsupported => "the org does not tell it".to_owned(),
        _ => error.detail().to_owned(),
    }
}

async fn read(okta: &Okta, caller: &Caller) -> Result<Part> {
    let (kind, ids) = match caller {
        Caller::App(client_id) => ("OAUTH_CLIENT", vec![client_id.clone()]),
        // A token does not tell its own id: it is one of those of its user.
        Caller::User { id, .. } => {
            let tokens: Vec<Token> =
                okta.list(OPERATION, POLICIES, Request::get("/api/v1/api-tokens")).try_collect().await?;
            let own = tokens.into_iter().filter(|token| token.user_id.as_ref() == Some(id));
            ("SSWS_TOKEN", own.map(|token| token.id).collect())
        }
    };
    let request = Request::get("/api/v1/principal-rate-limits")
        .query("filter", format!("principalType eq \"{kind}\""))
        .query("limit", PAGE);
    let all: Vec<PrincipalRateLimit> = okta.list(OPERATION, PRINCIPAL_RATE_LIMITS, request).try_collect().await?;
    let known: Vec<&PrincipalRateLimit> = all.iter().filter(|entry| ids.contains(&entry.principal_id)).collect();
    // One that is not listed has a part that is not told.
    let told = ids.iter().all(|id| known.iter().any(|entry| entry.principal_id == *id));
    // Of several tokens of one user, the one with the largest part needs the most care: what is told
    // to it is the largest limit of all.
    let most = known.iter().map(|entry| entry.default_percentage / 100.0).fold(0.0, f64::max);
    Ok(match told && most > 0.0 && most <= 1.0 {
        true => Part::Known(most),
        false => Part::Unknown("the org lists no part for it".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{Answer, DENIED, ME, directory, reply};

    async fn part(answers: impl IntoIterator<Item = Answer>, caller: &Caller) -> (Result<Part>, Vec<String>) {
        let (directory, canned) = directory(answers).await;
        let part = Part::read(&directory.org.okta, caller, None).await;
        (part, canned.sent().into_iter().map(|sent| sent.target).collect())
    }

    fn me() -> Caller {
        Caller::User { id: ME.into(), login: None }
    }

    fn entry(id: &str, percentage: u32) -> String {
        format!(
            r#"{{"id":"prl1","orgId":"00o1","principalId":"{id}","principalType":"SSWS_TOKEN","defaultPercentage":{percentage},"defaultConcurrencyPercentage":50}}"#
        )
    }

    fn tokens(ids: &[&str]) -> Answer {
        let mine = ids
            .iter()
            .map(|id| format!(r#"{{"id":"{id}","name":"t","userId":"{ME}","network":{{"connection":"ANYWHERE"}}}}"#));
        let other = r#"{"id":"00TOther","name":"t","userId":"00uOther"}"#.to_owned();
        reply(200, &format!("[{}]", mine.chain([other]).collect::<Vec<_>>().join(",")))
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_is_found_by_its_client_id() {
        let rows = format!("[{},{}]", entry("0oaOther", 10), entry("0oaMine", 75));
        let (part, sent) = part([reply(200, &rows)], &Caller::App("0oaMine".into())).await;
        assert_eq!(part.unwrap(), Part::Known(0.75));
        assert!(sent[0].contains("principalType%20eq%20%22OAUTH_CLIENT%22"), "{sent:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn of_the_tokens_of_a_user_the_one_with_the_largest_part_counts() {
        let rows = format!("[{},{},{}]", entry("00T1", 20), entry("00TOther", 90), entry("00T2", 40));
        let (read, sent) = part([tokens(&["00T1", "00T2"]), reply(200, &rows)], &me()).await;
        assert_eq!((read.unwrap(), sent.len()), (Part::Known(0.4), 2));
        // One that is not listed can have any part.
        let (read, _) = part([tokens(&["00T1", "00T2", "00T3"]), reply(200, &rows)], &me()).await;
        assert!(matches!(read.unwrap(), Part::Unknown(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_not_be_read_or_says_nothing_is_unknown() {
        let feature = r#"{"errorCode":"E0000015","errorSummary":"You do not have permission to access the feature you are requesting"}"#;
        for answer in [reply(403, DENIED), reply(401, feature), reply(200, "[]"), reply(200, "{}")] {
            let (read, _) = part([answer], &Caller::App("0oaMine".into())).await;
            assert!(matches!(read.unwrap(), Part::Unknown(_)));
        }
        for odd in [0, 101] {
            let (read, _) =
                part([reply(200, &format!("[{}]", entry("0oaMine", odd)))], &Caller::App("0oaMine".into())).await;
            assert!(matches!(read.unwrap(), Part::Unknown(_)), "{odd} %");
        }
        let invalid = r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided"}"#;
        let (read, sent) = part([reply(401, invalid)], &me()).await;
        assert_eq!((read.unwrap_err().kind(), sent.len()), (ErrorKind::Unauthenticated, 1));
    }
}

//! Accounts made or changed since a mark.
//!
//! A mark is a moment of Okta's own clock. Listings come from copies that are behind ("typically less
//! than one second"), so that a mark lies a little before the moment that it was taken, and a listing
//! waits a little before it asks. An account that changed shortly before the mark may be listed too.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::directory::{AccountStream, ChangeMark};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{Request, server_date};
use identity_core::limits::clock;
use jiff::{SignedDuration, Timestamp};

use crate::enumerate::{Listing, lacking, lean, list, users};
use crate::limits::USERS;
use crate::org::Org;

/// How far a copy may be behind: twice what Okta calls typical.
const LAG: Duration = Duration::from_secs(2);
/// How long before its moment a mark lies: the lag, the second that `Date` is rounded to, and what
/// the clocks of two servers may differ by.
const OVERLAP: SignedDuration = SignedDuration::from_secs(5);

/// A mark of now.
pub(crate) async fn mark(org: &Org) -> Result<ChangeMark> {
    let operation = "mark";
    // The right that the listing will need, at the price of one row.
    let request = lean(Request::get("/api/v1/users").query("limit", "1"));
    let response = org.okta.answer(operation, USERS, &request).await.map_err(lacking)?;
    let Some(now) = server_date(&response.headers) else {
        let error = Error::new(ErrorKind::Protocol, operation).with_detail("the answer does not tell the time");
        return Err(org.okta.named(error.with_advice("a proxy in between may be removing the header Date")));
    };
    Ok(ChangeMark((now - OVERLAP).to_string()))
}

/// The accounts that were made or changed since a mark, as they are now.
pub(crate) fn since(org: &Arc<Org>, mark: &ChangeMark) -> AccountStream {
    let (org, mark) = (Arc::clone(org), mark.0.clone());
    stream::once(async move {
        let operation = "list changed accounts";
        // It comes from a file, and becomes part of a filter.
        let Some(moment) = mark.parse::<Timestamp>().ok().filter(|moment| moment.to_string() == mark) else {
            let error = Error::new(ErrorKind::InputInvalid, operation)
                .with_detail("this is not a mark of this backend")
                .with_advice("take a new mark");
            return Err(org.okta.named(error));
        };
        clock::sleep(LAG).await;
        let request = users().query("filter", format!(r#"lastUpdated gt "{moment:.3}""#));
        let deprovisioned = org.reading.deprovisioned;
        Ok(list(&org, Listing { operation, class: USERS, requests: vec![request], deprovisioned }))
    })
    .try_flatten()
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{directory, reply, with_header};
    use crate::enumerate::tests::{page, row, with_next};
    use identity_core::directory::AccountEnumerator as _;

    #[tokio::test(start_paused = true)]
    async fn a_mark_is_the_servers_clock_with_an_overlap() {
        let (directory, canned) =
            directory([with_header(reply(200, "[]"), "date", "Mon, 29 Sep 2025 02:04:08 GMT"), reply(200, "[]")]).await;
        assert_eq!(directory.mark().await.unwrap().0, "2025-09-29T02:04:03Z");
        assert!(canned.sent()[0].target.ends_with("/api/v1/users?limit=1"), "{}", canned.sent()[0].target);
        assert_eq!(directory.mark().await.unwrap_err().kind(), ErrorKind::Protocol);
    }

    #[tokio::test(start_paused = true)]
    async fn changed_accounts_are_listed_once_after_the_lag_and_deactivated_ones_left_out() {
        let gone = row(4).replace("ACTIVE", "DEPROVISIONED");
        let next = "https://acme.okta.test/api/v1/users?after=x&filter=lastUpdated+gt+%22x%22";
        let (directory, canned) = directory([
            with_next(reply(200, &page(&[1, 2])), next),
            reply(200, &format!("[{},{},{gone}]", row(2), row(3))),
        ])
        .await;
        let begun = clock::instant();
        let mark = ChangeMark("2025-09-29T02:04:03Z".into());
        let changed: Vec<_> =
            directory.changed_since(&mark).map_ok(|account| account.name).try_collect().await.unwrap();
        assert_eq!(changed, ["u1@example.test", "u2@example.test", "u3@example.test"]);
        assert!(begun.elapsed() >= LAG);
        let sent = canned.sent();
        let filter = "?limit=200&filter=lastUpdated%20gt%20%222025-09-29T02%3A04%3A03.000Z%22";
        assert!(sent[0].target.ends_with(filter), "{}", sent[0].target);
        assert_eq!(sent[1].target, next);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_mark_is_not_made_into_a_filter() {
        let (directory, canned) = directory([]).await;
        for bad in [
            "",
            "42@dc1",
            "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x",
            "2025-09-29T02:04:03Z\" or status eq \"ACTIVE",
            "2025-09-29",
            "2025-09-29T02:04:03+02:00",
        ] {
            let rows: Result<Vec<_>> = directory.changed_since(&ChangeMark(bad.into())).try_collect().await;
            assert_eq!(rows.unwrap_err().kind(), ErrorKind::InputInvalid, "{bad}");
        }
        assert!(canned.sent().is_empty());
    }
}

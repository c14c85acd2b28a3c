//! An event of the System Log (Okta API reference, System Log, `LogEvent`).

use serde::Deserialize;

/// What of an event tells who did what to whom, and by which request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogEvent {
    pub(crate) uuid: String,
    /// When it happened; to the millisecond.
    pub(crate) published: jiff::Timestamp,
    /// `user.account.reset_password`, …: an open list.
    pub(crate) event_type: String,
    pub(crate) actor: Option<Entity>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) target: Option<Vec<Entity>>,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) debug_context: Option<DebugContext>,
    pub(crate) client: Option<Client>,
}

/// Who did it, or whom it was done to.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entity {
    pub(crate) id: Option<String>,
    /// `User`, `PublicClientApp`, `SystemPrincipal`, …: an open list.
    #[serde(rename = "type")]
    pub(crate) sort: Option<String>,
    /// A user's login.
    pub(crate) alternate_id: Option<String>,
    pub(crate) display_name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Outcome {
    /// `SUCCESS`, `FAILURE`, …: an open list.
    pub(crate) result: Option<String>,
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DebugContext {
    pub(crate) debug_data: Option<DebugData>,
}

/// A dictionary whose members differ by event; none but this is looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DebugData {
    pub(crate) request_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Client {
    pub(crate) ip_address: Option<String>,
}

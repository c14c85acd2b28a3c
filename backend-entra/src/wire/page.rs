//! One page of a listing.

use serde::Deserialize;

/// One page of a listing. A page without `value` is no page: the listing would be short in silence.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    /// The rows; there may be none although more pages follow.
    pub(crate) value: Vec<T>,
    /// The next page: opaque, and followed as it stands.
    #[serde(rename = "@odata.nextLink")]
    pub(crate) next: Option<String>,
    /// Where a delta query goes on later; on its last page only.
    #[serde(rename = "@odata.deltaLink")]
    pub(crate) delta: Option<String>,
}

//! Groups.

use serde::Deserialize;

use super::null_as_none;

/// A group, as far as it is needed to name it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "null_as_none")]
    pub(crate) profile: GroupProfile,
}

/// The attributes of a group.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct GroupProfile {
    pub(crate) name: Option<String>,
}

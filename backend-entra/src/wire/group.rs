//! Groups and their members.

use serde::Deserialize;

/// A group, as far as it is needed to name it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
}

/// A member of a group: a user, a group, a device, a service principal, a contact.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Member {
    #[serde(rename = "@odata.type")]
    odata_type: Option<String>,
    pub(crate) id: String,
}

impl Member {
    /// Whether it is a user, or may be one: then a look-up tells.
    pub(crate) fn may_be_user(&self) -> bool {
        let sort = self.odata_type.as_deref().map(|sort| sort.rsplit_once('.').map_or(sort, |(_, sort)| sort));
        sort.is_none_or(|sort| ["user", "agentUser"].iter().any(|user| sort.eq_ignore_ascii_case(user)))
    }
}

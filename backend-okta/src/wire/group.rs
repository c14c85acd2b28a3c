//! Groups.

use serde::Deserialize;

use super::null_as_none;

/// A group, as far as it is needed to name it, and with `expand=stats` to tell whether it holds a role.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "null_as_none")]
    pub(crate) profile: GroupProfile,
    #[serde(rename = "_embedded", default, deserialize_with = "null_as_none")]
    pub(crate) embedded: GroupEmbedded,
}

/// The attributes of a group.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct GroupProfile {
    pub(crate) name: Option<String>,
}

/// What a listing of groups has on request.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct GroupEmbedded {
    pub(crate) stats: Option<GroupStats>,
}

/// What is counted of a group.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct GroupStats {
    /// Whether a role was given to the group. The description spells it without its second `i`.
    #[serde(rename = "hasAdminPrivilege", alias = "hasAdminPrivlege")]
    pub(crate) has_admin_privilege: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_the_flag_of_a_group_are_read_and_none_is_no_false() {
        for (stats, expected) in [
            (r#"{"stats":{"hasAdminPrivlege":true}}"#, Some(true)),
            (r#"{"stats":{"hasAdminPrivilege":false,"usersCount":3}}"#, Some(false)),
            (r#"{"stats":{"usersCount":3}}"#, None),
            ("{}", None),
        ] {
            let group: Group = serde_json::from_str(&format!(r#"{{"id":"00g1","_embedded":{stats}}}"#)).unwrap();
            assert_eq!(group.embedded.stats.and_then(|stats| stats.has_admin_privilege), expected, "{stats}");
        }
        let plain: Group = serde_json::from_str(r#"{"id":"00g1","profile":{"name":"Ops"},"_embedded":null}"#).unwrap();
        assert!(plain.embedded.stats.is_none());
    }
}

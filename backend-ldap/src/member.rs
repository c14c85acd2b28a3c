//! Members as groups list them. Names in the form that LDAP_SERVER_EXTENDED_DN_OID gives: `<GUID=…>;<SID=…>;CN=…`. They tell who
//! a member is even where it is of another domain.

use std::str::FromStr;

use futures::stream::{self, StreamExt, TryStreamExt};
use identity_core::error::Result;
use uuid::Uuid;

use crate::account::EVERY_ACCOUNT;
use crate::domain::Domain;
use crate::groups::Groups;
use crate::value::sid::Sid;
use crate::value::{dn, guid};
use crate::wire::Search;

/// Members that are read at the same time.
const READ_AT_ONCE: usize = 8;

/// A member as its group lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) guid: Option<Uuid>,
    pub(crate) sid: Option<Sid>,
    pub(crate) dn: String,
}

impl Member {
    /// Takes a name apart; one without the extended parts is a name alone.
    pub(crate) fn parse(text: &str) -> Self {
        let mut member = Self { guid: None, sid: None, dn: String::new() };
        let mut rest = text;
        while let Some((part, after)) = rest.strip_prefix('<').and_then(|inner| inner.split_once('>')) {
            match part.split_once('=') {
                Some(("GUID", value)) => member.guid = Uuid::try_parse(value).ok(),
                Some(("SID", value)) => member.sid = Sid::from_str(value).ok(),
                _ => {}
            }
            rest = after.strip_prefix(';').unwrap_or(after);
        }
        rest.clone_into(&mut member.dn);
        // A foreign security principal is named after the SID that it stands for.
        if member.is_placeholder() && member.sid.is_none() {
            member.sid = Sid::from_str(&dn::first_name(&member.dn)).ok();
        }
        member
    }

    /// Whether it is a foreign security principal: a placeholder for an account or group of another
    /// domain, or for a well-known identity.
    pub(crate) fn is_placeholder(&self) -> bool {
        dn::key(dn::parent(&self.dn)).starts_with("cn=foreignsecurityprincipals,")
    }
}

/// Everything that a group lists; `None` if the group is gone.
pub(crate) async fn members(domain: &Domain, groups: &Groups, name: &str) -> Result<Option<Vec<Member>>> {
    let search = Search { extended_names: true, ..Search::object(name, &["objectGUID", "member"]) };
    let Some(mut entry) = domain.object_of(&search).await? else { return Ok(None) };
    domain.complete(&mut entry, "member", true).await?;
    let members = entry.texts("member").map(Member::parse);
    let identified = stream::iter(members.map(|member| identify(domain, groups, member))).buffered(READ_AT_ONCE);
    identified.try_collect().await.map(Some)
}

/// Reads who a member is, where the controller gave its name alone.
async fn identify(domain: &Domain, groups: &Groups, mut member: Member) -> Result<Member> {
    if let Some(own) = own_of(domain, groups, &member).await? {
        return Ok(own);
    }
    if member.guid.is_none() && !groups.by_key.contains_key(&dn::key(&member.dn)) {
        match domain.object(&member.dn, &["objectGUID", "objectSid"]).await {
            Ok(Some(entry)) => {
                member.guid = entry.guid();
                member.sid = member.sid.or_else(|| entry.sid("objectsid"));
            }
            // It stays without a GUID, and that is said later.
            Ok(None) => {}
            Err(error) if error.is_temporary() => return Err(error),
            Err(_) => {}
        }
    }
    Ok(member)
}

/// Who a placeholder stands for, where that is an account or group of this very domain.
async fn own_of(domain: &Domain, groups: &Groups, member: &Member) -> Result<Option<Member>> {
    let own = member.sid.as_ref().filter(|sid| member.is_placeholder() && sid.domain().as_ref() == Some(&domain.sid));
    let Some(sid) = own else { return Ok(None) };
    if let Some(group) = groups.by_sid(sid).and_then(|key| groups.by_key.get(key)) {
        return Ok(Some(Member { guid: group.guid, sid: Some(sid.clone()), dn: group.dn.clone() }));
    }
    let filter = format!("(&{EVERY_ACCOUNT}(objectSid={}))", guid::escape(&sid.to_bytes()));
    let found = domain.read(&Search::subtree(&domain.name, filter, &["objectGUID"])).await?;
    Ok(found.first().map(|entry| Member { guid: entry.guid(), sid: Some(sid.clone()), dn: entry.dn.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_are_known_by_guid_and_sid() {
        let member = Member::parse(
            "<GUID=246bc01f-e470-447e-8b04-64fa0a4bbb19>;<SID=S-1-5-21-1-2-3-500>;CN=Administrator,CN=Users,DC=example,DC=test",
        );
        assert_eq!(member.guid, Uuid::try_parse("246bc01f-e470-447e-8b04-64fa0a4bbb19").ok());
        assert_eq!(member.sid, "S-1-5-21-1-2-3-500".parse().ok());
        assert_eq!(dn::first_name(&member.dn), "Administrator");
        assert!(!member.is_placeholder());
        let plain = Member::parse("CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=example,DC=test");
        assert!(plain.is_placeholder());
        assert_eq!(plain.sid, "S-1-5-11".parse().ok());
        assert_eq!(plain.guid, None);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart(text in "[<>;=A-Z0-9,-]{0,60}") {
            let _ = Member::parse(&text);
        }
    }
}

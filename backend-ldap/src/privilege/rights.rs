//! Rights that make their holder a domain controller in effect: on the head of the domain, on the
//! unit of its controllers, on AdminSDHolder.

use identity_core::error::Result;

use super::grant::{Grant, Half, rule};
use super::survey::Survey;
use crate::security::{AccessList, Descriptor, Right, granted, rights};
use crate::value::sid::Sid;
use crate::wire::Search;

/// Rights of one kind: which, whether an owner has them too, the rule's word, what is held, and
/// whether it is half of something.
type Question = (&'static [Right], bool, &'static str, &'static str, Option<Half>);

const REPLICATION: &str = "every password of the domain";
const TEMPLATE: &str = "AdminSDHolder";

const ON_DOMAIN: &[Question] = &[
    (rights::OVER_DOMAIN, true, rule::WRITE_DOMAIN, "the domain", None),
    (rights::CHANGES, false, rule::REPLICATE, REPLICATION, Some(Half::Changes)),
    (rights::CHANGES_ALL, false, rule::REPLICATE, REPLICATION, Some(Half::ChangesAll)),
];
const ON_CONTROLLERS: &[Question] =
    &[(rights::OVER_DOMAIN, true, rule::WRITE_CONTROLLERS, "the unit of the domain controllers", None)];
const ON_TEMPLATE: &[Question] = &[
    (rights::OVER, true, rule::WRITE_TEMPLATE, TEMPLATE, None),
    (rights::STAMPED_RESET, false, rule::RESET, TEMPLATE, None),
    (rights::KEYS, false, rule::WRITE, TEMPLATE, None),
    (rights::STAMPED_MEMBERS, false, rule::CHANGE_GROUP, TEMPLATE, None),
];

impl Survey {
    /// Grounds by rights on the domain itself.
    pub(super) async fn domain_rights(&mut self) -> Result<()> {
        let domain = self.domain.name.clone();
        let objects = [
            (domain.clone(), ON_DOMAIN),
            (format!("OU=Domain Controllers,{domain}"), ON_CONTROLLERS),
            (format!("CN=AdminSDHolder,CN=System,{domain}"), ON_TEMPLATE),
        ];
        let mut held: Vec<(Sid, Grant)> = Vec::new();
        for (object, questions) in objects {
            let search = Search { descriptor: true, ..Search::object(&object, &["nTSecurityDescriptor"]) };
            let entry = self.domain.object_of(&search).await?;
            let bytes = entry.as_ref().and_then(|entry| entry.bytes("ntsecuritydescriptor"));
            match bytes.and_then(readable) {
                Some(descriptor) => held.extend(answers(&descriptor, questions, &object)),
                None => self.index.mark_incomplete(format!(
                    "the access list of {object} could not be read: who holds the domain by rights is not known"
                )),
            }
        }
        self.settle(held).await
    }
}

/// A descriptor with its list.
pub(super) fn readable(bytes: &[u8]) -> Option<Descriptor> {
    Descriptor::parse(bytes).filter(|descriptor| descriptor.list != AccessList::Absent)
}

fn answers(descriptor: &Descriptor, questions: &[Question], object: &str) -> Vec<(Sid, Grant)> {
    let mut held = Vec::new();
    for (rights, by_owner, rule, holds, half) in questions {
        for one in granted(descriptor, rights, *by_owner) {
            let mut grant = Grant::by_right(rule, *holds, format!("{} on {object}", one.words));
            grant.half = *half;
            held.push((one.trustee, grant));
        }
    }
    held
}

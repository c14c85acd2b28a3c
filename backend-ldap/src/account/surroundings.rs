//! What an account is read against: facts of the domain that its own entry does not tell, and that
//! whoever controls the account cannot choose.

use std::collections::BTreeSet;

use identity_core::error::Result;

use super::policies::Policies;
use crate::domain::Domain;
use crate::security::{AccessList, Descriptor, granted, rights};
use crate::value::sid::Sid;
use crate::wire::Search;

/// Facts of the domain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// Who may replicate every password, each by a right of its own on the head of the domain; `None` where
    /// that could not be read.
    pub(crate) replicators: Option<BTreeSet<Sid>>,
    /// The fine-grained password policies.
    pub(crate) policies: Policies,
}

impl Surroundings {
    /// Reads them.
    pub(crate) async fn read(domain: &Domain) -> Result<Self> {
        Ok(Self { replicators: replicators(domain).await?, policies: Policies::read(domain).await? })
    }
}

/// Both rights together give every password (MS-ADTS 5.1.3.2.1). Where the list cannot be read nothing is
/// known: then an account with the name of a connector is spared, since the reset of a real one stops the
/// synchronisation.
async fn replicators(domain: &Domain) -> Result<Option<BTreeSet<Sid>>> {
    if !domain.descriptors {
        return Ok(None);
    }
    let search = Search { descriptor: true, ..Search::object(&domain.name, &["nTSecurityDescriptor"]) };
    let head = domain.object_of(&search).await?;
    let descriptor = head.as_ref().and_then(|head| head.bytes("ntsecuritydescriptor")).and_then(Descriptor::parse);
    let Some(descriptor) = descriptor.filter(|descriptor| descriptor.list != AccessList::Absent) else {
        return Ok(None);
    };
    let holders =
        |right| granted(&descriptor, right, false).into_iter().map(|one| one.trustee).collect::<BTreeSet<Sid>>();
    Ok(Some(holders(rights::CHANGES).intersection(&holders(rights::CHANGES_ALL)).cloned().collect()))
}

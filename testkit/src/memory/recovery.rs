//! Who could come back without the service desk: drawn from each account's id.

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use identity_core::account::{Account, AccountKind};
use identity_core::directory::{AccountEnumerator, AccountQuery};
use identity_core::error::Result;
use identity_core::recovery::{Enrolment, Method, MethodKind, RecoveryAuditor};
use sha2::{Digest, Sha256};

use super::MemoryDirectory;

#[async_trait]
impl RecoveryAuditor for MemoryDirectory {
    fn enrolments(&self, query: &AccountQuery) -> BoxStream<'static, Result<Enrolment>> {
        self.accounts(query).map_ok(|account| enrolment(&account)).boxed()
    }
}

/// Whether the owner has a second factor.
pub(super) fn can_do_mfa(account: &Account) -> bool {
    let second = [MethodKind::Push, MethodKind::OneTimeCode, MethodKind::Passkey];
    enrolment(account).methods.iter().any(|method| second.contains(&method.kind))
}

/// Seven persons in ten have a method strong enough to recover alone.
fn enrolment(account: &Account) -> Enrolment {
    let mut enrolment = Enrolment::new(account.id.clone());
    if account.kind != AccountKind::Person {
        enrolment.self_service = Some(false);
        enrolment.because = Some("not a person's account".into());
        return enrolment;
    }
    let drawn = Sha256::digest(account.id.as_str().as_bytes()).first().copied().unwrap_or_default();
    let kinds: &[MethodKind] = match drawn {
        0..90 => &[MethodKind::Push, MethodKind::Sms],
        90..160 => &[MethodKind::OneTimeCode],
        160..180 => &[MethodKind::Passkey, MethodKind::OneTimeCode],
        180..215 => &[MethodKind::SecurityQuestions],
        _ => &[],
    };
    enrolment.methods = kinds.iter().map(|kind| Method { kind: *kind, enrolled: account.created }).collect();
    let strong = kinds.iter().any(|kind| *kind != MethodKind::SecurityQuestions);
    enrolment.self_service = Some(strong && account.state.enabled);
    enrolment.because = match (account.state.enabled, strong, kinds.is_empty()) {
        (false, ..) => Some("the account is disabled".into()),
        (true, true, _) => None,
        (true, false, true) => Some("no recovery method is enrolled".into()),
        (true, false, false) => Some("only security questions are enrolled".into()),
    };
    enrolment
}

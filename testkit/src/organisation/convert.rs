//! A synthetic account as the library's own [`Account`].

use identity_core::account::{Account, AccountId, AccountKind, DirectoryId, InvalidId, PasswordAuthority};

use super::{Organisation, uac};

impl Organisation {
    /// The account at an index as an enumeration of an in-memory directory gives it. Somebody of
    /// another organisation becomes a guest here, since not only Active Directory is imitated.
    ///
    /// # Errors
    /// Never for an account of an organisation: an objectGUID is always a usable id.
    pub fn to_account(&self, directory: &DirectoryId, index: u64) -> Result<Account, InvalidId> {
        let from = self.account(index);
        let base = self.base_dn();
        let id = AccountId::new(from.guid.to_string())?;
        let kind = if from.external { AccountKind::Guest } else { from.truth.kind };
        let mut account = Account::new(directory.clone(), id, from.name.clone(), kind);
        account.path = Some(from.dn(&base));
        account.state.enabled = from.enabled();
        account.state.locked = from.locked;
        account.state.expires = from.expires;
        account.password.last_set = (!from.must_change).then_some(from.password_set);
        account.password.version = Some(u64::from(from.password_version));
        account.password.must_change = from.must_change;
        account.password.never_expires = from.uac & uac::NEVER_EXPIRES != 0;
        account.password.cannot_change = from.cannot_change;
        account.password.not_required = from.uac & uac::PASSWORD_NOT_REQUIRED != 0;
        account.password.smart_card_required = from.uac & uac::SMART_CARD != 0;
        if from.external {
            account.authority = PasswordAuthority::Federated("partner.example.test".into());
        }
        account.anchors.security_id = Some(from.sid.clone());
        account.anchors.immutable_id = Some(from.guid.to_string());
        account.anchors.principal_name.clone_from(&from.principal_name);
        account.display_name = from.display_name;
        account.mail = from.mail;
        account.owner = from.manager.map(|manager| self.account(manager).dn(&base));
        account.created = Some(from.created);
        account.last_sign_in = from.last_sign_in;
        account.groups = from.member_of.iter().filter_map(|g| self.group(*g)).map(|g| g.name.clone()).collect();
        if let Some(department) = from.department {
            account.attributes.insert("department".into(), department.into());
        }
        Ok(account)
    }
}

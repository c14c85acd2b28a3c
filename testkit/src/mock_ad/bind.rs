//! Signing in.

use ldap3_proto::proto::{LdapBindCred, LdapBindRequest};

use super::attributes::expiry;
use super::reply::Reply;
use super::store::{EntryRef, Store};
use crate::organisation::{file_time, uac};

/// Who a request signs in; nobody when it is anonymous.
pub(super) fn bind(store: &mut Store, request: &LdapBindRequest) -> Result<Option<u32>, Box<Reply>> {
    let result = check(store, request);
    match &result {
        Ok(_) => store.record.counts.binds += 1,
        Err(_) => store.record.counts.failed_binds += 1,
    }
    result
}

fn check(store: &mut Store, request: &LdapBindRequest) -> Result<Option<u32>, Box<Reply>> {
    if request.version != 3 {
        return Err(Box::new(Reply::protocol_error("Unsupported LDAP version")));
    }
    let LdapBindCred::Simple(password) = &request.cred else {
        let text = "00002027: LdapErr: DSID-0C0905F0, comment: Invalid Authentication method, data 0, v4f7c";
        return Err(Box::new(Reply::refuse(7, text)));
    };
    // Without a password it is anonymous, whatever the name (RFC 4513, 5.1.2).
    if password.is_empty() {
        return Ok(None);
    }
    let Some(index) = find(store, &request.dn) else { return Err(Box::new(Reply::bad_bind("525"))) };
    try_password(store, index, password).map(|()| Some(index)).map_err(|data| Box::new(Reply::bad_bind(data)))
}

/// Tries a password; the `data` code of the refusal otherwise.
pub(super) fn try_password(store: &mut Store, index: u32, password: &str) -> Result<(), &'static str> {
    let (now, threshold) = (file_time(store.now()), store.policy.lockout_threshold);
    let matches = store.password_matches(index, password);
    let state = store.states.get_mut(index as usize).ok_or("525")?;
    if state.lockout != 0 {
        return Err("775");
    }
    if !matches {
        state.bad_passwords += 1;
        if threshold > 0 && state.bad_passwords >= threshold {
            state.lockout = now;
        }
        return Err("52e");
    }
    state.bad_passwords = 0;
    let view = store.view(index).ok_or("525")?;
    if view.state.uac & uac::DISABLED != 0 {
        return Err("533");
    }
    if view.account.expires.is_some_and(|expires| file_time(expires) <= now) {
        return Err("701");
    }
    match expiry(store, &view) {
        0 => Err("773"),
        expiry if expiry <= now => Err("532"),
        _ => Ok(()),
    }
}

/// By distinguished name, principal name, `DOMAIN\name`, GUID or security identifier.
fn find(store: &Store, name: &str) -> Option<u32> {
    let account = |entry: EntryRef| match entry {
        EntryRef::Account(index) => store.view(index).map(|_| index),
        _ => None,
    };
    if let Some((_, name)) = name.split_once('\\').filter(|_| !name.contains('=')) {
        return store.by_account_name(name).and_then(account);
    }
    if let Some((short, domain)) = name.split_once('@').filter(|_| !name.contains('=')) {
        let implicit = domain.eq_ignore_ascii_case(store.organisation.domain());
        let implicit = implicit.then(|| store.by_account_name(short)).flatten();
        return store.by_principal_name(name).or(implicit).and_then(account);
    }
    store.resolve(name).and_then(account)
}

//! Changes under a password policy of the LDAP draft (draft-behera-ldap-password-policy-10), with the
//! reason that the server gives when it refuses; and the Password Modify operation (RFC 3062).

use ldap3::asn1::{PL, parse_tag};
use ldap3::controls::{Assertion, Control, PostRead, RawControl};
use ldap3::exop::PasswordModify;
use ldap3::{LdapResult, Mod};

use uuid::Uuid;

use super::connection::Connection;
use super::entry::Entry;
use super::fault::Fault;
use super::request::{Change, Wiped};

/// The Password Modify operation (RFC 3062 section 2).
pub(crate) const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";
/// The control that asks for the policy's word, and carries it (draft-behera section 6).
pub(crate) const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// The Assertion control (RFC 4528): a change is made only if the entry matches a filter.
pub(crate) const ASSERTION: &str = "1.3.6.1.1.12";
/// The control that brings what the entry is after the change (RFC 4527).
const POST_READ: &str = "1.3.6.1.1.13.2";

/// What a server answered to a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The result code of RFC 4511.
    pub(crate) code: u32,
    /// The diagnostic text.
    pub(crate) text: String,
    /// The error of the password policy, by its number.
    pub(crate) policy: Option<u8>,
    /// The attributes that were asked for, as they are after the change; `None` from a server that does not
    /// tell them in its answer.
    pub(crate) after: Option<Entry>,
}

impl Connection {
    /// Sets the password of the account `dn` by the Password Modify operation. With `policy` the
    /// server is asked why, should it refuse.
    pub(crate) async fn set_password(&self, dn: &str, password: &str, policy: bool) -> Result<Reply, Fault> {
        let request = PasswordModify { user_id: Some(dn), old_pass: None, new_pass: Some(password) };
        let answer = self.operate(move |mut ldap| async move {
            ldap.with_controls(asking(policy));
            ldap.extended(request).await
        });
        // A password that the server made up would stand in the answer; none was asked for.
        Ok(Reply::of(&answer.await?.1))
    }

    /// Changes one object, all steps or none; as [`set_password`](Self::set_password). With `only_if`
    /// nothing is changed unless the entry has this entryUUID; the server must know [`ASSERTION`]. The
    /// server is asked for the attributes `after` the change in the same answer: one round trip less than
    /// reading them, and the very entry that was changed.
    pub(crate) async fn modify_under_policy(
        &self,
        dn: &str,
        changes: Vec<Change>,
        policy: bool,
        only_if: Option<Uuid>,
        after: &[&str],
    ) -> Result<Reply, Fault> {
        let steps: Vec<Mod<Wiped>> = changes.into_iter().map(Change::into_step).collect();
        let mut controls = asking(policy);
        controls.extend(only_if.map(is_entry));
        if !after.is_empty() {
            controls.push(PostRead::new(after.to_vec()));
        }
        let answer = self.operate(move |mut ldap| async move {
            ldap.with_controls(controls);
            ldap.modify(dn, steps).await
        });
        Ok(Reply::of(&answer.await?))
    }
}

fn asking(policy: bool) -> Vec<RawControl> {
    let control = RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: None };
    if policy { vec![control] } else { Vec::new() }
}

/// The condition that the entry is this one, whatever its name.
fn is_entry(uuid: Uuid) -> RawControl {
    RawControl { crit: true, ..Assertion::new(format!("(entryUUID={})", uuid.hyphenated())) }
}

impl Reply {
    fn of(result: &LdapResult) -> Self {
        Self {
            code: result.rc,
            text: result.text.clone(),
            policy: of_controls(&result.ctrls),
            after: after(&result.ctrls),
        }
    }
}

/// The entry after the change: a SearchResultEntry.
fn after(controls: &[Control]) -> Option<Entry> {
    let value = controls.iter().find(|Control(_, raw)| raw.ctype == POST_READ)?.1.val.as_deref()?;
    Entry::decode(parse_tag(value).ok()?.1).ok()
}

/// The error of the password policy among an answer's controls.
fn of_controls(controls: &[Control]) -> Option<u8> {
    policy_error(controls.iter().find(|Control(_, raw)| raw.ctype == PASSWORD_POLICY)?.1.val.as_deref()?)
}

/// The error in a PasswordPolicyResponseValue: `SEQUENCE { warning [0] …, error [1] ENUMERATED }`,
/// both optional.
pub(crate) fn policy_error(value: &[u8]) -> Option<u8> {
    let (_, tag) = parse_tag(value).ok()?;
    let error = tag.expect_constructed()?.into_iter().find(|part| part.id == 1)?;
    match error.payload {
        PL::P(bytes) => bytes.last().copied(),
        PL::C(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn control(value: &[u8]) -> [Control; 1] {
        [Control(None, RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: Some(value.to_vec()) })]
    }

    #[test]
    fn the_reason_of_a_real_server_is_read() {
        // slapd 2.5.13: passwordTooShort and passwordInHistory; then a warning beside an error.
        assert_eq!(of_controls(&control(&[0x30, 3, 0x81, 1, 6])), Some(6));
        assert_eq!(of_controls(&control(&[0x30, 3, 0x81, 1, 8])), Some(8));
        assert_eq!(of_controls(&control(&[0x30, 8, 0xa0, 3, 0x80, 1, 9, 0x81, 1, 2])), Some(2));
        assert_eq!(of_controls(&control(&[0x30, 0])), None);
        assert_eq!(of_controls(&[]), None);
    }

    #[test]
    fn the_entry_after_the_change_is_read_from_the_answer() {
        // SearchResultEntry { dc=x, { pwdReset: TRUE } }.
        let value = b"\x64\x1a\x04\x04dc=x\x30\x12\x30\x10\x04\x08pwdReset\x31\x04\x04\x02ok";
        let control = |value: &[u8]| {
            [Control(None, RawControl { ctype: POST_READ.to_owned(), crit: false, val: Some(value.to_vec()) })]
        };
        let entry = after(&control(value)).expect("an entry");
        assert_eq!((entry.dn.as_str(), entry.text("pwdreset")), ("dc=x", Some("ok")));
        for end in 0..value.len() {
            assert_eq!(after(&control(&value[..end])).and_then(|cut| cut.text("pwdreset").map(str::to_owned)), None);
        }
        assert_eq!(after(&[]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_reason_or_not(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = after(&[Control(None, RawControl { ctype: POST_READ.to_owned(), crit: false, val: Some(bytes.clone()) })]);
            let _ = of_controls(&control(&bytes));
        }
    }
}

//! Between plan and touch: the account is read again and compared with what was approved.

use crate::account::{Account, AccountId, PasswordAuthority};
use crate::directory::{Backend, Support};
use crate::error::{Error, ErrorKind};
use crate::plan::{Disposition, Entry, Population};
use crate::privilege::PrivilegeIndex;
use crate::reset::Action;

/// What the second look at an account says.
#[derive(Debug)]
pub(super) enum Recheck {
    /// It is what was approved; the notes say what changed without mattering.
    Go(Vec<String>),
    /// It must not be touched.
    Hold(Error),
    /// It cannot be told now; it stays open for a resume.
    Wait(String),
}

/// Compares an account with its plan entry.
///
/// `begun` says that an earlier process already recorded an intent: then a moved password time
/// is our own doing and not worth a note.
pub(super) fn recheck(
    entry: &Entry,
    now: Option<&Account>,
    index: &PrivilegeIndex,
    principal: Option<&AccountId>,
    protected: &[String],
    begun: bool,
) -> Recheck {
    let Some(now) = now else {
        return hold(ErrorKind::AccountNotFound, entry, "the account is gone", "nothing is left to reset");
    };
    if principal == Some(&entry.id) {
        return hold(
            ErrorKind::Protected,
            entry,
            "this is the account that the run signs in with",
            "change its password by hand after the run",
        );
    }
    if protected.iter().any(|account| names(account, now)) {
        return hold(ErrorKind::Protected, entry, "the protected list names it", "nothing is to be done to it");
    }
    if let Some(reason) = now.kind.protected_because() {
        return hold(ErrorKind::Protected, entry, reason, "use the procedure for this kind of account");
    }
    let classification = index.classify(&entry.id);
    if entry.population != Population::Privileged && classification.is_privileged() {
        let Some(why) = classification.grounds.first() else {
            let why = classification.unknown_because.unwrap_or_default();
            return Recheck::Wait(format!("not touched: whether it is privileged cannot be read any more: {why}"));
        };
        return hold(
            ErrorKind::PlanDrift,
            entry,
            &format!("privileged since the plan was made: {why}"),
            "find out who granted it, then make and approve a new plan",
        );
    }
    // Sessions end wherever the password is mastered.
    let on_password = match &entry.disposition {
        Disposition::Reset { actions } => actions.iter().any(|action| action.concerns_password()),
        Disposition::Manual { .. } => true,
    };
    if on_password && now.authority != PasswordAuthority::Here {
        return hold(
            ErrorKind::PlanDrift,
            entry,
            "its password is mastered in another place since the plan was made",
            "make and approve a new plan",
        );
    }
    if entry.follows_another_directory() && now.authority == PasswordAuthority::Here {
        return hold(
            ErrorKind::PlanDrift,
            entry,
            "its password is mastered here since the plan was made, and the plan does not reset it",
            "find out who moved it, then make and approve a new plan",
        );
    }
    Recheck::Go(notes(entry, now, begun))
}

/// Whether an entry of the protected list, in small letters, means this account.
fn names(protected: &str, account: &Account) -> bool {
    let anchors = &account.anchors;
    [
        Some(account.id.as_str()),
        Some(account.name.as_str()),
        account.path.as_deref(),
        anchors.principal_name.as_deref(),
        anchors.security_id.as_deref(),
    ]
    .into_iter()
    .flatten()
    .any(|name| name.to_lowercase() == protected)
}

/// Whether the directory still says that the action works on the account as it is now.
pub(super) fn still_possible(backend: &dyn Backend, now: &Account, action: Action) -> Result<(), Error> {
    match backend.support(now, action) {
        Support::Cannot { because } => Err(Error::new(ErrorKind::Unsupported, "check before the order")
            .with_directory(now.directory.clone())
            .with_account(now.id.clone())
            .with_detail(because)
            .with_advice("the account changed since the plan; make and approve a new plan for it")),
        // A must-change flag that lost its effect still leaves the old password dead; the wrong
        // action without that is caught when the plan is made.
        Support::Works | Support::Instead { .. } => Ok(()),
    }
}

fn notes(entry: &Entry, now: &Account, begun: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if now.name != entry.name {
        notes.push(format!("renamed since the plan: {} is now {}", entry.name, now.name));
    }
    if now.path != entry.expected.path {
        let place = now.path.as_deref().unwrap_or("nowhere");
        notes.push(format!("moved since the plan: now {place}"));
    }
    match (entry.expected.enabled, now.state.enabled) {
        (true, false) => notes.push("disabled since the plan".to_owned()),
        (false, true) => notes.push("enabled since the plan".to_owned()),
        _ => {}
    }
    if !begun && now.password.last_set != entry.expected.last_set {
        notes.push("its password was set or changed by somebody since the plan".to_owned());
    }
    notes
}

fn hold(kind: ErrorKind, entry: &Entry, detail: &str, advice: &str) -> Recheck {
    Recheck::Hold(
        Error::new(kind, "check before the touch")
            .with_directory(entry.directory.clone())
            .with_account(entry.id.clone())
            .with_detail(detail)
            .with_advice(advice),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountKind, DirectoryId};
    use crate::plan::Expected;
    use crate::privilege::{Ground, Tier};

    fn account() -> Account {
        let mut account =
            Account::new(DirectoryId::new("corp").unwrap(), AccountId::new("1").unwrap(), "jdoe", AccountKind::Person);
        account.path = Some("CN=J".into());
        account
    }

    fn entry(account: &Account) -> Entry {
        Entry {
            seq: 1,
            directory: account.directory.clone(),
            id: account.id.clone(),
            name: account.name.clone(),
            kind: account.kind,
            authority: account.authority.clone(),
            tier: Tier::User,
            grounds: Vec::new(),
            population: Population::Workforce,
            wave: "workforce-1".into(),
            disposition: Disposition::Reset { actions: vec![Action::Scramble] },
            notes: Vec::new(),
            refusals: Vec::new(),
            expected: Expected { path: account.path.clone(), enabled: true, last_set: account.password.last_set },
            person: None,
            follows: Vec::new(),
        }
    }

    #[test]
    fn who_only_loses_sessions_may_have_a_password_elsewhere() {
        let mut planned = account();
        planned.authority = PasswordAuthority::OnPrem;
        let mut entry = entry(&planned);
        let index = PrivilegeIndex::default();
        assert_eq!(held(recheck(&entry, Some(&planned), &index, None, &[], false)), ErrorKind::PlanDrift);
        entry.disposition = Disposition::Reset { actions: vec![Action::ResetAuthenticators, Action::RevokeSessions] };
        assert!(matches!(recheck(&entry, Some(&planned), &index, None, &[], false), Recheck::Go(_)));
        // Moved here meanwhile: its old password would stay, and nobody would say so.
        planned.authority = PasswordAuthority::Here;
        assert_eq!(held(recheck(&entry, Some(&planned), &index, None, &[], false)), ErrorKind::PlanDrift);
    }

    fn held(recheck: Recheck) -> ErrorKind {
        match recheck {
            Recheck::Hold(error) => error.kind(),
            other => panic!("must be held: {other:?}"),
        }
    }

    #[test]
    fn what_must_not_be_touched_any_more_is_held() {
        let planned = account();
        let entry = entry(&planned);
        let index = PrivilegeIndex::default();
        assert_eq!(held(recheck(&entry, None, &index, None, &[], false)), ErrorKind::AccountNotFound);
        assert_eq!(held(recheck(&entry, Some(&planned), &index, Some(&planned.id), &[], false)), ErrorKind::Protected);

        let mut now = account();
        now.kind = AccountKind::Trust;
        assert_eq!(held(recheck(&entry, Some(&now), &index, None, &[], false)), ErrorKind::Protected);

        let mut now = account();
        now.authority = PasswordAuthority::OnPrem;
        assert_eq!(held(recheck(&entry, Some(&now), &index, None, &[], false)), ErrorKind::PlanDrift);
    }

    #[test]
    fn the_newly_privileged_and_the_newly_unknown_are_held() {
        let planned = account();
        let entry = entry(&planned);
        let mut index = PrivilegeIndex::default();
        index.add(
            planned.id.clone(),
            Ground { tier: Tier::Control, rule: "member".into(), holds: "Domain Admins".into(), evidence: vec![] },
        );
        assert_eq!(held(recheck(&entry, Some(&planned), &index, None, &[], false)), ErrorKind::PlanDrift);

        let mut index = PrivilegeIndex::default();
        index.mark_unknown(planned.id.clone(), "its groups could not be read");
        let unknown = recheck(&entry, Some(&planned), &index, None, &[], false);
        assert!(matches!(unknown, Recheck::Wait(why) if why.contains("its groups could not be read")));
    }

    #[test]
    fn who_is_on_the_protected_list_now_is_held_by_whatever_name() {
        let mut planned = account();
        planned.anchors.security_id = Some("S-1-5-21-1-2-3-1104".into());
        planned.anchors.principal_name = Some("JDoe@corp.example.test".into());
        let entry = entry(&planned);
        for name in ["1", "jdoe", "cn=j", "jdoe@corp.example.test", "s-1-5-21-1-2-3-1104"] {
            let list = [name.to_owned()];
            let held_now = recheck(&entry, Some(&planned), &PrivilegeIndex::default(), None, &list, false);
            assert_eq!(held(held_now), ErrorKind::Protected, "{name}");
        }
        let others = ["jdo".to_owned()];
        let free = recheck(&entry, Some(&planned), &PrivilegeIndex::default(), None, &others, false);
        assert!(matches!(free, Recheck::Go(_)));
    }

    #[test]
    fn renamed_moved_and_disabled_go_on_with_a_note() {
        let planned = account();
        let entry = entry(&planned);
        let mut now = account();
        now.name = "jroe".into();
        now.path = Some("CN=R".into());
        now.state.enabled = false;
        now.password.last_set = Some(jiff::Timestamp::UNIX_EPOCH);
        match recheck(&entry, Some(&now), &PrivilegeIndex::default(), None, &[], false) {
            Recheck::Go(notes) => assert_eq!(notes.len(), 4, "{notes:?}"),
            other => panic!("{other:?}"),
        }
        match recheck(&entry, Some(&now), &PrivilegeIndex::default(), None, &[], true) {
            Recheck::Go(notes) => assert_eq!(notes.len(), 3, "our own set is no news: {notes:?}"),
            other => panic!("{other:?}"),
        }
    }
}

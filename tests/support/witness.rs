//! What the mock directories themselves know of a run: what tests count against.

use identity_reset::account::AccountId;
use jiff::Timestamp;
use testkit::mock_ad::MockAd;
use testkit::mock_graph::{MockGraph, SignInRefusal};
use testkit::mock_okta::{MockOkta, OktaSignInRefusal, SetBy};
use uuid::Uuid;

use super::evidence::guid;
use super::stand::{CLOUD, ON_PREM, ORG};

/// One password that took effect.
pub(crate) struct Set {
    pub(crate) at: Timestamp,
    pub(crate) sha256: [u8; 32],
    pub(crate) by_administrator: bool,
}

/// One mock directory's own record.
pub(crate) trait Witness {
    /// Its id in `directories.toml`.
    fn directory(&self) -> &'static str;
    /// Everybody who is in it, by id and name.
    fn everyone(&self) -> Vec<(AccountId, String)>;
    /// Whether nothing was written to the account.
    fn untouched(&self, account: &AccountId) -> bool;
    /// The passwords of the account that took effect, in order.
    fn sets(&self, account: &AccountId) -> Vec<Set>;
    /// Whether this is the account's password now.
    fn opens(&self, account: &AccountId, password: &str) -> bool;
    /// When the account's sessions were ended by an order of their own, in order.
    fn revoked(&self, account: &AccountId) -> Vec<Timestamp>;
}

impl Witness for MockAd {
    fn directory(&self) -> &'static str {
        ON_PREM
    }

    fn everyone(&self) -> Vec<(AccountId, String)> {
        self.organisation().accounts().map(|account| (by_guid(account.guid), account.name)).collect()
    }

    fn untouched(&self, account: &AccountId) -> bool {
        Self::untouched(self, &guid(account))
    }

    fn sets(&self, account: &AccountId) -> Vec<Set> {
        let sets = Self::sets(self, &guid(account)).into_iter();
        sets.map(|set| Set { at: set.at, sha256: set.sha256, by_administrator: set.by_administrator }).collect()
    }

    fn opens(&self, account: &AccountId, password: &str) -> bool {
        self.password_matches(&guid(account), password)
    }

    /// Active Directory has nothing to end a session with.
    fn revoked(&self, _: &AccountId) -> Vec<Timestamp> {
        Vec::new()
    }
}

impl Witness for MockGraph {
    fn directory(&self) -> &'static str {
        CLOUD
    }

    fn everyone(&self) -> Vec<(AccountId, String)> {
        self.users().map(|user| (by_guid(user.id), user.principal_name)).collect()
    }

    fn untouched(&self, account: &AccountId) -> bool {
        Self::untouched(self, &guid(account))
    }

    fn sets(&self, account: &AccountId) -> Vec<Set> {
        let sets = Self::sets(self, &guid(account)).into_iter();
        sets.map(|set| Set { at: set.at, sha256: set.sha256, by_administrator: set.by_administrator }).collect()
    }

    /// Disabled, or with a password to be changed first: both are said only of the right password.
    fn opens(&self, account: &AccountId, password: &str) -> bool {
        let came = self.sign_in(&guid(account), password);
        matches!(came, Ok(()) | Err(SignInRefusal::MustChange | SignInRefusal::Disabled))
    }

    fn revoked(&self, account: &AccountId) -> Vec<Timestamp> {
        Self::revoked(self, &guid(account))
    }
}

impl Witness for MockOkta {
    fn directory(&self) -> &'static str {
        ORG
    }

    fn everyone(&self) -> Vec<(AccountId, String)> {
        let known = |id: String| AccountId::new(id).expect("an id");
        self.users().map(|user| (known(user.id), user.login)).collect()
    }

    fn untouched(&self, account: &AccountId) -> bool {
        Self::untouched(self, account.as_str())
    }

    /// Temporary ones are made by Okta when an administrator says so.
    fn sets(&self, account: &AccountId) -> Vec<Set> {
        let sets = Self::sets(self, account.as_str()).into_iter();
        sets.map(|set| Set { at: set.at, sha256: set.sha256, by_administrator: set.by != SetBy::Owner }).collect()
    }

    /// To be changed first, locked out, not active: all are said only of the right password.
    fn opens(&self, account: &AccountId, password: &str) -> bool {
        use OktaSignInRefusal::{LockedOut, MustChange, NotActive};
        matches!(self.sign_in(account.as_str(), password), Ok(()) | Err(MustChange | LockedOut | NotActive))
    }

    /// A temporary password ends sessions by the way, and leaves what apps were given.
    fn revoked(&self, account: &AccountId) -> Vec<Timestamp> {
        let revoked = Self::revoked(self, account.as_str()).into_iter();
        revoked.filter(|(_, app_tokens)| *app_tokens).map(|(at, _)| at).collect()
    }
}

fn by_guid(guid: Uuid) -> AccountId {
    AccountId::new(guid.to_string()).expect("an id")
}

//! A mock of an Okta org: its management API and the token endpoint in front of it, an organisation as
//! an Active Directory agent and a feed of personnel would have brought it to Okta, refusals in Okta's
//! words, its rate limits, and a record of what really happened.
//!
//! It serves plain HTTP on loopback ([`MockOktaBuilder::start`]), or the same without sockets
//! ([`MockOktaBuilder::build`]) for tests in virtual time. An account of an organisation is the same
//! person here as in [`mock_ad`](crate::mock_ad) and [`mock_graph`](crate::mock_graph).
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use testkit::mock_okta::MockOkta;
//! use testkit::organisation::Organisation;
//!
//! let mock = MockOkta::builder(Organisation::new(1, 5_000)).start().await?;
//! println!("{} with {}", mock.url(), mock.api_token());
//! // … a run …
//! assert_eq!(mock.counts().throttled, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms
//!
//! | room | what is in it |
//! |---|---|
//! | `delivery`, `service` | the way of a request, and of its answer back; what other mocks over HTTP share is in `mock_http` |
//! | `routes` | what can be asked, and how strictly it is read |
//! | `users`, `search` | listing, reading, lifecycle, passwords, sessions |
//! | `iam`, `admin_roles`, `privilege` | administrator roles of users, groups and service apps, and the truth about them |
//! | `groups`, `factors`, `policies` | groups and members, what people enrolled, how passwords are recovered |
//! | `logs` | the System Log, late and out of order |
//! | `limits`, `about` | principal rate limits, API tokens, the org |
//! | `org` | who is in it, and what deeds do to them; only what was changed is stored |
//! | `tokens` | the app, the API token, the token endpoint, proofs of possession |
//! | `access` | who may do what to whom |
//! | `quota`, `refusal`, `record`, `settings` | what they say |
//!
//! # Faults
//! [`Fault::Busy`](crate::fault::Fault::Busy) is 429 for too many requests at once (a limit of 0, 0 remaining), `Throttle` 429 with
//! a reset that far away, `Unavailable` 503 E0000010, `NoticeOfDisconnection` the same with
//! `Connection: close`, `Conflict` 409 E0000112, `BadGateway` 502 and `GatewayTimeout` 504 with a page
//! for people, `TruncatedPage` in turns 500 E0000009 and JSON without its end, and of a write always
//! the 500, without effect; `RefusePassword` what [`WeakPassword`] says.
//!
//! # What it does not have
//! Creating and deleting users through the API, writing to groups and roles, factors one by one, realms,
//! the flow of a user who signs in.

mod about;
mod access;
mod admin_roles;
mod builder;
mod control;
mod cursor;
mod delivery;
mod factors;
mod groups;
mod harness;
mod iam;
mod limits;
mod logs;
mod org;
mod pages;
mod policies;
mod privilege;
mod privileges;
mod quota;
mod record;
mod refusal;
mod routes;
mod search;
mod service;
mod settings;
mod tokens;
mod users;

pub use crate::mock_http::{Exchange, InProcess, MARKER};
pub use builder::MockOktaBuilder;
pub use factors::Factor;
pub use harness::MockOktaHarness;
pub use org::{
    OktaEvent, OktaOnPrem, OktaPasswordSet, OktaSignInRefusal, OktaTruth, OktaUser, Provider, Sessions, SetBy,
    Standing, Status, fixed,
};
pub use policies::PasswordPolicy;
pub use privilege::{
    AdminAssignment, AdminGraph, AdminRole, OktaClient, OktaCustomRole, OktaGroup, OktaPrivilege, OktaResourceSet,
    OktaRoute, Principal,
};
pub use quota::{Bucket, BucketUse, Share};
pub use record::Counts;
pub use settings::{Agents, WeakPassword};
pub use tokens::{PrincipalType, SCOPES};

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::mock_http::{Inside, Running, lock};
use crate::organisation::Organisation;
use org::Org;
use service::Service;

/// A running mock; its server ends when it is dropped.
pub struct MockOkta {
    service: Arc<Service>,
    running: Running,
}

impl fmt::Debug for MockOkta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockOkta").field("url", &self.service.url).finish_non_exhaustive()
    }
}

impl MockOkta {
    /// Describes a mock of an org that an organisation is in.
    #[must_use]
    pub fn builder(organisation: Organisation) -> MockOktaBuilder {
        MockOktaBuilder::new(organisation)
    }

    /// The mock as a service without sockets. Its clock is that of the runtime that asks.
    #[must_use]
    pub fn in_process(&self) -> InProcess {
        InProcess(Arc::clone(&self.service) as Arc<dyn Inside>)
    }

    /// The org: `http://127.0.0.1:port`, without a slash behind it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.service.url
    }

    /// The org's id.
    #[must_use]
    pub fn org_id(&self) -> String {
        self.service.org().id.clone()
    }

    /// The app's client id.
    #[must_use]
    pub fn client_id(&self) -> String {
        self.service.tokens().client_id.clone()
    }

    /// The API token: what comes behind `SSWS`.
    #[must_use]
    pub fn api_token(&self) -> String {
        self.service.tokens().api_tokens.first().map(|token| token.text.clone()).unwrap_or_default()
    }

    /// The id of the API token, by which principal rate limits name it.
    #[must_use]
    pub fn api_token_id(&self) -> String {
        self.service.tokens().api_tokens.first().map(|token| token.id.clone()).unwrap_or_default()
    }

    /// The tokens that are out, for whoever looks where they should not be.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.service.tokens().out()
    }

    /// The organisation as it was when the mock began.
    #[must_use]
    pub fn organisation(&self) -> Organisation {
        self.service.org().population.organisation.clone()
    }

    /// The domains of logins: that of Active Directory, Okta's own, the federated one.
    #[must_use]
    pub fn domains(&self) -> [String; 3] {
        let org = self.service.org();
        let population = &org.population;
        [population.organisation.domain().to_owned(), population.okta_domain(), population.federated_domain()]
    }

    /// How many users there are, those deactivated among them.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.users().count() as u64
    }

    /// Whether there is nobody; there always is somebody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Every user of now, one by one.
    pub fn users(&self) -> impl Iterator<Item = OktaUser> + Send + '_ {
        let end = self.service.org().end();
        (0..end).filter_map(|number| self.user(number))
    }

    /// A user by its place: one of [`fixed`], or as [`OktaUser::number`] says.
    #[must_use]
    pub fn user(&self, number: u64) -> Option<OktaUser> {
        self.service.org().view(number).map(|view| view.user)
    }

    /// The user that stands for an account of the organisation.
    #[must_use]
    pub fn user_of_account(&self, index: u64) -> Option<OktaUser> {
        self.user(org::FIXED + index)
    }

    /// A user by id or login.
    #[must_use]
    pub fn user_named(&self, name: &str) -> Option<OktaUser> {
        self.with(name, |org, number| org.view(number).map(|view| view.user)).flatten()
    }

    /// The password that a user began with.
    #[must_use]
    pub fn initial_password(&self, name: &str) -> Option<String> {
        self.with(name, |org, number| org.population.initial_password(number))
    }

    /// Tries a password as the user's owner would, by id or login.
    ///
    /// # Errors
    /// Why the user could not sign in.
    pub fn sign_in(&self, name: &str, password: &str) -> Result<(), OktaSignInRefusal> {
        self.with(name, |org, number| org.sign_in(number, password)).unwrap_or(Err(OktaSignInRefusal::UnknownUser))
    }

    /// Whether a link that was given out for a user is good now.
    #[must_use]
    pub fn honours_link(&self, name: &str, link: &str) -> bool {
        let token = link.rsplit('/').next().unwrap_or_default();
        self.with(name, |org, number| org.honours_link(number, token)).unwrap_or(false)
    }

    /// Every password that took effect, in order.
    #[must_use]
    pub fn record(&self) -> Vec<OktaPasswordSet> {
        self.service.org().sets.clone()
    }

    /// The passwords of one user that took effect, in order.
    #[must_use]
    pub fn sets(&self, name: &str) -> Vec<OktaPasswordSet> {
        let sets = |org: &mut Org, number| {
            let id = org.id_of(number);
            org.sets.iter().filter(|set| set.user == id).cloned().collect()
        };
        self.with(name, sets).unwrap_or_default()
    }

    /// What a user is signed in with now.
    #[must_use]
    pub fn sessions(&self, name: &str) -> Option<Sessions> {
        self.with(name, |org, number| org.sessions(number))
    }

    /// When a user's sessions were ended, and whether tokens for apps with them.
    #[must_use]
    pub fn revoked(&self, name: &str) -> Vec<(Timestamp, bool)> {
        self.with(name, |org, number| org.revoked(number)).unwrap_or_default()
    }

    /// Whether a user's factors were reset.
    #[must_use]
    pub fn factors_were_reset(&self, name: &str) -> bool {
        self.with(name, |org, number| org.factors_were_reset(number)).unwrap_or(false)
    }

    /// Whether nothing was written to the user through the API since the mock began.
    #[must_use]
    pub fn untouched(&self, name: &str) -> bool {
        self.with(name, |org, number| org.untouched(number)).unwrap_or(false)
    }

    /// Whether a user holds any administrator role, by whatever way.
    #[must_use]
    pub fn is_administrator(&self, name: &str) -> bool {
        self.with(name, |org, number| org.is_administrator(number)).unwrap_or(false)
    }

    /// What happened, in order, as the System Log would tell it.
    #[must_use]
    pub fn events(&self) -> Vec<OktaEvent> {
        self.service.org().events.clone()
    }

    /// How much the mock was asked.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.service.counts()
    }

    /// What every bucket has seen.
    #[must_use]
    pub fn buckets(&self) -> Vec<BucketUse> {
        self.service.quotas().uses()
    }

    /// Every exchange so far, where the mock [records](MockOktaBuilder::recording).
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.service.recorder).exchanges.clone()
    }

    fn with<T>(&self, name: &str, read: impl FnOnce(&mut Org, u64) -> T) -> Option<T> {
        let mut org = self.service.org();
        let number = org.resolve(name)?;
        Some(read(&mut org, number))
    }
}

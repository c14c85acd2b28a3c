//! How the org behaves where that is a matter of its settings, or where the sources are silent.

use std::time::Duration;

/// How the agents of Active Directory and LDAP fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Agents {
    /// They do what they are asked.
    Connected,
    /// None is connected: 504 E0000241, and nothing happens.
    Offline,
    /// They do it, and their answer comes too late: 502 E0000240.
    Late,
    /// They may not: the service account lacks the right, or the user is protected. 403 E0000017.
    Powerless,
}

/// How a password that the policy refuses is answered: seen in all three forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeakPassword {
    /// 403 E0000014 with the cause.
    CredentialsNotUpdated,
    /// 403 E0000080.
    Policy,
    /// 400 E0000001 with the cause.
    Validation,
}

/// The settings of an org.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) agents: Agents,
    pub(super) weak_password: WeakPassword,
    /// How far the index of searches is behind.
    pub(super) index_lag: Duration,
    /// The last page of a listing is empty and points to itself.
    pub(super) self_referential_last_page: bool,
    /// The first row of every page is the last one of the page before.
    pub(super) repeats_rows: bool,
    /// A 429 carries its three headers twice, the second time with other numbers.
    pub(super) duplicate_rate_headers: bool,
    /// The token endpoint refuses for pace in the words of OAuth, as Okta's list of errors has it.
    pub(super) throttles_in_oauth: bool,
    /// A user gets no second mail so soon: 429 E0000118.
    pub(super) mail_pause: Duration,
    /// A page never has more rows than this, whatever is asked; at most 200.
    pub(super) largest_page: usize,
    /// Words that no password may have inside, in lower case.
    pub(super) common: Vec<String>,
    /// So many passwords before may not come again, where a request is strict.
    pub(super) history: usize,
    /// A temporary password moves `passwordChanged`: it is not documented whether it does.
    pub(super) temporary_moves_time: bool,
    /// How long a recovery link is good.
    pub(super) recovery_lifetime: Duration,
    /// AD attributes are in profiles, for whoever joins directories.
    pub(super) mapped_anchors: bool,
    /// How late the System Log may show an event.
    pub(super) log_delay: Duration,
    /// The feature `blocks`, `authenticator-enrollments` and what else is licensed apart.
    pub(super) features: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            agents: Agents::Connected,
            weak_password: WeakPassword::CredentialsNotUpdated,
            index_lag: Duration::from_secs(1),
            self_referential_last_page: false,
            repeats_rows: false,
            duplicate_rate_headers: false,
            throttles_in_oauth: false,
            mail_pause: Duration::ZERO,
            largest_page: 200,
            common: ["password", "welcome", "qwerty", "winter"].map(str::to_owned).to_vec(),
            history: 4,
            temporary_moves_time: true,
            recovery_lifetime: Duration::from_secs(3_600),
            mapped_anchors: true,
            log_delay: Duration::from_secs(3),
            features: false,
        }
    }
}

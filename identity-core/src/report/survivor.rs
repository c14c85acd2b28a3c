//! What outlives a password reset.

use serde::{Deserialize, Serialize};

/// Something that an attacker who held an account may still hold after its password was reset.
/// A code in each row; [`Survivor::meaning`] and [`Survivor::source`] explain it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Survivor {
    /// The old password itself: it was not replaced.
    OldPassword,
    /// The old password for one more sign-in: it was only marked as expired.
    OldPasswordOnce,
    /// Kerberos tickets.
    KerberosTickets,
    /// NTLM network logon with the old password.
    NtlmOldPassword,
    /// Certificates issued to the account.
    Certificates,
    /// Key credentials.
    KeyCredentials,
    /// Logons cached on machines.
    CachedLogons,
    /// What the account could do was given to others, or others may act for it.
    Delegation,
    /// Sessions and tokens of the cloud account that is synchronised from this one.
    CloudSessions,
    /// The library has no list for this kind of directory.
    NotListed,
}

/// All of them, in the order of their words in a report.
pub(super) const ALL: [Survivor; 10] = [
    Survivor::OldPassword,
    Survivor::OldPasswordOnce,
    Survivor::KerberosTickets,
    Survivor::NtlmOldPassword,
    Survivor::Certificates,
    Survivor::KeyCredentials,
    Survivor::CachedLogons,
    Survivor::Delegation,
    Survivor::CloudSessions,
    Survivor::NotListed,
];

impl Survivor {
    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OldPassword => "old_password",
            Self::OldPasswordOnce => "old_password_once",
            Self::KerberosTickets => "kerberos_tickets",
            Self::NtlmOldPassword => "ntlm_old_password",
            Self::Certificates => "certificates",
            Self::KeyCredentials => "key_credentials",
            Self::CachedLogons => "cached_logons",
            Self::Delegation => "delegation",
            Self::CloudSessions => "cloud_sessions",
            Self::NotListed => "not_listed",
        }
    }

    /// What it means, how long it lasts, and what ends it.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::OldPassword => {
                "The password from before the run is, or may be, still in use: it was not replaced, or nothing shows that it was."
            }
            Self::OldPasswordOnce => {
                "The password from before the run works for one more sign-in, in which whoever holds it chooses the next one."
            }
            Self::KerberosTickets => {
                "Ticket-granting tickets issued before the reset stay valid up to their lifetime, by default 10 hours and renewable for 7 days, service tickets up to 10 hours. Disabling the account ends the issue of new service tickets within about 20 minutes; forged tickets end only with two resets of krbtgt."
            }
            Self::NtlmOldPassword => {
                "NTLM network logon may accept the previous password for up to 60 minutes by default (OldPasswordAllowedPeriod). A second set, or the owner's change at the next sign-in, ends it sooner."
            }
            Self::Certificates => {
                "Certificates issued to the account sign it in (PKINIT, Schannel) until they expire, are revoked, or their mapping is removed."
            }
            Self::KeyCredentials => {
                "Keys in msDS-KeyCredentialLink (Windows Hello for Business, or planted) sign the account in until they are removed."
            }
            Self::CachedLogons => {
                "Machines that the account signed in to accept the old password from their cache while they cannot reach a domain controller."
            }
            Self::Delegation => {
                "Rights that were granted while the account was held (access lists, ownership, group memberships, msDS-AllowedToActOnBehalfOfOtherIdentity) stay granted, to whomever they were granted."
            }
            Self::CloudSessions => {
                "Where the account is synchronised to Microsoft Entra ID, its sessions and refresh tokens there live on until they are revoked there; the new password hash arrives with the next synchronisation, every 2 minutes by default."
            }
            Self::NotListed => {
                "What a reset leaves behind in this kind of directory is not listed here: ask its documentation about sessions, tokens, application passwords and authenticators."
            }
        }
    }

    /// Where this is documented.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::OldPassword => "this report",
            Self::OldPasswordOnce => "MS-ADTS 3.1.1.4.5.33; MS-SAMR 3.1.5.14.4",
            Self::KerberosTickets => {
                "Kerberos policy defaults (Maximum lifetime for user ticket, for user ticket renewal); MS-KILE 3.3.5.7.1"
            }
            Self::NtlmOldPassword => "Microsoft KB906305",
            Self::Certificates => "RFC 4556; MS-PKCA; Microsoft KB5014754",
            Self::KeyCredentials => "MS-ADTS 2.2.20",
            Self::CachedLogons => "Interactive logon: Number of previous logons to cache (Windows security policy)",
            Self::Delegation => "MS-ADTS 5.1.3; MS-ADA2 (msDS-AllowedToActOnBehalfOfOtherIdentity)",
            Self::CloudSessions => "Microsoft Entra: revoke user access in an emergency; password hash synchronisation",
            Self::NotListed => "",
        }
    }
}

/// What became of an account's old password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldPassword {
    /// It may still be in use.
    Stands,
    /// It is marked as expired.
    Expired,
    /// It was replaced, and is the previous one.
    Replaced,
    /// It was replaced twice, and is not the previous one either.
    PushedOut,
}

/// What survives on an account of a directory of this kind (the backend's word).
pub(super) fn survivors(directory_kind: &str, old: OldPassword) -> Vec<Survivor> {
    let mut survives = Vec::new();
    match old {
        OldPassword::Stands => survives.push(Survivor::OldPassword),
        OldPassword::Expired => survives.push(Survivor::OldPasswordOnce),
        OldPassword::Replaced | OldPassword::PushedOut => {}
    }
    match directory_kind {
        "ldap" => {
            survives.push(Survivor::KerberosTickets);
            if old == OldPassword::Replaced {
                survives.push(Survivor::NtlmOldPassword);
            }
            survives.extend([
                Survivor::Certificates,
                Survivor::KeyCredentials,
                Survivor::CachedLogons,
                Survivor::Delegation,
                Survivor::CloudSessions,
            ]);
        }
        _ => survives.push(Survivor::NotListed),
    }
    survives
}

//! Why an approval does not count.

use jiff::Timestamp;

use crate::error::{Error, ErrorKind};
use crate::plan::ApprovalRule;

/// Why an approval does not count. It is the source of the [`Error`] that says so, for programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovalFault {
    /// The signature is not one of this statement: it was changed after it was signed, or the
    /// signature belongs to another.
    #[error("the signature is not one of this statement")]
    BadSignature,
    /// Its time is over.
    #[error("the approval of {waves} by {approver} expired at {at}")]
    Expired {
        /// The waves.
        waves: String,
        /// The approver.
        approver: String,
        /// When.
        at: Timestamp,
    },
    /// It is dated later than now.
    #[error("the approval is dated {at}, which is still to come")]
    FromTheFuture {
        /// Its date.
        at: Timestamp,
    },
    /// The file of allowed signers admits the key until a time that is past, or from one to come.
    #[error("the key {key} of {principal} is admitted {term}, and not now")]
    KeyNotValidNow {
        /// The principal.
        principal: String,
        /// The fingerprint.
        key: String,
        /// The term.
        term: String,
    },
    /// The file of allowed signers admits the key for other namespaces only.
    #[error("the key {key} is not admitted for signatures of {namespace}")]
    NamespaceNotAdmitted {
        /// The fingerprint.
        key: String,
        /// Ours.
        namespace: &'static str,
    },
    /// What is signed is not the text that the plan gives for these words.
    #[error("the statement is not the one that was made for this plan: {why}")]
    NotAsMade {
        /// Where it differs.
        why: String,
    },
    /// The file is no SSH signature.
    #[error("not an SSH signature: {why}")]
    NotASignature {
        /// What the decoder said.
        why: String,
    },
    /// The plan asks for signatures.
    #[error("wave {wave} is approved by name, by {approver}, and needs a signature")]
    NotSigned {
        /// The wave.
        wave: String,
        /// Who is said to approve.
        approver: String,
    },
    /// The key is in the file of allowed signers for somebody else.
    #[error("the key {key} is not one of {approver}")]
    OtherPersonsKey {
        /// Who is said to approve.
        approver: String,
        /// The fingerprint.
        key: String,
    },
    /// Two are asked for, and both approvals may be of the same person.
    #[error("wave {wave} needs two persons: {first} and {second} have the same principal or the same key")]
    SamePerson {
        /// The wave.
        wave: String,
        /// The first approver.
        first: String,
        /// The second.
        second: String,
    },
    /// Two are asked for, and one has approved.
    #[error("wave {wave} has privileged accounts and needs two persons: only {first} has approved it")]
    SecondPersonMissing {
        /// The wave.
        wave: String,
        /// Who has.
        first: String,
    },
    /// It has no end, one before its beginning, or one too far off.
    #[error("an approval ends within {longest_days} days, and after it was given")]
    Term {
        /// The longest term.
        longest_days: i64,
    },
    /// The playbook that the plan was made from asks for more persons, or for others.
    #[error("wave {wave} takes {rule}, and has {have}")]
    TooFewPersons {
        /// The wave.
        wave: String,
        /// What the playbook asks for.
        rule: ApprovalRule,
        /// How many different persons of those it admits have approved.
        have: usize,
    },
    /// Nobody in the file of allowed signers has this key.
    #[error("nobody in the file of allowed signers has the key {key}")]
    UnknownSigner {
        /// The fingerprint.
        key: String,
    },
    /// A key or signature of a kind that is not verified.
    #[error("keys of the kind {kind} are not verified")]
    UnsupportedKey {
        /// The kind.
        kind: String,
    },
    /// A security key signed without being touched.
    #[error("the security key {key} signed without anybody touching it")]
    Untouched {
        /// The fingerprint.
        key: String,
    },
    /// It is signed, and nobody verified the signature.
    #[error("the signature of wave {wave} by {approver} was not verified")]
    Unverified {
        /// The wave.
        wave: String,
        /// The approver.
        approver: String,
    },
    /// The signature was made for another purpose.
    #[error("the signature was made for the namespace {found:?}")]
    WrongNamespace {
        /// The purpose.
        found: String,
    },
    /// It is of another plan.
    #[error("the approval of {waves} by {approver} is of another plan: it names {named}, this plan is {expected}")]
    WrongPlan {
        /// The waves.
        waves: String,
        /// The approver.
        approver: String,
        /// The digest that it names.
        named: String,
        /// The digest of the plan.
        expected: String,
    },
}

impl ApprovalFault {
    /// The error for people, with what to do.
    pub(super) fn into_error(self) -> Error {
        let error = Error::new(self.kind(), "check the approvals").with_detail(self.to_string());
        error.with_advice(self.advice()).with_source(self)
    }

    /// Missing is what another approval mends; invalid is what was given and is not accepted.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Expired { .. }
            | Self::NotSigned { .. }
            | Self::SamePerson { .. }
            | Self::SecondPersonMissing { .. }
            | Self::TooFewPersons { .. }
            | Self::Unverified { .. }
            | Self::WrongPlan { .. } => ErrorKind::ApprovalMissing,
            _ => ErrorKind::ApprovalInvalid,
        }
    }

    fn advice(&self) -> String {
        let sign = format!("sign it with ssh-keygen -Y sign -n {} -f KEY STATEMENT", super::SIGNATURE_NAMESPACE);
        match self {
            Self::BadSignature => {
                format!("the statement must be, byte for byte, what was signed: make it anew and {sign}")
            }
            Self::Expired { .. } => "make a new statement and have it signed".to_owned(),
            Self::FromTheFuture { .. } => "set the clock of the machine that made the statement".to_owned(),
            Self::KeyNotValidNow { .. } => {
                "have somebody sign whose key is admitted now, or renew the key in the file of allowed signers"
                    .to_owned()
            }
            Self::NamespaceNotAdmitted { namespace, .. } => {
                format!("add the namespace to the key's line: namespaces=\"{namespace}\"")
            }
            Self::NotAsMade { .. } => format!("make the statement anew, leave it as it is and {sign}"),
            Self::NotASignature { .. } => sign,
            Self::NotSigned { .. } => {
                "make a statement and have it signed: the plan counts signed approvals only".to_owned()
            }
            Self::OtherPersonsKey { .. } => {
                "make the statement for whom the key belongs to, or sign with the approver's own key".to_owned()
            }
            Self::SamePerson { .. } => "have somebody else approve it, with a key of their own".to_owned(),
            Self::SecondPersonMissing { .. } => "have a second person sign a statement of their own".to_owned(),
            Self::TooFewPersons { .. } => {
                "have those approve whom the playbook asks for, each by themselves".to_owned()
            }
            Self::Term { .. } => "make a new statement with a term within that".to_owned(),
            Self::UnknownSigner { .. } => {
                "if the key is the approver's, add it to the file of allowed signers; if not, find out whose it is"
                    .to_owned()
            }
            Self::UnsupportedKey { .. } => {
                "sign with an Ed25519, ECDSA (P-256, P-384, P-521), RSA (2048 bits and more) or security key".to_owned()
            }
            Self::Untouched { .. } => "sign with a key that was made without no-touch-required".to_owned(),
            Self::Unverified { .. } => "give the file of allowed signers, and have the signatures verified".to_owned(),
            Self::WrongNamespace { .. } => sign,
            Self::WrongPlan { .. } => "a changed plan needs a new approval: review it and approve it again".to_owned(),
        }
    }
}

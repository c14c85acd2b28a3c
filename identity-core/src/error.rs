//! The one error of the library: what failed, on which directory and account, whether a retry
//! can help, and what to do.
//!
//! Small per-module enums (an LDAP result code, a SQLite fault) become the [`source`] of an
//! [`Error`] and can be reached by `downcast_ref`.
//!
//! ```
//! use identity_core::error::{Error, ErrorKind, Status};
//! use std::time::Duration;
//!
//! let error = Error::new(ErrorKind::RateLimited, "set password")
//!     .with_status(Status::Temporary)
//!     .with_retry_after(Duration::from_secs(30))
//!     .with_detail("the directory answered busy (51)");
//! assert!(error.is_temporary());
//! assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
//! assert_eq!(error.to_string(), "set password: rate limited: the directory answered busy (51)");
//! ```
//!
//! [`source`]: std::error::Error::source

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::{AccountId, DirectoryId};

/// The operation of an error that came of signing in.
pub(crate) const SIGN_IN: &str = "sign in";

/// The result of everything in this library that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What failed, on which directory and account, whether a retry can help, and what to do.
///
/// `Display` is one line for a person. `Debug` is a report of several lines. Neither ever holds
/// a secret: backends put no request body, no query and no password into an error.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    status: Status,
    operation: &'static str,
    directory: Option<DirectoryId>,
    account: Option<AccountId>,
    detail: String,
    advice: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of thing failed. The kind decides how the engine goes on; the words in
/// [`Error::detail`] are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The directory has no such account (any more).
    AccountNotFound,
    /// A signed approval is not accepted: its signature, its signer or its statement.
    ApprovalInvalid,
    /// The approval does not cover what was asked, is of another plan, or is over.
    ApprovalMissing,
    /// A setting is wrong or missing; nothing was touched.
    ConfigInvalid,
    /// The directory's state contradicts the request (changed by somebody else meanwhile).
    Conflict,
    /// We are signed in, but may not do this to this account.
    InsufficientPrivilege,
    /// An input file or value cannot be used; nothing was touched.
    InputInvalid,
    /// The journal cannot be read or written.
    Journal,
    /// The directory refuses this password by its policy; another password may be accepted.
    PasswordRejected,
    /// The account is not what the approved plan says it is any more.
    PlanDrift,
    /// The account is protected: a mass run never resets it.
    Protected,
    /// The peer answered something that its protocol does not allow.
    Protocol,
    /// The directory asks us to slow down.
    RateLimited,
    /// A stop rule, a stop file or a cancellation ended this before it began.
    Stopped,
    /// No answer in time.
    Timeout,
    /// The connection could not be made, or broke.
    Transport,
    /// Signing in failed. Never retried: repeated failures lock the account we sign in with.
    Unauthenticated,
    /// The directory is there but cannot serve now.
    Unavailable,
    /// A fault that fits no other kind.
    Unexpected,
    /// This directory cannot do this, to this account or at all.
    Unsupported,
    /// The vault cannot be read or written.
    Vault,
}

impl ErrorKind {
    /// The kind in words, as `Display` of an [`Error`] prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountNotFound => "account not found",
            Self::ApprovalInvalid => "approval invalid",
            Self::ApprovalMissing => "approval missing",
            Self::ConfigInvalid => "configuration invalid",
            Self::Conflict => "conflict",
            Self::InsufficientPrivilege => "insufficient privilege",
            Self::InputInvalid => "input invalid",
            Self::Journal => "journal",
            Self::PasswordRejected => "password rejected",
            Self::PlanDrift => "changed since the plan",
            Self::Protected => "protected",
            Self::Protocol => "protocol",
            Self::RateLimited => "rate limited",
            Self::Stopped => "stopped",
            Self::Timeout => "timed out",
            Self::Transport => "transport",
            Self::Unauthenticated => "sign-in failed",
            Self::Unavailable => "unavailable",
            Self::Unexpected => "unexpected",
            Self::Unsupported => "unsupported",
            Self::Vault => "vault",
        }
    }

    /// The [`Status`] that an error of this kind has unless its maker knows better.
    #[must_use]
    pub fn default_status(self) -> Status {
        match self {
            Self::RateLimited | Self::Unavailable | Self::Transport => Status::Temporary,
            Self::Timeout => Status::Unknown,
            _ => Status::Permanent,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The same request will fail again.
    Permanent,
    /// The request had no effect and may succeed later.
    Temporary,
    /// It was temporary, was tried as often as is reasonable, and is given up.
    Persistent,
    /// A write may have landed although no answer came: read back before anything is repeated.
    Unknown,
}

impl Error {
    /// An error of `kind` in `operation`, a few words in lower case such as `"set password"`.
    ///
    /// Its status is [`ErrorKind::default_status`] until [`Error::with_status`] says otherwise.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Self(Box::new(Inner {
            kind,
            status: kind.default_status(),
            operation,
            directory: None,
            account: None,
            detail: String::new(),
            advice: None,
            request_id: None,
            retry_after: None,
            attempts: 0,
            source: None,
        }))
    }

    /// Says whether trying again can help.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Self {
        self.0.status = status;
        self
    }

    /// Says in which directory it happened.
    #[must_use]
    pub fn with_directory(mut self, directory: DirectoryId) -> Self {
        self.0.directory = Some(directory);
        self
    }

    /// Says on which account it happened.
    #[must_use]
    pub fn with_account(mut self, account: AccountId) -> Self {
        self.0.account = Some(account);
        self
    }

    /// The same error with what it turned out to mean: its kind, and whether trying again can help.
    #[must_use]
    pub fn with_meaning(mut self, kind: ErrorKind, status: Status) -> Self {
        self.0.kind = kind;
        self.0.status = status;
        self
    }

    /// What happened, for a person; one line, without a secret.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = one_line(detail.into());
        self
    }

    /// What the reader can do about it; one line.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(one_line(advice.into()));
        self
    }

    /// The server's own id of the request, for its support and its logs.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(one_line(id.into()));
        self
    }

    /// How long the directory asked us to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// How often it was tried before this error was returned.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of thing failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether trying again can help.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// Whether the request had no effect and may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.0.status == Status::Temporary
    }

    /// What was being done.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The directory it happened in.
    #[must_use]
    pub fn directory(&self) -> Option<&DirectoryId> {
        self.0.directory.as_ref()
    }

    /// The account it happened on.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.0.account.as_ref()
    }

    /// What happened, for a person; may be empty.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// The server's own id of the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the directory asked us to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How often it was tried; 0 where nobody counted.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }
}

/// A line break in a server's text must not forge a second line in a log or a report.
fn one_line(text: String) -> String {
    if text.contains(|c: char| c.is_control()) {
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        clean.trim().to_owned()
    } else {
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(directory) = &self.0.directory {
            write!(f, "{directory}: ")?;
        }
        f.write_str(self.0.operation)?;
        if let Some(account) = &self.0.account {
            write!(f, " of {account}")?;
        }
        write!(f, ": {}", self.0.kind)?;
        if !self.0.detail.is_empty() {
            write!(f, ": {}", self.0.detail)?;
        }
        if let Some(advice) = &self.0.advice {
            write!(f, " ({advice})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}\n  kind: {:?}, status: {:?}", self.0.kind, self.0.status)?;
        if self.0.attempts > 0 {
            write!(f, ", attempts: {}", self.0.attempts)?;
        }
        if let Some(wait) = self.0.retry_after {
            write!(f, ", retry after: {wait:?}")?;
        }
        if let Some(id) = &self.0.request_id {
            write!(f, ", request: {id}")?;
        }
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            write!(f, "\n  caused by: {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests;

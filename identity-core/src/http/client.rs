//! The client: signs, sends, judges, and tells the governor.

use std::fmt;
use std::sync::Arc;

use super::{BaseUrl, Dialect, Request, Response, SignIn, Transport};
use crate::account::DirectoryId;
use crate::error::Result;
use crate::limits::{Governor, OperationClass, RetryPolicy};

/// What a [`Client`] needs to know besides its parts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientSettings {
    /// Where the service is.
    pub base: BaseUrl,
    /// The directory that errors name.
    pub directory: Option<DirectoryId>,
    /// How reads are repeated.
    pub retry: RetryPolicy,
}

impl ClientSettings {
    /// A service at this address; reads are repeated by the default policy.
    #[must_use]
    pub fn new(base: BaseUrl) -> Self {
        Self { base, directory: None, retry: RetryPolicy::default() }
    }

    /// Says which directory errors name.
    #[must_use]
    pub fn with_directory(mut self, directory: DirectoryId) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Sets how reads are repeated.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }
}

/// The client of one service for one directory. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: ClientSettings,
    transport: Arc<dyn Transport>,
    dialect: Arc<dyn Dialect>,
    sign_in: Arc<dyn SignIn>,
    governor: Arc<Governor>,
}

impl Client {
    /// A client of these parts.
    #[must_use]
    pub fn new(
        settings: ClientSettings,
        transport: Arc<dyn Transport>,
        dialect: Arc<dyn Dialect>,
        sign_in: Arc<dyn SignIn>,
        governor: Arc<Governor>,
    ) -> Self {
        Self(Arc::new(Inner { settings, transport, dialect, sign_in, governor }))
    }

    /// Reads, and repeats by the retry policy and the governor's retry budget while a repeat can
    /// help. Each attempt takes a permit of `class` and is told to the governor. For requests
    /// without effect; one with [`Effect::Write`](super::Effect::Write) is attempted once, with its
    /// permit.
    ///
    /// # Errors
    /// The last attempt's error; see [`Client::judge`].
    pub async fn read(&self, operation: &'static str, class: OperationClass, request: &Request) -> Result<Response> {
        todo!()
    }

    /// Exactly one attempt, except that it is sent once more after a sign-in that the service
    /// refused before it did anything. The caller holds the permits; the response is told to the
    /// governor.
    ///
    /// # Errors
    /// [`Status::Unknown`](crate::error::Status::Unknown) when the request can have an effect, may
    /// have left, and no answer tells what came of it.
    pub async fn attempt(&self, operation: &'static str, class: OperationClass, request: &Request) -> Result<Response> {
        todo!()
    }

    /// Judges a response to `request` that came inside another one (an entry of a batch), and tells
    /// the governor what it says of pace.
    ///
    /// # Errors
    /// What the status and the service's code mean. `response` is returned as it is when its
    /// status is 2xx.
    pub fn judge(
        &self,
        operation: &'static str,
        class: OperationClass,
        request: &Request,
        response: Response,
    ) -> Result<Response> {
        todo!()
    }

    /// Where the service is.
    #[must_use]
    pub fn base(&self) -> &BaseUrl {
        &self.0.settings.base
    }

    /// The governor of the directory.
    #[must_use]
    pub fn governor(&self) -> &Arc<Governor> {
        &self.0.governor
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.0.settings)
            .field("dialect", &self.0.dialect)
            .field("sign_in", &self.0.sign_in)
            .finish_non_exhaustive()
    }
}

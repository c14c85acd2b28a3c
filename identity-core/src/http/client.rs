//! The client: signs, sends, judges, and tells the governor.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::echo::without_echo;
use super::exchange::Exchange;
use super::{BaseUrl, Dialect, Effect, Pace, Request, Response, SignIn, Transport, classify};
use crate::account::DirectoryId;
use crate::error::{Error, Result};
use crate::limits::{Governor, OperationClass, RetryPolicy, retried_read};

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
    /// The longest that one request may take, from when it is sent until its whole answer is there;
    /// no longer than the governor's deadline. Default 30 seconds, half of the deadline that a
    /// batch has unless said otherwise, so that there is time to hear of it.
    pub answer_within: Duration,
}

impl ClientSettings {
    /// A service at this address; reads are repeated by the default policy.
    #[must_use]
    pub fn new(base: BaseUrl) -> Self {
        Self { base, directory: None, retry: RetryPolicy::default(), answer_within: Duration::from_secs(30) }
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

    /// Sets the longest that one request may take.
    #[must_use]
    pub fn with_answer_within(mut self, limit: Duration) -> Self {
        self.answer_within = limit;
        self
    }
}

/// The client of one service for one directory. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(super) struct Inner {
    pub(super) settings: ClientSettings,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) dialect: Arc<dyn Dialect>,
    pub(super) sign_in: Arc<dyn SignIn>,
    pub(super) governor: Arc<Governor>,
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
    /// help: after a temporary refusal, or an answer of JSON that ends too early. Each attempt takes a
    /// permit of `class` and is told to the governor. A request that can have an effect is attempted
    /// once, with its permit.
    ///
    /// # Errors
    /// The last attempt's error; see [`Client::judge`].
    pub async fn read(&self, operation: &'static str, class: OperationClass, request: &Request) -> Result<Response> {
        let (governor, policy) = (&self.0.governor, &self.0.settings.retry);
        let attempt = async || {
            let _permit = governor.acquire(class, 1).await;
            let response = self.attempt(operation, class, request).await?;
            // Read again: what is left of an answer says nothing of what there is.
            response.whole(operation).map_err(|error| self.named(error))?;
            Ok(response)
        };
        match request.effect() {
            Effect::Read => retried_read(governor, policy, attempt).await,
            Effect::Write => {
                let _permit = governor.acquire(class, 1).await;
                self.attempt(operation, class, request).await
            }
        }
    }

    /// Exactly one attempt, except that it is sent once more after a sign-in that the service
    /// refused before it did anything. The caller holds the permits; each response is told to the
    /// governor.
    ///
    /// # Errors
    /// [`Status::Unknown`](crate::error::Status::Unknown) when the request can have an effect, may have left, and no answer tells
    /// what came of it; [`Status::Temporary`](crate::error::Status::Temporary) when it did not leave.
    pub async fn attempt(&self, operation: &'static str, class: OperationClass, request: &Request) -> Result<Response> {
        let url = request.url(self.base()).map_err(|error| self.named(error))?;
        let exchange = Exchange { client: &self.0, operation, class, request, url: &url };
        let (signature, mut response) = exchange.once().await.map_err(|error| self.named(error))?;
        if self.refuses_sign_in(&response) {
            let sign_in = &self.0.sign_in;
            if sign_in.refused(&signature, &response).await.map_err(|error| self.named(error))? {
                let (again, second) = exchange.once().await.map_err(|error| self.named(error))?;
                response = second;
                if !self.refuses_sign_in(&response) {
                    sign_in.accepted(&again, &response.headers);
                }
            }
        } else {
            self.0.sign_in.accepted(&signature, &response.headers);
        }
        let pace = self.0.dialect.pace(class, &response);
        self.verdict(operation, request, response, &pace)
    }

    /// Judges a response to `request` that came inside another one (an entry of a batch), and tells
    /// the governor what it says of pace. `response` is given back as it is when its status is 2xx.
    ///
    /// # Errors
    /// What the status and the service's code mean: [`classify`](super::classify), refined by the
    /// [`Dialect`]. The source is the [`ServerFault`](super::ServerFault).
    pub fn judge(
        &self,
        operation: &'static str,
        class: OperationClass,
        request: &Request,
        mut response: Response,
    ) -> Result<Response> {
        if response.request_id.is_none() {
            response.request_id = self.0.dialect.request_id(&response.headers);
        }
        let pace = self.0.dialect.pace(class, &response);
        // An entry has no latency of its own.
        self.0.governor.feedback(&pace.feedback(class));
        self.verdict(operation, request, response, &pace)
    }

    fn refuses_sign_in(&self, response: &Response) -> bool {
        let dialect = &self.0.dialect;
        !response.status.is_success() && dialect.refuses_sign_in(response, &dialect.fault(response))
    }

    fn verdict(&self, operation: &'static str, request: &Request, response: Response, pace: &Pace) -> Result<Response> {
        if response.status.is_success() {
            return Ok(response);
        }
        let dialect = &self.0.dialect;
        let fault = without_echo(dialect.fault(&response), request);
        let verdict = classify(response.status, request.effect(), request.is_of_account());
        let verdict = dialect.refine(&response, &fault, verdict);
        let mut error = Error::new(verdict.kind, operation)
            .with_status(verdict.status)
            .with_detail(format!("answered {}, {fault}", response.status.as_u16()));
        if let Some(advice) = verdict.advice {
            error = error.with_advice(advice);
        }
        if let Some(id) = response.request_id.or_else(|| fault.request_id.clone()) {
            error = error.with_request_id(id);
        }
        if let Some(wait) = pace.retry_after {
            error = error.with_retry_after(wait);
        }
        Err(self.named(error.with_source(fault)))
    }

    /// The error, with the directory's name.
    fn named(&self, error: Error) -> Error {
        match &self.0.settings.directory {
            Some(directory) => error.with_directory(directory.clone()),
            None => error,
        }
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

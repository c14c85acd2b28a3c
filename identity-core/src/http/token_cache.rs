//! Keeps a token, and renews it before it ends.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{AccessToken, GrantFault, Response, SignIn, Signature, TokenSource};
use crate::error::{Error, ErrorKind, Result, SIGN_IN, Status};
use crate::limits::{RetryPolicy, clock};

/// Keeps one token and renews it ahead of its end, once for all who need it. As a [`SignIn`] it
/// signs with `Authorization: Bearer`.
///
/// # Behavior
/// * Renewed 300 seconds before its end, or when a tenth of a shorter life is left. Whoever comes
///   meanwhile is served with the token that is still valid, also when renewing fails.
/// * Of all who need a token at the same time, one fetches it and the others wait for that.
/// * A temporary failure is repeated by the policy; when that is used up, or the server asks for a
///   wait beyond the policy's cap, everybody is told so until the pause is over.
/// * A permanent failure is remembered and the source is never asked again: repeated failures can
///   lock the account that we sign in with. To try other credentials, make another cache.
/// * When a token that replaced a refused one is refused too before it was ever taken, it is not
///   replaced again.
pub struct TokenCache<S> {
    source: S,
    policy: RetryPolicy,
    timeout: Duration,
    /// Held by the one who fetches.
    fetching: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// A token is renewed at least as often; whatever a server says of its life, it fits the clock.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

struct State {
    current: Option<Current>,
    /// How many tokens there were.
    count: u64,
    failure: Option<Failure>,
    /// Until when the failure holds; `None` for ever.
    pause_until: Option<Instant>,
    /// Before when no token may be asked for.
    not_before: Option<Instant>,
    rng: StdRng,
}

struct Current {
    token: AccessToken,
    number: u64,
    renew_at: Instant,
    ends: Instant,
    /// It was fetched because the one before was refused.
    replaces_refused: bool,
    was_accepted: bool,
}

enum Look {
    Good(AccessToken, u64),
    /// Valid, and to be renewed.
    Aging(AccessToken, u64),
    Missing,
    Failed(Error),
}

impl<S: TokenSource> TokenCache<S> {
    /// The most before its end that a token is renewed.
    pub const AHEAD: Duration = Duration::from_secs(300);
    /// The longest that one request for a token may take unless said otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(15);

    /// A cache of this source's tokens. Nothing is fetched before the first use.
    #[must_use]
    pub fn new(source: S) -> Self {
        let rng = StdRng::try_from_rng(&mut SysRng).unwrap_or_else(|_| StdRng::seed_from_u64(0));
        let state = State { current: None, count: 0, failure: None, pause_until: None, not_before: None, rng };
        Self {
            source,
            policy: RetryPolicy::default(),
            timeout: Self::TIMEOUT,
            fetching: tokio::sync::Mutex::new(()),
            state: Mutex::new(state),
        }
    }

    /// Sets how a temporary failure to sign in is repeated.
    #[must_use]
    pub fn with_policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the longest that one request for a token may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A token that is valid now, and its number.
    ///
    /// # Errors
    /// When signing in failed. A permanent failure is remembered: the source is not asked again.
    pub async fn token(&self) -> Result<(AccessToken, u64)> {
        match self.look() {
            Look::Good(token, number) => return Ok((token, number)),
            Look::Failed(error) => return Err(error),
            Look::Aging(token, number) => {
                // Somebody fetches already: this one still does.
                let Ok(_turn) = self.fetching.try_lock() else { return Ok((token, number)) };
                if let Look::Aging(..) = self.look()
                    && let Err(error) = self.fetch_once(false).await
                {
                    self.give_up(&error);
                }
            }
            Look::Missing => {}
        }
        // Whoever renewed in vain still has a token here.
        match self.look() {
            Look::Good(token, number) | Look::Aging(token, number) => return Ok((token, number)),
            Look::Failed(error) => return Err(error),
            Look::Missing => {}
        }
        let _turn = self.fetching.lock().await;
        match self.look() {
            Look::Good(token, number) | Look::Aging(token, number) => Ok((token, number)),
            Look::Failed(error) => Err(error),
            Look::Missing => self.fetch(false).await,
        }
    }

    /// The service refused the token of this number: whether there is another one now.
    ///
    /// # Errors
    /// As of [`TokenCache::token`].
    pub async fn renew(&self, refused: u64) -> Result<bool> {
        let _turn = self.fetching.lock().await;
        {
            let mut state = self.state();
            match &state.current {
                // It was replaced meanwhile.
                Some(current) if current.number != refused => return Ok(true),
                Some(current) if current.replaces_refused && !current.was_accepted => return Ok(false),
                _ => state.current = None,
            }
        }
        if let Look::Failed(error) = self.look() {
            return Err(error);
        }
        self.fetch(true).await.map(|_| true)
    }

    /// The service took the token of this number.
    pub fn accepted(&self, token: u64) {
        if let Some(current) = self.state().current.as_mut().filter(|current| current.number == token) {
            current.was_accepted = true;
        }
    }

    /// No code panics while it holds the lock; should one, the state is still good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> Look {
        let (state, now) = (self.state(), clock::instant());
        let failed = match (&state.failure, state.pause_until) {
            (Some(failure), Some(until)) if now < until => Some(failure.to_error(Some(until - now))),
            (Some(_), Some(_)) | (None, _) => None,
            (Some(failure), None) => Some(failure.to_error(None)),
        };
        match &state.current {
            Some(current) if now < current.renew_at => Look::Good(current.token.clone(), current.number),
            Some(current) if now < current.ends => match failed {
                Some(_) => Look::Good(current.token.clone(), current.number),
                None => Look::Aging(current.token.clone(), current.number),
            },
            _ => failed.map_or(Look::Missing, Look::Failed),
        }
    }

    /// Fetches, and again by the policy while the failure is temporary and the wait is short: who is
    /// asked to wait for longer tells the callers, who have a deadline. The caller has the turn.
    async fn fetch(&self, replaces_refused: bool) -> Result<(AccessToken, u64)> {
        let mut attempts = 0;
        loop {
            // Also what somebody was to wait for who gave up waiting.
            let not_before = self.state().not_before;
            if let Some(then) = not_before {
                clock::sleep_until(then).await;
            }
            attempts += 1;
            let error = match self.fetch_once(replaces_refused).await {
                Ok(fetched) => return Ok(fetched),
                Err(error) => error.with_attempts(attempts),
            };
            let mut state = self.state();
            let delay = match error.is_temporary() {
                true => self.policy.delay(attempts, error.retry_after(), &mut state.rng),
                false => None,
            };
            match delay.filter(|delay| *delay <= self.policy.cap) {
                Some(delay) => state.not_before = Some(clock::instant() + delay),
                None => {
                    drop(state);
                    self.give_up(&error);
                    return Err(error);
                }
            }
        }
    }

    /// Fetches one token and keeps it. The caller has the turn.
    async fn fetch_once(&self, replaces_refused: bool) -> Result<(AccessToken, u64)> {
        // Its life is counted from before it was asked for: rather too short than too long.
        let begun = clock::instant();
        let answered = clock::within(self.timeout, self.source.token()).await.unwrap_or_else(|elapsed| {
            let error = Error::new(ErrorKind::Timeout, SIGN_IN).with_status(Status::Temporary);
            Err(error.with_detail(elapsed.to_string()))
        });
        let token = answered?;
        let mut state = self.state();
        state.count += 1;
        let (number, life) = (state.count, token.lifetime().min(LONGEST_LIFE));
        let (ends, ahead) = (begun + life, Self::AHEAD.min(life / 10));
        let renew_at = ends - ahead;
        let current = Current { token: token.clone(), number, renew_at, ends, replaces_refused, was_accepted: false };
        state.current = Some(current);
        (state.failure, state.pause_until) = (None, None);
        Ok((token, number))
    }

    /// Remembers a failure: a temporary one for a pause, another one for good.
    fn give_up(&self, error: &Error) {
        let asked = error.retry_after().unwrap_or_default();
        let pause = self.policy.cap.max(asked).min(self.policy.longest_wait);
        let mut state = self.state();
        state.failure = Some(Failure::of(error));
        state.pause_until = error.is_temporary().then(|| clock::instant() + pause);
    }
}

#[async_trait]
impl<S: TokenSource> SignIn for TokenCache<S> {
    async fn sign(&self, _method: &Method, _url: &Uri) -> Result<Signature> {
        let (token, number) = self.token().await?;
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        let value = HeaderValue::from_str(&text).map_err(|_| {
            Error::new(ErrorKind::Protocol, SIGN_IN).with_detail("the token has characters that no header can have")
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value);
        Ok(Signature::new(headers, number))
    }

    async fn refused(&self, signature: &Signature, _response: &Response) -> Result<bool> {
        self.renew(signature.token()).await
    }

    fn accepted(&self, signature: &Signature, _headers: &HeaderMap) {
        Self::accepted(self, signature.token());
    }
}

impl<S: fmt::Debug> fmt::Debug for TokenCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("source", &self.source).finish_non_exhaustive()
    }
}

/// What an [`Error`] said, kept so that it can be said again.
struct Failure {
    kind: ErrorKind,
    status: Status,
    operation: &'static str,
    detail: String,
    advice: Option<String>,
    request_id: Option<String>,
    grant: Option<GrantFault>,
}

impl Failure {
    fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            status: error.status(),
            operation: error.operation(),
            detail: error.detail().to_owned(),
            advice: error.advice().map(str::to_owned),
            request_id: error.request_id().map(str::to_owned),
            grant: GrantFault::of(error).cloned(),
        }
    }

    fn to_error(&self, retry_after: Option<Duration>) -> Error {
        let mut error = Error::new(self.kind, self.operation).with_status(self.status).with_detail(&self.detail);
        if let Some(advice) = &self.advice {
            error = error.with_advice(advice);
        }
        if let Some(id) = &self.request_id {
            error = error.with_request_id(id);
        }
        if let Some(grant) = &self.grant {
            error = error.with_source(grant.clone());
        }
        match retry_after {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }
}

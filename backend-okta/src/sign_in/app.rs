//! A service app: tokens by a signed assertion, bound to a key of this run where proofs are wanted.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use identity_core::error::{Error, Result};
use identity_core::http::{
    AccessToken, BaseUrl, ClientCredentials, Dpop, GrantFault, ServerClock, SignIn, SignedAssertions, SigningAlgorithm,
    SigningKey, TokenCache, TokenSource, Transport,
};

use super::advice;
use super::scopes::{Scopes, what};
use crate::config::OktaConfig;

/// As long as it takes to find out which of the scopes are refused.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A grant for these scopes.
type GrantOf = dyn Fn(&[String]) -> ClientCredentials + Send + Sync;
type Tokens = (Arc<TokenCache<Arc<AppTokens>>>, Arc<AppTokens>);

/// The tokens of an app, and what signs requests with them. Nothing is sent.
///
/// # Errors
/// When no key can be made for the proofs.
pub(super) fn sign_in(
    config: &OktaConfig,
    client_id: &str,
    key: SigningKey,
    base: &BaseUrl,
    transport: Arc<dyn Transport>,
) -> Result<(Tokens, Arc<dyn SignIn>)> {
    let token_url = BaseUrl::parse(&format!("{base}/oauth2/v1/token"))?;
    let clock = Arc::<ServerClock>::default();
    let assertions = Arc::new(SignedAssertions::new(key).with_clock(Arc::clone(&clock)));
    // RS256 is what Okta's own clients sign proofs with; that it takes others is not said.
    let dpop = match config.dpop {
        true => Some(Dpop::new(SigningKey::generate(SigningAlgorithm::Rs256)?, Arc::clone(&clock))),
        false => None,
    };
    let proofs = dpop.as_ref().map(Dpop::for_tokens);
    let client_id = client_id.to_owned();
    let grant = move |scopes: &[String]| {
        let transport = Arc::clone(&transport);
        let grant = ClientCredentials::by_assertion(transport, token_url.clone(), &client_id, assertions.clone())
            .with_clock(Arc::clone(&clock))
            .with_advice(advice::advice);
        let grant = scopes.iter().fold(grant, |grant, scope| grant.with_scope(scope));
        match &proofs {
            Some(proofs) => grant.with_signer(Arc::clone(proofs)).with_token_type(Dpop::TOKEN_TYPE),
            None => grant,
        }
    };
    let source = Arc::new(AppTokens { grant: Box::new(grant), wanted: config.scopes.clone(), known: Mutex::new(None) });
    let tokens = Arc::new(TokenCache::new(Arc::clone(&source)).with_timeout(TIMEOUT));
    let signer = match &dpop {
        Some(dpop) => dpop.for_requests(Arc::clone(&tokens)),
        None => Arc::clone(&tokens) as Arc<dyn SignIn>,
    };
    Ok(((tokens, source), signer))
}

/// Fetches tokens for all the wanted scopes that the app is granted.
///
/// Okta refuses a request as a whole for one scope that the app is not granted, and does not say
/// which: then each is asked for by itself, once a run.
pub(super) struct AppTokens {
    grant: Box<GrantOf>,
    wanted: Vec<String>,
    /// The scopes that can be asked for, once that is known.
    known: Mutex<Option<Vec<String>>>,
}

#[async_trait]
impl TokenSource for AppTokens {
    async fn token(&self) -> Result<AccessToken> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let asked = known.as_ref().unwrap_or(&self.wanted);
        match (self.grant)(asked).token().await {
            Err(refusal) if known.is_none() && is_of_scopes(&refusal) => {
                let granted = self.granted(refusal).await?;
                let token = (self.grant)(&granted).token().await?;
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(granted);
                Ok(token)
            }
            answered => answered,
        }
    }
}

impl AppTokens {
    /// Which of the scopes are granted, each asked for by itself.
    async fn granted(&self, refusal: Error) -> Result<Vec<String>> {
        let mut granted = Vec::new();
        for scope in &self.wanted {
            match (self.grant)(std::slice::from_ref(scope)).token().await {
                Ok(_) => granted.push(scope.clone()),
                Err(error) if is_of_scopes(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let scopes = self.of(granted.iter().cloned().collect());
        let lacks_needed = scopes.missed().any(|scope| what(scope).is_some_and(|scope| scope.is_needed));
        if granted.is_empty() || lacks_needed {
            let missing: Vec<_> = scopes.missed().collect();
            let detail = format!("the app is not granted {} ({})", missing.join(", "), refusal.detail());
            return Err(refusal.with_detail(detail));
        }
        Ok(granted)
    }

    /// What a token was granted, and what of the wanted was not.
    pub(super) fn scopes(&self, token: &AccessToken) -> Scopes {
        let asked = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let asked = asked.as_ref().unwrap_or(&self.wanted);
        self.of(token.scopes().unwrap_or(asked).iter().cloned().collect())
    }

    fn of(&self, granted: BTreeSet<String>) -> Scopes {
        let refused = self.wanted.iter().filter(|scope| !granted.contains(*scope)).cloned().collect();
        Scopes { granted, refused }
    }
}

fn is_of_scopes(error: &Error) -> bool {
    GrantFault::of(error).is_some_and(|fault| fault.error == "invalid_scope")
}

impl fmt::Debug for AppTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppTokens").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

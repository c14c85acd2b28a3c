//! The room of tokens: the service app, its keys and scopes; the API token and its owner; the access
//! tokens that are out.

mod assertion;
mod endpoint;
mod jose;
mod proof;
mod refusal;

pub(super) use endpoint::serve;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity_core::limits::clock;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::org::id;
use super::refusal::Refusal;
use crate::mock_http::Call;

/// The scopes that the mock's app is granted without a word: what an audit and a reset need.
pub const SCOPES: &[&str] = &[
    "okta.users.read",
    "okta.users.manage",
    "okta.groups.read",
    "okta.roles.read",
    "okta.policies.read",
    "okta.logs.read",
    "okta.principalRateLimits.read",
    "okta.apiTokens.read",
    "okta.apps.read",
    "okta.universalLogout.manage",
];

/// What sort of principal it is, as principal rate limits name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrincipalType {
    /// An API token.
    SswsToken,
    /// An app.
    OauthClient,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The id of the API token, `00T…`, or of the app, `0oa…`.
    pub(super) principal: String,
    pub(super) principal_type: PrincipalType,
    /// The owner of the API token, by number.
    pub(super) owner: Option<u64>,
    /// The scopes of the token; an API token has none and needs none.
    pub(super) scopes: Option<BTreeSet<String>>,
    /// Types of standard administrator roles.
    pub(super) roles: BTreeSet<String>,
    /// Permissions of custom roles.
    pub(super) permissions: BTreeSet<String>,
}

/// An API token.
pub(super) struct ApiToken {
    /// `00T…`.
    pub(super) id: String,
    pub(super) text: String,
    pub(super) name: String,
    /// By number.
    pub(super) owner: u64,
    pub(super) revoked: bool,
}

impl std::fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiToken").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A token of OAuth that is out.
struct Issued {
    scopes: BTreeSet<String>,
    expires: Instant,
    /// The thumbprint of the key that it is bound to.
    bound: Option<String>,
}

/// The app, how it may sign in, and the tokens that are out.
pub(super) struct Tokens {
    /// `0oa…`.
    pub(super) client_id: String,
    /// Public keys as JSON Web Keys.
    pub(super) keys: Vec<Value>,
    /// Whether the app needs proofs of possession, as new ones do.
    pub(super) dpop: bool,
    /// The scopes that the app was granted.
    pub(super) scopes: BTreeSet<String>,
    pub(super) api_tokens: Vec<ApiToken>,
    /// What the caller may do, by its administrator roles: app and owner of the API token alike.
    pub(super) roles: BTreeSet<String>,
    /// Permissions of a custom role that the caller holds.
    pub(super) permissions: BTreeSet<String>,
    pub(super) lifetime: Duration,
    /// The nonces that are good, each with the time it was made at.
    nonces: Vec<(String, Instant)>,
    assertions_seen: HashSet<String>,
    proofs_seen: HashSet<String>,
    issued: HashMap<String, Issued>,
    seed: u64,
    count: u64,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Tokens that are out are secrets, too.
        f.debug_struct("Tokens").field("client_id", &self.client_id).field("count", &self.count).finish_non_exhaustive()
    }
}

/// A nonce is renewed after 24 hours, and good for three days (Okta's guide to DPoP).
const NONCE_RENEWED: Duration = Duration::from_secs(24 * 3_600);
const NONCE_GOOD: Duration = Duration::from_secs(72 * 3_600);

impl Tokens {
    pub(super) fn new(seed: u64, owner: u64) -> Self {
        let text = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("api token {seed}")));
        let token = ApiToken {
            id: id::id(seed, "00T", 0),
            text: format!("00{}", text.chars().take(40).collect::<String>()),
            name: "identity-reset".into(),
            owner,
            revoked: false,
        };
        Self {
            client_id: id::id(seed, "0oa", 0),
            keys: Vec::new(),
            dpop: false,
            scopes: SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
            api_tokens: vec![token],
            roles: BTreeSet::from(["SUPER_ADMIN".to_owned()]),
            permissions: BTreeSet::new(),
            lifetime: Duration::from_secs(3_600),
            nonces: Vec::new(),
            assertions_seen: HashSet::new(),
            proofs_seen: HashSet::new(),
            issued: HashMap::new(),
            seed,
            count: 0,
        }
    }

    /// The nonce of now.
    fn nonce(&mut self) -> String {
        let now = clock::instant();
        match self.nonces.last() {
            Some((nonce, made)) if now < *made + NONCE_RENEWED => nonce.clone(),
            _ => {
                let text = Sha256::digest(format!("nonce {} {}", self.seed, self.nonces.len()));
                let nonce = URL_SAFE_NO_PAD.encode(text);
                self.nonces.push((nonce.clone(), now));
                nonce
            }
        }
    }

    fn is_nonce(&self, given: &str) -> bool {
        let now = clock::instant();
        self.nonces.iter().any(|(nonce, made)| nonce == given && now < *made + NONCE_GOOD)
    }

    /// Gives a token out. It has the shape of a JWT; nobody but the org reads it.
    fn issue(&mut self, url: &str, scopes: BTreeSet<String>, bound: Option<String>, now: Timestamp) -> String {
        self.count += 1;
        let issued = now.as_second();
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let claims = json!({
            "ver": 1,
            "jti": format!("AT.{}", self.count),
            "iss": url,
            "aud": url,
            "sub": self.client_id,
            "iat": issued,
            "exp": issued.saturating_add(lifetime),
            "cid": self.client_id,
            "scp": scopes,
        });
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = json!({ "kid": "mock", "typ": "application/okta-internal-at+jwt", "alg": "RS256" });
        let signed = format!("{}.{}", part(head), part(claims));
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{signed}.{}", self.seed))));
        self.issued.insert(token.clone(), Issued { scopes, expires: clock::instant() + self.lifetime, bound });
        token
    }

    /// Who asks, and that it may: a token that is bound to a key comes with a proof.
    ///
    /// # Errors
    /// 401 E0000011; 400 for a proof that is missing or wrong.
    pub(super) fn caller(&mut self, call: &Call, url: &str, now: Timestamp) -> Result<Caller, Refusal> {
        let caller = self.who(call, now).ok_or_else(Refusal::invalid_token)?;
        if caller.principal_type == PrincipalType::OauthClient {
            proof::of_resource(self, call, url, now)?;
        }
        Ok(caller)
    }

    /// Whose token it is, whether or not it comes with its proof.
    pub(super) fn who(&self, call: &Call, _now: Timestamp) -> Option<Caller> {
        let (scheme, token) = call.header("authorization")?.split_once(' ')?;
        let of = |principal: &str, principal_type, owner, scopes| Caller {
            principal: principal.to_owned(),
            principal_type,
            owner,
            scopes,
            roles: self.roles.clone(),
            permissions: self.permissions.clone(),
        };
        match scheme {
            "SSWS" => {
                let known = self.api_tokens.iter().find(|known| known.text == token && !known.revoked)?;
                Some(of(&known.id, PrincipalType::SswsToken, Some(known.owner), None))
            }
            "Bearer" | "DPoP" => {
                let issued = self.issued.get(token).filter(|issued| issued.expires > clock::instant())?;
                Some(of(&self.client_id, PrincipalType::OauthClient, None, Some(issued.scopes.clone())))
            }
            _ => None,
        }
    }

    /// The tokens that are out, the API token among them.
    pub(super) fn out(&self) -> Vec<String> {
        let api = self.api_tokens.iter().map(|token| token.text.clone());
        api.chain(self.issued.keys().cloned()).collect()
    }

    /// Makes every token that is out worthless, the API token too where it is said.
    pub(super) fn forget(&mut self, api_tokens: bool) {
        self.issued.clear();
        if api_tokens {
            self.api_tokens.iter_mut().for_each(|token| token.revoked = true);
        }
    }

    /// Makes every nonce worthless.
    pub(super) fn forget_nonces(&mut self) {
        self.nonces.clear();
    }
}

//! The room of tokens: the app that signs in, what it was granted, and the tokens that are out.

mod assertion;
mod endpoint;
mod managed;
mod refusal;

pub(super) use endpoint::{serve, unavailable};

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity_core::limits::clock;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

/// The application permissions that the mock's app begins with: what an audit and a reset need.
pub const PERMISSIONS: &[&str] = &[
    "User.Read.All",
    "RoleManagement.Read.Directory",
    "GroupMember.Read.All",
    "AuditLog.Read.All",
    "Domain.Read.All",
    "Organization.Read.All",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "PrivilegedAssignmentSchedule.Read.AzureADGroup",
    "AdministrativeUnit.Read.All",
    "IdentityRiskyUser.ReadWrite.All",
    "User-PasswordProfile.ReadWrite.All",
    "User.RevokeSessions.All",
    "User.EnableDisableAccount.All",
    "UserAuthenticationMethod.ReadWrite.All",
    "Application.Read.All",
];

/// The ids of application permissions that Microsoft publishes.
const APP_ROLES: &[(&str, &str)] = &[
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
    ("RoleManagement.Read.Directory", "483bed4a-2ad3-4361-a73b-c83ccdbdc53c"),
    ("RoleManagement.ReadWrite.Directory", "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"),
    ("GroupMember.Read.All", "98830695-27a2-44f7-8c18-0c3ebc9698f6"),
    ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da"),
    ("Domain.Read.All", "dbb9058a-0e50-45d7-ae91-66909b5d4664"),
    ("Organization.Read.All", "498476ce-e0fe-48b0-b801-37ba7e2685c6"),
    ("PrivilegedEligibilitySchedule.Read.AzureADGroup", "edb419d6-7edc-42a3-9345-509bfdf5d87c"),
    ("PrivilegedAssignmentSchedule.Read.AzureADGroup", "cd4161cb-f098-48f8-a884-1eda9a42434c"),
    ("AdministrativeUnit.Read.All", "134fd756-38ce-4afd-ba33-e9623dbe66c2"),
    ("IdentityRiskyUser.Read.All", "dc5007c0-2d7d-4c42-879c-2dab87571379"),
    ("IdentityRiskyUser.ReadWrite.All", "656f6061-f9fe-4807-9708-6a2e0934df76"),
    ("User-PasswordProfile.ReadWrite.All", "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7"),
    ("User.RevokeSessions.All", "77f3a031-c388-4f99-b373-dc68676a979e"),
    ("User.EnableDisableAccount.All", "3011c876-62b7-4ada-afa2-506cbbecc68c"),
    ("UserAuthenticationMethod.Read.All", "38d9df27-64da-44fd-b7c5-a6fbac20248f"),
    ("UserAuthenticationMethod.ReadWrite.All", "50483e42-d915-4231-9639-7fdb7fd190e5"),
];

/// The id of an application permission of Graph: the published one, or one that is made from its name.
pub(super) fn app_role_id(name: &str) -> Uuid {
    let known = APP_ROLES.iter().find(|(known, _)| *known == name).and_then(|(_, id)| id.parse().ok());
    known.unwrap_or_else(|| crate::organisation::draw::guid(crate::organisation::draw::draw(0, 0, name), 0))
}

/// Who asks, by the token: what it could do when the token was given.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) permissions: BTreeSet<String>,
    /// Templates of the directory roles that the app held.
    pub(super) roles: BTreeSet<String>,
}

impl Caller {
    pub(super) fn has_any(&self, permissions: &[&str]) -> bool {
        permissions.iter().any(|permission| self.permissions.contains(*permission))
    }
}

/// The app, how it may sign in, and the tokens that are out.
pub(super) struct Tokens {
    pub(super) client_id: Uuid,
    /// The object id of the app's service principal.
    pub(super) principal: Uuid,
    pub(super) secret: Option<Secret>,
    /// Certificates as DER.
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) federation: Option<Federation>,
    /// What the App Service endpoint wants to see in `X-IDENTITY-HEADER`.
    pub(super) identity_header: String,
    pub(super) managed_identity: bool,
    pub(super) permissions: BTreeSet<String>,
    pub(super) roles: BTreeSet<String>,
    pub(super) lifetime: Duration,
    assertions_seen: HashSet<String>,
    issued: HashMap<String, (Caller, Instant)>,
    count: u64,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Tokens that are out are secrets, too.
        f.debug_struct("Tokens").field("client_id", &self.client_id).field("count", &self.count).finish_non_exhaustive()
    }
}

/// A client secret.
pub(super) struct Secret {
    pub(super) text: String,
    pub(super) expired: bool,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("expired", &self.expired).finish_non_exhaustive()
    }
}

/// Another issuer of tokens that the app trusts.
#[derive(Clone, Debug)]
pub(super) struct Federation {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// The issuer's public key as DER (SubjectPublicKeyInfo).
    pub(super) key: Vec<u8>,
}

impl Tokens {
    pub(super) fn new(client_id: Uuid, principal: Uuid) -> Self {
        Self {
            client_id,
            principal,
            secret: Some(Secret { text: format!("mock~{}", principal.simple()), expired: false }),
            certificates: Vec::new(),
            federation: None,
            identity_header: format!("header~{}", principal.simple()),
            managed_identity: true,
            permissions: PERMISSIONS.iter().map(|name| (*name).to_owned()).collect(),
            roles: BTreeSet::from(["7be44c8a-adaf-4e2a-84d6-ab2649e08a13".to_owned()]),
            lifetime: Duration::from_secs(3599),
            assertions_seen: HashSet::new(),
            issued: HashMap::new(),
            count: 0,
        }
    }

    /// Gives a token out. It has the shape of a JWT; nobody can check its signature, as with Graph's.
    pub(super) fn issue(&mut self, tenant: Uuid, audience: &str, now: Timestamp) -> String {
        self.count += 1;
        let (issued, lifetime) = (now.as_second(), i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX));
        let mut claims = json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "iat": issued,
            "nbf": issued,
            "exp": issued.saturating_add(lifetime),
            "appid": self.client_id,
            "idtyp": "app",
            "oid": self.principal,
            "tid": tenant,
            "uti": self.count.to_string(),
            "wids": self.roles,
        });
        // Without any permission there is no such claim.
        if let (false, Some(claims)) = (self.permissions.is_empty(), claims.as_object_mut()) {
            claims.insert("roles".into(), json!(self.permissions));
        }
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
        let signature = Sha256::digest(format!("{signed}.{}", self.principal));
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        let caller = Caller { permissions: self.permissions.clone(), roles: self.roles.clone() };
        self.issued.insert(token.clone(), (caller, clock::instant() + self.lifetime));
        token
    }

    /// Who a bearer token was given to.
    ///
    /// # Errors
    /// The words for a token that is missing, unknown or stale.
    pub(super) fn caller(&self, authorization: Option<&str>) -> Result<Caller, &'static str> {
        let token = authorization.ok_or("Access token is empty.")?;
        let token = token.strip_prefix("Bearer ").ok_or("CompactToken parsing failed.")?;
        match self.issued.get(token) {
            Some((caller, expires)) if *expires > clock::instant() => Ok(caller.clone()),
            Some(_) => Err("Access token has expired or is not yet valid."),
            None => Err("Access token validation failure. Invalid audience."),
        }
    }

    /// The tokens that are out, stale ones among them.
    pub(super) fn out(&self) -> Vec<String> {
        self.issued.keys().cloned().collect()
    }

    /// Makes every token that is out worthless.
    pub(super) fn forget(&mut self) {
        self.issued.clear();
    }
}

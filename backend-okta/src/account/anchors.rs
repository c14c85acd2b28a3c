//! What joins a user of Okta with its accounts in other directories.

use base64::Engine as _;
use identity_core::account::Account;
use uuid::Uuid;

use crate::wire::user::Profile;

/// The profile attributes that join users with accounts of Active Directory.
///
/// Okta's own profile has none for it: an org maps `objectGUID` and `objectSid` from its directory to
/// attributes of its own, and says here which.
///
/// ```
/// use backend_okta::AnchorAttributes;
///
/// let anchors = AnchorAttributes::default().object_guid("adObjectGuid").security_id("adSid");
/// assert_eq!(anchors.principal_name_attribute(), "login");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorAttributes {
    object_guid: Option<String>,
    security_id: Option<String>,
    principal_name: String,
}

impl Default for AnchorAttributes {
    fn default() -> Self {
        Self { object_guid: None, security_id: None, principal_name: "login".to_owned() }
    }
}

impl AnchorAttributes {
    /// The attribute with the objectGUID: its text form, or base64 of its bytes as they lie in Active
    /// Directory (`externalId` of Okta's AD users, immutable id of Entra).
    #[must_use]
    pub fn object_guid(mut self, attribute: impl Into<String>) -> Self {
        self.object_guid = Some(attribute.into());
        self
    }

    /// The attribute with the security identifier, as `S-1-5-21-…`.
    #[must_use]
    pub fn security_id(mut self, attribute: impl Into<String>) -> Self {
        self.security_id = Some(attribute.into());
        self
    }

    /// The attribute with the userPrincipalName; `login` unless said otherwise.
    #[must_use]
    pub fn principal_name(mut self, attribute: impl Into<String>) -> Self {
        self.principal_name = attribute.into();
        self
    }

    /// The attribute with the userPrincipalName.
    #[must_use]
    pub fn principal_name_attribute(&self) -> &str {
        &self.principal_name
    }

    /// Fills in the anchors of an account. A value of another form than an anchor has joins nothing
    /// and stands among the attributes, where people see it.
    pub(super) fn fill(&self, account: &mut Account, profile: &Profile) {
        if let Some(name) = &self.object_guid
            && let Some(text) = profile.text(name)
        {
            match object_guid(&text) {
                Some(guid) => account.anchors.immutable_id = Some(guid),
                None => drop(account.attributes.insert(name.clone(), text)),
            }
        }
        if let Some(name) = &self.security_id
            && let Some(text) = profile.text(name)
        {
            match text.starts_with("S-1-") {
                true => account.anchors.security_id = Some(text),
                false => drop(account.attributes.insert(name.clone(), text)),
            }
        }
        account.anchors.principal_name = profile.text(&self.principal_name);
    }
}

/// The objectGUID in its usual text form; out of 16 bytes in base64, of which the first three groups
/// are little-endian (MS-DTYP 2.3.4.2). 32 digits without hyphens could be either and are not read.
fn object_guid(text: &str) -> Option<String> {
    let text = text.trim();
    let guid = if text.contains('-') {
        Uuid::try_parse(text).ok()?
    } else {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
        Uuid::from_bytes_le(bytes.try_into().ok()?)
    };
    (!guid.is_nil()).then(|| guid.to_string())
}

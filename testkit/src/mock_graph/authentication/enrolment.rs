//! What a user has enrolled, as a function of seed and number until something is deleted.

use identity_core::account::AccountKind;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::tenant::{CloudUser, Population};
use crate::organisation::draw;

/// The id of everybody's password method.
const PASSWORD_METHOD: &str = "28c10230-6103-485e-b985-444c60001490";

/// A kind of authentication method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MethodKind {
    /// The password; it cannot be deleted.
    Password,
    /// A phone of the user's own.
    Phone,
    /// Microsoft Authenticator.
    Authenticator,
    /// A hardware key or passkey.
    Fido2,
    /// A code generator in software.
    SoftwareOath,
    /// An address for self-service recovery; it is no second factor.
    Email,
    /// Windows Hello for Business.
    WindowsHello,
}

impl MethodKind {
    /// Every kind with a family of its own.
    const ALL: [Self; 7] = [
        Self::Password,
        Self::Phone,
        Self::Authenticator,
        Self::Fido2,
        Self::SoftwareOath,
        Self::Email,
        Self::WindowsHello,
    ];

    /// The collection below `authentication`.
    #[must_use]
    pub fn family(self) -> &'static str {
        match self {
            Self::Password => "passwordMethods",
            Self::Phone => "phoneMethods",
            Self::Authenticator => "microsoftAuthenticatorMethods",
            Self::Fido2 => "fido2Methods",
            Self::SoftwareOath => "softwareOathMethods",
            Self::Email => "emailMethods",
            Self::WindowsHello => "windowsHelloForBusinessMethods",
        }
    }

    pub(super) fn of_family(family: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.family() == family)
    }

    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Password => "#microsoft.graph.passwordAuthenticationMethod",
            Self::Phone => "#microsoft.graph.phoneAuthenticationMethod",
            Self::Authenticator => "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod",
            Self::Fido2 => "#microsoft.graph.fido2AuthenticationMethod",
            Self::SoftwareOath => "#microsoft.graph.softwareOathAuthenticationMethod",
            Self::Email => "#microsoft.graph.emailAuthenticationMethod",
            Self::WindowsHello => "#microsoft.graph.windowsHelloForBusinessAuthenticationMethod",
        }
    }

    /// The name in `methodsRegistered`.
    fn registered_as(self) -> Option<&'static str> {
        Some(match self {
            Self::Password => return None,
            Self::Phone => "mobilePhone",
            Self::Authenticator => "microsoftAuthenticatorPush",
            Self::Fido2 => "passKeyDeviceBound",
            Self::SoftwareOath => "softwareOneTimePasscode",
            Self::Email => "email",
            Self::WindowsHello => "windowsHelloForBusiness",
        })
    }

    fn is_second_factor(self) -> bool {
        !matches!(self, Self::Password | Self::Email)
    }
}

/// One authentication method of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mock_graph) struct EnrolledMethod {
    pub(in crate::mock_graph) id: String,
    pub(in crate::mock_graph) kind: MethodKind,
    created: Timestamp,
    /// The phone number or address, where there is one.
    at: Option<String>,
}

/// Everything that a user has enrolled.
#[derive(Clone, Debug, Default)]
pub(in crate::mock_graph) struct Enrolment {
    pub(in crate::mock_graph) methods: Vec<EnrolledMethod>,
    /// The default second factor, by id.
    pub(in crate::mock_graph) default: Option<String>,
    /// Policy lets the user recover alone.
    pub(in crate::mock_graph) self_service: bool,
    /// The row of the report says so whatever the methods.
    pub(in crate::mock_graph) last_updated: Timestamp,
}

/// What a user had enrolled when the mock began.
pub(in crate::mock_graph) fn drawn(population: &Population, user: &CloudUser) -> Enrolment {
    use MethodKind::{Authenticator, Email, Fido2, Password, Phone, SoftwareOath, WindowsHello};

    let seed = population.organisation.seed();
    let kinds: &[MethodKind] = match draw::below(seed, user.number, "enrolment", 100) {
        _ if user.truth().really != AccountKind::Person => &[],
        0..50 => &[Authenticator, Phone],
        50..62 => &[Phone],
        62..72 => &[Authenticator, Phone, Email],
        72..78 => &[Fido2, Authenticator, WindowsHello],
        78..83 => &[SoftwareOath, Email],
        83..90 => &[Email],
        _ => &[],
    };
    let own = user.signs_in_here().then_some(Password);
    let created = |word: &str| {
        let days = draw::below(seed, user.number, word, 700);
        let before = jiff::SignedDuration::from_hours(i64::try_from(24 * days).unwrap_or_default());
        population.organisation.as_of().checked_sub(before).unwrap_or(user.created)
    };
    let methods: Vec<EnrolledMethod> = own
        .into_iter()
        .chain(kinds.iter().copied())
        .map(|kind| EnrolledMethod {
            id: match kind {
                Password => PASSWORD_METHOD.into(),
                _ => draw::guid(seed ^ draw::draw(0, 0, kind.family()), user.number).to_string(),
            },
            kind,
            created: created(kind.family()),
            at: match kind {
                Phone => Some(user.mobile_phone.clone().unwrap_or_else(|| "+49 1515 0000000".into())),
                Email => Some(format!("{}@mail.example.test", user.id.simple())),
                _ => None,
            },
        })
        .collect();
    Enrolment {
        default: methods.iter().find(|method| method.kind.is_second_factor()).map(|method| method.id.clone()),
        methods,
        self_service: draw::below(seed, user.number, "self-service policy", 100) < 80,
        last_updated: population.organisation.as_of(),
    }
}

impl Enrolment {
    pub(in crate::mock_graph) fn registered(&self) -> Vec<&'static str> {
        self.methods.iter().filter_map(|method| method.kind.registered_as()).collect()
    }

    pub(in crate::mock_graph) fn has_second_factor(&self) -> bool {
        self.methods.iter().any(|method| method.kind.is_second_factor())
    }

    pub(in crate::mock_graph) fn is_passwordless(&self) -> bool {
        self.methods.iter().any(|method| matches!(method.kind, MethodKind::Fido2 | MethodKind::WindowsHello))
    }

    /// Recovery asks for two: keys and Windows Hello do not count.
    pub(in crate::mock_graph) fn can_recover(&self) -> bool {
        let count = |kind: MethodKind| {
            matches!(kind, MethodKind::Phone | MethodKind::Authenticator | MethodKind::SoftwareOath | MethodKind::Email)
        };
        self.methods.iter().filter(|method| count(method.kind)).count() >= 2
    }

    /// `userPreferredMethodForSecondaryAuthentication`; empty where there is none, as the service has it.
    pub(in crate::mock_graph) fn preferred(&self) -> &'static str {
        let default = self.methods.iter().find(|method| Some(&method.id) == self.default.as_ref());
        match default.map(|method| method.kind) {
            Some(MethodKind::Authenticator) => "push",
            Some(MethodKind::SoftwareOath) => "oath",
            Some(MethodKind::Phone) => "sms",
            Some(_) => "none",
            None => "",
        }
    }
}

impl EnrolledMethod {
    /// The method as a row, its type in it.
    pub(super) fn row(&self) -> Map<String, Value> {
        let created = self.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut row = super::super::objects::row(json!({
            "@odata.type": self.kind.type_name(),
            "id": self.id,
            "createdDateTime": created,
        }));
        let more = match self.kind {
            MethodKind::Password => json!({ "password": null }),
            MethodKind::Phone => json!({
                "phoneNumber": self.at,
                "phoneType": "mobile",
                "smsSignInState": "notAllowedByPolicy",
            }),
            MethodKind::Authenticator => json!({
                "displayName": "Phone of the user",
                "deviceTag": "SoftwareTokenActivated",
                "phoneAppVersion": "6.2408.5807",
            }),
            MethodKind::Fido2 => json!({
                "displayName": "Red key",
                "aaGuid": Uuid::from_u128(0x2fc0_579f_8113_47ea_b116_555a_8db9_202a),
                "model": "NFC key",
                "attestationCertificates": ["dbe793efdf1945e2df25d93653a1e8a3268a9075"],
                "attestationLevel": "attested",
            }),
            MethodKind::Email => json!({ "emailAddress": self.at }),
            MethodKind::WindowsHello => json!({ "displayName": "Laptop of the user", "keyStrength": "normal" }),
            MethodKind::SoftwareOath => json!({}),
        };
        row.extend(super::super::objects::row(more));
        row
    }
}

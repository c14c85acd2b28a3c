//! Authentication methods: what they are, where they are removed, what they mean for recovery.

use identity_core::recovery::MethodKind;

use crate::wire::method::AuthenticationMethod;

/// Where a method of the listing stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The password: it is reset, never removed.
    Password,
    /// It can be removed.
    Removable(Removable),
    /// Of a sort that v1.0 has no way to remove; the sort.
    Unknown(String),
}

/// A method that can be removed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Removable {
    /// Below the user.
    pub(crate) path: &'static str,
    pub(crate) id: String,
    /// For people; without number or address.
    pub(crate) words: String,
}

/// Sort, path and words of what can be removed (metadata of Graph v1.0, 2026-08-20).
const REMOVABLE: [(&str, &str, &str); 9] = [
    ("phoneAuthenticationMethod", "/authentication/phoneMethods", "phone"),
    (
        "microsoftAuthenticatorAuthenticationMethod",
        "/authentication/microsoftAuthenticatorMethods",
        "Authenticator app",
    ),
    ("softwareOathAuthenticationMethod", "/authentication/softwareOathMethods", "one-time code app"),
    ("fido2AuthenticationMethod", "/authentication/fido2Methods", "passkey"),
    ("windowsHelloForBusinessAuthenticationMethod", "/authentication/windowsHelloForBusinessMethods", "Windows Hello"),
    ("platformCredentialAuthenticationMethod", "/authentication/platformCredentialMethods", "platform credential"),
    ("emailAuthenticationMethod", "/authentication/emailMethods", "email address"),
    ("temporaryAccessPassAuthenticationMethod", "/authentication/temporaryAccessPassMethods", "Temporary Access Pass"),
    ("externalAuthenticationMethod", "/authentication/externalAuthenticationMethods", "external method"),
];

/// Where a method stands.
pub(crate) fn place_of(method: &AuthenticationMethod) -> Place {
    let sort = method.sort.as_deref().unwrap_or_default();
    let sort = sort.strip_prefix("#microsoft.graph.").unwrap_or(sort);
    if sort == "passwordAuthenticationMethod" {
        return Place::Password;
    }
    match REMOVABLE.iter().find(|(known, ..)| *known == sort) {
        Some((_, path, words)) => {
            let words = match &method.phone_type {
                Some(phone) => format!("{words} ({})", word(phone)),
                None => (*words).to_owned(),
            };
            Place::Removable(Removable { path, id: method.id.clone(), words })
        }
        None if sort.is_empty() => Place::Unknown("a method of no named sort".to_owned()),
        None => Place::Unknown(word(sort)),
    }
}

/// A word of the service, and no more than a word.
pub(crate) fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(60).collect()
}

/// What a word of `methodsRegistered` means. The words are of the report's page and of what tenants
/// were seen to answer; one that is not known is [`MethodKind::Other`].
pub(crate) fn kind_of(registered: &str) -> MethodKind {
    match registered {
        "mobilePhone" => MethodKind::Sms,
        "alternateMobilePhone" | "officePhone" => MethodKind::Voice,
        "email" => MethodKind::Email,
        "securityQuestion" | "securityQuestions" => MethodKind::SecurityQuestions,
        "softwareOneTimePasscode" | "hardwareOneTimePasscode" => MethodKind::OneTimeCode,
        "microsoftAuthenticatorPush" | "microsoftAuthenticatorPasswordless" => MethodKind::Push,
        "fido2" | "fido2SecurityKey" | "windowsHelloForBusiness" | "macOsSecureEnclaveKey" | "platformCredential" => {
            MethodKind::Passkey
        }
        passkey if passkey.to_ascii_lowercase().starts_with("passkey") => MethodKind::Passkey,
        "certificateBasedAuthentication" | "x509Certificate" => MethodKind::Certificate,
        _ => MethodKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(sort: Option<&str>, phone: Option<&str>) -> AuthenticationMethod {
        AuthenticationMethod {
            id: "m1".to_owned(),
            sort: sort.map(|sort| format!("#microsoft.graph.{sort}")),
            phone_type: phone.map(str::to_owned),
        }
    }

    #[test]
    fn every_sort_of_the_metadata_has_its_place() {
        for (sort, path, words) in REMOVABLE {
            let removable = Removable { path, id: "m1".into(), words: words.into() };
            assert_eq!(place_of(&method(Some(sort), None)), Place::Removable(removable));
        }
        assert_eq!(place_of(&method(Some("passwordAuthenticationMethod"), None)), Place::Password);
        let Place::Removable(phone) = place_of(&method(Some("phoneAuthenticationMethod"), Some("alternateMobile")))
        else {
            panic!("a phone can be removed")
        };
        assert_eq!(phone.words, "phone (alternateMobile)");
    }

    #[test]
    fn a_sort_of_tomorrow_is_named_and_not_guessed_at() {
        let sort = "qrCodePinAuthenticationMethod";
        assert_eq!(place_of(&method(Some(sort), None)), Place::Unknown(sort.into()));
        assert_eq!(place_of(&method(None, None)), Place::Unknown("a method of no named sort".into()));
    }

    #[test]
    fn registered_methods_are_of_a_kind() {
        for (registered, kind) in [
            ("mobilePhone", MethodKind::Sms),
            ("officePhone", MethodKind::Voice),
            ("email", MethodKind::Email),
            ("securityQuestion", MethodKind::SecurityQuestions),
            ("softwareOneTimePasscode", MethodKind::OneTimeCode),
            ("microsoftAuthenticatorPush", MethodKind::Push),
            ("fido2", MethodKind::Passkey),
            ("passKeyDeviceBound", MethodKind::Passkey),
            ("passKeyDeviceBoundAuthenticator", MethodKind::Passkey),
            ("windowsHelloForBusiness", MethodKind::Passkey),
            ("temporaryAccessPass", MethodKind::Other),
            ("somethingNew", MethodKind::Other),
        ] {
            assert_eq!(kind_of(registered), kind, "{registered}");
        }
    }
}

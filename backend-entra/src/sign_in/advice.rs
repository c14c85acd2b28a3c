//! What to do about a refused sign-in, by Microsoft's numbers ("Microsoft Entra authentication and
//! authorization error codes").

use identity_core::error::{Error, ErrorKind};
use identity_core::http::GrantFault;

/// What the reader can do about a refusal.
pub(super) fn advice(fault: &GrantFault) -> Option<String> {
    let mut codes = fault.member("error_codes").iter().filter_map(|code| code.parse().ok());
    codes.find_map(by_code).or_else(|| by_error(&fault.error)).map(str::to_owned)
}

fn by_code(code: u64) -> Option<&'static str> {
    Some(match code {
        7_000_215 => {
            "the client secret is wrong: give the secret's value, not its id; it was tried once and is not tried again"
        }
        7_000_222 => "the client secret has expired: make a new one in the app registration, and give that",
        7_000_218 => {
            "the request had neither a secret nor an assertion: check how the directory is configured to sign in"
        }
        700_016 => "the app is not in this tenant: check client id and tenant, and the national cloud",
        700_021 => "the assertion is of another app: the client id and the key or token file do not belong together",
        700_023 => "the assertion is for another audience: check the tenant and the login address",
        700_024 => "the assertion is outside its time: check this machine's clock",
        700_027 => "the signature of the assertion is not taken: register this certificate in the app registration",
        50_012 => "the certificate is not registered with the app: upload it in the app registration",
        70_011 => "the scope is not taken: check the national cloud",
        500_011 => "Graph is not known in this tenant: check the national cloud",
        90_002 => "there is no such tenant: check its id or domain, and the national cloud",
        53_003 => {
            "a Conditional Access policy for workload identities blocks the app: exclude it, or run from a place that the policy allows"
        }
        _ => return None,
    })
}

fn by_error(error: &str) -> Option<&'static str> {
    Some(match error {
        "invalid_client" => "the app's proof is not taken: check client id, secret or certificate",
        "unauthorized_client" => "the app may not sign in so: check client id and tenant",
        "invalid_scope" | "invalid_resource" => "check the national cloud",
        _ => return None,
    })
}

/// A key alone does not tell Entra which registered certificate to check by.
pub(super) fn without_certificate() -> Error {
    Error::new(ErrorKind::ConfigInvalid, "sign in")
        .with_detail("the PEM has a key and no certificate")
        .with_advice("put the certificate that is registered with the app into the same file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(error: &str, codes: &[u64]) -> GrantFault {
        GrantFault::new(error, "").with_member("error_codes", codes)
    }

    #[test]
    fn the_number_says_more_than_the_word_and_either_is_enough() {
        let said = |error, codes: &[u64]| advice(&fault(error, codes)).unwrap_or_default();
        assert!(said("invalid_client", &[7_000_222]).contains("expired"));
        assert!(said("invalid_client", &[1, 7_000_215]).contains("wrong"));
        assert!(said("unauthorized_client", &[700_016]).contains("not in this tenant"));
        assert!(said("invalid_client", &[1]).contains("proof"));
        assert_eq!(said("interaction_required", &[1]), "");
    }
}

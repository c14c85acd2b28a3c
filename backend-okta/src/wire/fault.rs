//! The body of a refusal: Okta's own envelope, or that of OAuth.

use serde_json::Value;

/// What the body of a refusal says, as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `E0000006`, or a code of OAuth such as `invalid_token`.
    pub(crate) code: String,
    /// What the code means; the same for all of a code.
    pub(crate) summary: String,
    /// What was wrong this time.
    pub(crate) causes: Vec<String>,
    /// Okta's id of the error, which its support asks for.
    pub(crate) id: Option<String>,
}

impl Refusal {
    /// Reads a body; `None` for one that is in the words of neither, as a proxy's.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |value: &Value, member: &str| Some(value.get(member)?.as_str()?.to_owned());
        if let Some(code) = text(&body, "errorCode") {
            let causes = body.get("errorCauses").and_then(Value::as_array);
            return Some(Self {
                code,
                summary: text(&body, "errorSummary").unwrap_or_default(),
                causes: causes.into_iter().flatten().filter_map(|cause| text(cause, "errorSummary")).collect(),
                id: text(&body, "errorId"),
            });
        }
        let summary = text(&body, "error_description").unwrap_or_default();
        Some(Self { code: text(&body, "error")?, summary, ..Self::default() })
    }

    /// The summary, and in brackets the causes.
    pub(crate) fn message(&self) -> String {
        match self.causes.as_slice() {
            [] => self.summary.clone(),
            causes => format!("{} ({})", self.summary, causes.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_causes_are_told_after_the_summary() {
        // As recorded by okta-sdk-python (test_unlock_user).
        let body = br#"{"errorCode":"E0000032","errorSummary":"Unlock is not allowed for this user.","errorLink":"E0000032","errorId":"oae9Wpz4YIiTcCdvkj0JTq0YA","errorCauses":[{"errorSummary":"The user is not locked out."}]}"#;
        let refusal = Refusal::of(body).unwrap();
        assert_eq!((refusal.code.as_str(), refusal.id.as_deref()), ("E0000032", Some("oae9Wpz4YIiTcCdvkj0JTq0YA")));
        assert_eq!(refusal.message(), "Unlock is not allowed for this user. (The user is not locked out.)");
    }

    #[test]
    fn the_envelope_of_oauth_is_read_too_and_what_is_neither_is_not() {
        let refusal = Refusal::of(br#"{"error":"invalid_token","error_description":"expired"}"#).unwrap();
        assert_eq!((refusal.code.as_str(), refusal.message().as_str()), ("invalid_token", "expired"));
        // The second is what was recorded for a path with a double slash.
        for body in [&b"<html>"[..], br#"{"status":404,"message":"Resource not found"}"#, b"", b"[]", br#"{"error":7}"#]
        {
            assert_eq!(Refusal::of(body), None);
        }
        let odd =
            br#"{"errorCode":"E1","errorSummary":7,"errorCauses":[7,{"errorSummary":null},{"errorSummary":"x"}]}"#;
        assert_eq!(Refusal::of(odd).unwrap().message(), " (x)");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Refusal::of(&body);
        }
    }
}

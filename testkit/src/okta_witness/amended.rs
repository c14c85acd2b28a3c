//! Where Okta was recorded to answer otherwise than its description says, or where the description
//! contradicts itself. It is amended in these places only, so that nothing beside them is hidden.

use serde_json::Value;

/// What is amended: in words, the place in the description, the member there, and its schema.
pub(super) struct Amendment {
    pub(super) words: &'static str,
    place: &'static str,
    member: &'static str,
    schema: &'static str,
}

pub(super) const AMENDMENTS: &[Amendment] = &[
    Amendment {
        words: "credentials of a user have 'emails'",
        place: "/components/schemas/UserCredentials/properties",
        member: "emails",
        schema: r#"{ "type": "array", "items": { "type": "object", "required": ["value", "status", "type"], "properties": {
            "value": { "type": "string" }, "status": { "enum": ["VERIFIED", "UNVERIFIED"] },
            "type": { "enum": ["PRIMARY", "SECONDARY"] } } } }"#,
    },
    Amendment {
        words: "a factor has the type 'signed_nonce'",
        place: "/paths/~1api~1v1~1users~1{userId}~1factors/get/responses/200/content/application~1json/schema/items/discriminator/mapping",
        member: "signed_nonce",
        schema: r##""#/components/schemas/UserFactor""##,
    },
    Amendment {
        words: "the link 'resend' of a factor is a list",
        place: "/components/schemas/LinksResend/properties",
        member: "resend",
        schema: r##"{ "anyOf": [{ "$ref": "#/components/schemas/HrefObject" },
            { "type": "array", "items": { "$ref": "#/components/schemas/HrefObject" } }] }"##,
    },
    Amendment {
        words: "tokenWindow of an API token is null",
        place: "/components/schemas/ApiToken/properties",
        member: "tokenWindow",
        schema: r#"{ "type": "string", "nullable": true }"#,
    },
    Amendment {
        words: "the links of an API token are '_links', not '_link'",
        place: "/components/schemas/ApiToken/properties",
        member: "_links",
        schema: r##"{ "type": "object", "additionalProperties": { "$ref": "#/components/schemas/HrefObject" } }"##,
    },
    // Not recorded; the summary of the operation is "List all authenticator enrollments".
    Amendment {
        words: "authenticator enrolments of a user are a list",
        place: "/paths/~1api~1v1~1users~1{userId}~1authenticator-enrollments/get/responses/200/content/application~1json",
        member: "schema",
        schema: r##"{ "type": "array", "items": { "$ref": "#/components/schemas/AuthenticatorEnrollment" } }"##,
    },
];

impl Amendment {
    pub(super) fn apply(&self, document: &mut Value) -> Result<(), String> {
        let schema = serde_json::from_str(self.schema).map_err(|error| error.to_string())?;
        let place = document.pointer_mut(self.place).and_then(Value::as_object_mut);
        let place = place.ok_or_else(|| format!("{} is not there", self.place))?;
        place.insert(self.member.to_owned(), schema);
        Ok(())
    }
}

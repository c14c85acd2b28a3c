//! The properties of a user: which there are, what may be asked of them, and their values.

use serde_json::{Map, Value, json};

use super::super::query::{Entity, Operator, Property, Shown, Written};
use super::super::tenant::{Sort, Tenant, View};

use Operator::{EndsWith, Equal, In, NotEqual, StartsWith};
use Shown::{Always, NotListed, Selected};
use Written::{Flag, Never, Profile, Text, Texts};

const TEXT: &[Operator] = &[Equal, In, StartsWith];
const TEXT_MORE: &[Operator] = &[NotEqual];
const NAME_MORE: &[Operator] = &[NotEqual, EndsWith];
const CHOICE: &[Operator] = &[Equal, In];
const NOTHING: &[Operator] = &[];

const fn p(
    name: &'static str,
    shown: Shown,
    filter: &'static [Operator],
    advanced: &'static [Operator],
    written: Written,
) -> Property {
    Property { name, shown, filter, advanced, written }
}

/// A user.
pub(in crate::mock_graph) static USER: Entity = Entity {
    set: "users",
    properties: &[
        p("businessPhones", Always, NOTHING, NOTHING, Texts),
        p("displayName", Always, TEXT, TEXT_MORE, Text),
        p("givenName", Always, TEXT, TEXT_MORE, Text),
        p("jobTitle", Always, TEXT, TEXT_MORE, Text),
        p("mail", Always, TEXT, NAME_MORE, Text),
        p("mobilePhone", Always, TEXT, TEXT_MORE, Text),
        p("officeLocation", Always, TEXT, TEXT_MORE, Text),
        p("preferredLanguage", Always, TEXT, TEXT_MORE, Text),
        p("surname", Always, TEXT, TEXT_MORE, Text),
        p("userPrincipalName", Always, TEXT, NAME_MORE, Text),
        p("id", Always, CHOICE, NOTHING, Never),
        p("accountEnabled", Selected, CHOICE, TEXT_MORE, Flag),
        p("userType", Selected, CHOICE, TEXT_MORE, Text),
        p("creationType", Selected, CHOICE, TEXT_MORE, Never),
        p("externalUserState", Selected, CHOICE, TEXT_MORE, Never),
        p("onPremisesSyncEnabled", Selected, CHOICE, TEXT_MORE, Never),
        p("onPremisesDomainName", Selected, NOTHING, NOTHING, Never),
        p("onPremisesSamAccountName", Selected, NOTHING, NOTHING, Never),
        p("onPremisesDistinguishedName", Selected, NOTHING, NOTHING, Never),
        p("onPremisesSecurityIdentifier", Selected, CHOICE, NOTHING, Never),
        p("onPremisesImmutableId", Selected, CHOICE, NOTHING, Text),
        p("onPremisesUserPrincipalName", Selected, NOTHING, NOTHING, Never),
        p("onPremisesLastSyncDateTime", Selected, NOTHING, NOTHING, Never),
        p("lastPasswordChangeDateTime", Selected, NOTHING, NOTHING, Never),
        p("signInSessionsValidFromDateTime", Selected, NOTHING, NOTHING, Never),
        p("passwordPolicies", Selected, NOTHING, NOTHING, Text),
        p("passwordProfile", Selected, NOTHING, NOTHING, Profile),
        p("assignedLicenses", Selected, NOTHING, NOTHING, Never),
        p("identities", Selected, NOTHING, NOTHING, Never),
        p("isManagementRestricted", Selected, NOTHING, NOTHING, Never),
        p("otherMails", Selected, NOTHING, NOTHING, Texts),
        p("proxyAddresses", Selected, NOTHING, NOTHING, Never),
        p("usageLocation", Selected, TEXT, TEXT_MORE, Text),
        p("createdDateTime", Selected, NOTHING, NOTHING, Never),
        p("department", Selected, TEXT, TEXT_MORE, Text),
        p("companyName", Selected, TEXT, TEXT_MORE, Text),
        p("city", Selected, TEXT, TEXT_MORE, Text),
        p("country", Selected, TEXT, TEXT_MORE, Text),
        p("employeeId", Selected, TEXT, TEXT_MORE, Text),
        p("employeeType", Selected, TEXT, TEXT_MORE, Text),
        p("mailNickname", Selected, TEXT, TEXT_MORE, Text),
        p("signInActivity", Selected, NOTHING, NOTHING, Never),
        p("aboutMe", NotListed, NOTHING, NOTHING, Text),
        p("birthday", NotListed, NOTHING, NOTHING, Text),
        p("hireDate", NotListed, NOTHING, NOTHING, Text),
        p("interests", NotListed, NOTHING, NOTHING, Texts),
        p("mySite", NotListed, NOTHING, NOTHING, Text),
        p("pastProjects", NotListed, NOTHING, NOTHING, Texts),
        p("preferredName", NotListed, NOTHING, NOTHING, Text),
        p("responsibilities", NotListed, NOTHING, NOTHING, Texts),
        p("schools", NotListed, NOTHING, NOTHING, Texts),
        p("skills", NotListed, NOTHING, NOTHING, Texts),
        p("mailboxSettings", NotListed, NOTHING, NOTHING, Never),
    ],
};

/// A user as a row of an answer: the selected properties, or those that are always shown.
pub(in crate::mock_graph) fn row(view: &View<'_>, tenant: &Tenant, select: Option<&[String]>) -> Map<String, Value> {
    let mut row = Map::new();
    if view.user.sort == Sort::Agent {
        row.insert("@odata.type".into(), "#microsoft.graph.agentUser".into());
    }
    let shown = USER.properties.iter().filter(|property| match select {
        Some(names) => names.iter().any(|name| name == property.name),
        None => property.shown == Always,
    });
    for property in shown {
        let value = value(view, tenant, property.name);
        // Who never signed in has no such property, rather than an empty one.
        if property.name == "signInActivity" && value.is_null() {
            continue;
        }
        row.insert(property.name.into(), value);
    }
    row
}

/// The value of one property, as a read shows it.
pub(super) fn value(view: &View<'_>, tenant: &Tenant, property: &str) -> Value {
    if let Some(written) = view.written(property) {
        return written.clone();
    }
    let (user, on_prem) = (&view.user, view.user.on_prem.as_ref());
    match property {
        "id" => json!(user.id),
        "userPrincipalName" => json!(user.principal_name),
        "displayName" => json!(user.display_name),
        "givenName" => json!(user.given_name),
        "surname" => json!(user.surname),
        "mail" => json!(user.mail),
        "mobilePhone" => json!(user.mobile_phone),
        "preferredLanguage" => json!(user.language),
        "department" => json!(user.department),
        "mailNickname" => json!(user.principal_name.split('@').next()),
        "accountEnabled" => json!(view.enabled()),
        "userType" => match user.sort {
            Sort::Guest(_) | Sort::InternalGuest => json!("Guest"),
            _ => json!("Member"),
        },
        "creationType" => match user.sort {
            Sort::Guest(_) => json!("Invitation"),
            Sort::LocalAccount => json!("LocalAccount"),
            _ => Value::Null,
        },
        "externalUserState" => match user.sort {
            Sort::Guest(true) => json!("Accepted"),
            Sort::Guest(false) => json!("PendingAcceptance"),
            _ => Value::Null,
        },
        // Never false: users that are only in the cloud have nothing.
        "onPremisesSyncEnabled" => on_prem.map_or(Value::Null, |_| json!(true)),
        "onPremisesDomainName" => json!(on_prem.map(|there| &there.domain)),
        "onPremisesSamAccountName" => json!(on_prem.map(|there| &there.sam_account_name)),
        "onPremisesDistinguishedName" => json!(on_prem.map(|there| &there.distinguished_name)),
        "onPremisesSecurityIdentifier" => json!(on_prem.map(|there| &there.security_id)),
        "onPremisesImmutableId" => json!(on_prem.map(|there| &there.immutable_id)),
        "onPremisesUserPrincipalName" => json!(on_prem.map(|there| &there.principal_name)),
        "onPremisesLastSyncDateTime" => json!(on_prem.map(|_| tenant.now().strftime("%Y-%m-%dT%H:00:00Z").to_string())),
        "lastPasswordChangeDateTime" => moment(view.password_set()),
        "signInSessionsValidFromDateTime" => moment(view.sessions_valid_from()),
        "passwordPolicies" => json!(user.password_policies),
        "passwordProfile" => profile(view),
        "assignedLicenses" if user.sort == Sort::Member => {
            json!([{ "disabledPlans": [], "skuId": "06ebc4ee-1bb5-47dd-8120-11324bc54e06" }])
        }
        "identities" => identities(view, tenant),
        "isManagementRestricted" => {
            if user.restricted {
                json!(true)
            } else {
                Value::Null
            }
        }
        "proxyAddresses" => json!(user.mail.iter().map(|mail| format!("SMTP:{mail}")).collect::<Vec<_>>()),
        "otherMails" if matches!(user.sort, Sort::Guest(_)) => json!(user.mail.iter().collect::<Vec<_>>()),
        "createdDateTime" => moment(user.created),
        "signInActivity" => user.last_sign_in.map_or(Value::Null, |at| {
            json!({
                "lastSignInDateTime": moment(at),
                "lastSignInRequestId": user.id,
                "lastNonInteractiveSignInDateTime": moment(at),
                "lastNonInteractiveSignInRequestId": user.id,
                "lastSuccessfulSignInDateTime": moment(at),
                "lastSuccessfulSignInRequestId": user.id,
            })
        }),
        _ if USER.property(property).is_some_and(|known| known.written == Texts) => json!([]),
        "assignedLicenses" => json!([]),
        _ => Value::Null,
    }
}

fn moment(at: jiff::Timestamp) -> Value {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}

/// The password is never shown, and nothing is where no change is forced.
fn profile(view: &View<'_>) -> Value {
    if !view.must_change() {
        return Value::Null;
    }
    let with_mfa = view.state.is_some_and(|state| state.must_change_with_mfa);
    json!({
        "password": null,
        "forceChangePasswordNextSignIn": !with_mfa || view.state.and_then(|state| state.must_change) == Some(true),
        "forceChangePasswordNextSignInWithMfa": with_mfa,
    })
}

fn identities(view: &View<'_>, tenant: &Tenant) -> Value {
    let (user, issuer) = (&view.user, tenant.population.initial_domain());
    let by_name = json!({
        "signInType": "userPrincipalName",
        "issuer": issuer,
        "issuerAssignedId": user.principal_name,
    });
    match user.sort {
        Sort::Guest(true) => json!([
            { "signInType": "federated", "issuer": "ExternalAzureAD", "issuerAssignedId": null },
            by_name,
        ]),
        Sort::LocalAccount => json!([
            { "signInType": "emailAddress", "issuer": issuer, "issuerAssignedId": "customer@mail.example.test" },
            by_name,
        ]),
        _ => json!([by_name]),
    }
}

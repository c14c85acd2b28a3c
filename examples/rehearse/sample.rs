//! A shape of nobody's directories: a domain, the tenant that it is synchronised into, and an Okta org, with the
//! limits that vendors publish (docs/rehearsal.md says what each line holds).
#![allow(clippy::indexing_slicing, reason = "of JSON that is made here: what is missing is null, what is set is added")]

use std::io::{BufWriter, Write};
use std::path::Path;

use identity_reset::directory::{Capabilities, PasswordPolicy};
use identity_reset::error::Result;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::input;

/// Of ten accounts, so many are in the domain and in the tenant; the others are in Okta.
const OF_TEN: u32 = 4;

pub(crate) fn write(accounts: u32, path: &Path) -> Result<()> {
    let fault = |fault: std::io::Error| input(format!("{}: {fault}", path.display()));
    let mut file = BufWriter::new(std::fs::File::create(path).map_err(fault)?);
    let mut line = |row: &Value| writeln!(file, "{row}").map_err(fault);
    line(&json!({
        "row": "shape", "format": "identity-reset shape", "version": 1, "library": env!("CARGO_PKG_VERSION"),
        "key": "sample", "salt": "sample",
    }))?;
    let (domain, tenant) = (accounts / 10 * OF_TEN, accounts / 10 * OF_TEN);
    line(&directory("corp", "ldap"))?;
    (0..domain).try_for_each(|number| line(&account(number, 0, None)))?;
    line(&directory("cloud", "entra"))?;
    // Nine of ten come from the domain.
    (0..tenant).try_for_each(|number| line(&account(number, 1, (number % 10 != 0).then_some("on_prem"))))?;
    line(&directory("org", "okta"))?;
    (0..accounts - domain - tenant)
        .try_for_each(|number| line(&account(number, 2, (number % 2 == 0).then_some("on_prem"))))?;
    line(&json!({"row": "end", "accounts": accounts}))?;
    file.flush().map_err(fault)
}

fn account(number: u32, directory: u32, authority: Option<&str>) -> Value {
    let id = |of: u32| Uuid::from_u128((u128::from(of) + 1) << 64 | u128::from(number)).to_string();
    let mut row = json!({"row": "account", "id": id(directory), "set": 20_000 + number % 300});
    let mut set = |name: &str, value: Value| row[name] = value;
    if let Some(authority) = authority {
        set("authority", json!(authority));
    }
    // The ids of the domain join all three.
    if authority.is_some() || directory == 0 {
        set("immutable", json!(id(0)));
    }
    match number % 200 {
        7 => {
            set("kind", json!("service"));
            set("owner", json!(format!("owner-{}", number / 200 % 9)));
        }
        13 => set("grounds", json!([["control", "member"]])),
        19 => set("grounds", json!([["management", "role"]])),
        21..=30 => set("flags", json!(["disabled"])),
        _ => {}
    }
    row
}

/// The limits of a kind: Active Directory by requests at once; Microsoft Graph as published (service-specific
/// throttling limits); Okta as an org with 600 requests a minute tells.
fn directory(id: &str, kind: &str) -> Value {
    let mut can = Capabilities::default();
    can.set_password = true;
    can.expire_password = true;
    can.disable = true;
    let (limits, classes, reads, latency) = match kind {
        "ldap" => {
            (can.set_password_must_change, can.unlock, can.observe_version) = (true, true, true);
            let limits = json!({"max_batch": 64, "in_flight": 64, "deadline_ms": 60_000});
            (limits, json!([]), json!(["read", 1_000, "read", 64]), json!([[3.0, 10.0], [6.0, 25.0]]))
        }
        "entra" => {
            (can.set_password_must_change, can.revoke_sessions, can.observe_sessions) = (true, true, true);
            let quotas = json!([
                quota("writes", 3_000, 150, 0.9, false, &json!([["write", 1]])),
                quota("resource units", 3_500, 10, 0.9, false, &json!([["read", 1], ["write", 1]])),
            ]);
            let batches = json!([{"class": "read", "most": 300}]);
            let limits = json!({
                "max_batch": 20, "batch_is_one_request": true, "in_flight": 8, "reads_beside": 2,
                "deadline_ms": 100_000, "batches": batches, "quotas": quotas,
            });
            (limits, json!([]), json!(["read", 999, "read", 15]), json!([[150.0, 400.0], [300.0, 900.0]]))
        }
        _ => {
            (can.unlock, can.set_temporary_password, can.revoke_sessions) = (true, true, true);
            let quotas = json!(
                ["users", "user", "user-write"]
                    .map(|bucket| { quota(bucket, 100, 60, 0.5, true, &json!([[bucket, 1]])) })
            );
            let limits = json!({
                "max_batch": 1, "in_flight": 10, "deadline_ms": 60_000, "quotas": quotas,
                "batches": [{"class": "read", "most": 100}],
            });
            let others = ["set_temporary_password", "expire_password", "unlock", "disable", "revoke_sessions"];
            let classes: Vec<Value> = others.iter().map(|action| json!([action, "users"])).collect();
            let set =
                [true, false].map(|must_change| json!([{"set_password": {"must_change": must_change}}, "user-write"]));
            let classes: Vec<Value> = classes.into_iter().chain(set).collect();
            (limits, json!(classes), json!(["users", 200, "user", 1]), json!([[120.0, 350.0], [200.0, 600.0]]))
        }
    };
    let mut policy = PasswordPolicy::default();
    (policy.min_length, policy.complexity) = (12, true);
    json!({
        "row": "directory", "id": id, "kind": kind, "tenant": format!("tenant-{id}"), "capabilities": can,
        "limits": limits, "classes": classes, "password_policy": policy,
        "reads": {"list": reads[0], "page": reads[1], "look_up": reads[2], "ids": reads[3]},
        "latency": {"read": latency[0], "write": latency[1], "measured": 0},
    })
}

fn quota(name: &str, permits: u32, seconds: u32, share: f64, learnt: bool, costs: &Value) -> Value {
    let mut quota = json!({
        "name": name, "permits": permits, "window_ms": seconds * 1_000, "share": share, "burst": 1, "costs": costs,
    });
    if learnt {
        quota["learnt"] = json!(true);
        quota["server_permits"] = json!(600);
    }
    quota
}

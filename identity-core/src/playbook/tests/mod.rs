//! What playbooks are read as, and what is said of those that cannot be.

mod faults;
mod never_panics;
mod ordering;
mod triggers;

use std::path::Path;

use super::{Arguments, Playbook};
use crate::account::DirectoryId;
use crate::directory::DirectoryInfo;

/// A playbook in which everything that a playbook can say is said.
pub(super) const FULL: &str = r#"format = 1
name = "full"
about = "everything at once"
triggers = ["ransomware", "our_own_word"]
seed = 7
unless_set_since = "${since}"

[parameter.group]
type = "text"
about = "whose members were phished"
[parameter.since]
type = "timestamp"
[parameter.spared]
type = "accounts"
default = ["a.spared"]
[parameter.slice]
type = "count"
default = 500

[[scope]]
directory = "corp"
group = "${group}"
[[scope]]
kind = "entra"
everyone = true

[[exclude]]
directory = "corp"
unit = "OU=Kiosk,DC=example,DC=test"
[[exclude]]
directory = "corp"
query = "(department=Lab)"
[[exclude]]
directory = "corp"
accounts = "${spared}"

[[protect]]
directory = "corp"
accounts = ["CN=breakglass,DC=example,DC=test"]

[population.workforce]
actions = ["set_password_must_change", "revoke_sessions"]
set_twice = true
[population.workforce.kind.entra]
actions = ["revoke_sessions"]
[population.workforce.directory.cloud2]
leave_out = "a test tenant"
[population.privileged]
actions = ["set_password_must_change", "reset_authenticators", "revoke_sessions"]
[population.dormant]
actions = ["scramble"]
[population.mailbox]
actions = ["set_password"]
[population.guest]
leave_out = "their own organisation resets them"
[population.service]
procedure = "with the owner, in the change window"
owner = "platform team"

[waves.canary]
size = 5
pause = "30m"
[waves.privileged]
pause = "2h"
[waves.workforce]
size = "${slice}"
pause = "90s"

[guardrails]
failure_percent = 2
failure_floor = 5
canary_failures = 1
consecutive_refusals = 10
passwords_per_account = 4
sync_wait = "5m"

[[approval]]
waves = ["privileged", "privileged_elsewhere"]
persons = 2
by = ["Ada", "Grace"]

[[contact]]
for = "service desk"
name = "duty lead"
reach = "the printed list"

[messages]
folder = "messages"
compromised = ["corp"]

[vault]
recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
"#;

pub(super) fn parse(text: &str) -> crate::error::Result<Playbook> {
    Playbook::parse(Path::new("full.toml"), text)
}

pub(super) fn directories() -> Vec<DirectoryInfo> {
    [("corp", "ldap"), ("cloud", "entra"), ("cloud2", "entra")]
        .map(|(id, kind)| DirectoryInfo::new(DirectoryId::new(id).unwrap(), kind, "example.test"))
        .to_vec()
}

pub(super) fn arguments() -> Arguments {
    Arguments::default().with("group", "CN=Sales,DC=example,DC=test").with("since", "2026-03-01T08:00:00Z")
}

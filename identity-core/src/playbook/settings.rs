//! Waves, guardrails, approvals, contacts and the vault of a playbook.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use super::parameter::{Declared, MOST_ACCOUNTS, ParameterKind, Value};
use super::reader::{Fields, Given, Node};
use crate::account::DirectoryId;
use crate::plan::{ApprovalRule, Contact, PlannedGuardrails, PlannedMessages, WaveKind, WaveSizes};
use crate::vault::Recipient;

/// The longest pause and the longest wait for a synchronisation: a week.
const LONGEST: u64 = 7 * 24 * 3600;

/// Sizes of waves, and the pauses after them.
#[derive(Clone, Debug, Default)]
pub(super) struct Waves {
    canary: Option<Given<u64>>,
    workforce: Option<Given<u64>>,
    pub(super) pauses: BTreeMap<WaveKind, u64>,
}

impl Waves {
    pub(super) fn read(root: &mut Fields<'_>, declared: &Declared) -> Self {
        let mut waves = Self::default();
        let Some(mut table) = root.take("waves").and_then(Node::table) else { return waves };
        for kind in WaveKind::ALL {
            let Some(mut fields) = table.take(kind.as_str()).and_then(Node::table) else { continue };
            if let Some(seconds) = fields.take("pause").and_then(|node| node.seconds(LONGEST)) {
                waves.pauses.insert(kind, seconds);
            }
            // Only of these does the engine choose the size.
            let size = |node: &Node<'_>, least| {
                declared.checked(node, node.given_whole(least..=MOST_ACCOUNTS), ParameterKind::Count)
            };
            match kind {
                WaveKind::Canary => {
                    let most = |node: &Node<'_>| {
                        declared.checked(node, node.given_whole(0..=u64::from(u32::MAX)), ParameterKind::Count)
                    };
                    waves.canary = fields.take("size").and_then(|node| most(&node));
                }
                WaveKind::Workforce => waves.workforce = fields.take("size").and_then(|node| size(&node, 1)),
                _ => {}
            }
            fields.finish();
        }
        table.finish();
        waves
    }

    pub(super) fn sizes(&self, bound: &BTreeMap<String, Value>) -> Result<WaveSizes, String> {
        let count = |given: &Given<u64>| match given {
            Given::Fixed(count) => Ok(*count),
            Given::Parameter(name) => match bound.get(name) {
                Some(Value::Count(count)) => Ok(*count),
                _ => Err(format!("the parameter `{name}` has no count")),
            },
        };
        let mut sizes = WaveSizes::default();
        if let Some(canary) = &self.canary {
            sizes.canary = u32::try_from(count(canary)?).unwrap_or(u32::MAX);
        }
        if let Some(workforce) = &self.workforce {
            sizes.workforce = NonZeroU64::new(count(workforce)?);
        }
        Ok(sizes)
    }
}

pub(super) fn guardrails(root: &mut Fields<'_>) -> PlannedGuardrails {
    let mut rails = PlannedGuardrails::default();
    let Some(mut fields) = root.take("guardrails").and_then(Node::table) else { return rails };
    let mut whole = |name, range| fields.take(name).and_then(|node| node.whole(range));
    rails.failure_percent = whole("failure_percent", 0..=100).and_then(|percent| u8::try_from(percent).ok());
    rails.failure_floor = whole("failure_floor", 0..=MOST_ACCOUNTS);
    rails.canary_failures = whole("canary_failures", 0..=MOST_ACCOUNTS);
    rails.consecutive_refusals = whole("consecutive_refusals", 1..=MOST_ACCOUNTS);
    rails.passwords_per_account = whole("passwords_per_account", 1..=10).and_then(|most| u32::try_from(most).ok());
    rails.sync_wait = fields.take("sync_wait").and_then(|node| node.seconds(LONGEST));
    fields.finish();
    rails
}

/// Every `[[approval]]`; whoever touches the privileged has to say who approves that.
pub(super) fn approvals(root: &mut Fields<'_>, touches_privileged: bool) -> Vec<ApprovalRule> {
    let mut rules: Vec<ApprovalRule> = Vec::new();
    for mut fields in root.tables("approval") {
        let mut waves = Vec::new();
        for node in fields.need("waves").and_then(Node::list).unwrap_or_default() {
            let Some(word) = node.text() else { continue };
            let Some(kind) = WaveKind::ALL.into_iter().find(|kind| kind.as_str() == word) else {
                let words = WaveKind::ALL.map(WaveKind::as_str).join(", ");
                node.fault(format!("{word:?} is no kind of wave; there are {words}"));
                continue;
            };
            if waves.contains(&kind) || rules.iter().any(|rule| rule.waves.contains(&kind)) {
                node.fault(format!("who approves {word} is said twice"));
                break;
            }
            waves.push(kind);
        }
        let persons = fields.need("persons").map(|node| (node.whole(1..=10), node));
        let by = fields.take("by").and_then(Node::texts).unwrap_or_default();
        let mut folded: Vec<String> = by.iter().map(|name| name.to_lowercase()).collect();
        folded.sort();
        folded.dedup();
        if folded.len() < by.len() {
            fields.fault("names one person twice in `by`: case makes no difference");
        }
        if let Some((Some(persons), node)) = &persons
            && !by.is_empty()
            && u64::try_from(folded.len()).unwrap_or(u64::MAX) < *persons
        {
            node.fault(format!("{persons} have to approve, and `by` names {}", folded.len()));
        }
        if waves.is_empty() {
            fields.fault("names no waves");
        }
        let persons = persons.and_then(|(persons, _)| u32::try_from(persons?).ok()).unwrap_or(1);
        rules.push(ApprovalRule { waves, persons, by });
        fields.finish();
    }
    for kind in [WaveKind::Privileged, WaveKind::PrivilegedElsewhere] {
        if touches_privileged && !rules.iter().any(|rule| rule.waves.contains(&kind)) {
            root.fault_at("approval", format!("no [[approval]] says who approves wave {}", kind.as_str()));
        }
    }
    rules
}

/// Every `[[contact]]`; without one nobody knows whom to call.
pub(super) fn contacts(root: &mut Fields<'_>) -> Vec<Contact> {
    let mut contacts = Vec::new();
    let tables = root.tables("contact");
    if tables.is_empty() {
        root.fault_at("contact", "no [[contact]] says whom to call");
    }
    for mut fields in tables {
        let mut text = |name| fields.need(name).and_then(|node| node.text());
        let found = (text("for"), text("name"), text("reach"));
        fields.finish();
        if let (Some(purpose), Some(name), Some(reach)) = found {
            contacts.push(Contact { purpose, name, reach });
        }
    }
    contacts
}

/// The reason why accounts are handed to self-service recovery without a readiness file.
pub(super) fn waiver(root: &mut Fields<'_>) -> Option<String> {
    let mut fields = root.take("hand_off").and_then(Node::table)?;
    let because = fields.need("waiver").and_then(|node| node.text());
    fields.finish();
    because
}

/// `[messages]`: whoever touches people says how they are told, or why they are not.
pub(super) fn messages(root: &mut Fields<'_>, touches_people: bool) -> Option<PlannedMessages> {
    let Some(mut fields) = root.take("messages").and_then(Node::table) else {
        if touches_people {
            root.fault_at(
                "messages",
                "people are touched and nobody tells them: name the folder of their messages, or say waiver = \"why\"",
            );
        }
        return None;
    };
    let folder = fields.take("folder").and_then(|node| node.text());
    let waiver = fields.take("waiver").map(|node| (node.text(), node));
    let named = fields.take("compromised");
    let mut compromised = Vec::new();
    if let (Some(node), Some(_)) = (&named, &waiver) {
        node.fault("nobody is told anything: no channel has to be avoided");
    } else {
        for node in named.and_then(Node::list).unwrap_or_default() {
            let Some(text) = node.text() else { continue };
            match DirectoryId::new(&text) {
                Ok(_) => compromised.push(text),
                Err(fault) => node.fault(fault.to_string()),
            }
        }
    }
    if folder.is_none() && waiver.is_none() {
        fields.fault("say folder = \"…\", or waiver = \"why\"");
    }
    if let (Some(_), Some((_, node))) = (&folder, &waiver) {
        node.fault("waives the messages that `folder` names: keep one of them");
    }
    fields.finish();
    match (folder, waiver) {
        (Some(folder), None) => Some(PlannedMessages::From { folder, compromised }),
        (None, Some((because, _))) => Some(PlannedMessages::Waived { because: because? }),
        _ => None,
    }
}

/// Who may open the generated passwords.
pub(super) fn recipients(root: &mut Fields<'_>) -> Vec<String> {
    let Some(mut fields) = root.take("vault").and_then(Node::table) else { return Vec::new() };
    let mut recipients = Vec::new();
    for node in fields.need("recipients").and_then(Node::list).unwrap_or_default() {
        let Some(text) = node.text() else { continue };
        match Recipient::parse(&text) {
            Ok(_) if recipients.contains(&text) => node.fault("is named twice"),
            Ok(_) => recipients.push(text),
            Err(error) => node.fault(format!("is no age recipient (age1…): {}", error.detail())),
        }
    }
    fields.finish();
    recipients
}

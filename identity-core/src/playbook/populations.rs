//! What a playbook does to each population, in general and in single directories.

use std::collections::BTreeMap;

use super::reader::{Fields, Node};
use crate::directory::DirectoryInfo;
use crate::plan::{Population, PopulationActions, ServiceDisposition};
use crate::reset::Action;

/// The populations that actions are chosen for; services apart.
const NAMES: [&str; 5] = ["workforce", "privileged", "dormant", "mailbox", "guest"];

/// What is done to every population.
#[derive(Clone, Debug)]
pub(super) struct Populations {
    treatments: BTreeMap<&'static str, Treatment>,
    service: ServiceDisposition,
    twice: Vec<Population>,
    /// Why populations are left out, one line each.
    left_out: Vec<String>,
}

/// The actions on one population; none where it is left out.
#[derive(Clone, Debug, Default)]
struct Treatment {
    actions: Vec<Action>,
    by_kind: BTreeMap<String, Vec<Action>>,
    by_directory: BTreeMap<String, Vec<Action>>,
}

impl Treatment {
    fn lists(&self) -> impl Iterator<Item = &Vec<Action>> {
        std::iter::once(&self.actions).chain(self.by_kind.values()).chain(self.by_directory.values())
    }

    fn sets_passwords(&self) -> bool {
        self.lists().flatten().any(|action| action.sets_password())
    }
}

impl Populations {
    /// Reads `[population]`: every population has to be there, so that none is forgotten.
    pub(super) fn read(root: &mut Fields<'_>) -> Option<Self> {
        let mut fields = root.need("population")?.table()?;
        let (mut treatments, mut twice, mut left_out) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for name in NAMES {
            let Some(mut table) = fields.need(name).and_then(Node::table) else { continue };
            if let Some(node) = table.take("set_twice") {
                twice.insert(name, (node.flag().unwrap_or(false), node));
            }
            let (base, reason) = actions_or_reason(&mut table);
            left_out.extend(reason.map(|reason| format!("{name} accounts are left out: {reason}")));
            let mut overrides = |key: &'static str| {
                let mut found = BTreeMap::new();
                for (of, node) in table.take(key).and_then(Node::table).into_iter().flat_map(Fields::named) {
                    let Some(mut table) = node.table() else { continue };
                    let (actions, reason) = actions_or_reason(&mut table);
                    table.finish();
                    left_out
                        .extend(reason.map(|reason| format!("{name} accounts of {key} {of} are left out: {reason}")));
                    found.extend(actions.map(|actions| (of, actions)));
                }
                found
            };
            let (by_kind, by_directory) = (overrides("kind"), overrides("directory"));
            table.finish();
            let treatment = base.map(|actions| Treatment { actions, by_kind, by_directory });
            if let (Some((true, node)), Some(treatment)) = (twice.get(name), &treatment)
                && !treatment.sets_passwords()
            {
                node.fault("no action here sets a password that could be set twice");
            }
            treatments.extend(treatment.map(|treatment| (name, treatment)));
        }
        let mut service_twice = None;
        let service = fields.need("service").and_then(Node::table).and_then(|mut table| {
            service_twice = table.take("set_twice").map(|node| (node.flag().unwrap_or(false), node));
            service(table, &mut left_out)
        });
        fields.finish();
        let twice = set_twice(twice, service_twice, service.as_ref());
        (treatments.len() == NAMES.len()).then_some(())?;
        Some(Self { treatments, service: service?, twice, left_out })
    }

    /// Whether anything is done to the privileged anywhere; accounts of programs can be privileged too.
    pub(super) fn touch_the_privileged(&self) -> bool {
        matches!(&self.service, ServiceDisposition::Reset { actions } if !actions.is_empty())
            || self
                .treatments
                .get("privileged")
                .is_some_and(|treatment| treatment.lists().any(|actions| !actions.is_empty()))
    }

    /// Whether anything is done to people who are there to notice.
    pub(super) fn touch_people(&self) -> bool {
        let people = ["workforce", "privileged", "guest"].iter().filter_map(|name| self.treatments.get(name));
        people.flat_map(Treatment::lists).any(|actions| !actions.is_empty())
    }

    pub(super) fn service(&self) -> ServiceDisposition {
        self.service.clone()
    }

    pub(super) fn set_twice(&self) -> &[Population] {
        &self.twice
    }

    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The actions where nothing particular is said.
    pub(super) fn actions(&self) -> PopulationActions {
        self.chosen(|treatment| &treatment.actions)
    }

    /// The actions in one directory: what is said of its id counts more than what is said of its kind.
    pub(super) fn actions_in(&self, directory: &DirectoryInfo) -> PopulationActions {
        self.chosen(|treatment| {
            let by_id = treatment.by_directory.get(directory.id.as_str());
            by_id.or_else(|| treatment.by_kind.get(&directory.kind)).unwrap_or(&treatment.actions)
        })
    }

    fn chosen<'a>(&'a self, choose: impl Fn(&'a Treatment) -> &'a [Action]) -> PopulationActions {
        let of = |name: &str| self.treatments.get(name).map(&choose).unwrap_or_default().to_vec();
        PopulationActions {
            workforce: of("workforce"),
            privileged: of("privileged"),
            dormant: of("dormant"),
            mailbox: of("mailbox"),
            guest: of("guest"),
        }
    }

    /// The ids that something particular is said of and that are not among these; and the kinds.
    pub(super) fn strangers(&self, directories: &[DirectoryInfo]) -> (Vec<String>, Vec<String>) {
        let (mut ids, mut kinds) = (Vec::new(), Vec::new());
        for treatment in self.treatments.values() {
            let known = |id: &str| directories.iter().any(|directory| directory.id.as_str() == id);
            ids.extend(treatment.by_directory.keys().filter(|id| !known(id)).cloned());
            let known = |kind: &str| directories.iter().any(|directory| directory.kind == kind);
            kinds.extend(treatment.by_kind.keys().filter(|kind| !known(kind)).cloned());
        }
        for list in [&mut ids, &mut kinds] {
            list.sort();
            list.dedup();
        }
        (ids, kinds)
    }
}

/// `actions`, or `leave_out` with its reason.
fn actions_or_reason(table: &mut Fields<'_>) -> (Option<Vec<Action>>, Option<String>) {
    let listed = table.take("actions");
    match (listed, table.take("leave_out")) {
        (Some(node), None) => (actions(node), None),
        (None, Some(node)) => match node.text() {
            Some(reason) => (Some(Vec::new()), Some(reason)),
            None => (None, None),
        },
        (None, None) => {
            table.fault("say what is done: actions = [...], or leave_out = \"why nothing is\"");
            (None, None)
        }
        (Some(_), Some(node)) => {
            node.fault("leaves out whom `actions` names actions for: keep one of them");
            (None, None)
        }
    }
}

fn actions(node: Node<'_>) -> Option<Vec<Action>> {
    let (at, mut found): (Node<'_>, Vec<Action>) = (node.clone(), Vec::new());
    let list = node.list()?;
    if list.is_empty() {
        at.fault("the list is empty: name actions, or say leave_out = \"why\" in its place");
        return None;
    }
    for node in list {
        let word = node.text()?;
        let Some(action) = Action::ALL.into_iter().find(|action| action.as_str() == word) else {
            node.fault(format!("{word:?} is no action; there are {}", Action::ALL.map(Action::as_str).join(", ")));
            return None;
        };
        if found.contains(&action) {
            node.fault(format!("{action} is named twice"));
            return None;
        }
        let other = found.iter().find(|other| other.shows_in_password_state() && action.shows_in_password_state());
        if let Some(other) = other {
            node.fault(format!("{action} and {other} both concern the password: keep one of them"));
            return None;
        }
        found.push(action);
    }
    Some(found)
}

fn service(mut table: Fields<'_>, left_out: &mut Vec<String>) -> Option<ServiceDisposition> {
    let by_hand = [table.take("procedure"), table.take("owner")];
    let [procedure, owner] = &by_hand;
    if by_hand.iter().all(Option::is_none) {
        let (actions, reason) = actions_or_reason(&mut table);
        left_out.extend(reason.map(|reason| format!("service accounts are left out: {reason}")));
        table.finish();
        return actions.map(|actions| ServiceDisposition::Reset { actions });
    }
    for key in ["actions", "leave_out"] {
        if let Some(node) = table.take(key) {
            node.fault("either people reset service accounts (procedure, owner), or the run does (actions)");
        }
    }
    table.finish();
    let text = |node: &Option<Node<'_>>| node.as_ref().and_then(Node::text);
    Some(ServiceDisposition::Manual { procedure: text(procedure), owner: text(owner) })
}

fn set_twice(
    mut asked: BTreeMap<&'static str, (bool, Node<'_>)>,
    service_asked: Option<(bool, Node<'_>)>,
    service: Option<&ServiceDisposition>,
) -> Vec<Population> {
    let mut twice = Vec::new();
    let populations = [
        ("privileged", Population::Privileged),
        ("workforce", Population::Workforce),
        ("dormant", Population::Dormant),
    ];
    for (name, population) in populations {
        twice.extend(asked.remove(name).filter(|(asked, _)| *asked).map(|_| population));
    }
    if let Some((true, node)) = service_asked {
        match service {
            Some(ServiceDisposition::Reset { .. }) => twice.push(Population::Service),
            _ => node.fault("people reset the service accounts: there is nothing that the run could set twice"),
        }
    }
    match (asked.remove("mailbox"), asked.remove("guest")) {
        (Some((true, _)), Some((true, _))) => twice.push(Population::Other),
        (Some((true, node)), _) | (_, Some((true, node))) => {
            node.fault("mailboxes and guests are one population here: set_twice is of both or of neither");
        }
        _ => {}
    }
    twice
}

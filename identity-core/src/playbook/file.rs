//! A playbook as it was read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::fault::{self, Fault, invalid};
use super::parameter::{Declared, Parameter, ParameterKind};
use super::populations::Populations;
use super::reader::{Fields, Given, Node, Reader};
use super::scope::{Part, Protected};
use super::settings::{self, Waves};
use crate::error::Result;
use crate::plan::{ApprovalRule, Contact, PlannedGuardrails, PlannedMessages};

/// The version of the format that this library reads.
const FORMAT: u64 = 1;

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// What an organisation decided ahead for some kind of incident. The keys are described in
/// `docs/playbooks.md`.
#[derive(Clone, Debug)]
pub struct Playbook {
    pub(super) path: PathBuf,
    pub(super) digest: String,
    pub(super) name: String,
    about: Option<String>,
    triggers: Vec<String>,
    pub(super) seed: u64,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) scope: Vec<Part>,
    pub(super) exclude: Vec<Part>,
    pub(super) protect: Vec<Protected>,
    pub(super) unless_set_since: Option<Given<Timestamp>>,
    pub(super) populations: Populations,
    pub(super) waves: Waves,
    pub(super) waiver: Option<String>,
    pub(super) guardrails: PlannedGuardrails,
    pub(super) approvals: Vec<ApprovalRule>,
    pub(super) contacts: Vec<Contact>,
    pub(super) recipients: Vec<String>,
    pub(super) messages: Option<PlannedMessages>,
}

impl Playbook {
    /// Reads a playbook from its file.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](crate::error::ErrorKind::ConfigInvalid) that names the file, and
    /// the line and key of what is wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(path, &text(path)?)
    }

    /// Reads a playbook from its text. The path is for messages only.
    ///
    /// # Errors
    /// As of [`from_file`](Self::from_file).
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        read(path, text).map_err(|faults| fault::error(path, &faults))
    }

    /// Everything that is wrong with a file, by line; empty when it can be used.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn check(path: impl AsRef<Path>) -> Result<Vec<Fault>> {
        let path = path.as_ref();
        Ok(Self::faults(&text(path)?))
    }

    /// Everything that is wrong with a text, by line.
    #[must_use]
    pub fn faults(text: &str) -> Vec<Fault> {
        read(Path::new(""), text).err().unwrap_or_default()
    }

    /// The file it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of its file: `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is for, where it says.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }

    /// The triggers that choose it.
    #[must_use]
    pub fn triggers(&self) -> &[String] {
        &self.triggers
    }

    /// Its parameters, by name.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.parameters.iter().map(|(name, parameter)| (name.as_str(), parameter))
    }

    /// Whom to call.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// How people are told, or why they are not; nothing where the playbook touches nobody. A folder is
    /// named from where the playbook is.
    #[must_use]
    pub fn messages(&self) -> Option<&PlannedMessages> {
        self.messages.as_ref()
    }

    /// Who may open the generated passwords: age recipients; empty where that is said at the run.
    #[must_use]
    pub fn recipients(&self) -> &[String] {
        &self.recipients
    }
}

fn text(path: &Path) -> Result<String> {
    let unreadable = |fault: &dyn std::fmt::Display| {
        invalid(path, &format!("cannot be read: {fault}")).with_advice("name a playbook that exists")
    };
    let size = std::fs::metadata(path).map_err(|fault| unreadable(&fault))?.len();
    if size > LARGEST {
        return Err(invalid(path, &format!("has {size} bytes; a playbook has at most {LARGEST}")));
    }
    std::fs::read_to_string(path).map_err(|fault| unreadable(&fault))
}

fn read(path: &Path, text: &str) -> Result<Playbook, Vec<Fault>> {
    let reader = Reader::new(text);
    let playbook = reader.root().and_then(|root| playbook(path, text, &reader, root));
    let faults = reader.faults();
    match playbook {
        Some(playbook) if faults.is_empty() => Ok(playbook),
        _ if !faults.is_empty() => Err(faults),
        // Whoever gives up has said why; this is for the day on which somebody forgets to.
        _ => Err(vec![Fault { line: 1, key: String::new(), problem: "cannot be understood".to_owned() }]),
    }
}

fn playbook(path: &Path, text: &str, reader: &Reader<'_>, mut root: Fields<'_>) -> Option<Playbook> {
    if let Some(node) = root.need("format")
        && node.whole(1..=u64::MAX).is_some_and(|format| format != FORMAT)
    {
        node.fault(format!("this library reads format {FORMAT}"));
    }
    let name = root.need("name").and_then(|node| node.word());
    let about = root.take("about").and_then(|node| node.text());
    let triggers = root.need("triggers").map(words).unwrap_or_default();
    let seed = root.take("seed").and_then(|node| node.whole(0..=u64::MAX)).unwrap_or(1);
    let declared = Declared::read(&mut root);
    let scope: Vec<Part> = root.tables("scope").into_iter().filter_map(|part| Part::read(part, &declared)).collect();
    if scope.is_empty() {
        root.fault_at("scope", "no [[scope]] says whom the playbook means");
    }
    let exclude = root.tables("exclude").into_iter().filter_map(|part| Part::read(part, &declared)).collect();
    let protect = root.tables("protect").into_iter().filter_map(|part| Protected::read(part, &declared)).collect();
    let unless_set_since = root.take("unless_set_since").and_then(|node| {
        let given = match node.reference().ok()? {
            Some(name) => Some(Given::Parameter(name)),
            None => node.timestamp().map(Given::Fixed),
        };
        declared.checked(&node, given, ParameterKind::Timestamp)
    });
    let populations = Populations::read(&mut root);
    let waves = Waves::read(&mut root, &declared);
    let waiver = settings::waiver(&mut root);
    let guardrails = settings::guardrails(&mut root);
    let touches = populations.as_ref().is_some_and(Populations::touch_the_privileged);
    let approvals = settings::approvals(&mut root, touches);
    let contacts = settings::contacts(&mut root);
    let recipients = settings::recipients(&mut root);
    let people = populations.as_ref().is_some_and(Populations::touch_people);
    let messages = settings::messages(&mut root, people);
    root.finish();
    let parameters = declared.finish(reader);
    Some(Playbook {
        path: path.to_owned(),
        digest: format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes()))),
        name: name?,
        about,
        triggers,
        seed,
        parameters,
        scope,
        exclude,
        protect,
        unless_set_since,
        populations: populations?,
        waves,
        waiver,
        guardrails,
        approvals,
        contacts,
        recipients,
        messages,
    })
}

/// A list of words that is not empty and says nothing twice.
fn words(node: Node<'_>) -> Vec<String> {
    let at = node.clone();
    let (mut words, mut known) = (Vec::new(), BTreeSet::new());
    let Some(list) = node.list() else { return words };
    if list.is_empty() {
        at.fault("the list is empty");
    }
    for node in list {
        let Some(word) = node.word() else { continue };
        if !known.insert(word.clone()) {
            node.fault(format!("{word:?} is named twice"));
        }
        words.push(word);
    }
    words
}

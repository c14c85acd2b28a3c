//! `messages.toml`: languages, facts, pace and channels.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use super::Fault;
use crate::account::DirectoryId;
use crate::plan::Population;
use crate::playbook::{Fields, Node, Reader, is_word};

/// The version of the format that this library reads.
const FORMAT: u64 = 1;

/// Words that every folder has audiences of: those of the populations.
const POPULATIONS: [Population; 5] =
    [Population::Privileged, Population::Service, Population::Workforce, Population::Dormant, Population::Other];

/// The largest message in bytes unless a channel says otherwise.
const LARGEST: u64 = 64 << 10;

/// What `messages.toml` says.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) path: PathBuf,
    /// The first is what everybody is written to whose own language has no template.
    pub(super) languages: Vec<String>,
    pub(super) audiences: Vec<String>,
    pub(super) per_minute: NonZeroU32,
    pub(super) in_flight: NonZeroU32,
    pub(super) facts: BTreeMap<String, String>,
    pub(super) facts_in: BTreeMap<String, BTreeMap<String, String>>,
    /// Facts that are said on the day, with what they are.
    pub(super) needs: BTreeMap<String, String>,
    /// The directories that the mailboxes of a domain are behind.
    pub(super) mailboxes: BTreeMap<String, Vec<DirectoryId>>,
    pub(super) channels: Vec<ChannelSettings>,
}

/// One channel.
#[derive(Clone, Debug)]
pub(super) struct ChannelSettings {
    pub(super) name: String,
    pub(super) carrier: Carrier,
    /// What kinds of address it takes, in order of preference; none for files.
    pub(super) addresses: Vec<String>,
    pub(super) depends_on: Vec<DirectoryId>,
    /// In bytes, subject and text together.
    pub(super) largest: usize,
}

/// How a channel carries.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "messages"), expect(dead_code, reason = "read by what speaks SMTP"))]
pub(super) enum Carrier {
    Files,
    Smtp(SmtpSettings),
}

/// How a mail server is spoken to.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "messages"), expect(dead_code, reason = "read by what speaks SMTP"))]
pub(super) struct SmtpSettings {
    pub(super) server: String,
    pub(super) port: u16,
    /// TLS from the first byte; otherwise STARTTLS, which is required.
    pub(super) implicit_tls: bool,
    /// No TLS at all: loopback only.
    pub(super) plain: bool,
    pub(super) from: String,
    pub(super) reply_to: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: SecretPlace,
    pub(super) ca_file: Option<PathBuf>,
}

/// Where a secret is; never the secret itself.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "messages"), expect(dead_code, reason = "read by what speaks SMTP"))]
pub(super) enum SecretPlace {
    Nowhere,
    Environment(String),
    File(PathBuf),
}

impl Settings {
    /// Reads the file; everything that is wrong with it, otherwise.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, Vec<Fault>> {
        let reader = Reader::new(text);
        let read = reader.root().and_then(|root| settings(path, root));
        let faults = reader.faults();
        let told = faults.into_iter().map(|fault| {
            let key = if fault.key.is_empty() { String::new() } else { format!("`{}`: ", fault.key) };
            Fault::new(path, fault.line, format!("{key}{}", fault.problem))
        });
        let faults: Vec<Fault> = told.collect();
        match read {
            Some(settings) if faults.is_empty() => Ok(settings),
            _ if faults.is_empty() => Err(vec![Fault::new(path, 0, "cannot be understood")]),
            _ => Err(faults),
        }
    }

    /// Every word that may stand for an audience in the name of a template.
    pub(super) fn audiences(&self) -> impl Iterator<Item = &str> + '_ {
        POPULATIONS.iter().map(|population| population.as_str()).chain(self.audiences.iter().map(String::as_str))
    }
}

fn settings(path: &Path, mut root: Fields<'_>) -> Option<Settings> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    if let Some(node) = root.need("format")
        && node.whole(1..=u64::MAX).is_some_and(|format| format != FORMAT)
    {
        node.fault(format!("this library reads format {FORMAT}"));
    }
    let languages = root.need("languages").map(languages).unwrap_or_default();
    let audiences: Vec<String> =
        root.take("audiences").and_then(Node::list).unwrap_or_default().into_iter().filter_map(|n| n.word()).collect();
    let mut per_minute = NonZeroU32::new(60).unwrap_or(NonZeroU32::MIN);
    let mut in_flight = NonZeroU32::new(4).unwrap_or(NonZeroU32::MIN);
    if let Some(mut pace) = root.take("pace").and_then(Node::table) {
        let mut count = |name, most, kept: &mut NonZeroU32| {
            let given = pace.take(name).and_then(|node| node.whole(1..=most));
            *kept = given.and_then(|n| u32::try_from(n).ok()).and_then(NonZeroU32::new).unwrap_or(*kept);
        };
        count("per_minute", 1_000_000, &mut per_minute);
        count("in_flight", 64, &mut in_flight);
        pace.finish();
    }
    let facts = root.take("facts").map(facts_of).unwrap_or_default();
    let mut facts_in = BTreeMap::new();
    for (language, node) in root.take("facts_in").and_then(Node::table).into_iter().flat_map(Fields::named) {
        if !languages.contains(&language) {
            node.fault(format!("`languages` does not have {language:?}"));
        }
        facts_in.insert(language, facts_of(node));
    }
    let needs = root.take("needs").map(facts_of).unwrap_or_default();
    let mut mailboxes = BTreeMap::new();
    for (domain, node) in root.take("mailboxes").and_then(Node::table).into_iter().flat_map(Fields::named) {
        mailboxes.insert(domain.to_lowercase(), directories(node));
    }
    let mut channels: Vec<ChannelSettings> = Vec::new();
    for fields in root.tables("channel") {
        let key = fields.key().to_owned();
        let Some(channel) = channel(folder, fields) else { continue };
        if channels.iter().any(|known| known.name == channel.name) {
            root.fault_at("channel", format!("{key}: two channels are called {}", channel.name));
        }
        channels.push(channel);
    }
    if channels.is_empty() {
        root.fault_at("channel", "no [[channel]] says how people are told");
    }
    root.finish();
    Some(Settings {
        path: path.to_owned(),
        languages,
        audiences,
        per_minute,
        in_flight,
        facts,
        facts_in,
        needs,
        mailboxes,
        channels,
    })
}

/// Texts by names that a template can say.
fn facts_of(node: Node<'_>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for (name, node) in node.table().into_iter().flat_map(Fields::named) {
        if !is_word(&name) || name.contains('-') {
            node.fault("is no name that a template can say: a letter, then letters, digits and `_`, in lower case");
        }
        facts.extend(node.text().map(|text| (name, text)));
    }
    facts
}

fn languages(node: Node<'_>) -> Vec<String> {
    let at = node.clone();
    let mut found = Vec::new();
    for node in node.list().unwrap_or_default() {
        let Some(language) = node.text() else { continue };
        if !is_language(&language) {
            node.fault(format!("{language:?} is not a language as in \"en\" or \"de-at\", in lower case"));
        } else if found.contains(&language) {
            node.fault(format!("{language:?} is named twice"));
        }
        found.push(language);
    }
    if found.is_empty() {
        at.fault("names no language; the first one is for everybody whose own is not there");
    }
    found
}

/// Whether a text can stand for a language in the name of a template.
pub(super) fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

fn directories(node: Node<'_>) -> Vec<DirectoryId> {
    let mut found = Vec::new();
    for node in node.list().unwrap_or_default() {
        let Some(text) = node.text() else { continue };
        match DirectoryId::new(&text) {
            Ok(id) => found.push(id),
            Err(fault) => node.fault(fault.to_string()),
        }
    }
    found
}

fn channel(folder: &Path, mut fields: Fields<'_>) -> Option<ChannelSettings> {
    let name = fields.need("name").and_then(|node| node.word());
    let kind = fields.need("kind").map(|node| (node.text(), node));
    // Never assumed: a channel that is thought to be independent and is not tells the attacker.
    let depends_on = fields.need("depends_on").map(directories).unwrap_or_default();
    let largest = fields.take("largest").and_then(|node| node.whole(1..=16 << 20)).unwrap_or(LARGEST);
    let addresses = fields.take("address").map(addresses);
    let (kind, node) = kind?;
    let carrier = match kind.as_deref() {
        Some("files") => Some(Carrier::Files),
        Some("smtp") => smtp(folder, &mut fields).map(Carrier::Smtp),
        Some(other) => {
            node.fault(format!("{other:?} is no kind of channel; there are files and smtp"));
            None
        }
        None => None,
    };
    let addresses = match (&carrier, addresses) {
        (_, Some(addresses)) => addresses,
        (Some(Carrier::Smtp(_)), None) => vec!["mail".to_owned()],
        _ => Vec::new(),
    };
    fields.finish();
    Some(ChannelSettings {
        name: name?,
        carrier: carrier?,
        addresses,
        depends_on,
        largest: usize::try_from(largest).unwrap_or(usize::MAX),
    })
}

/// `address`: a word or a list of words.
fn addresses(node: Node<'_>) -> Vec<String> {
    node.texts().unwrap_or_default()
}

fn smtp(folder: &Path, fields: &mut Fields<'_>) -> Option<SmtpSettings> {
    let text = |fields: &mut Fields<'_>, name| fields.take(name).and_then(|node| node.text());
    let server = fields.need("server").and_then(|node| node.text());
    let tls = fields.take("tls").map(|node| (node.text(), node));
    let (implicit_tls, plain) = match &tls {
        None => (false, false),
        Some((Some(word), node)) => match word.as_str() {
            "starttls" => (false, false),
            "tls" => (true, false),
            "none" => {
                if !server.as_deref().is_some_and(is_loopback) {
                    node.fault("without TLS only a server on this machine is spoken to");
                }
                (false, true)
            }
            _ => {
                node.fault(format!("{word:?} is none of starttls, tls, none"));
                (false, false)
            }
        },
        Some((None, _)) => (false, false),
    };
    let default = if implicit_tls { 465 } else { 587 };
    let port = fields.take("port").and_then(|node| node.whole(1..=65_535)).and_then(|port| u16::try_from(port).ok());
    let from = fields.need("from").and_then(|node| node.text());
    let reply_to = text(fields, "reply_to");
    let user = text(fields, "user");
    let password = secret(folder, fields, "password_env", "password_file");
    if user.is_some() == matches!(password, SecretPlace::Nowhere) {
        fields.fault("`user` and one of `password_env` and `password_file` belong together");
    }
    let ca_file = text(fields, "ca_file").map(|file| folder.join(file));
    Some(SmtpSettings {
        server: server?,
        port: port.unwrap_or(default),
        implicit_tls,
        plain,
        from: from?,
        reply_to,
        user,
        password,
        ca_file,
    })
}

fn secret(folder: &Path, fields: &mut Fields<'_>, env: &'static str, file: &'static str) -> SecretPlace {
    let in_environment = fields.take(env).and_then(|node| node.text());
    let in_file = fields.take(file).map(|node| (node.text(), node));
    match (in_environment, in_file) {
        (Some(_), Some((_, node))) => {
            node.fault(format!("`{env}` and `{file}` exclude each other"));
            SecretPlace::Nowhere
        }
        (Some(name), None) => SecretPlace::Environment(name),
        (None, Some((Some(path), _))) => SecretPlace::File(folder.join(path)),
        (None, _) => SecretPlace::Nowhere,
    }
}

pub(super) fn is_loopback(server: &str) -> bool {
    server == "localhost" || server.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

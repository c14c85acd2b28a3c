//! A folder of templates, and what comes of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::fault::{self, Fault, invalid, unreadable};
use super::name::{TemplateName, languages};
use super::settings::{ChannelSettings, Settings};
use super::{Addressee, Occasion, Readiness};
use crate::error::{Error, ErrorKind, Result};
use crate::person::PersonId;

/// The file of a folder that says what its templates do not.
const SETTINGS: &str = "messages.toml";
/// The largest file that is read.
const LARGEST_FILE: u64 = 1 << 20;
/// How much one template may compute: the steps of its engine. Ordinary ones take some hundreds.
const FUEL: u64 = 200_000;
/// The longest subject, in characters: longer ones are cut off by those who read them.
const LONGEST_SUBJECT: usize = 200;

/// The messages of an organisation: a folder with `messages.toml` and templates
/// (`instruction.desk.de.txt`, and an HTML form beside it where mail is to have one). Format and
/// words are in `docs/messages.md`.
///
/// Templates are strict: a name that means nothing is found when the folder is opened, with file and
/// line, and not at the 4,000th message. They see what [`docs/messages.md`] lists and nothing else:
/// there is no password in their reach.
///
/// [`docs/messages.md`]: https://docs.rs/identity-reset
///
/// ```
/// use identity_core::message::Templates;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("messages.toml"), "\
///     format = 1\n\
///     languages = [\"en\"]\n\
///     [[channel]]\n\
///     name = \"letter\"\n\
///     kind = \"files\"\n\
///     depends_on = []\n")?;
/// let template = folder.path().join("instruction.en.txt");
/// std::fs::write(&template, "Subject: Your password\n\nDear {{ person.nmae }},\n")?;
/// let told = Templates::open(folder.path()).unwrap_err().to_string();
/// assert!(told.contains("instruction.en.txt: line 3: `person.nmae` means nothing"), "{told}");
///
/// std::fs::write(&template, "Subject: Your password\n\nDear {{ person.name }},\n")?;
/// Templates::open(folder.path())?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Templates {
    folder: PathBuf,
    pub(super) settings: Settings,
    environment: Environment<'static>,
    templates: Vec<(TemplateName, String, bool)>,
    given: BTreeMap<(Option<String>, String), String>,
    facts: BTreeMap<String, BTreeMap<String, String>>,
}

/// What a person is told, as it will be sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same for mail programs that show HTML.
    pub html: Option<String>,
    /// The file that it was made from.
    pub template: String,
    /// The language that it is in.
    pub language: String,
}

/// The names that a template can say besides `facts.…`.
const NAMES: [&str; 9] =
    ["person.name", "person.language", "accounts", "occasion", "round", "audience", "readiness", "channel", "language"];

impl Templates {
    /// Opens a folder and reads everything in it.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] with file and line of what is wrong.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        load(folder.as_ref())?.map_err(|faults| fault::error(&faults))
    }

    /// Everything that is wrong with a folder; empty when it can be used. Beyond what opening it finds:
    /// whether each occasion that has a template has one for everybody, on every channel.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn check(folder: impl AsRef<Path>) -> Result<Vec<Fault>> {
        Ok(match load(folder.as_ref())? {
            Ok(templates) => templates.gaps(),
            Err(faults) => faults,
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The channels, in the order they are tried in.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.settings.channels.iter().map(|channel| channel.name.as_str())
    }

    /// The languages; the first is for everybody whose own has no template.
    #[must_use]
    pub fn languages(&self) -> &[String] {
        &self.settings.languages
    }

    /// The occasions that there are templates for.
    #[must_use]
    pub fn occasions(&self) -> Vec<Occasion> {
        let has = |occasion: &Occasion| self.templates.iter().any(|(name, ..)| name.occasion == *occasion);
        Occasion::ALL.into_iter().filter(has).collect()
    }

    /// Says a fact of the day, in all languages (`by_when`) or in one (`de.by_when`). It counts more than
    /// what the folder says.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] for a fact that no template says, a language that is not there, or a
    /// value that is empty or not of one line.
    pub fn with_fact(mut self, name: &str, value: &str) -> Result<Self> {
        let wrong = |detail: String| Error::new(ErrorKind::InputInvalid, "say a fact").with_detail(detail);
        let (language, fact) = match name.split_once('.') {
            Some((language, fact)) => (Some(language.to_owned()), fact),
            None => (None, name),
        };
        if let Some(language) = language.as_ref().filter(|language| !self.settings.languages.contains(language)) {
            return Err(wrong(format!("{name}: the folder has no language {language}")));
        }
        let Settings { needs, facts, facts_in, .. } = &self.settings;
        let known = needs.contains_key(fact)
            || facts.contains_key(fact)
            || facts_in.values().any(|facts| facts.contains_key(fact));
        if !known {
            return Err(wrong(format!("{name}: no such fact is in [facts], [facts_in] or [needs]")));
        }
        let kept = super::addressee::plain(value);
        if kept.is_empty() || kept != value.trim() {
            return Err(wrong(format!("{name}: is empty, too long, or not of one line")));
        }
        self.given.insert((language, fact.to_owned()), kept);
        self.settle_facts();
        Ok(self)
    }

    /// The facts that still have to be said before anything is sent, with what they are.
    #[must_use]
    pub fn missing_facts(&self) -> Vec<(&str, &str)> {
        let lacks = |name: &str| {
            self.settings.languages.iter().any(|language| {
                self.facts.get(language).and_then(|facts| facts.get(name)).is_none_or(|value| value.is_empty())
            })
        };
        let needs = self.settings.needs.iter();
        needs.filter(|(name, _)| lacks(name)).map(|(name, what)| (name.as_str(), what.as_str())).collect()
    }

    /// What somebody is told over a channel.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when no template suits, or what comes of it is too large.
    pub fn render(&self, occasion: Occasion, round: u32, to: &Addressee, channel: &str) -> Result<Rendered> {
        let settings = self.channel(channel)?;
        let (name, file, html) = self.choose(occasion, to, channel).ok_or_else(|| {
            invalid(format!("{}: no template suits: {}", self.folder.display(), lacks(occasion, to, channel)))
        })?;
        let facts = self.facts.get(&name.language).ok_or_else(|| invalid("a language has no facts"))?;
        let rendered = self.fill(name, file, *html, (occasion, round, to, channel), facts);
        let rendered = rendered.map_err(|(line, problem)| {
            let fault = Fault::new(self.folder.join(file), line, problem);
            invalid(format!("{fault} (for {})", to.person))
        })?;
        let size = rendered.subject.len() + rendered.text.len() + rendered.html.as_ref().map_or(0, String::len);
        if size > settings.largest {
            return Err(invalid(format!(
                "{file}: comes to {size} bytes for {}, and {channel} takes {}",
                to.person, settings.largest
            ))
            .with_advice("shorten the template, write one for this channel, or raise its `largest`"));
        }
        Ok(rendered)
    }

    pub(super) fn channel(&self, name: &str) -> Result<&ChannelSettings> {
        self.settings.channels.iter().find(|channel| channel.name == name).ok_or_else(|| {
            let there: Vec<&str> = self.channels().collect();
            invalid(format!("{} has no channel {name:?}; it has {}", self.folder.display(), there.join(", ")))
        })
    }

    fn choose(&self, occasion: Occasion, to: &Addressee, channel: &str) -> Option<&(TemplateName, String, bool)> {
        languages(to.language.as_deref(), &self.settings.languages).into_iter().find_map(|language| {
            let of_language = self.templates.iter().filter(|(name, ..)| name.language == language);
            let suiting = of_language.filter_map(|t| t.0.suits(occasion, to, channel).map(|weight| (weight, t)));
            suiting.max_by_key(|(weight, _)| *weight).map(|(_, template)| template)
        })
    }

    fn fill(
        &self,
        name: &TemplateName,
        file: &str,
        html: bool,
        (occasion, round, to, channel): (Occasion, u32, &Addressee, &str),
        facts: &BTreeMap<String, String>,
    ) -> Result<Rendered, (usize, String)> {
        let word = |text: &str| Value::from(text);
        let account = |account: &super::AddressedAccount| {
            Value::from_pairs([("name", word(&account.name)), ("directory", word(account.directory.as_str()))])
        };
        let language = to.language.as_deref().unwrap_or_default();
        let view = Value::from_pairs([
            ("person", Value::from_pairs([("name", word(&to.name)), ("language", word(language))])),
            ("accounts", Value::from(to.accounts.iter().map(account).collect::<Vec<_>>())),
            ("facts", Value::from_pairs(facts.iter().map(|(name, value)| (name.as_str(), value.as_str())))),
            ("occasion", word(occasion.as_str())),
            ("round", Value::from(round)),
            ("audience", word(&to.audience)),
            ("readiness", word(to.readiness.as_str())),
            ("channel", word(channel)),
            ("language", word(&name.language)),
        ]);
        let part = |part: &str| {
            let template = self.environment.get_template(part).map_err(|fault| told(&fault))?;
            template.render(view.clone()).map_err(|fault| told(&fault))
        };
        let subject = part(&subject_of(file))?.trim().to_owned();
        if subject.is_empty() || subject.contains(char::is_control) || subject.chars().count() > LONGEST_SUBJECT {
            return Err((
                1,
                format!("the subject is empty, of several lines, or of more than {LONGEST_SUBJECT} letters"),
            ));
        }
        let text = part(file)?.trim().to_owned() + "\n";
        let html = if html { Some(part(&html_of(file))?) } else { None };
        Ok(Rendered { subject, text, html, template: file.to_owned(), language: name.language.clone() })
    }

    /// What is lacking so that everybody can be told, by the languages' first.
    fn gaps(&self) -> Vec<Fault> {
        let mut gaps = Vec::new();
        for occasion in self.occasions() {
            for channel in self.channels() {
                for readiness in Readiness::ALL {
                    for audience in self.settings.audiences() {
                        let to = Addressee { readiness, ..sample(audience) };
                        if self.choose(occasion, &to, channel).is_none() {
                            let problem = format!("no template suits: {}", lacks(occasion, &to, channel));
                            gaps.push(Fault::new(&self.folder, 0, problem));
                        }
                    }
                }
            }
        }
        gaps
    }

    /// What `facts.…` means in each language.
    fn settle_facts(&mut self) {
        self.facts.clear();
        for language in &self.settings.languages {
            let mut facts: BTreeMap<String, String> =
                self.settings.needs.keys().map(|name| (name.clone(), String::new())).collect();
            facts.extend(self.settings.facts.clone());
            facts.extend(self.settings.facts_in.get(language).cloned().unwrap_or_default());
            for only in [None, Some(language)] {
                let given = self.given.iter().filter(|((of, _), _)| of.as_ref() == only);
                facts.extend(given.map(|((_, name), value)| (name.clone(), value.clone())));
            }
            self.facts.insert(language.clone(), facts);
        }
    }

    /// What is wrong with one template, without anybody to write to.
    fn faults_of(&self, name: &TemplateName, file: &str, html: bool) -> Vec<Fault> {
        let mut faults = Vec::new();
        let facts = self.facts.get(&name.language).cloned().unwrap_or_default();
        let mut parts = vec![(subject_of(file), file.to_owned()), (file.to_owned(), file.to_owned())];
        if html {
            parts.push((html_of(file), html_of(file)));
        }
        for (part, of) in parts {
            let Ok(template) = self.environment.get_template(&part) else { continue };
            let mut unknown: Vec<String> = template.undeclared_variables(true).into_iter().collect();
            unknown.retain(|said| {
                let is_fact = said.strip_prefix("facts.").is_some_and(|fact| facts.contains_key(fact));
                let is_global = self.environment.globals().any(|(global, _)| global == said);
                !is_fact && !is_global && !NAMES.contains(&said.as_str())
            });
            unknown.sort();
            for said in unknown {
                let problem = match said.strip_prefix("facts.") {
                    Some(fact) => format!(
                        "`{said}` is not said in {}: put {fact} into [facts], [facts_in.{}] or [needs]",
                        name.language, name.language
                    ),
                    None => format!("`{said}` means nothing; there are {} and facts.…", NAMES.join(", ")),
                };
                faults.push(Fault::new(self.folder.join(&of), line_of(template.source(), &said), problem));
            }
        }
        if faults.is_empty() {
            // What only shows when it is filled in: a filter, an account's attribute. Facts of the day stand as such.
            let facts = facts.into_iter().map(|(fact, value)| {
                let value = if value.is_empty() { format!("[{fact}]") } else { value };
                (fact, value)
            });
            let facts = facts.collect();
            let channel = name.channel.clone().or_else(|| self.channels().next().map(str::to_owned));
            let channel = channel.unwrap_or_default();
            for bare in [false, true] {
                let mut to = sample(name.audience.as_deref().unwrap_or("workforce"));
                if bare {
                    to.name.clear();
                    to.accounts.clear();
                }
                to.readiness = name.readiness.unwrap_or_default();
                let filled = self.fill(name, file, html, (name.occasion, 1, &to, &channel), &facts);
                if let Err((line, problem)) = filled {
                    let problem = if bare { format!("for somebody without a name: {problem}") } else { problem };
                    faults.push(Fault::new(self.folder.join(file), line, problem));
                    break;
                }
            }
        }
        faults
    }
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered")
            .field("template", &self.template)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

fn lacks(occasion: Occasion, to: &Addressee, channel: &str) -> String {
    format!("{occasion} for {} people who are `{}`, by {channel}", to.audience, to.readiness)
}

/// Somebody to try templates on.
pub(super) fn sample(audience: &str) -> Addressee {
    use super::AddressedAccount;
    use crate::account::{AccountId, DirectoryId};
    let person = PersonId::try_from(format!("p-{}", "0".repeat(24)));
    let (Ok(directory), Ok(id), Ok(person)) = (DirectoryId::new("corp"), AccountId::new("1"), person) else {
        unreachable!("these are ids");
    };
    let mut to = Addressee::new(person, audience);
    to.name = "Ada Example".to_owned();
    to.accounts = ["ada", "ada@example.test"]
        .map(|name| AddressedAccount { directory: directory.clone(), id: id.clone(), name: name.to_owned() })
        .to_vec();
    to
}

fn load(folder: &Path) -> Result<Result<Templates, Vec<Fault>>> {
    let path = folder.join(SETTINGS);
    let settings = match Settings::parse(&path, &read(&path)?) {
        Ok(settings) => settings,
        Err(faults) => return Ok(Err(faults)),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    // Whoever writes their own name writes no HTML with it.
    environment.remove_filter("safe");
    let (mut faults, mut templates) = (Vec::new(), Vec::new());
    let mut files: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|fault| unreadable(folder, fault))? {
        let name = entry.map_err(|fault| unreadable(folder, fault))?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".txt") || name.ends_with(".html") {
            files.push(name);
        }
    }
    files.sort();
    for file in &files {
        let path = folder.join(file);
        let Some(stem) = file.strip_suffix(".txt") else {
            if !files.contains(&format!("{}.txt", file.trim_end_matches(".html"))) {
                faults.push(Fault::new(
                    path,
                    0,
                    "stands alone: the text beside it (.txt) has the subject, and is for whoever sees no HTML",
                ));
            }
            continue;
        };
        let name = match TemplateName::parse(stem, &settings) {
            Ok(name) => name,
            Err(problem) => {
                faults.push(Fault::new(path, 0, problem));
                continue;
            }
        };
        let text = read(&path)?.replace("\r\n", "\n");
        let first = text.lines().next().unwrap_or_default();
        let second = text.lines().nth(1).unwrap_or_default();
        let Some(subject) = first.strip_prefix("Subject:").filter(|_| second.trim().is_empty()) else {
            faults.push(Fault::new(path, 1, "begins with `Subject: …` and an empty line"));
            continue;
        };
        let body: String = text.split_inclusive('\n').skip(2).collect();
        // The lines of what is wrong are those of the file.
        let mut parts = vec![(subject_of(file), subject.trim().to_owned()), (file.clone(), format!("\n\n{body}"))];
        let html = html_of(file);
        let has_html = files.contains(&html);
        if has_html {
            parts.push((html.clone(), read(&folder.join(&html))?));
        }
        let before = faults.len();
        for (part, source) in parts {
            if let Err(fault) = environment.add_template_owned(part.clone(), source) {
                let (line, problem) = told(&fault);
                faults.push(Fault::new(folder.join(if part == html { &html } else { file }), line, problem));
            }
        }
        if faults.len() == before {
            templates.push((name, file.clone(), has_html));
        }
    }
    if templates.is_empty() && faults.is_empty() {
        faults.push(Fault::new(folder, 0, "holds no template, no file such as instruction.en.txt"));
    }
    for (place, (name, file, _)) in templates.iter().enumerate() {
        if let Some((_, other, _)) = templates.iter().take(place).find(|(known, ..)| known == name) {
            faults.push(Fault::new(folder.join(file), 0, format!("is for the same as {other}")));
        }
    }
    let (folder, given, facts) = (folder.to_owned(), BTreeMap::new(), BTreeMap::new());
    let mut loaded = Templates { folder, settings, environment, templates, given, facts };
    loaded.settle_facts();
    faults.extend(loaded.templates.iter().flat_map(|(name, file, html)| loaded.faults_of(name, file, *html)));
    faults.extend(loaded.clashes());
    if faults.is_empty() { Ok(Ok(loaded)) } else { Ok(Err(faults)) }
}

impl Templates {
    /// Words that would mean two things in the name of a template.
    fn clashes(&self) -> Vec<Fault> {
        let Settings { path, channels, .. } = &self.settings;
        let taken = |word: &str| word.parse::<Readiness>().is_ok() || self.settings.audiences().any(|a| a == word);
        let clashing = channels.iter().filter(|channel| taken(&channel.name));
        let fault = |c: &ChannelSettings| {
            Fault::new(path, 0, format!("a channel cannot be called {}: templates say that of people", c.name))
        };
        clashing.map(fault).collect()
    }
}

fn read(path: &Path) -> Result<String> {
    let size = std::fs::metadata(path).map_err(|fault| unreadable(path, fault))?.len();
    if size > LARGEST_FILE {
        return Err(invalid(format!("{} has {size} bytes; a file here has at most {LARGEST_FILE}", path.display())));
    }
    std::fs::read_to_string(path).map_err(|fault| unreadable(path, fault))
}

fn subject_of(file: &str) -> String {
    format!("{file}#subject")
}

fn html_of(file: &str) -> String {
    format!("{}.html", file.trim_end_matches(".txt"))
}

/// The line and the words of what the template engine says.
fn told(fault: &minijinja::Error) -> (usize, String) {
    let line = fault.line().unwrap_or_default();
    let words = fault.detail().map_or_else(|| fault.kind().to_string(), |detail| format!("{}: {detail}", fault.kind()));
    (line, words)
}

/// Where a name is said first. The engine tells what is said, and not where.
fn line_of(source: &str, said: &str) -> usize {
    let last = said.rsplit('.').next().unwrap_or(said);
    let line = |needle: &str| source.lines().position(|line| line.contains(needle));
    line(said).or_else(|| line(last)).map_or(0, |line| line + 1)
}

//! A mailing: everybody of a roster is told once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::files::row;
use super::settings::Carrier;
use super::{Addressee, Channel, Files, Message, Occasion, Rendered, Roster, Templates};
use crate::account::DirectoryId;
use crate::error::{Error, ErrorKind, Result, Status};
use crate::journal::{ErrorRecord, Event, Journal, MessageRef};
use crate::limits::{Feedback, Governor, Limits, OperationClass, Pacing, Quota, RetryPolicy, Signal, clock};

const CLASS: OperationClass = OperationClass::Named("messages");
/// Persons that are read at once.
const PAGE: u32 = 200;
/// So many messages one after another that could not be sent for now end the mailing: the server is away.
const MOST_IN_VAIN: u64 = 20;

/// A mailing: one occasion, one round, over the channels that are used.
pub struct Mailing {
    templates: Templates,
    occasion: Occasion,
    round: u32,
    channels: Vec<(Arc<dyn Channel>, Arc<Governor>)>,
    compromised: Vec<DirectoryId>,
    retry: RetryPolicy,
}

/// How a person stands in a mailing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    told: bool,
    /// The channel that a message may have gone over, and no answer is recorded.
    open: Option<String>,
    /// Channels that refused, and why.
    refused: BTreeMap<String, String>,
    /// Why the last attempt was in vain for now.
    in_vain: Option<String>,
}

/// What came of a mailing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MailingEnd {
    /// Persons on the roster: `told + unknown + untold`.
    pub persons: u64,
    /// Told, by this call or an earlier one.
    pub told: u64,
    /// Of these, told by this call.
    pub told_now: u64,
    /// May have been told: no answer tells.
    pub unknown: u64,
    /// Not told.
    pub untold: u64,
}

impl Mailing {
    /// A mailing with the templates of a folder.
    #[must_use]
    pub fn new(templates: Templates, occasion: Occasion) -> Self {
        let (channels, compromised) = (Vec::new(), Vec::new());
        Self { templates, occasion, round: 1, channels, compromised, retry: RetryPolicy::default() }
    }

    /// Says which time it is that people are told on this occasion; each round tells everybody once.
    #[must_use]
    pub fn round(mut self, round: u32) -> Self {
        self.round = round;
        self
    }

    /// Says which directories the incident has compromised.
    #[must_use]
    pub fn compromised(mut self, directories: impl IntoIterator<Item = DirectoryId>) -> Self {
        self.compromised.extend(directories);
        self
    }

    /// Sets how often a message is tried that was not accepted for now.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Uses a channel; those that are added first are tried first. Its name is one of `messages.toml`,
    /// which says what it depends on.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] where `messages.toml` has no such channel.
    pub fn channel(mut self, channel: Arc<dyn Channel>) -> Result<Self> {
        let into_files = matches!(self.templates.channel(channel.name())?.carrier, Carrier::Files);
        let settings = &self.templates.settings;
        let limits = Limits::new(std::num::NonZeroU32::MIN, settings.in_flight);
        // A file needs no sparing, as a mail server does.
        let limits = if into_files {
            limits
        } else {
            let minute = std::time::Duration::from_secs(60);
            limits.with_quota(Quota::new("messages", settings.per_minute, minute, CLASS))
        };
        // A server that asks for a pause waits no longer for our next message than our retry does.
        let mut pacing = Pacing::default();
        pacing.first_pause = pacing.first_pause.min(self.retry.cap);
        pacing.own_pause_cap = pacing.own_pause_cap.min(self.retry.cap.saturating_mul(3));
        self.channels.push((channel, Governor::with_pacing(&limits, pacing)));
        Ok(self)
    }

    /// Opens channels of `messages.toml` by their names. What goes into files is written into `folder`.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for a channel that is not there or cannot be used; before anything is
    /// opened, for one that depends on a compromised directory.
    pub fn channels<'a>(mut self, names: impl IntoIterator<Item = &'a str>, folder: &Path) -> Result<Self> {
        let names: Vec<&str> = names.into_iter().collect();
        for name in &names {
            self.refuse_compromised(name)?;
        }
        for name in names {
            let channel: Arc<dyn Channel> = match &self.templates.channel(name)?.carrier {
                Carrier::Files => Arc::new(Files::open(name, folder.join(format!("{}-{name}.csv", self.name())))?),
                #[cfg(feature = "messages")]
                Carrier::Smtp(settings) => Arc::new(super::Smtp::new(name, settings)?),
                #[cfg(not(feature = "messages"))]
                Carrier::Smtp(_) => {
                    return Err(Error::new(ErrorKind::Unsupported, "open a channel")
                        .with_detail(format!("{name}: this program was built without mail"))
                        .with_advice("build with the feature `messages`"));
                }
            };
            self = self.channel(channel)?;
        }
        Ok(self)
    }

    /// Its name in journal and files: `reminder-2`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.occasion, self.round)
    }

    /// Makes every message and sends none.
    ///
    /// # Errors
    /// As of [`send`](Self::send), as far as it can be told without sending.
    pub fn check(&self, roster: &Roster) -> Result<MailingEnd> {
        self.ready(roster)?;
        let mut end = MailingEnd::default();
        each_page(roster, |page| {
            for to in page {
                end.persons += 1;
                let routes = self.routes(to).0;
                for (channel, _) in &routes {
                    self.templates.render(self.occasion, self.round, to, channel.0.name())?;
                }
                end.untold += u64::from(routes.is_empty());
            }
            Ok(())
        })?;
        Ok(end)
    }

    /// What the first persons are told, over the channel that each would be told by.
    ///
    /// # Errors
    /// What a template or the disk says.
    pub fn preview(&self, roster: &Roster, most: u32) -> Result<Vec<(Addressee, String, Rendered)>> {
        let mut shown = Vec::new();
        for to in roster.page(None, most)? {
            let Some(channel) = self.routes(&to).0.first().map(|(channel, _)| channel.0.name().to_owned()) else {
                continue;
            };
            let rendered = self.templates.render(self.occasion, self.round, &to, &channel)?;
            shown.push((to, channel, rendered));
        }
        Ok(shown)
    }

    /// Tells everybody who is not told yet. What is intended is in the journal before it is sent, so that
    /// the same call goes on after any interruption. The journal is one of messages alone: that of a run is
    /// held by the run.
    ///
    /// # Errors
    /// Before anything is sent: a channel that depends on what is compromised, a fact that is not said, a
    /// template that does not suit, a journal of another plan. Later: when the journal cannot be written,
    /// a server refuses the sign-in, or is away for long.
    pub async fn send(&self, roster: &Roster, journal: &dyn Journal, stop: &CancellationToken) -> Result<MailingEnd> {
        self.check(roster)?;
        let resumed = self.read_journal(roster, journal).await?;
        let started = Event::RunStarted {
            run: self.name(),
            plan_digest: roster.plan_digest().to_owned(),
            resumed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            rehearsal: false,
        };
        journal.append(vec![started]).await?;
        let (told_now, in_vain) = (AtomicU64::new(0), AtomicU64::new(0));
        let lanes = usize::try_from(self.templates.settings.in_flight.get()).unwrap_or(usize::MAX);
        let mut after = None;
        while !stop.is_cancelled() {
            let page = roster.page(after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.person.clone());
            stream::iter(page.into_iter().map(Ok::<_, Error>))
                .try_for_each_concurrent(lanes, |to| {
                    let (told_now, in_vain) = (&told_now, &in_vain);
                    async move {
                        if stop.is_cancelled() {
                            return Ok(());
                        }
                        let mut standing = standing(roster, &to)?;
                        let before = standing.clone();
                        let told = self.tell(&to, &mut standing, journal, in_vain).await;
                        if standing != before {
                            roster.keep_note(&to.person, &serde_json::to_string(&standing).map_err(unexpected)?)?;
                        }
                        if told? {
                            told_now.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(())
                    }
                })
                .await?;
        }
        let mut end = MailingEnd { told_now: told_now.into_inner(), ..MailingEnd::default() };
        each_page(roster, |page| {
            for to in page {
                let standing = standing(roster, to)?;
                end.persons += 1;
                end.told += u64::from(standing.told);
                end.unknown += u64::from(!standing.told && standing.open.is_some());
            }
            Ok(())
        })?;
        end.untold = end.persons - end.told - end.unknown;
        Ok(end)
    }

    /// Lets every message of this mailing be sent again of which nobody knows whether it arrived; how
    /// many. Look into the server's log first: the ids are in the journal.
    ///
    /// # Errors
    /// What the journal says.
    pub async fn release(&self, roster: &Roster, journal: &dyn Journal, by: &str) -> Result<u64> {
        self.read_journal(roster, journal).await?;
        let (mut released, mut after) = (0, None);
        loop {
            let page = roster.page(after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(released) };
            after = Some(last.person.clone());
            for to in page {
                if let Some(channel) = standing(roster, &to)?.open {
                    let message = self.reference(&to, &channel);
                    journal.append(vec![Event::MessageReleased { message, by: by.to_owned() }]).await?;
                    released += 1;
                }
            }
        }
    }

    /// Writes whoever is not told, with the reason, for printing and a mail merge; how many. After
    /// [`send`](Self::send).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_untold(&self, roster: &Roster, path: &Path) -> Result<u64> {
        let mut text = row(["person", "name", "accounts", "reason"]);
        let mut count = 0;
        // As many as could not be told: thousands, where a roster may have a million.
        each_page(roster, |page| {
            for to in page {
                let Some(reason) = self.untold_because(to, &standing(roster, to)?) else { continue };
                let accounts: Vec<String> =
                    to.accounts.iter().map(|account| format!("{}: {}", account.directory, account.name)).collect();
                text += &row([to.person.as_str(), &to.name, &accounts.join("; "), &reason]);
                count += 1;
            }
            Ok(())
        })?;
        std::fs::write(path, text).map_err(|fault| {
            Error::new(ErrorKind::InputInvalid, "write who is not told")
                .with_detail(format!("{}: {fault}", path.display()))
        })?;
        Ok(count)
    }

    fn untold_because(&self, to: &Addressee, standing: &Standing) -> Option<String> {
        if standing.told {
            return None;
        }
        if let Some(channel) = &standing.open {
            return Some(format!("may have been told by {channel}: no answer tells"));
        }
        let (routes, mut reasons) = self.routes(to);
        reasons.extend(standing.refused.iter().map(|(channel, why)| format!("{channel}: refused: {why}")));
        reasons.extend(standing.in_vain.iter().cloned());
        if reasons.is_empty() {
            reasons.push(if routes.is_empty() { "no channel" } else { "not sent yet" }.to_owned());
        }
        Some(reasons.join("; "))
    }

    /// What can be found wrong without the people.
    fn ready(&self, roster: &Roster) -> Result<()> {
        let wrong = |what: String| Error::new(ErrorKind::ConfigInvalid, "prepare the messages").with_detail(what);
        if roster.occasion() != self.occasion {
            return Err(wrong(format!(
                "these people are to be told for {}, not for {}",
                roster.occasion(),
                self.occasion
            )));
        }
        if self.channels.is_empty() {
            return Err(wrong("no channel is used".to_owned()));
        }
        for (channel, _) in &self.channels {
            self.refuse_compromised(channel.name())?;
        }
        let missing: Vec<String> =
            self.templates.missing_facts().iter().map(|(name, what)| format!("{name} ({what})")).collect();
        if !missing.is_empty() {
            return Err(wrong(format!("facts of the day are not said: {}", missing.join(", "))));
        }
        Ok(())
    }

    fn refuse_compromised(&self, channel: &str) -> Result<()> {
        let settings = self.templates.channel(channel)?;
        match settings.depends_on.iter().find(|directory| self.compromised.contains(directory)) {
            None => Ok(()),
            Some(directory) => {
                let left = self.templates.settings.channels.iter();
                let left = left.filter(|other| !other.depends_on.iter().any(|on| self.compromised.contains(on)));
                let left: Vec<&str> = left.map(|channel| channel.name.as_str()).collect();
                Err(Error::new(ErrorKind::ConfigInvalid, "prepare the messages")
                    .with_detail(format!(
                        "channel {channel} depends on {directory}, which is compromised; nothing was sent"
                    ))
                    .with_advice(format!("use others by name; what does not depend on it: {}", left.join(", "))))
            }
        }
    }

    /// By which channels and to which addresses somebody can be told, the first one first; and why not
    /// by others.
    #[expect(clippy::type_complexity, reason = "private, and read in three lines")]
    fn routes(&self, to: &Addressee) -> (Vec<(&(Arc<dyn Channel>, Arc<Governor>), String)>, Vec<String>) {
        let (mut routes, mut reasons) = (Vec::new(), Vec::new());
        for used in &self.channels {
            let name = used.0.name();
            let Ok(settings) = self.templates.channel(name) else { continue };
            if settings.addresses.is_empty() {
                routes.push((used, String::new()));
                continue;
            }
            let (mut found, mut behind) = (None, None);
            let kinds = settings.addresses.iter();
            for (kind, address) in kinds.flat_map(|kind| to.addresses.iter().map(move |address| (kind, address))) {
                if address.kind != *kind {
                    continue;
                }
                match self.compromised_behind(&address.value) {
                    None => found = found.or_else(|| Some(address.value.clone())),
                    Some(directory) => {
                        behind = Some(format!("{} is behind {directory}, which is compromised", address.value));
                    }
                }
            }
            match (found, behind) {
                (Some(address), _) => routes.push((used, address)),
                (None, Some(behind)) => reasons.push(format!("{name}: {behind}")),
                (None, None) => reasons.push(format!("{name}: no address ({})", settings.addresses.join(", "))),
            }
        }
        (routes, reasons)
    }

    /// The compromised directory that a mailbox is behind.
    fn compromised_behind(&self, address: &str) -> Option<&DirectoryId> {
        let (_, domain) = address.rsplit_once('@')?;
        let behind = self.templates.settings.mailboxes.get(&domain.trim_end_matches('>').to_lowercase())?;
        behind.iter().find(|directory| self.compromised.contains(directory))
    }

    fn reference(&self, to: &Addressee, channel: &str) -> MessageRef {
        MessageRef { mailing: self.name(), person: to.person.clone(), channel: channel.to_owned() }
    }

    /// Tells one person; whether it is told now.
    async fn tell(
        &self,
        to: &Addressee,
        standing: &mut Standing,
        journal: &dyn Journal,
        in_vain: &AtomicU64,
    ) -> Result<bool> {
        if standing.told {
            return Ok(false);
        }
        let open = standing.open.clone();
        for ((channel, governor), address) in self.routes(to).0 {
            let name = channel.name();
            // What may have arrived is not sent again, by no channel; but one that sees that it has it already
            // may be asked again.
            if open.as_ref().is_some_and(|open| open != name || !channel.repeats_safely()) {
                continue;
            }
            if standing.refused.contains_key(name) {
                continue;
            }
            let Rendered { subject, text, html, language, .. } =
                self.templates.render(self.occasion, self.round, to, name)?;
            let id = format!("{}.{}", self.name(), to.person);
            let (person, name_of) = (to.person.to_string(), to.name.clone());
            let message = Message { id, person, name: name_of, address, language, subject, text, html };
            match self.attempts(to, &message, channel.as_ref(), governor, standing, journal, in_vain).await? {
                Some(told) => return Ok(told),
                None => continue,
            }
        }
        Ok(false)
    }

    /// Sends over one channel; nothing when it refused for good and another one may be tried.
    #[expect(clippy::too_many_arguments, reason = "private, and called once")]
    async fn attempts(
        &self,
        to: &Addressee,
        message: &Message,
        channel: &dyn Channel,
        governor: &Governor,
        standing: &mut Standing,
        journal: &dyn Journal,
        in_vain: &AtomicU64,
    ) -> Result<Option<bool>> {
        let reference = self.reference(to, channel.name());
        let mut attempt = 1;
        loop {
            let permit = governor.acquire(CLASS, 1).await;
            let (id, message_ref) = (message.id.clone(), reference.clone());
            journal.append(vec![Event::MessageIntended { message: message_ref, attempt, id }]).await?;
            standing.open = Some(channel.name().to_owned());
            let answer = channel.send(message).await;
            drop(permit);
            let error = match answer {
                Ok(receipt) => {
                    journal.append(vec![Event::MessageSent { message: reference, receipt }]).await?;
                    *standing = Standing { told: true, ..Standing::default() };
                    in_vain.store(0, Ordering::Relaxed);
                    governor.feedback(&Feedback::new(CLASS, Signal::Ok));
                    return Ok(Some(true));
                }
                Err(error) => error,
            };
            let record = ErrorRecord::from(&error);
            let text = record.text.clone();
            if error.status() == Status::Unknown {
                journal.append(vec![Event::MessageUnknown { message: reference, error: record }]).await?;
                governor.feedback(&Feedback::new(CLASS, Signal::Busy));
                return Ok(Some(false));
            }
            journal.append(vec![Event::MessageFailed { message: reference.clone(), error: record }]).await?;
            standing.open = None;
            if matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::ConfigInvalid) {
                return Err(error);
            }
            if !error.is_temporary() {
                standing.refused.insert(channel.name().to_owned(), text);
                return Ok(None);
            }
            let signal = if error.kind() == ErrorKind::RateLimited { Signal::Throttled } else { Signal::Busy };
            governor.feedback(&Feedback::new(CLASS, signal));
            let Some(wait) = governor.retry_delay(&self.retry, attempt, error.retry_after()) else {
                standing.in_vain = Some(format!("{}: for now: {text}", channel.name()));
                if in_vain.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_IN_VAIN {
                    return Err(error.with_advice(
                        "nothing gets through: mend the server, then send again; who is told stays told",
                    ));
                }
                return Ok(Some(false));
            };
            clock::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Takes in what earlier calls did; whether there were any.
    async fn read_journal(&self, roster: &Roster, journal: &dyn Journal) -> Result<bool> {
        roster.forget_notes()?;
        let (mut records, mut any, name) = (journal.records(1), false, self.name());
        while let Some(record) = records.next().await {
            let (message, fold): (MessageRef, fn(&mut Standing, String, String)) = match record?.event {
                Event::RunStarted { plan_digest, .. } if plan_digest != roster.plan_digest() => {
                    return Err(Error::new(ErrorKind::InputInvalid, "read the journal of messages")
                        .with_detail(format!("it is of plan {plan_digest}, not of {}", roster.plan_digest()))
                        .with_advice("each plan has its own journal of messages"));
                }
                Event::RunStarted { run, .. } => {
                    any |= run == name;
                    continue;
                }
                Event::MessageIntended { message, .. } => (message, |it, channel, _| it.open = Some(channel)),
                Event::MessageUnknown { message, .. } => (message, |it, channel, _| it.open = Some(channel)),
                Event::MessageReleased { message, .. } => (message, |it, _, _| it.open = None),
                Event::MessageSent { message, .. } => {
                    (message, |it, _, _| *it = Standing { told: true, ..Standing::default() })
                }
                Event::MessageFailed { message, error } => {
                    let fold: fn(&mut Standing, String, String) = match error.status {
                        Status::Permanent if error.kind == ErrorKind::InputInvalid => |it, channel, why| {
                            it.open = None;
                            it.refused.insert(channel, why);
                        },
                        _ => |it, _, _| it.open = None,
                    };
                    if message.mailing == name {
                        self.fold(roster, message, &error.text, fold)?;
                    }
                    continue;
                }
                _ => continue,
            };
            if message.mailing == name {
                self.fold(roster, message, "", fold)?;
            }
        }
        Ok(any)
    }

    fn fold(
        &self,
        roster: &Roster,
        message: MessageRef,
        why: &str,
        fold: fn(&mut Standing, String, String),
    ) -> Result<()> {
        let mut standing = note(roster, &message.person)?;
        if !standing.told {
            fold(&mut standing, message.channel, why.to_owned());
            roster.keep_note(&message.person, &serde_json::to_string(&standing).map_err(unexpected)?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Mailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels: Vec<&str> = self.channels.iter().map(|(channel, _)| channel.name()).collect();
        f.debug_struct("Mailing").field("name", &self.name()).field("channels", &channels).finish_non_exhaustive()
    }
}

impl fmt::Display for MailingEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { persons, told, told_now, unknown, untold } = self;
        write!(f, "{persons} persons: {told} told ({told_now} now), {unknown} unknown, {untold} not told")
    }
}

fn each_page(roster: &Roster, mut each: impl FnMut(&[Addressee]) -> Result<()>) -> Result<()> {
    let mut after = None;
    loop {
        let page = roster.page(after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.person.clone());
        each(&page)?;
    }
}

fn standing(roster: &Roster, to: &Addressee) -> Result<Standing> {
    note(roster, &to.person)
}

fn note(roster: &Roster, person: &crate::person::PersonId) -> Result<Standing> {
    roster.note(person)?.map_or_else(|| Ok(Standing::default()), |note| serde_json::from_str(&note).map_err(unexpected))
}

fn unexpected(fault: serde_json::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "keep how people stand").with_source(fault)
}

//! Takes a shape from real directories.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tempfile::NamedTempFile;

use super::latency;
use super::limits::{ShapedLimits, word_of};
use super::pseudonym::ShapeKey;
use super::reading;
use super::row::{
    FORMAT, Flag, ShapeHeader, ShapeRow, ShapedAccount, ShapedDirectory, ShapedSupport, VERSION, days, scope_digest,
};
use crate::account::{Account, AccountId, AccountKind, DirectoryId, PasswordAuthority};
use crate::directory::{AccountQuery, Backend, Scope, Severity, Support};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{OperationClass, RetryPolicy, clock, retried_read};
use crate::person::Anchor;
use crate::plan::PlanSpec;
use crate::privilege::PrivilegeIndex;
use crate::reset::Action;

/// How many look-ups are timed, where latency is measured.
const TIMED: usize = 20;

/// Takes the shape of real directories: what a plan decides on, account by account, under pseudonyms.
///
/// Reads only. The shape holds no name, no address, no path, no text that a directory wrote, and no secret.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use identity_core::{directory::Backend, error::Result};
/// use identity_core::rehearsal::{ShapeKey, ShapeTaker};
///
/// # async fn example(corp: Arc<dyn Backend>) -> Result<()> {
/// let taken = ShapeTaker::new(ShapeKey::random()).directory(corp).write_to("shape.jsonl").await?;
/// println!("{} accounts", taken.accounts);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a shape is taken by write_to"]
pub struct ShapeTaker {
    key: ShapeKey,
    directories: Vec<Arc<dyn Backend>>,
    scopes: Vec<(String, Scope)>,
    protected: Vec<(Option<String>, String)>,
    kept: BTreeSet<String>,
    measure: bool,
}

/// What was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TakenShape {
    /// Directories.
    pub directories: u64,
    /// Accounts over all of them.
    pub accounts: u64,
    /// Of these, with a ground of privilege or one that could not be told.
    pub privileged: u64,
    /// Of these, named by the protected list.
    pub protected: u64,
}

impl ShapeTaker {
    /// With the pseudonyms of a key.
    pub fn new(key: ShapeKey) -> Self {
        Self {
            key,
            directories: Vec::new(),
            scopes: Vec::new(),
            protected: Vec::new(),
            kept: BTreeSet::new(),
            measure: false,
        }
    }

    /// Adds a directory.
    pub fn directory(mut self, backend: Arc<dyn Backend>) -> Self {
        self.directories.push(backend);
        self
    }

    /// Adds directories.
    pub fn directories(self, backends: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        backends.into_iter().fold(self, Self::directory)
    }

    /// Marks who is in the groups, units and queries that these decisions name, and whom they protect: a
    /// playbook can then be rehearsed on the shape.
    pub fn for_spec(mut self, spec: &PlanSpec) -> Self {
        for selection in spec.select.iter().chain(&spec.exclude) {
            let scope = selection.scope().map(|(directory, scope)| (directory.to_owned(), scope));
            self.scopes.extend(scope.filter(|scope| !self.scopes.contains(scope)));
        }
        let protected = spec.protect.iter();
        self.protected.extend(protected.map(|name| (name.directory.clone(), name.name.trim().to_lowercase())));
        self
    }

    /// Marks accounts as protected: by id, sign-in name, principal name, path or security identifier.
    pub fn protect(mut self, directory: &DirectoryId, account: &str) -> Self {
        self.protected.push((Some(directory.as_str().to_owned()), account.trim().to_lowercase()));
        self
    }

    /// Keeps the values of an attribute as they are (`department`): they are then in the shape for whoever
    /// reads it.
    pub fn keep_attribute(mut self, name: &str) -> Self {
        self.kept.insert(name.to_lowercase());
        self
    }

    /// Times twenty look-ups in each directory, so that the rehearsal answers as late as it does.
    pub fn measure_latency(mut self) -> Self {
        self.measure = true;
        self
    }

    /// Reads the directories and writes the shape; it appears whole or not at all, for its owner alone.
    ///
    /// # Behavior
    /// A stream: what is held for each account that is in a scope is 24 bytes, and the privileged are held.
    ///
    /// # Errors
    /// What the directories and the disk say; [`ErrorKind::InputInvalid`] when a directory is itself a
    /// simulated one, or there is none.
    pub async fn write_to(self, path: impl Into<PathBuf>) -> Result<TakenShape> {
        let path = path.into();
        if self.directories.is_empty() {
            return Err(fault(&path, "no directory is given").with_advice("add at least one"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let file = NamedTempFile::new_in(folder).map_err(|error| fault(&path, error))?;
        let mut file = BufWriter::new(file);
        let header = ShapeHeader {
            format: FORMAT.to_owned(),
            version: VERSION,
            library: env!("CARGO_PKG_VERSION").to_owned(),
            key: self.key.fingerprint(),
            salt: uuid::Uuid::new_v4().simple().to_string(),
        };
        let salt = header.salt.clone();
        let mut taken = TakenShape::default();
        let mut write = |row: &ShapeRow| -> Result<()> {
            serde_json::to_writer(&mut file, row).map_err(|error| fault(&path, error))?;
            file.write_all(b"\n").map_err(|error| fault(&path, error))
        };
        write(&ShapeRow::Shape(header))?;
        for backend in &self.directories {
            self.take(backend, &salt, &mut taken, &mut write).await?;
        }
        write(&ShapeRow::End { accounts: taken.accounts })?;
        let file = file.into_inner().map_err(|error| fault(&path, error.into_error()))?;
        file.as_file().sync_all().map_err(|error| fault(&path, error))?;
        file.persist(&path).map_err(|error| fault(&path, error.error))?;
        Ok(taken)
    }

    async fn take(
        &self,
        backend: &Arc<dyn Backend>,
        salt: &str,
        taken: &mut TakenShape,
        write: &mut (impl FnMut(&ShapeRow) -> Result<()> + Send),
    ) -> Result<()> {
        let (policy, info) = (RetryPolicy::default(), backend.info());
        if info.rehearsal {
            return Err(Error::new(ErrorKind::InputInvalid, "take the shape")
                .with_directory(info.id.clone())
                .with_detail("this directory is itself of a rehearsal")
                .with_advice("copy the shape that it was made from"));
        }
        let preflight = retried_read(backend.governor(), &policy, || backend.preflight()).await?;
        let privileges = retried_read(backend.governor(), &policy, || backend.privileges()).await?;
        let mut members: HashMap<AccountId, Vec<u16>> = HashMap::new();
        let mut scopes = Vec::new();
        for (_, scope) in self.scopes.iter().filter(|(directory, _)| directory == info.id.as_str()) {
            let place = u16::try_from(scopes.len()).unwrap_or(u16::MAX);
            scopes.push(scope_digest(salt, &info.id, scope));
            let mut accounts = backend.accounts(&AccountQuery::of(scope.clone()));
            while let Some(account) = accounts.next().await {
                members.entry(account?.id).or_default().push(place);
            }
        }
        let latency = if self.measure { Some(measure(backend).await?) } else { None };
        let count = |severity| preflight.findings.iter().filter(|finding| finding.severity == severity).count();
        let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let id_of = |id: &AccountId| self.id_of(id);
        write(&ShapeRow::Directory(Box::new(ShapedDirectory {
            id: info.id.clone(),
            kind: info.kind.clone(),
            tenant: self.key.word("tenant", &info.tenant.to_lowercase()),
            capabilities: backend.capabilities(),
            limits: ShapedLimits::of(backend.as_ref()),
            classes: classes(backend.as_ref()),
            rules_out: rules_out(backend.as_ref()),
            reads: reading::reads(backend.as_ref()),
            latency: latency::shaped(&info.kind, latency),
            password_policy: preflight.password_policy,
            principal: preflight.principal.as_ref().and_then(|id| AccountId::new(id_of(id)).ok()),
            fatal_findings: small(count(Severity::Fatal)),
            warnings: small(count(Severity::Warning)),
            incomplete_privileges: small(privileges.incomplete().len()),
            scopes,
        })))?;
        taken.directories += 1;
        let unknown: HashSet<&AccountId> = privileges.unknown().map(|(id, _)| id).collect();
        let mut accounts = backend.accounts(&AccountQuery::everyone());
        while let Some(account) = accounts.next().await {
            let account = account?;
            let mut row = self.account(backend.as_ref(), &account, &privileges);
            if unknown.contains(&account.id) {
                row.flags.push(Flag::PrivilegeUnknown);
            }
            if let Some(places) = members.get(&account.id) {
                row.scopes.clone_from(places);
                row.scopes.dedup();
            }
            taken.accounts += 1;
            taken.privileged += u64::from(!row.grounds.is_empty() || row.has(Flag::PrivilegeUnknown));
            taken.protected += u64::from(row.has(Flag::Protected));
            write(&ShapeRow::Account(Box::new(row)))?;
        }
        Ok(())
    }

    fn id_of(&self, id: &AccountId) -> String {
        self.key.guid("id", &id.as_str().to_lowercase()).to_string()
    }

    fn account(&self, backend: &dyn Backend, account: &Account, privileges: &PrivilegeIndex) -> ShapedAccount {
        let class = privileges.classify(&account.id);
        let kind = kind(account);
        let anchor = |anchor: Anchor| anchor.value(account);
        let mut grounds: Vec<_> = class.grounds.iter().map(|ground| (ground.tier, rule(&ground.rule))).collect();
        grounds.dedup();
        let (state, password) = (&account.state, &account.password);
        let flags = [
            (!state.enabled, Flag::Disabled),
            (state.locked, Flag::Locked),
            (password.must_change, Flag::MustChange),
            (password.never_expires, Flag::NeverExpires),
            (password.cannot_change, Flag::CannotChange),
            (password.not_required, Flag::NotRequired),
            (password.smart_card_required, Flag::SmartCard),
            (password.awaits_recovery, Flag::AwaitsRecovery),
            (self.is_protected(account), Flag::Protected),
            (account.procedure.is_some(), Flag::Procedure),
        ];
        ShapedAccount {
            id: self.id_of(&account.id),
            kind: (kind != AccountKind::Person).then_some(kind),
            flags: flags.into_iter().filter_map(|(is, flag)| is.then_some(flag)).collect(),
            authority: match &account.authority {
                PasswordAuthority::Here => None,
                PasswordAuthority::Federated(_) => Some(PasswordAuthority::Federated(String::new())),
                other => Some(other.clone()),
            },
            set: password.last_set.map(days),
            policy: account.password_policy.as_ref().map(|policy| self.key.word("policy", policy)),
            owner: account.owner.as_ref().map(|owner| self.key.word("owner", &owner.to_lowercase())),
            sid: anchor(Anchor::SecurityId).map(|sid| self.key.security_id(&sid)),
            immutable: anchor(Anchor::ImmutableId).map(|id| self.key.guid("immutable", &id).to_string()),
            principal_name: anchor(Anchor::PrincipalName).map(|name| self.key.address("principal", &name)),
            mail: anchor(Anchor::Mail).map(|mail| self.key.address("mail", &mail)),
            attributes: account
                .attributes
                .iter()
                .map(|(name, value)| {
                    let kept = self.kept.contains(&name.to_lowercase());
                    let value = if kept { value.clone() } else { self.key.word("value", &value.trim().to_lowercase()) };
                    (name.clone(), value)
                })
                .collect(),
            grounds,
            scopes: Vec::new(),
            support: support(backend, account),
        }
    }

    fn is_protected(&self, account: &Account) -> bool {
        if self.protected.is_empty() {
            return false;
        }
        let anchors = &account.anchors;
        let names = [
            Some(account.id.as_str()),
            Some(account.name.as_str()),
            account.path.as_deref(),
            anchors.principal_name.as_deref(),
            anchors.security_id.as_deref(),
        ];
        let names: Vec<String> = names.into_iter().flatten().map(str::to_lowercase).collect();
        self.protected.iter().any(|(directory, name)| {
            directory.as_deref().is_none_or(|id| id == account.directory.as_str()) && names.contains(name)
        })
    }
}

/// The kind; well-known accounts of a Windows domain too, which a plan tells by their relative id
/// (MS-DTYP 2.4.2.4) or their name: neither is in the shape.
fn kind(account: &Account) -> AccountKind {
    let sid = account.anchors.security_id.as_deref().filter(|sid| sid.to_ascii_uppercase().starts_with("S-1-5-21-"));
    match sid.and_then(|sid| sid.rsplit('-').next()) {
        _ if account.name.eq_ignore_ascii_case("krbtgt") => AccountKind::KerberosTicketGranting,
        Some("502") => AccountKind::KerberosTicketGranting,
        Some("501" | "503" | "504") => AccountKind::BuiltIn,
        _ => account.kind,
    }
}

/// A rule is a stable word; whatever is none could be a name.
fn rule(rule: &str) -> String {
    let is_word = !rule.is_empty() && rule.len() <= 40 && rule.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if is_word { rule.to_owned() } else { "other".to_owned() }
}

fn classes(backend: &dyn Backend) -> Vec<(Action, String)> {
    let classes = Action::ALL.into_iter().map(|action| (action, backend.class_of(action)));
    classes
        .filter(|(_, class)| *class != OperationClass::Write)
        .map(|(action, class)| (action, word_of(class).to_owned()))
        .collect()
}

fn rules_out(backend: &dyn Backend) -> Vec<(Action, Action)> {
    let pairs = Action::ALL.into_iter().flat_map(|first| Action::ALL.into_iter().map(move |next| (first, next)));
    pairs.filter(|(first, next)| backend.rules_out(*first, *next).is_some()).collect()
}

fn support(backend: &dyn Backend, account: &Account) -> Vec<ShapedSupport> {
    let can = backend.capabilities();
    let each = Action::ALL.into_iter().filter_map(|action| match (backend.support(account, action), can.can(action)) {
        (Support::Works, true) | (Support::Cannot { .. }, false) => None,
        (Support::Works, false) => Some(ShapedSupport { action, works: true, instead: None }),
        (Support::Instead { action: instead, .. }, _) => {
            Some(ShapedSupport { action, works: false, instead: Some(instead) })
        }
        (Support::Cannot { .. }, true) => Some(ShapedSupport { action, works: false, instead: None }),
    });
    each.collect()
}

/// Looks the first accounts up, one at a time.
async fn measure(backend: &Arc<dyn Backend>) -> Result<Vec<Duration>> {
    let mut accounts = backend.accounts(&AccountQuery::everyone());
    let mut ids = Vec::new();
    while ids.len() < TIMED
        && let Some(account) = accounts.next().await
    {
        ids.push(account?.id);
    }
    drop(accounts);
    let mut times = Vec::with_capacity(ids.len());
    for id in ids {
        let began = clock::instant();
        backend.lookup(&[id]).await?;
        times.push(clock::instant().duration_since(began));
    }
    Ok(times)
}

fn fault(path: &Path, source: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InputInvalid, "write the shape").with_detail(format!("{}: {source}", path.display()))
}

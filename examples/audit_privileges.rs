//! Who is privileged, and why: a table for people, or one JSON object for programs. It only reads.
//!
//! ```text
//! cargo run --example audit_privileges                                        # an embedded mock directory
//! cargo run --example audit_privileges -- --directories directories.toml
//! cargo run --example audit_privileges -- --directories directories.toml --json
//! ```

#![allow(clippy::print_stderr, reason = "what could not be read is said where people look")]

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{ContentArrangement, Table, presets};
use identity_reset::account::AccountState;
use identity_reset::directory::{Finding, Severity};
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::limits::{RetryPolicy, clock, retried_read};
use identity_reset::prelude::*;
use identity_reset::privilege::{Classification, PrivilegeIndex, Tier};
use serde_json::{Value, json};
use testkit::mock_ad::MockAd;
use testkit::organisation::Organisation;

/// Says who is privileged in each directory, and why. It only reads.
///
/// Without --directories it works on an embedded mock Active Directory. Exit codes: 0 complete ·
/// 1 something could not be read, or not be determined · 2 bad input.
#[derive(Debug, Parser)]
#[command(name = "audit_privileges", version)]
struct Options {
    /// The directories, as directories.toml describes them.
    #[arg(long, value_name = "FILE")]
    directories: Option<PathBuf>,

    /// Print one JSON object on standard output; what could not be read is on standard error too.
    #[arg(long)]
    json: bool,

    /// How many accounts the embedded organisation has.
    #[arg(long, value_name = "N", default_value_t = 1_000, conflicts_with = "directories")]
    accounts: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    // Held to the end: the embedded directory ends with it.
    let (backends, _mock) = match connect(&options).await {
        Ok(connected) => connected,
        Err(fault) => {
            eprintln!("audit_privileges: {fault}");
            return ExitCode::from(2);
        }
    };
    let mut audits = Vec::new();
    for backend in &backends {
        audits.push(Audit::of(backend).await);
    }
    let gaps: Vec<String> = audits.iter().flat_map(Audit::gaps).collect();
    let output = if options.json {
        gaps.iter().for_each(|gap| eprintln!("{gap}"));
        let directories: Vec<Value> = audits.iter().map(Audit::to_json).collect();
        json!({ "complete": gaps.is_empty(), "gaps": gaps, "directories": directories }).to_string()
    } else {
        // First, and on the same stream: whoever keeps the table keeps what is missing from it.
        gaps.iter().cloned().chain(audits.iter().map(Audit::to_text)).collect::<Vec<_>>().join("\n")
    };
    // Whoever reads it may have seen enough and closed the pipe; the exit code stands all the same.
    let _ = writeln!(std::io::stdout(), "{output}");
    ExitCode::from(u8::from(!gaps.is_empty()))
}

async fn connect(options: &Options) -> Result<(Vec<Arc<dyn Backend>>, Option<MockAd>), Error> {
    if let Some(path) = &options.directories {
        let ask = |question: &str| match std::io::stdin().is_terminal() {
            true => rpassword::prompt_password(question).map(Into::into),
            false => Err(std::io::Error::other("there is no terminal to ask on")),
        };
        return Ok((Directories::from_file(path)?.connect_asking(&ask).await?, None));
    }
    let started = MockAd::builder().organisation(Organisation::new(1, options.accounts)).start().await;
    let mock = started.map_err(|fault| {
        Error::new(ErrorKind::Unexpected, "start the embedded directory").with_detail(fault.to_string())
    })?;
    let id = DirectoryId::new("corp").map_err(|fault| {
        Error::new(ErrorKind::ConfigInvalid, "name the embedded directory").with_detail(fault.to_string())
    })?;
    let config =
        LdapConfig::new(id, mock.url()).ca_pem(mock.ca_pem()).bind(mock.bind_dn(), mock.bind_password().into());
    let backend: Arc<dyn Backend> = LdapDirectory::connect(config).await?;
    Ok((vec![backend], Some(mock)))
}

/// What one directory says of its privileged accounts.
struct Audit {
    backend: Arc<dyn Backend>,
    findings: Vec<Finding>,
    /// Why anybody might be privileged beyond those that are listed.
    incomplete: Vec<String>,
    rows: Vec<Privileged>,
}

/// An account with a ground, or of which it could not be determined.
struct Privileged {
    id: AccountId,
    verdict: Classification,
    /// `None` for a member that has no row in this directory: one of another domain, or gone.
    account: Option<Account>,
    /// Days since the password was set, by the directory's own clock where it tells the time.
    password_days: Option<i64>,
}

impl Audit {
    /// Reads a directory. What fails becomes a gap, so that one directory does not hide another.
    async fn of(backend: &Arc<dyn Backend>) -> Self {
        let mut audit = Self { backend: backend.clone(), findings: vec![], incomplete: vec![], rows: vec![] };
        if let Err(fault) = audit.read().await {
            audit.incomplete.push(format!("the reading broke off: {fault}"));
        }
        audit
    }

    async fn read(&mut self) -> Result<()> {
        let backend = self.backend.clone();
        let policy = RetryPolicy::default();
        let preflight = retried_read(backend.governor(), &policy, || backend.preflight()).await?;
        self.findings = preflight.findings;
        let now = preflight.server_time.unwrap_or_else(clock::now);
        let index: PrivilegeIndex = retried_read(backend.governor(), &policy, || backend.privileges()).await?;
        self.incomplete.extend(index.incomplete().iter().cloned());
        self.findings.extend(index.for_everybody().map(|ground| {
            let text = format!("every account has this, so that it raises nobody's tier; take it away: {ground}");
            Finding { severity: Severity::Warning, text }
        }));
        self.incomplete.sort();
        self.incomplete.dedup();

        let mut ids: Vec<AccountId> = index.privileged().map(|(id, _)| id.clone()).collect();
        ids.extend(index.unknown().map(|(id, _)| id.clone()));
        ids.sort();
        ids.dedup();
        let largest = usize::try_from(backend.limits().max_batch.get()).unwrap_or(1);
        for batch in ids.chunks(largest) {
            let found = retried_read(backend.governor(), &policy, || backend.lookup(batch)).await?;
            for (id, account) in batch.iter().zip(found) {
                let set = account.as_ref().and_then(|account| account.password.last_set);
                let password_days = set.map(|set| now.duration_since(set).as_hours() / 24);
                self.rows.push(Privileged { id: id.clone(), verdict: index.classify(id), account, password_days });
            }
        }
        self.rows.sort_by_cached_key(|row| (row.verdict.tier, row.name()));
        Ok(())
    }

    /// What is not known, one line each.
    fn gaps(&self) -> Vec<String> {
        let id = &self.backend.info().id;
        let whole = self.incomplete.iter().map(|why| {
            plain(&format!("!!! INCOMPLETE {id}: accounts may be privileged that are not in this list: {why}"))
        });
        let single = self.rows.iter().filter_map(|row| {
            let why = row.verdict.unknown_because.as_ref().filter(|_| self.incomplete.is_empty())?;
            Some(plain(&format!("!!! UNKNOWN {id}: {}: take it for privileged: {why}", row.name())))
        });
        let fatal = self.findings.iter().filter(|finding| finding.severity == Severity::Fatal);
        let fatal = fatal.map(|finding| plain(&format!("!!! {id}: {}", finding.text)));
        whole.chain(single).chain(fatal).collect()
    }

    fn to_text(&self) -> String {
        let info = self.backend.info();
        let of_tier = |tier| self.rows.iter().filter(|row| row.verdict.tier == tier).count();
        let (zero, one) = (of_tier(Tier::Control), of_tier(Tier::Management));
        let tenant = plain(&info.tenant);
        let mut text = format!("{} ({} {tenant}): {zero} accounts of tier 0, {one} of tier 1\n", info.id, info.kind);
        for finding in self.findings.iter().filter(|finding| finding.severity == Severity::Warning) {
            text.push_str(&format!("warning: {}\n", plain(&finding.text)));
        }
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(std::env::var("COLUMNS").ok().and_then(|width| width.parse().ok()).unwrap_or(150));
        table.set_header(["tier", "account", "kind", "enabled", "password", "because"]);
        for row in &self.rows {
            let kind = row.account.as_ref().map_or("", |account| account.kind.as_str());
            let state = row.account.as_ref().map_or_else(String::new, |account| in_words(&account.state));
            table.add_row([row.tier(), plain(&row.name()), kind.to_owned(), state, row.password(), row.because()]);
        }
        text + &table.to_string()
    }

    fn to_json(&self) -> Value {
        let info = self.backend.info();
        json!({
            "id": info.id, "kind": info.kind, "tenant": info.tenant, "incomplete": self.incomplete,
            "findings": self.findings, "accounts": self.rows.iter().map(Privileged::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Privileged {
    fn name(&self) -> String {
        self.account.as_ref().map_or_else(|| format!("not in this directory: {}", self.id), |known| known.name.clone())
    }

    /// The tier; with a question mark where it may be a higher one.
    fn tier(&self) -> String {
        let unsure = if self.verdict.unknown_because.is_some() { "?" } else { "" };
        format!("{}{unsure}", self.verdict.tier.number())
    }

    fn password(&self) -> String {
        let Some(account) = &self.account else { return String::new() };
        match self.password_days {
            Some(1) => "1 day old".to_owned(),
            Some(days) => format!("{days} days old"),
            None if account.password.must_change => "must be changed".to_owned(),
            None => "never set, or not told".to_owned(),
        }
    }

    /// One ground a line: the rule, what the account holds by it, and the path to that.
    fn because(&self) -> String {
        let grounds = self.verdict.grounds.iter().map(|ground| {
            let path = ground.evidence.join(" > ");
            let shown = if path == ground.holds { String::new() } else { format!(": {path}") };
            plain(&format!("tier {} by {}, {}{shown}", ground.tier.number(), ground.rule, ground.holds))
        });
        let unknown = self.verdict.unknown_because.iter().map(|why| plain(&format!("not certain: {why}")));
        grounds.chain(unknown).collect::<Vec<_>>().join("\n")
    }

    fn to_json(&self) -> Value {
        let account = self.account.as_ref();
        json!({
            "id": self.id,
            "name": account.map(|account| &account.name),
            "display_name": account.and_then(|account| account.display_name.as_ref()),
            "path": account.and_then(|account| account.path.as_ref()),
            "in_directory": account.is_some(),
            "tier": self.verdict.tier.number(),
            "kind": account.map(|account| account.kind),
            "never_reset_because": account.and_then(|account| account.kind.protected_because()),
            "enabled": account.map(|account| account.state.enabled),
            "locked": account.map(|account| account.state.locked),
            "password_last_set": account.and_then(|account| account.password.last_set),
            "password_days": self.password_days,
            "password_never_expires": account.map(|account| account.password.never_expires),
            "last_sign_in": account.and_then(|account| account.last_sign_in),
            "unknown_because": self.verdict.unknown_because,
            "grounds": self.verdict.grounds,
        })
    }
}

fn in_words(state: &AccountState) -> String {
    match (state.enabled, state.locked) {
        (true, false) => "yes".to_owned(),
        (true, true) => "yes, locked".to_owned(),
        (false, _) => "no".to_owned(),
    }
}

/// A directory's text without what would move the cursor, end the line, or turn the writing round:
/// an attacker may have chosen it.
fn plain(text: &str) -> String {
    let turning = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turning(c) { '\u{fffd}' } else { c }).collect()
}

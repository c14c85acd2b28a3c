//! The command line.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use identity_reset::person::{Anchor, InvalidAnchor, Joining};

/// Resets the passwords of a directory's accounts: plan, approve, execute, verify, report.
///
/// Without --directories it works on an embedded mock Active Directory, the mock cloud tenant that it
/// is synchronised into and the mock Okta org of the same people, side by side, and approves by itself.
/// Exit codes: 0 done and verified · 1 done with failures or unknowns, or on a
/// server that does not have the new passwords · 2 bad input, nothing
/// touched · 3 stopped by a rule or by hand, resumable · 4 nothing approved,
/// or an approval that is not accepted · 130 ended at once by a second Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "mass_reset", version)]
pub(crate) struct Options {
    /// The directories to reset, as directories.toml describes them.
    #[arg(long, value_name = "FILE")]
    pub directories: Option<PathBuf>,

    /// The run's folder; it must not exist yet [default: a new folder in runs/].
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,

    /// Go on with the plan, journal and vault of an earlier run's folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dry_run", "select", "exclude", "seed", "canary", "wave_size", "join"])]
    pub resume: Option<PathBuf>,

    /// Stop after the plan; nothing is touched.
    #[arg(long)]
    pub dry_run: bool,

    /// Approve "all" waves or the named ones without asking. Without it a terminal is asked, and
    /// nothing is approved where there is none.
    #[arg(long, value_name = "all|WAVE", num_args = 1..)]
    pub approve: Vec<String>,

    /// Write the statement that approves "all" waves or the named ones, for --approver to sign with
    /// ssh-keygen, and end.
    #[arg(long, value_name = "all|WAVE", num_args = 1.., requires = "resume")]
    pub statement: Vec<String>,

    /// How many hours the statement holds, 720 at most.
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=720))]
    pub expires_in: u32,

    /// A signed approval: the file STATEMENT.sig that ssh-keygen wrote beside the statement; may be
    /// repeated.
    #[arg(long, value_name = "FILE.sig")]
    pub approval: Vec<PathBuf>,

    /// Whose signatures count, as ssh-keygen(1) has it under ALLOWED SIGNERS. Given each time: the
    /// run's folder is not asked whom to trust.
    #[arg(long, value_name = "FILE", env = "IDENTITY_RESET_ALLOWED_SIGNERS")]
    pub allowed_signers: Option<PathBuf>,

    /// Only signed approvals count: a rule of the plan, or of this call on a resume.
    #[arg(long)]
    pub signed_approvals: bool,

    /// Waves with privileged accounts need two persons, each with a key of their own.
    #[arg(long)]
    pub two_for_privileged: bool,

    /// Who approves: for the record, and of a statement a principal of the allowed signers.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unnamed")]
    pub approver: String,

    /// Print the final summary as one JSON object on standard output, all else on standard error.
    #[arg(long)]
    pub json: bool,

    /// Who may open the sealed passwords: an age recipient (age1…); may be repeated.
    #[arg(long, value_name = "AGE1…")]
    pub recipient: Vec<String>,

    /// A file with the age identity that opens the vault: on a resume it lets orders without an
    /// answer be repeated with the same password.
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,

    /// Select accounts: everyone, group:NAME, unit:DN, query:FILTER or list:FILE.csv; of several
    /// directories with the id of one before it: corp/group:NAME. May be repeated [default: everyone].
    #[arg(long, value_name = "SELECTION")]
    pub select: Vec<Choice>,

    /// Leave accounts out, in the same words as --select; may be repeated.
    #[arg(long, value_name = "SELECTION")]
    pub exclude: Vec<Choice>,

    /// Who answers for the accounts that are left to people, and what they do: a TOML file, or CSV where its
    /// name ends in .csv; docs/inventory.md shows its form.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub owners: Option<PathBuf>,

    /// Do what this playbook says, in place of --select, --exclude, --action and the sizes of waves.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["resume", "select", "exclude", "action", "reset_services", "seed", "canary", "wave_size"])]
    pub playbook: Option<PathBuf>,

    /// What a parameter of the playbook stands for; may be repeated, for one parameter too.
    #[arg(long, value_name = "NAME=VALUE", requires = "playbook")]
    pub parameter: Vec<String>,

    /// People are told with the messages of this folder (the example `messages` sends them): checked here,
    /// and part of the plan. A run on real directories without a playbook has this or --no-messages.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["playbook", "resume"])]
    pub messages: Option<PathBuf>,

    /// People are not told, and why: part of the plan.
    #[arg(long, value_name = "WHY", conflicts_with_all = ["playbook", "resume", "messages"])]
    pub no_messages: Option<String>,

    /// What is done to the workforce's passwords; the privileged always get a new one.
    #[arg(long, value_enum, default_value_t = PasswordAction::SetMustChange)]
    pub action: PasswordAction,

    /// Hand accounts to self-service recovery (scramble, recover, recover-by-mail) only where this
    /// readiness file of `audit_recovery` says that it is strong enough; the others get a password.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub readiness: Option<PathBuf>,

    /// Hand accounts to self-service recovery without a readiness file. The reason is in the plan.
    #[arg(long, value_name = "REASON", conflicts_with_all = ["resume", "readiness", "playbook"])]
    pub waive_readiness: Option<String>,

    /// Reset service accounts too, instead of listing them for their owners.
    #[arg(long)]
    pub reset_services: bool,

    /// How many accounts the canary wave has.
    #[arg(long, value_name = "N")]
    pub canary: Option<u32>,

    /// How many accounts a workforce wave has at the most.
    #[arg(long, value_name = "N")]
    pub wave_size: Option<NonZeroU64>,

    /// Joins the accounts of one person in several directories by this too, after the objectGUID and the
    /// security identifier: principal-name, mail, or attribute:NAME (attribute:NAME,NAME where
    /// directories name it differently); may be repeated, tried in this order. immutable-id or
    /// security-id: by that one of the two only. none: nobody is joined.
    #[arg(long, value_name = "ANCHOR")]
    pub join: Vec<Join>,

    /// Chooses the canary, and the embedded organisation.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// How many seconds servers that are behind are waited for, where a directory has several.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub convergence: u64,

    /// Match the directories' own audit logs with the run before the report is made, where they have
    /// any, and wait so many seconds for events that come late; 0 leaves it to the example `evidence`.
    /// Sessions that ended in Okta are verified by nothing else.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    pub evidence: u64,

    /// How many seconds after the last password the sessions of accounts that are mastered in another
    /// directory end: until the new password is synchronised there, the old one opens them anew
    /// [default: as the playbook says, or 180].
    #[arg(long, value_name = "SECONDS")]
    pub sync_wait: Option<u64>,

    /// Marks every file and every printed sheet of the report, such as REHEARSAL.
    #[arg(long, value_name = "TEXT")]
    pub mark: Option<String>,
    /// Write what happens as lines of JSON (docs/events.md) to this new file or pipe, or to standard output
    /// with -. A reader that is slow or gone does not hold up the run.
    #[arg(long, value_name = "FILE|-")]
    pub events: Option<PathBuf>,

    /// Send spans and metrics to this OTLP/HTTP collector: https://…, or http:// on this machine
    /// (docs/watching.md). Names no account.
    #[cfg(feature = "otel")]
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,

    /// How many seconds lie between two lines of progress where standard error is no terminal.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub progress_every: u64,

    /// The run stops when this file appears [default: STOP in the run's folder].
    #[arg(long, value_name = "FILE")]
    pub stop_file: Option<PathBuf>,

    /// How many accounts the embedded organisation has.
    #[arg(long, value_name = "N", default_value_t = 5_000, conflicts_with = "directories")]
    pub accounts: u64,
}

/// By what accounts of one person are joined.
#[derive(Clone, Debug)]
pub(crate) enum Join {
    Nobody,
    By(Anchor),
}

impl std::str::FromStr for Join {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::Nobody),
            anchor => anchor.parse().map(Self::By).map_err(|error: InvalidAnchor| format!("{error}, or none")),
        }
    }
}

impl Options {
    /// Whether events go to standard output.
    pub(crate) fn events_out(&self) -> bool {
        self.events.as_ref().is_some_and(|path| path.as_os_str() == "-")
    }

    /// By what accounts are joined: by both hard anchors unless one is named.
    pub(crate) fn joining(&self) -> Joining {
        let named =
            || self.join.iter().filter_map(|join| if let Join::By(anchor) = join { Some(anchor) } else { None });
        let begin = match self.join.len() > named().count() || named().any(Anchor::is_hard) {
            true => Joining::by([]),
            false => Joining::default(),
        };
        named().fold(begin, |joining, anchor| joining.and(anchor.clone()))
    }
}

/// What is done to people's passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PasswordAction {
    /// Set a generated password; the owner changes it at the next sign-in.
    SetMustChange,
    /// Set a generated password that stays.
    Set,
    /// Set a random password that nobody knows.
    Scramble,
    /// Have the directory set a temporary password that the vault keeps; the owner changes it at the
    /// next sign-in.
    Temporary,
    /// Void the old password; the directory mails the owner a link to set a new one with.
    RecoverByMail,
    /// Void the old password; the vault keeps the link that the owner sets a new one with.
    Recover,
    /// Mark the password as expired. Does not contain an attacker who knows it.
    Expire,
}

/// A selection in words.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    Everyone,
    Within(Option<String>, Part),
    List(PathBuf),
}

/// A part of a directory, in its own words.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Group(String),
    Unit(String),
    Query(String),
}

impl std::str::FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "everyone" {
            return Ok(Self::Everyone);
        }
        let (word, words) = text.split_once(':').filter(|(_, words)| !words.is_empty()).unwrap_or_default();
        let (directory, word) = match word.split_once('/') {
            Some((directory, word)) => (Some(directory.to_owned()), word),
            None => (None, word),
        };
        match word {
            "group" => Ok(Self::Within(directory, Part::Group(words.to_owned()))),
            "unit" => Ok(Self::Within(directory, Part::Unit(words.to_owned()))),
            "query" => Ok(Self::Within(directory, Part::Query(words.to_owned()))),
            "list" if directory.is_none() => Ok(Self::List(words.into())),
            _ => Err("say everyone, group:NAME, unit:DN, query:FILTER or list:FILE.csv; group, unit and query of one \
                      of several directories as ID/group:NAME"
                .to_owned()),
        }
    }
}

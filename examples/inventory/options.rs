//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use identity_reset::inventory::{Inventory, WhichByHand};
use identity_reset::prelude::*;

use crate::input;

/// Takes an inventory of the privileged accounts and of those that need hands, compares two, and ticks
/// off what people reset.
///
/// Exit codes: 0 done (diff: nothing changed) · 2 diff: something changed, or cannot be said · 3 done, but
/// something could not be read or is not confirmed · 1 anything else.
#[derive(Debug, Parser)]
#[command(name = "inventory", version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Take an inventory into a folder, under a name with the time; prints its digest.
    Take {
        #[command(flatten)]
        taken: Taken,
        /// The folder; it is made where it is missing.
        #[arg(long, value_name = "DIR")]
        out_dir: PathBuf,
    },
    /// Show an inventory: who is privileged and why, who needs hands. Without a file one is taken, and not kept.
    Show {
        /// The file of an inventory.
        file: Option<PathBuf>,
        /// Print its JSON lines instead of tables.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        taken: Taken,
    },
    /// What changed from one inventory to another.
    Diff {
        #[command(flatten)]
        compared: Compared,
        /// Print JSON: a line about both, then one an account.
        #[arg(long)]
        json: bool,
    },
    /// What a plan leaves to people, and what of it is recorded as done.
    Checklist {
        #[command(flatten)]
        run: RunFiles,
        /// Only what is open.
        #[arg(long)]
        open: bool,
        /// Print JSON, one line an account.
        #[arg(long)]
        json: bool,
    },
    /// Record in the run's journal that an account was reset by hand.
    Tick {
        #[command(flatten)]
        run: RunFiles,
        #[command(flatten)]
        which: Which,
        /// Who did it.
        #[arg(long)]
        by: String,
        /// What was done, and where.
        #[arg(long)]
        note: String,
        /// Read the password's time back from these; without it, it is recorded as somebody's word.
        #[arg(long, value_name = "FILE")]
        directories: Option<PathBuf>,
    },
    /// Take a record back: the account is open again.
    Undo {
        #[command(flatten)]
        run: RunFiles,
        #[command(flatten)]
        which: Which,
        /// Who takes it back.
        #[arg(long)]
        by: String,
        /// Why.
        #[arg(long)]
        note: String,
    },
}

/// What an inventory is taken of.
#[derive(Debug, Args)]
pub(crate) struct Taken {
    /// The directories, as directories.toml describes them; embedded mock directories without.
    #[arg(long, value_name = "FILE")]
    pub directories: Option<PathBuf>,
    /// Who answers for which accounts: a TOML file, or CSV where its name ends in .csv.
    #[arg(long, value_name = "FILE")]
    pub owners: Option<PathBuf>,
    /// Joins accounts of one person by this too: principal-name, mail, or attribute:NAME; may be repeated.
    #[arg(long, value_name = "ANCHOR")]
    pub join: Vec<Anchor>,
    /// How many accounts the embedded organisation has.
    #[arg(long, value_name = "N", default_value_t = 400, conflicts_with = "directories")]
    pub accounts: u64,
}

/// Two inventories.
#[derive(Debug, Args)]
pub(crate) struct Compared {
    /// The older and the newer one.
    #[arg(num_args = 2, value_names = ["OLDER", "NEWER"], required_unless_present = "out_dir")]
    pub files: Vec<PathBuf>,
    /// Compare the two newest in this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    pub out_dir: Option<PathBuf>,
}

/// The files of a run.
#[derive(Debug, Args)]
pub(crate) struct RunFiles {
    /// The plan.
    #[arg(long, value_name = "FILE")]
    pub plan: PathBuf,
    /// The journal of its run; one is begun where there is none and something is recorded.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

/// One account of the checklist.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// By the number of its entry in the plan.
    #[arg(long, value_name = "N")]
    pub entry: Option<u64>,
    /// By directory and id or name: corp/svc-backup.
    #[arg(long, value_name = "DIRECTORY/ACCOUNT")]
    pub account: Option<String>,
}

impl Which {
    pub(crate) fn which(&self) -> Result<WhichByHand> {
        if let Some(entry) = self.entry {
            return Ok(WhichByHand::Entry(entry));
        }
        let named = self.account.as_deref().and_then(|name| name.split_once('/'));
        let (directory, account) =
            named.ok_or_else(|| input("--account is a directory and a name: corp/svc-backup"))?;
        Ok(WhichByHand::Account { directory: directory.to_owned(), account: account.to_owned() })
    }
}

impl Compared {
    /// The older and the newer one.
    pub(crate) fn two(&self) -> Result<(Inventory, Inventory)> {
        let found = match &self.out_dir {
            Some(folder) => Inventory::newest_in(folder)?,
            None => self.files.iter().rev().cloned().collect(),
        };
        match found.as_slice() {
            [newer, older, ..] => Ok((Inventory::open(older)?, Inventory::open(newer)?)),
            _ => Err(input("there are no two inventories to compare")),
        }
    }
}

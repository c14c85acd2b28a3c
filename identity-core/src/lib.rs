//! Resets the passwords of many accounts so that no account is lost, none is done twice, and no
//! password is in force that nobody can open: however the run ends, and wherever it goes on.
//!
//! This crate is the domain, and everything that is built once for all directories. Without its
//! feature `http` it opens no connection: a directory is whatever implements the five traits of
//! [`directory`].
//!
//! ```
//! use std::{path::Path, sync::Arc};
//!
//! use identity_core::directory::Backend;
//! use identity_core::engine::Run;
//! use identity_core::error::Result;
//! use identity_core::journal::MemoryJournal;
//! use identity_core::plan::{Approvals, PlanSpec, Selection};
//! use identity_core::report::{Report, Summary};
//! use identity_core::vault::MemoryVault;
//! use identity_core::verify::Verifier;
//!
//! // A rehearsal: nothing of it is kept but the plan and the report.
//! async fn rehearse(directory: Arc<dyn Backend>, folder: &Path) -> Result<Summary> {
//!     let spec = PlanSpec::default().select(Selection::everyone()).protect("corp", "CN=breakglass,DC=example,DC=test");
//!     let plan = spec.builder().directory(directory.clone()).write_to(folder.join("plan.jsonl")).await?;
//!     let approvals = Approvals::approve_all(&plan, "a rehearsal")?;
//!     let (journal, vault) = (Arc::new(MemoryJournal::new()), Arc::new(MemoryVault::new()));
//!     let run = Run::new(plan.clone(), journal.clone(), vault).directory(directory.clone()).approvals(approvals);
//!     let end = run.start().await?.finish().await?;
//!     Verifier::new(journal.clone()).directory(directory.clone()).verify(&plan).await?;
//!     let report = Report::of_plan(journal, &plan).directories([directory]).worked(end.worked());
//!     report.write(plan.rows()?, folder).await
//! }
//! ```
//!
//! For a run in earnest take [`journal::SqliteJournal`] and [`vault::SealedFile`], and let people
//! approve. The facade crate `identity-reset` adds the directories and their configuration.
//!
//! # Map
//!
//! | room | what it holds |
//! |---|---|
//! | [`account`] | accounts, their kinds and states, where a password is mastered |
//! | [`directory`] | what a backend implements, and what it can do |
//! | [`privilege`] | tiers, grounds with evidence, nested groups |
//! | [`person`] | the accounts of one person, joined across directories |
//! | [`reset`] | actions, orders, outcomes, passwords |
//! | [`limits`] | quotas, pace, feedback, retry; the one clock |
//! | [`plan`] | who, what, when; the plan file, its digest, approvals |
//! | [`playbook`] | what is decided ahead, as files; triggers that choose among them |
//! | [`engine`] | an approved plan is carried out, stopped, resumed |
//! | [`journal`] | what was intended, and what came of it |
//! | [`vault`] | passwords, sealed before they are sent |
//! | [`watch`] | a run as events, and as a picture of how it stands |
//! | [`verify`] | reads back what the directory confirmed |
//! | [`evidence`] | what the directory's own audit log says of the run |
//! | [`message`] | what people are told: templates, channels, mailings |
//! | [`report`] | one row for each account, and what is left to do |
//! | [`owner`] | who answers for which accounts |
//! | [`inventory`] | the privileged and those that need hands: dated, compared, ticked off |
//! | `http` | (feature) what backends that speak HTTP share: client, tokens, assertions, errors |
//! | [`recovery`] | who could recover alone: the trait, the table of methods, the audit and its file |
//! | [`rehearsal`] | a playbook on the shape of the real directories, in virtual time; the load of the service desk |
//! | [`error`] | the one error |
//!
//! ```text
//! directory ──accounts, privileges──▶ plan ──approved──▶ engine ──orders──▶ directory
//!                                       │                │    │                 │
//!                                       │           vault ◀┘  └▶ journal ◀── verify
//!                                       └────────────────────────▶ report ◀──┘
//! ```
//!
//! # Why it is so
//!
//! - **Steps with files between them.** A plan is a file that people can read, compare and approve
//!   by its digest; the journal and the vault are files that another machine can go on with.
//! - **Durable before visible.** A password is sealed and an intent recorded, both on disk, before
//!   the first byte leaves. So a process that ends at any instant leaves nothing that is not known
//!   or cannot be read back.
//! - **Unknown is an outcome.** No answer is neither success nor failure. It is read back, and then
//!   the same password is sent again or none is.
//! - **Fails closed.** What could not be read counts as privileged; a listing that ends early is an
//!   error; a wave without an approval is not begun.
//! - **One clock.** Whatever waits does so through [`limits::clock`]: tests and rehearsals of hours
//!   take milliseconds, and run the engine of real runs.
//! - **Flat memory.** Accounts pass through as streams, a million as well as a hundred.

pub mod account;
pub mod directory;
mod durable;
pub mod engine;
pub mod error;
pub mod evidence;
#[cfg(feature = "http")]
pub mod http;
pub mod inventory;
pub mod journal;
pub mod limits;
pub mod message;
pub mod owner;
pub mod person;
pub mod plan;
pub mod playbook;
pub mod privilege;
pub mod recovery;
pub mod rehearsal;
pub mod report;
pub mod reset;
pub mod vault;
pub mod verify;
pub mod watch;

//! Who is privileged, and which accounts need hands: standing, dated, compared with the last one, and
//! ticked off.
//!
//! [`Inventory::take`] reads directories, touches nothing, and writes one file: every privileged account
//! with its grounds and their evidence, and every account that people reset (services, connectors of a
//! synchronisation, krbtgt, trusts, managed service accounts, controllers, the protected list) with the
//! reason, the procedure and whoever answers for it. [`Inventory::changes_since`] says what changed since
//! an older file, and what cannot be said because one of the two could not be read in full.
//! [`Checklist`] shows what a plan leaves to people, and records in the run's journal that it was done.
//!
//! # File
//! JSON lines: an [`InventoryHeader`], then an [`InventoryRow`] a line, by directory and id, so that
//! `diff` shows what changed too. The digest of the file is what `sha256sum` shows; the header has the one
//! of the rows (`tail -n +2 FILE | sha256sum`), which is the same for two inventories that found the same.
//! Names and ways into the directory stand in it: only its owner may read it, where the file system knows
//! owners.
//!
//! # What is not in it
//! Ordinary computers (they reset themselves), and, of a directory of which it could not be read who is
//! privileged, the accounts without a ground: any of them may be. The header says so, and so does every
//! comparison.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use identity_core::directory::Backend;
//! # use identity_core::error::Result;
//! use std::path::Path;
//!
//! use identity_core::inventory::Inventory;
//!
//! # async fn example(corp: Arc<dyn Backend>) -> Result<()> {
//! let folder = Path::new("inventories");
//! let last = Inventory::newest_in(folder)?.into_iter().next();
//! let inventory = Inventory::take().directory(corp).write_into(folder).await?;
//! if let Some(last) = last {
//!     for change in inventory.changes_since(&Inventory::open(last)?)? {
//!         println!("{}", change?);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod changes;
mod checklist;
mod differences;
mod file;
mod header;
mod row;
mod take;

pub use changes::{DirectoryChange, InventoryChange, InventoryChanges};
pub use checklist::{ByHand, Checklist, Standing, WhichByHand};
pub use differences::{Difference, Side};
pub use file::{Inventory, InventoryRows};
pub use header::{InventoriedDirectory, InventoryCounts, InventoryHeader, Reading};
pub use row::{Hands, InventoryRow};
pub use take::InventoryBuilder;

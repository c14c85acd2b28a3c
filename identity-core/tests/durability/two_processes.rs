//! One file, two processes.

use identity_core::journal::{Event, Journal, SqliteJournal};
use identity_core::vault::{Identity, SealedFile};

use crate::child::{self, Part, Said};

#[tokio::test]
async fn the_second_process_is_refused_and_told_which_file_and_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = SqliteJournal::create(&path).unwrap();
    refused(&Part::Journal, &path);
    // The first is not disturbed.
    journal.append(vec![Event::RunFinished]).await.unwrap();
    drop(journal);
    accepted(&Part::Journal, &path);

    let path = folder.path().join("vault.jsonl");
    let key = Identity::generate();
    let part = Part::Vault(key.recipient());
    let vault = SealedFile::create(&path, vec![key.recipient()]).unwrap();
    refused(&part, &path);
    drop(vault);
    accepted(&part, &path);
}

fn refused(part: &Part, path: &std::path::Path) {
    let (mut process, said) = child::start(child::command(part, path, 1, 1));
    let said: Vec<Said> = said.collect();
    process.wait().unwrap();
    let [Said::Failed(why), Said::Ended] = said.as_slice() else { panic!("{said:?}") };
    let expected = format!("{} is in use by process {}", path.display(), std::process::id());
    assert!(why.contains(&expected), "{why}");
}

fn accepted(part: &Part, path: &std::path::Path) {
    let (mut process, said) = child::start(child::command(part, path, 1, 1));
    assert_eq!(said.collect::<Vec<_>>(), [Said::Acked(1), Said::Ended]);
    process.wait().unwrap();
}

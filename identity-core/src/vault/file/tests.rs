use std::fs::OpenOptions;
use std::io::Write;

use futures::future::join_all;

use super::*;
use crate::account::{AccountId, DirectoryId};
use crate::reset::SecretKind;
use crate::vault::MemoryVault;

struct Bench {
    // Removed with everything in it at the end of the test.
    _folder: tempfile::TempDir,
    path: PathBuf,
    key: Identity,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.jsonl");
        Self { _folder: folder, path, key: Identity::generate() }
    }

    fn create(&self) -> SealedFile {
        let vault = SealedFile::create(&self.path, vec![self.key.recipient()]).unwrap();
        vault.with_identities(vec![self.key.clone()])
    }

    fn open(&self) -> Result<SealedFile> {
        Ok(SealedFile::open(&self.path, vec![self.key.recipient()])?.with_identities(vec![self.key.clone()]))
    }

    fn opened(&self) -> Vec<(SealedRef, Sealing)> {
        unseal(&self.path, vec![self.key.clone()]).unwrap().map(Result::unwrap).collect()
    }
}

fn sealing(entry: u64, password: &str) -> Sealing {
    Sealing {
        entry,
        directory: DirectoryId::new("corp").unwrap(),
        account: AccountId::new(format!("a-{entry}")).unwrap(),
        name: format!("user{entry}"),
        kind: SecretKind::Password,
        password: Secret::new(password.to_owned()),
    }
}

fn sealed(text: &str) -> SealedRef {
    SealedRef(text.to_owned())
}

#[tokio::test]
async fn what_was_sealed_opens_again_here_and_after_opening_anew() {
    let bench = Bench::new();
    let vault = bench.create();
    // What JSON must escape, and what it need not.
    let odd = "quo\"te \\ back\u{1F511}\nline\t\u{7f}";
    let refs = vault.seal(vec![sealing(1, "first-Secret-1"), sealing(2, odd)]).await.unwrap();
    assert!(refs[0].0.starts_with("1:0:") && refs[1].0.starts_with("1:1:"), "{refs:?}");
    let second = vault.seal(vec![sealing(1, "second-Secret-2")]).await.unwrap().remove(0);
    assert!(second.0.starts_with("2:0:"), "{second:?}");
    assert!(vault.seal(Vec::new()).await.unwrap().is_empty());
    let mut vault = Some(vault);
    for _ in 0..2 {
        let vault = vault.take().unwrap_or_else(|| bench.open().unwrap());
        assert_eq!(vault.reopen(&refs[1]).await.unwrap().unwrap().expose(), odd);
        assert_eq!(vault.reopen(&second).await.unwrap().unwrap().expose(), "second-Secret-2");
        assert_eq!(vault.sealed_for(1).await.unwrap(), [refs[0].clone(), second.clone()]);
        assert_eq!(vault.sealed_for(2).await.unwrap(), [refs[1].clone()]);
        assert!(vault.sealed_for(3).await.unwrap().is_empty());
        for missing in ["", "1", "0:0", "3:0", "1:2", "-1:0", "1:0:0", "99999999999:0"] {
            let print = refs[0].0.rsplit(':').next().unwrap();
            assert!(vault.reopen(&sealed(missing)).await.is_err());
            let error = vault.reopen(&sealed(&format!("{missing}:{print}"))).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Vault, "{missing}");
        }
    }
    let opened = bench.opened();
    assert_eq!(opened.len(), 3);
    assert_eq!((&opened[1].0, opened[1].1.name.as_str()), (&refs[1], "user2"));
    assert_eq!(opened[1].1.password.expose(), odd);
}

#[tokio::test]
async fn no_password_is_ever_on_disk_in_clear_and_the_file_is_private() {
    let bench = Bench::new();
    let vault = bench.create();
    let password = "Clear-Text-Marker-7391";
    vault.seal(vec![sealing(1, password); 50]).await.unwrap();
    for file in std::fs::read_dir(bench.path.parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(12).any(|place| password.as_bytes().windows(12).any(|part| part == place)));
    }
    assert_eq!(bench.opened()[49].1.password.expose(), password);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&bench.path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(!format!("{vault:?}").contains(password));
}

#[tokio::test]
async fn without_a_key_it_seals_but_does_not_open_and_a_wrong_key_says_so() {
    let bench = Bench::new();
    let vault = SealedFile::create(&bench.path, vec![bench.key.recipient()]).unwrap();
    let refs = vault.seal(vec![sealing(1, "a")]).await.unwrap();
    assert!(vault.reopen(&refs[0]).await.unwrap().is_none());
    assert!(vault.reopen(&sealed("7:7")).await.is_err(), "what is missing is missing, key or not");
    let vault = vault.with_identities(vec![Identity::generate()]);
    let error = vault.reopen(&refs[0]).await.unwrap_err();
    assert!(error.detail().contains("other keys"), "{error}");
    let mut opened = unseal(&bench.path, vec![Identity::generate()]).unwrap();
    assert!(opened.next().unwrap().is_err());
    assert!(opened.next().is_none());
    assert_eq!(SealedFile::open(&bench.path, Vec::new()).unwrap_err().kind(), ErrorKind::ConfigInvalid);
}

#[tokio::test]
async fn every_recipient_can_open_it() {
    let bench = Bench::new();
    let other = Identity::generate();
    let vault = SealedFile::create(&bench.path, vec![bench.key.recipient(), other.recipient()]).unwrap();
    vault.seal(vec![sealing(1, "for both")]).await.unwrap();
    for key in [bench.key.clone(), other] {
        let opened: Vec<_> = unseal(&bench.path, vec![Identity::generate(), key]).unwrap().collect();
        assert_eq!(opened[0].as_ref().unwrap().1.password.expose(), "for both");
    }
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_is_cut_off_and_the_rest_stays() {
    let bench = Bench::new();
    let vault = bench.create();
    vault.seal(vec![sealing(1, "kept")]).await.unwrap();
    let kept = std::fs::metadata(&bench.path).unwrap().len();
    vault.seal(vec![sealing(2, "torn")]).await.unwrap();
    drop(vault);
    let whole = std::fs::read(&bench.path).unwrap();
    let kept = usize::try_from(kept).unwrap();
    for length in kept..whole.len() {
        std::fs::write(&bench.path, &whole[..length]).unwrap();
        assert_eq!(bench.opened().len(), 1, "reading aside leaves the torn line out");
        let vault = bench.open().unwrap();
        assert_eq!(vault.cut_off(), u64::try_from(length - kept).unwrap());
        assert!(vault.sealed_for(2).await.unwrap().is_empty());
        assert_eq!(std::fs::metadata(&bench.path).unwrap().len(), u64::try_from(kept).unwrap());
    }
    // And it goes on with the number that the torn line had.
    let vault = bench.open().unwrap();
    assert!(vault.seal(vec![sealing(2, "again")]).await.unwrap()[0].0.starts_with("2:0:"));
    assert_eq!(bench.opened()[1].1.password.expose(), "again");
}

#[tokio::test]
async fn a_damaged_complete_line_is_an_error_that_names_it() {
    let bench = Bench::new();
    let vault = bench.create();
    let mut refs = Vec::new();
    for entry in 1..=3 {
        refs.extend(vault.seal(vec![sealing(entry, "x")]).await.unwrap());
    }
    drop(vault);
    let whole = std::fs::read_to_string(&bench.path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let damaged = [
        ("cut in the middle", format!("{}\n{}\n{}\n", lines[0], &lines[1][..40], lines[2]), 2),
        ("removed", format!("{}\n{}\n", lines[0], lines[2]), 2),
        ("swapped", format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]), 1),
        ("twice", format!("{}\n{}\n", lines[0], lines[0]), 2),
        ("zeros", format!("{}\n{}\n", lines[0], "\0".repeat(100)), 2),
        ("not base64", format!("{}\n", lines[0].replace("\"sealed\":\"", "\"sealed\":\"!")), 1),
        ("no age message", format!("{}\n", lines[0].replace("\"sealed\":\"", "\"sealed\":\"AAAA")), 1),
        ("an empty line", format!("{}\n\n", lines[0]), 2),
    ];
    for (what, text, number) in damaged {
        std::fs::write(&bench.path, &text).unwrap();
        let error = bench.open().unwrap_err();
        assert!(error.detail().contains(&format!("line {number} of")), "{what}: {error}");
        assert_eq!(std::fs::read_to_string(&bench.path).unwrap(), text, "{what}: nothing is cut off");
    }
    // The clear part is not trusted: pointing one account's line at another is found on opening.
    std::fs::write(&bench.path, whole.replace("\"account\":\"a-2\"", "\"account\":\"a-3\"")).unwrap();
    let error = bench.open().unwrap().reopen(&refs[1]).await.unwrap_err();
    assert!(error.detail().contains("was changed"), "{error}");
}

/// Whoever knows a public key can seal a password of their own to it: a reference opens only what
/// was sealed when it was given.
#[tokio::test]
async fn a_line_that_somebody_replaced_does_not_open_by_the_old_reference() {
    let bench = Bench::new();
    let vault = bench.create();
    let reference = vault.seal(vec![sealing(1, "ours")]).await.unwrap().remove(0);
    drop(vault);
    let forger = Bench::new();
    let forged = SealedFile::create(&forger.path, vec![bench.key.recipient()]).unwrap();
    forged.seal(vec![sealing(1, "the intruder's")]).await.unwrap();
    drop(forged);
    let swap = || std::fs::copy(&forger.path, &bench.path).unwrap();

    let before = bench.open().unwrap();
    swap();
    let under_it = before.reopen(&reference).await.unwrap_err();
    drop(before);
    let after = bench.open().unwrap().reopen(&reference).await.unwrap_err();
    for error in [under_it, after] {
        assert!(error.detail().contains("line 1") && error.detail().contains("not what was sealed"), "{error}");
    }
}

#[tokio::test]
async fn a_second_opening_is_refused_and_an_existing_file_is_never_overwritten() {
    let bench = Bench::new();
    let vault = bench.create();
    let error = bench.open().unwrap_err();
    assert!(error.detail().contains("vault.jsonl is in use by process"), "{error}");
    drop(vault);
    let recipients = vec![bench.key.recipient()];
    assert!(SealedFile::create(&bench.path, recipients.clone()).unwrap_err().detail().contains("vault.jsonl"));
    assert!(bench.open().is_ok());
    let nowhere = bench.path.with_file_name("nowhere.jsonl");
    assert!(SealedFile::open(&nowhere, recipients).unwrap_err().detail().contains("does not exist"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_said_so_and_nothing_follows_it() {
    let bench = Bench::new();
    let vault = bench.create();
    vault.seal(vec![sealing(1, "kept")]).await.unwrap();
    vault.swap_file(OpenOptions::new().write(true).open("/dev/full").unwrap());
    let error = vault.seal(vec![sealing(2, "lost")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Vault);
    assert!(error.detail().contains("no space is left for"), "{error}");
    assert!(error.advice().unwrap().contains("free space"));
    let later = vault.seal(vec![sealing(3, "lost")]).await.unwrap_err();
    assert!(later.detail().contains("a write failed: no space"), "{later}");
    assert!(vault.sealed_for(2).await.unwrap().is_empty());
    drop(vault);
    assert_eq!(bench.open().unwrap().sealed_for(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn seals_of_many_callers_share_syncs() {
    let bench = Bench::new();
    let vault = bench.create();
    let calls = (0..200_u64).map(|entry| vault.seal(vec![sealing(entry, &format!("p{entry}"))]));
    let refs: Vec<_> = join_all(calls).await.into_iter().map(|refs| refs.unwrap()[0].clone()).collect();
    assert!(vault.commits() < 200, "{} syncs for 200 calls", vault.commits());
    for entry in [0, 1, 99, 199_u64] {
        let place = usize::try_from(entry).unwrap();
        assert_eq!(vault.sealed_for(entry).await.unwrap(), [refs[place].clone()]);
        let password = vault.reopen(&refs[place]).await.unwrap().unwrap();
        assert_eq!(password.expose(), format!("p{entry}"));
    }
}

#[tokio::test]
async fn the_vault_in_memory_answers_the_same() {
    let bench = Bench::new();
    let durable = bench.create();
    let memory = MemoryVault::new();
    for vault in [&durable as &dyn Vault, &memory] {
        let refs = vault.seal(vec![sealing(5, "a"), sealing(6, "b")]).await.unwrap();
        let again = vault.seal(vec![sealing(5, "c")]).await.unwrap();
        assert_eq!(vault.sealed_for(5).await.unwrap(), [refs[0].clone(), again[0].clone()]);
        assert_eq!(vault.reopen(&refs[1]).await.unwrap().unwrap().expose(), "b");
        assert!(vault.reopen(&sealed("nonsense")).await.is_err());
    }
    assert_eq!(memory.sealed().len(), 3);
}

#[test]
fn a_line_that_is_being_written_does_not_disturb_a_reader() {
    let bench = Bench::new();
    let vault = bench.create();
    futures::executor::block_on(vault.seal(vec![sealing(1, "whole")])).unwrap();
    let mut file = OpenOptions::new().append(true).open(&bench.path).unwrap();
    file.write_all(b"{\"line\":2,\"entr").unwrap();
    assert_eq!(bench.opened().len(), 1);
}

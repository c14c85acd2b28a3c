//! Everybody is told once: over a strict mail server that fails, with interruptions, and never by what
//! is compromised.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use identity_core::account::DirectoryId;
use identity_core::directory::Backend;
use identity_core::error::{ErrorKind, Status};
use identity_core::journal::{Journal, MemoryJournal};
use identity_core::limits::{RetryPolicy, clock};
use identity_core::message::{Mailing, Occasion, Roster, Templates};
use testkit::mock_smtp::{MockSmtp, SmtpFault};
use tokio_util::sync::CancellationToken;

use crate::support::World;

const TEMPLATE: &str = "Subject: {{ facts.incident }}: your password, {{ person.name }}\n\n\
    Dear {{ person.name or \"colleague\" }},\n.hidden by a dot\n{% for account in accounts %}{{ account.name }}\n{% endfor %}";

struct Post {
    world: World,
    server: MockSmtp,
    folder: tempfile::TempDir,
    roster: Roster,
    people: BTreeMap<String, String>,
}

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}

impl Post {
    async fn new(accounts: u64) -> Self {
        let world = World::new(accounts).await;
        let server = MockSmtp::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = format!(
            "format = 1\nlanguages = [\"en\", \"de\"]\n[pace]\nper_minute = 1000000\nin_flight = 4\n[needs]\nincident = \"its number\"\n\
             [mailboxes]\n\"behind.test\" = [\"corp\"]\n\
             [[channel]]\nname = \"mail\"\nkind = \"smtp\"\ndepends_on = [\"other\"]\nserver = \"127.0.0.1\"\nport = {}\n\
             tls = \"none\"\nfrom = \"Desk <desk@example.test>\"\n\
             [[channel]]\nname = \"letter\"\nkind = \"files\"\ndepends_on = []\n",
            server.port()
        );
        write(folder.path(), "messages.toml", &settings);
        write(folder.path(), "instruction.en.txt", TEMPLATE);
        write(folder.path(), "instruction.de.txt", &TEMPLATE.replace("Dear", "Hallo"));
        let mut contacts = String::from("account,mail,language,name\n");
        let mut people = BTreeMap::new();
        for (place, entry) in world.resets().into_iter().enumerate() {
            let mail = format!("p{place}@home.test");
            let language = if place % 2 == 0 { "de_AT" } else { "" };
            contacts += &format!("{},{mail},{language},\"Ada\r\nBcc: everybody@example.test\"\n", entry.id);
            people.insert(entry.id.to_string(), mail);
        }
        write(folder.path(), "contacts.csv", &contacts);
        let directory: std::sync::Arc<dyn Backend> = world.directory.clone();
        let roster = Roster::of(&world.plan, Occasion::Instruction)
            .contacts(folder.path().join("contacts.csv"))
            .directories([directory])
            .build()
            .await
            .unwrap();
        Self { world, server, folder, roster, people }
    }

    fn mailing(&self, channels: &[&str]) -> Mailing {
        let templates = Templates::open(self.folder.path()).unwrap().with_fact("incident", "INC-1").unwrap();
        let retry = RetryPolicy::default().with_backoff(Duration::from_millis(1), Duration::from_millis(2));
        Mailing::new(templates, Occasion::Instruction)
            .with_retry(retry.with_max_attempts(NonZeroU32::new(3).unwrap()))
            .channels(channels.iter().copied(), self.folder.path())
            .unwrap()
    }

    fn told(&self) -> BTreeMap<String, usize> {
        let mut told = BTreeMap::new();
        for mail in self.server.accepted() {
            *told.entry(mail.to).or_default() += 1;
        }
        told
    }
}

fn never() -> CancellationToken {
    CancellationToken::new()
}

#[tokio::test]
async fn everybody_is_told_once_and_nobody_twice() {
    let post = Post::new(120).await;
    let persons = post.roster.len().unwrap();
    assert!(persons > 50, "{persons}");
    let (mailing, journal) = (post.mailing(&["mail"]), MemoryJournal::new());
    let end = mailing.send(&post.roster, &journal, &never()).await.unwrap();
    assert_eq!((end.persons, end.told, end.told_now, end.unknown, end.untold), (persons, persons, persons, 0, 0));
    let again = post.mailing(&["mail", "letter"]).send(&post.roster, &journal, &never()).await.unwrap();
    assert_eq!((again.told, again.told_now), (persons, 0));
    let told = post.told();
    assert_eq!(told.len() as u64, persons);
    assert!(told.values().all(|times| *times == 1));
    assert_eq!(post.server.wrong(), [""; 0]);

    let mails = post.server.accepted();
    let german = mails.iter().filter(|mail| mail.raw.contains("Hallo")).count();
    assert!(german > 10 && german < mails.len(), "{german}");
    for mail in &mails {
        let (headers, body) = mail.raw.split_once("\n\n").unwrap();
        assert!(!headers.lines().any(|line| line.to_lowercase().starts_with("bcc:")), "{headers}");
        assert!(
            headers.contains("Auto-Submitted: auto-generated") && headers.contains("Message-ID: <instruction-1.p-"),
            "{headers}"
        );
        assert!(body.contains(".hidden by a dot"), "{body}");
    }
    // Another round tells everybody again, once.
    let end = post.mailing(&["mail"]).round(2).send(&post.roster, &journal, &never()).await.unwrap();
    assert_eq!(end.told_now, persons);
}

#[tokio::test]
async fn what_a_server_answers_decides_what_follows() {
    let post = Post::new(60).await;
    let mut mails = post.people.values().cloned();
    // Only those of persons are written to.
    let on_roster: BTreeSet<String> =
        post.roster.page(None, 1000).unwrap().iter().map(|to| to.addresses[0].value.clone()).collect();
    let mut next = || mails.by_ref().find(|mail| on_roster.contains(mail)).unwrap();
    let [busy, refused, no_data, before, after, away] = std::array::from_fn(|_| next());
    post.server.fail(&busy, [SmtpFault::Recipient(450), SmtpFault::Data(451)]);
    post.server.fail(&refused, [SmtpFault::Recipient(550)]);
    post.server.fail(&no_data, [SmtpFault::Data(554)]);
    post.server.fail(&before, [SmtpFault::BreakBefore]);
    post.server.fail(&after, [SmtpFault::BreakAfter]);
    post.server.fail(&away, [SmtpFault::Recipient(450); 3]);
    let (mailing, journal) = (post.mailing(&["mail"]), MemoryJournal::new());
    let end = mailing.send(&post.roster, &journal, &never()).await.unwrap();
    assert_eq!((end.unknown, end.untold), (1, 3), "{end}");
    let told = post.told();
    assert_eq!((told.get(&busy), told.get(&before)), (Some(&1), Some(&1)));
    assert_eq!(told.get(&after), Some(&1), "the server has it, and nobody knows");
    assert_eq!((told.get(&refused), told.get(&no_data), told.get(&away)), (None, None, None));

    let list = post.folder.path().join("untold.csv");
    assert_eq!(mailing.write_untold(&post.roster, &list).unwrap(), 4);
    let list = std::fs::read_to_string(list).unwrap();
    let words = [
        "mail: refused: send mail: permanent error (550)",
        "(554)",
        "mail: for now: send mail: transient error (450)",
        "may have been told by mail",
    ];
    assert!(words.iter().all(|words| list.contains(words)), "{list}");

    // Sent again, those that were away are told; who refused is told by letter; what is unknown is not touched.
    let second = post.mailing(&["mail", "letter"]);
    let end = second.send(&post.roster, &journal, &never()).await.unwrap();
    assert_eq!((end.told_now, end.unknown, end.untold), (3, 1, 0), "{end}");
    assert_eq!(post.told().get(&after), Some(&1));
    let letters = std::fs::read_to_string(post.folder.path().join("instruction-1-letter.csv")).unwrap();
    assert_eq!(letters.matches("instruction-1.p-").count(), 2, "{letters}");

    // Only when somebody says so is it sent again.
    assert_eq!(second.release(&post.roster, &journal, "Ada").await.unwrap(), 1);
    let end = second.send(&post.roster, &journal, &never()).await.unwrap();
    assert_eq!((end.told, end.told_now), (end.persons, 1));
    assert_eq!(post.told().get(&after), Some(&2));
}

/// The promise: interrupted anywhere and gone on with, nobody is told twice and nobody is forgotten.
#[tokio::test]
async fn interrupted_anywhere_nobody_is_told_twice_and_nobody_is_forgotten() {
    let post = Post::new(150).await;
    let persons = post.roster.len().unwrap();
    let (journal, mut interrupted) = (MemoryJournal::new(), 0);
    for stop_after in [3, 7, 11, 20, 31, 44, 60] {
        let mailing = post.mailing(&["mail"]);
        let stop = never();
        let sending = mailing.send(&post.roster, &journal, &stop);
        let watching = async {
            while post.server.accepted().len() < stop_after {
                clock::sleep(Duration::from_micros(200)).await;
            }
        };
        // What is dropped here ends as a process that is killed: between any two of its steps.
        tokio::select! {
            biased;
            () = watching => interrupted += 1,
            end = sending => { end.unwrap(); }
        }
    }
    assert!(interrupted >= 5, "{interrupted}");
    let mailing = post.mailing(&["mail"]);
    let end = mailing.send(&post.roster, &journal, &never()).await.unwrap();
    assert_eq!((end.persons, end.untold), (persons, 0), "{end}");
    assert_eq!(end.told + end.unknown, persons);
    assert!(end.unknown > 0 && end.unknown <= 4 * interrupted, "{end}");
    let told = post.told();
    assert!(told.values().all(|times| *times == 1), "{told:?}");
    assert!(told.len() as u64 >= end.told, "who is told by the journal has it");
    // Who is in neither count was not told, and is told when somebody lets it be.
    let before: BTreeSet<String> = told.into_keys().collect();
    let released = mailing.release(&post.roster, &journal, "Ada").await.unwrap();
    assert_eq!(released, end.unknown);
    mailing.send(&post.roster, &journal, &never()).await.unwrap();
    let after = post.told();
    assert_eq!(after.len() as u64, persons, "nobody is forgotten");
    assert!(after.iter().all(|(to, times)| *times == 1 || before.contains(to) && *times == 2));
}

#[tokio::test]
async fn nothing_goes_by_what_is_compromised() {
    let post = Post::new(60).await;
    let journal = MemoryJournal::new();
    let id = |text: &str| DirectoryId::new(text).unwrap();
    // The channel depends on it: refused by name before anything is sent.
    let mailing = post.mailing(&["mail", "letter"]).compromised([id("other")]);
    let error = mailing.send(&post.roster, &journal, &never()).await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("channel mail depends on other") && told.contains("letter"), "{told}");
    let templates = Templates::open(post.folder.path()).unwrap();
    let opened = Mailing::new(templates, Occasion::Instruction).compromised([id("other")]);
    assert!(opened.channels(["mail"], post.folder.path()).is_err());
    assert_eq!((post.server.accepted().len(), journal.head().await.unwrap().number), (0, 0));

    // A mailbox that is behind it is not written to, whatever the channel says.
    let contacts = std::fs::read_to_string(post.folder.path().join("contacts.csv")).unwrap();
    write(post.folder.path(), "contacts.csv", &contacts.replace("@home.test", "@Behind.test"));
    let roster = Roster::of(&post.world.plan, Occasion::Instruction).contacts(post.folder.path().join("contacts.csv"));
    let roster = roster.build().await.unwrap();
    let mailing = post.mailing(&["mail"]).compromised([id("corp")]);
    let end = mailing.send(&roster, &journal, &never()).await.unwrap();
    assert_eq!((end.told, end.untold), (0, end.persons));
    let list = post.folder.path().join("untold.csv");
    mailing.write_untold(&roster, &list).unwrap();
    assert!(std::fs::read_to_string(list).unwrap().contains("@Behind.test is behind corp, which is compromised"));
    assert_eq!(post.server.accepted().len(), 0);
}

#[tokio::test]
async fn no_password_is_within_reach_of_a_template() {
    let post = Post::new(40).await;
    // A run first: the vault, the journal and the directory hold passwords.
    post.world.finish().await;
    let secrets: Vec<String> = post
        .world
        .resets()
        .iter()
        .flat_map(|entry| post.world.sealed(entry))
        .map(|secret| secret.expose().to_owned())
        .collect();
    assert!(!secrets.is_empty());
    for name in
        ["password", "person.password", "accounts.password", "vault", "facts.password", "person", "facts", "env"]
    {
        write(post.folder.path(), "instruction.en.txt", &format!("Subject: x\n\nfirst\n{{{{ {name} }}}}\n"));
        let error = Templates::open(post.folder.path()).unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::ConfigInvalid, Status::Permanent));
        assert!(error.to_string().contains("instruction.en.txt: line 4"), "{name}: {error}");
    }
    // Nor by whatever walks through all that there is.
    let all = "Subject: x\n\n{{ person.name }}{% for account in accounts %}{% for key in account %}{{ key }}={{ account[key] }} {% endfor %}{% endfor %}";
    write(post.folder.path(), "instruction.en.txt", all);
    write(post.folder.path(), "instruction.de.txt", all);
    let journal = MemoryJournal::new();
    post.mailing(&["mail"]).send(&post.roster, &journal, &never()).await.unwrap();
    let mut everything: String = post.server.accepted().iter().map(|mail| mail.raw.clone()).collect();
    assert!(everything.contains("name=") || everything.contains("name=3D"), "{everything}");
    let mut records = journal.records(1);
    while let Some(record) = records.next().await {
        everything += &serde_json::to_string(&record.unwrap()).unwrap();
    }
    assert!(secrets.iter().all(|secret| !everything.contains(secret.as_str())));
}

#[tokio::test]
async fn what_is_not_ready_sends_nothing() {
    let post = Post::new(40).await;
    let journal = MemoryJournal::new();
    let open = || Templates::open(post.folder.path());
    let mailing = Mailing::new(open().unwrap(), Occasion::Instruction).channels(["mail"], post.folder.path()).unwrap();
    let error = mailing.send(&post.roster, &journal, &never()).await.unwrap_err().to_string();
    assert!(error.contains("incident (its number)"), "{error}");
    assert!(open().unwrap().with_fact("incident", "a\nBcc: x").is_err());
    assert!(open().unwrap().with_fact("incidnet", "a").unwrap_err().to_string().contains("incidnet"));

    // A template that fails for one person alone is found before anybody is told.
    let name = post.roster.page(None, 1000).unwrap().last().unwrap().accounts[0].name.clone();
    let traps = format!(
        "Subject: x\n\n{{% for account in accounts %}}{{% if account.name == \"{name}\" %}}{{{{ account.nothing }}}}{{% endif %}}{{% endfor %}}y\n"
    );
    write(post.folder.path(), "instruction.en.txt", &traps);
    write(post.folder.path(), "instruction.de.txt", &traps);
    let error = post.mailing(&["mail"]).send(&post.roster, &journal, &never()).await.unwrap_err().to_string();
    assert!(error.contains("line 3"), "{error}");
    // Too large is found too.
    write(post.folder.path(), "instruction.en.txt", &format!("Subject: x\n\n{}\n", "y".repeat(70_000)));
    write(post.folder.path(), "instruction.de.txt", "Subject: x\n\ny\n");
    let error = post.mailing(&["mail"]).send(&post.roster, &journal, &never()).await.unwrap_err().to_string();
    assert!(error.contains("and mail takes 65536"), "{error}");
    assert_eq!((post.server.accepted().len(), journal.head().await.unwrap().number), (0, 0));

    // Another server may not be spoken to without TLS, and this one does not speak it.
    let settings = std::fs::read_to_string(post.folder.path().join("messages.toml")).unwrap();
    write(post.folder.path(), "messages.toml", &settings.replace("\"127.0.0.1\"", "\"mail.example.test\""));
    assert!(open().unwrap_err().to_string().contains("only a server on this machine"));
    write(post.folder.path(), "messages.toml", &settings.replace("tls = \"none\"\n", ""));
    write(post.folder.path(), "instruction.en.txt", "Subject: x\n\ny\n");
    let error = post.mailing(&["mail"]).send(&post.roster, &journal, &never()).await.unwrap_err().to_string();
    assert!(error.contains("does not offer STARTTLS"), "{error}");
    assert_eq!(post.server.accepted().len(), 0);
}

#[tokio::test]
async fn letters_survive_a_half_written_row_and_names_are_escaped_in_html() {
    let post = Post::new(40).await;
    let journal = MemoryJournal::new();
    let end = post.mailing(&["letter"]).send(&post.roster, &journal, &never()).await.unwrap();
    assert_eq!(end.told, end.persons);
    let path = post.folder.path().join("instruction-1-letter.csv");
    let whole = std::fs::read(&path).unwrap();
    // Killed within the last row, and before the journal had it.
    std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let end = post.mailing(&["letter"]).send(&post.roster, &MemoryJournal::new(), &never()).await.unwrap();
    assert_eq!(end.told, end.persons);
    let rows = csv::Reader::from_path(&path).unwrap().into_records().map(|row| row.unwrap()[0].to_owned());
    let rows: Vec<String> = rows.collect();
    assert_eq!((rows.len() as u64, rows.iter().collect::<BTreeSet<_>>().len() as u64), (end.persons, end.persons));

    write(post.folder.path(), "instruction.en.html", "<p>Dear {{ person.name }}</p>");
    let mut to = post.roster.page(None, 1).unwrap().remove(0);
    to.name = "<script>alert(1)</script>".to_owned();
    to.language = None;
    let templates = Templates::open(post.folder.path()).unwrap().with_fact("incident", "i").unwrap();
    let html = templates.render(Occasion::Instruction, 1, &to, "mail").unwrap().html.unwrap();
    assert!(html.contains("&lt;script&gt;"), "{html}");
    write(post.folder.path(), "instruction.en.html", "<p>Dear {{ person.name | safe }}</p>");
    assert!(Templates::open(post.folder.path()).unwrap_err().to_string().contains("line 1"), "no filter turns it off");
}

#[test]
fn the_ready_made_messages_can_be_used() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/messages");
    assert_eq!(Templates::check(&folder).unwrap(), []);
    assert_eq!(Templates::open(&folder).unwrap().occasions(), Occasion::ALL);
}

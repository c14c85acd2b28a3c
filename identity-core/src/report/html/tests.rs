//! The page: nothing from outside is markup, it is bounded, and it says what it leaves out.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use sha2::{Digest, Sha256};

use super::LISTED;
use crate::error::ErrorKind;
use crate::journal::{Baseline, Event, Verdict};
use crate::plan::{Disposition, Entry, PlanRow};
use crate::report::tests::{approved, error, report, started};
use crate::verify::fixture::{Ledger, SET_MUST_CHANGE, at, corp, done, entry};

fn failed(seq: u64) -> Event {
    Event::Failed { entry: seq, action: SET_MUST_CHANGE, attempt: 1, error: error(ErrorKind::PasswordRejected) }
}

fn manual(seq: u64, owner: &str) -> Entry {
    let mut entry = entry(seq, &corp(), &[]);
    entry.disposition = Disposition::Manual {
        reason: "a domain administrator".into(),
        procedure: "call <b>two</b> persons".into(),
        owner: Some(owner.into()),
    };
    entry
}

async fn files(plan: &[Entry], events: Vec<Event>, mark: &str, folder: &Path) -> String {
    let rows = plan.iter().map(|entry| Ok(PlanRow::Entry(entry.clone())));
    report(&Ledger::of(events)).mark(mark).write(rows, folder).await.unwrap();
    std::fs::read_to_string(folder.join("report.html")).unwrap()
}

async fn page(plan: &[Entry], events: Vec<Event>, mark: &str) -> String {
    files(plan, events, mark, tempfile::tempdir().unwrap().path()).await
}

#[tokio::test]
async fn no_name_of_a_directory_becomes_markup() {
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</style><script>",
        "\u{202e}nimda",
        "a\u{0}b\u{200b}c",
        "&lt;script&gt;",
    ];
    let mut plan: Vec<Entry> = Vec::new();
    let mut events = vec![started(false), approved("<i>wave</i>")];
    for (seq, name) in (1..).zip(names) {
        let mut hostile = entry(seq, &corp(), &[SET_MUST_CHANGE]);
        (hostile.name, hostile.wave) = (name.into(), "<i>wave</i>".into());
        plan.push(hostile);
        events.push(failed(seq));
    }
    plan.push(manual(7, "<script src=//evil>"));
    let mut long = entry(8, &corp(), &[SET_MUST_CHANGE]);
    long.name = "<".repeat(10_000);
    plan.push(long);
    events.extend([failed(8), Event::WaveStarted { wave: "<i>wave</i>".into() }]);
    let page = page(&plan, events, "<b>MARK</b>").await;
    // Every element that the page has is one that this crate writes.
    let known = "!DOCTYPE a aside b bdi body br caption code dd details div dl dt figure footer h1 h2 h3 head header html li line \
                 main meta nav p path pre rect section span strong style summary svg table tbody td th thead time \
                 title tr ul";
    let known: BTreeSet<&str> = known.split(' ').collect();
    for tag in page.split('<').skip(1) {
        let name = tag.trim_start_matches('/').split([' ', '>', '\n']).next().unwrap();
        assert!(known.contains(name), "<{}", &tag[..tag.len().min(60)]);
        let attributes = tag.split('>').next().unwrap();
        for word in [" style=", " onerror", " onclick", " src="] {
            assert!(!attributes.contains(word), "{attributes}");
        }
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("[U+202E]nimda") && page.contains("a[U+0000]b[U+200B]c"));
    assert!(page.contains("&amp;lt;script&amp;gt;") && page.contains("… (10,000 characters)"));
    assert!(page.contains("call &lt;b&gt;two&lt;/b&gt; persons"));
    assert!(!page.contains(['\u{202e}', '\u{0}', '\u{200b}']));
    assert!(page.len() < 200_000, "{}", page.len());
}

#[tokio::test]
async fn the_policy_allows_the_one_style_sheet_and_nothing_else() {
    let page = page(&[entry(1, &corp(), &[SET_MUST_CHANGE])], vec![started(false)], "\"}</style><script>").await;
    let sheet = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(sheet.as_bytes()));
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    let policy = policy.replace("&#39;", "'");
    assert_eq!(policy, format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"));
    assert_eq!(page.matches("<style>").count(), 1);
    for word in ["<script", "http:", "https:", "url(", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[tokio::test]
async fn a_mark_is_in_every_file_and_on_every_sheet() {
    let folder = tempfile::tempdir().unwrap();
    let plan = [entry(1, &corp(), &[SET_MUST_CHANGE])];
    let marked = files(&plan, vec![started(false), failed(1)], "REHEARSAL\n ", folder.path()).await;
    assert!(marked.contains("<aside class=\"mark\" aria-label=\"Mark of this report\">REHEARSAL</aside>"));
    assert!(marked.contains("@top-center{content:\"REHEARSAL\"}"));
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(json["summary"]["mark"], "REHEARSAL");
    for name in ["report.csv", "todo.csv"] {
        let mut table = csv::Reader::from_path(folder.path().join(name)).unwrap();
        assert_eq!(table.headers().unwrap().iter().next_back(), Some("mark"), "{name}");
        for line in table.records() {
            assert_eq!(line.unwrap().iter().next_back(), Some("REHEARSAL"), "{name}");
        }
    }
    let plain = page(&plan, vec![started(false), failed(1)], "  ").await;
    assert!(!plain.contains("class=\"mark\"") && !plain.contains("class=\"stamp\""));
}

#[tokio::test]
async fn the_page_names_the_digests_of_the_files_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let plan = [entry(1, &corp(), &[SET_MUST_CHANGE]), manual(2, "ada")];
    let page = files(&plan, vec![started(false), failed(1)], "", folder.path()).await;
    for name in ["report.csv", "report.json", "todo.csv"] {
        let digest = hex::encode(Sha256::digest(std::fs::read(folder.path().join(name)).unwrap()));
        assert!(page.contains(&format!("\n{digest}  {name}\n")), "{name}");
    }
}

#[tokio::test]
async fn what_is_listed_is_bounded_and_the_privileged_come_first() {
    let all = 3 * LISTED as u64;
    let mut plan: Vec<Entry> = (1..=all).map(|seq| entry(seq, &corp(), &[SET_MUST_CHANGE])).collect();
    let last = plan.last_mut().unwrap();
    last.tier = crate::privilege::Tier::Control;
    last.name = "the-last-administrator".into();
    plan.extend((all + 1..=2 * all).map(|seq| manual(seq, "ada")));
    let mut events = vec![started(false), Event::WaveStarted { wave: "workforce-1".into() }];
    events.extend((1..=all).map(failed));
    let page = page(&plan, events, "").await;
    assert!(page.contains("600 accounts; this page lists the first 200 of them, the privileged first. The other 400 are in report.csv and todo.csv"));
    assert!(page.contains("The other 400 are in report.csv, as all of them are"));
    assert!(page.contains("the-last-administrator") && !page.contains("<bdi>user599</bdi>"));
    assert!(page.matches("<tr>").count() < 2 * LISTED + 120, "{}", page.matches("<tr>").count());
}

#[tokio::test]
async fn the_curve_counts_each_account_once_and_stays_small() {
    const ACCOUNTS: u64 = 100_000;
    let mut events = vec![started(false)];
    for seq in 1..=ACCOUNTS {
        events.extend(done(seq, SET_MUST_CHANGE, Baseline::default()));
    }
    for _ in 0..2 {
        let read = |entry| Event::Verified { entry, verdict: Verdict::Changed, last_set: Some(at(3)) };
        events.extend((1..=ACCOUNTS).map(read));
    }
    events.extend([failed(ACCOUNTS), Event::RunFinished]);
    let records = Ledger::of(events).records.lock().unwrap().clone();
    let mut fold = crate::report::timeline::Fold::default();
    records.iter().for_each(|record| fold.take(record));
    let timeline = fold.finish();
    let sum = |of: fn(&crate::report::Bucket) -> u64| timeline.buckets.iter().map(of).sum::<u64>();
    assert_eq!((sum(|at| at.confirmed), sum(|at| at.read_back), sum(|at| at.troubled)), (ACCOUNTS, ACCOUNTS, 1));
    assert!((120..=240).contains(&timeline.buckets.len()), "{}", timeline.buckets.len());
    // A record a second: the stretches cover all of them, and not twice as much.
    let seconds = records.len() as f64;
    assert!(timeline.seconds() >= seconds - 1.0 && timeline.seconds() < seconds * 1.1, "{}", timeline.seconds());
    let what: Vec<&str> = timeline.milestones.iter().map(|at| at.what.as_str()).collect();
    assert_eq!(
        what[1..],
        ["Reading back began", "The last account was read back", "The run finished"],
        "in the order of the records"
    );
}

#[tokio::test]
async fn a_journal_that_names_numbers_far_apart_costs_little() {
    let mut fold = crate::report::timeline::Fold::default();
    let numbers = [u64::MAX, 1, u64::MAX - 1, 1 << 40];
    let events = numbers.into_iter().chain([1]).flat_map(|seq| done(seq, SET_MUST_CHANGE, Baseline::default()));
    let ledger: Arc<Ledger> = Ledger::of(events);
    ledger.records.lock().unwrap().iter().for_each(|record| fold.take(record));
    assert_eq!(fold.finish().buckets.iter().map(|at| at.confirmed).sum::<u64>(), 4);
}

#[tokio::test]
async fn what_was_used_of_a_quota_stands_beside_its_share() {
    let quota = crate::limits::QuotaStats {
        name: "writes",
        window: std::time::Duration::from_secs(150),
        limit: Some(3_000),
        allowed: 2_400.0,
        remaining: None,
        used: 1_180,
        share: 1_200.0,
        refused: 7,
    };
    let run = crate::report::DirectoryRun::new(corp(), "ldap").with_quotas(vec![quota]);
    let run = run.with_duration(std::time::Duration::from_secs(75));
    let folder = tempfile::tempdir().unwrap();
    let events = [started(false)].into_iter().chain(done(1, SET_MUST_CHANGE, Baseline::default()));
    let plan = [Ok(PlanRow::Entry(entry(1, &corp(), &[SET_MUST_CHANGE])))];
    report(&Ledger::of(events)).directory(run).write(plan, folder.path()).await.unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    for cells in [
        "<td><bdi>writes</bdi></td><td>2400 of 3,000 in 2 minutes 30 seconds</td><td class=\"n\">1,180</td>\
         <td class=\"n\">1200</td><td>98 %",
        "</td><td class=\"n\">7</td>",
        "<td>1 minute 15 seconds</td><td class=\"n\">1</td>",
    ] {
        assert!(page.contains(cells), "{cells}");
    }
}

#[tokio::test]
async fn waves_without_end_are_counted_and_not_kept() {
    let waves = (0..1_000).map(|number| Event::WaveStarted { wave: format!("workforce-{number}") });
    let page =
        page(&[entry(1, &corp(), &[SET_MUST_CHANGE])], [started(false)].into_iter().chain(waves).collect(), "").await;
    assert!(page.contains("941 milestones more are not listed here; report.json has 340 of them"));
}

//! The lines of the README that embed the library, and enough around them to run: without
//! arguments on an embedded mock directory, with them on the directories of a file.
//!
//! ```text
//! cargo run --example embed
//! cargo run --example embed -- directories.toml run age1…
//! ```

#![allow(clippy::print_stdout, reason = "what came of it is what it is run for")]

use std::error::Error as StdError;
use std::io::{BufRead, IsTerminal};

use testkit::mock_ad::MockAd;
use testkit::organisation::special;

// What follows, up to the next line of this kind, is the README's; a test compares them.
// <!-- embed -->
use std::path::Path;

use identity_reset::prelude::*;
use identity_reset::report::Summary;

/// Says what would be done to whom. It only reads.
async fn plan(directories: &Directories, folder: &Path) -> Result<Plan> {
    let spec = PlanSpec::default().select(Selection::everyone()).protect_all(directories.protected());
    let backends = directories.connect().await?;
    spec.builder().directories(backends).write_to(folder.join("plan.jsonl")).await
}

/// Carries out the waves that people approved. The same call goes on where a crash cut it off.
async fn carry_out(directories: &Directories, folder: &Path, recipient: &str) -> Result<Summary> {
    let plan = Plan::open(folder.join("plan.jsonl"))?;
    // Each approval names a wave and the plan's digest: of a changed plan it does not hold.
    let approvals = Approvals::load(folder.join("approvals.json"))?;
    let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::open_or_create(folder.join("journal.sqlite"))?);
    // A password is sealed to this age key, and on disk, before the directory sees it.
    let recipients = vec![Recipient::parse(recipient)?];
    let vault = Arc::new(SealedFile::open_or_create(folder.join("vault.jsonl"), recipients)?);
    let backends = directories.connect().await?;

    let run = Run::new(plan.clone(), journal.clone(), vault).directories(backends.clone()).approvals(approvals);
    let end = run.start().await?.finish().await?;
    // What the directory confirmed is read back; only what shows then is called done.
    Verifier::new(journal.clone()).directories(backends.clone()).verify(&plan).await?;
    let report = Report::of_plan(journal, &plan).directories(backends).worked(end.worked());
    report.write(plan.rows()?, folder).await
}
// <!-- /embed -->

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => on_a_mock().await,
        [file, folder, recipient] => {
            let (directories, folder) = (Directories::from_file(file)?, Path::new(folder));
            std::fs::create_dir_all(folder)?;
            if !folder.join("plan.jsonl").exists() {
                let plan = plan(&directories, folder).await?;
                println!("{}", plan.summary());
                ask(&plan)?.save(folder.join("approvals.json"))?;
            }
            println!("{}", carry_out(&directories, folder, recipient).await?);
            Ok(())
        }
        _ => Err("say nothing, or: DIRECTORIES-FILE FOLDER AGE-RECIPIENT".into()),
    }
}

/// The same on an organisation of 1,000 accounts that lives as long as the process.
async fn on_a_mock() -> Result<(), Box<dyn StdError>> {
    let mock = MockAd::builder().start().await?;
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    std::fs::write(folder.join("bind"), mock.bind_password())?;
    mock.write_ca(folder.join("ca.pem"))?;
    let organisation = mock.organisation();
    let [first, second] = [special::BREAK_GLASS_1, special::BREAK_GLASS_2]
        .map(|index| organisation.account(index).dn(&organisation.base_dn()));
    let file = format!(
        "[[directory]]\nid = \"corp\"\nkind = \"ldap\"\nurl = {:?}\nbind_dn = {:?}\n\
         bind_password_file = \"bind\"\nca_file = \"ca.pem\"\nprotected = [{first:?}, {second:?}]\n",
        mock.url(),
        mock.bind_dn(),
    );
    std::fs::write(folder.join("directories.toml"), file)?;
    let directories = Directories::from_file(folder.join("directories.toml"))?;
    let key = Identity::generate();

    let plan = plan(&directories, folder).await?;
    println!("{}\nEvery wave is approved without asking, since this directory is a mock.\n", plan.summary());
    Approvals::approve_all(&plan, "the embedded default")?.save(folder.join("approvals.json"))?;
    let summary = carry_out(&directories, folder, &key.recipient().to_string()).await?;
    println!("{summary}");
    if summary.accounts.verified < summary.accounts.planned || mock.record().is_empty() {
        return Err("a mock without faults, and not every planned account is verified".into());
    }
    mock.shutdown().await;
    Ok(())
}

/// A person's approval of every wave; `mass_reset` asks for each one apart.
fn ask(plan: &Plan) -> Result<Approvals, Box<dyn StdError>> {
    if !std::io::stdin().is_terminal() {
        return Err("nobody is at a terminal to approve the plan; nothing was touched".into());
    }
    println!("Your name approves every wave of plan {}; nothing approves nothing:", plan.digest());
    let mut name = String::new();
    std::io::stdin().lock().read_line(&mut name)?;
    Ok(Approvals::approve_all(plan, name.trim())?)
}

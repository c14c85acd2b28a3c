//! Plan, approve, execute, verify, report.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use identity_reset::error::{ErrorKind, Result};
use identity_reset::limits::clock;
use identity_reset::message::Templates;
use identity_reset::plan::{PlanBuilder, PlannedMessages, PopulationActions, ServiceDisposition, WaveSizes};
use identity_reset::playbook::{Arguments, Playbook};
use identity_reset::prelude::*;
use identity_reset::recovery::ReadinessFile;
use identity_reset::report::Summary;
use identity_reset::verify::Convergence;
use identity_reset::watch::{Picture, RunEvent};

use crate::approve;
use crate::events::Events;
use crate::folder::{Folder, input, nobody, write};
use crate::options::{Choice, Options, Part, PasswordAction};
use crate::screen::Screen;
use crate::show;
use crate::source::Source;
use crate::stop::Stop;
use crate::{Exit, Fault, Telemetry};

/// The whole journey.
pub(crate) async fn travel(options: &Options, telemetry: Option<&Telemetry>) -> Result<Exit, Fault> {
    let began = clock::instant();
    if !options.statement.is_empty() {
        approve::state(options, &Folder::open(None, options.resume.as_deref())?)?;
        return Ok(Exit::Clean);
    }
    // What can be found wrong without the directories is found before they are asked.
    if options.json && options.events_out() {
        return Err(input("--json and --events - both want standard output".to_owned())
            .with_advice("name a file or a pipe for the events")
            .into());
    }
    // Not left to clap: it drops what is required where an option is given that conflicts with it.
    if options.playbook.is_none() && !options.parameter.is_empty() {
        return Err(input("--parameter fills in a playbook, and none is given".to_owned())
            .with_advice("name it with --playbook FILE")
            .into());
    }
    let playbook = options.playbook.as_ref().map(Playbook::from_file).transpose()?;
    let readiness = options.readiness.as_ref().map(ReadinessFile::open).transpose()?;
    told(options, playbook.as_ref())?;
    let recipients = recipients(options, playbook.as_ref())?;
    let identities = options.identity.as_ref().map(Identity::read_file).transpose()?;
    let source = Source::connect(options, options.resume.as_deref()).await?;
    let spec = match &playbook {
        Some(playbook) => of_playbook(options, playbook, &source)?,
        None => spec(options, &source)?,
    };
    if options.resume.is_none() {
        spec.check_hand_off(readiness.as_ref())?;
    }
    // Made only now: a fault above leaves nothing behind.
    let folder = Folder::open(options.out.as_deref(), options.resume.as_deref())?;
    show::line(&format!("run folder: {}", folder.path().display()));
    // Before the plan: whoever resumes finds these as soon as there is something to resume.
    if let Some(origin) = &source.origin {
        write(&folder.origin(), &format!("{}\n", origin.display()))?;
    }
    folder.keep_recipients(&recipients)?;
    let plan = match options.resume {
        Some(_) => Plan::open(folder.plan())?,
        None => {
            let builder = spec.builder().directories(source.backends.clone());
            readiness.into_iter().fold(builder, PlanBuilder::readiness).write_to(folder.plan()).await?
        }
    };
    show::line(&plan.summary().with_estimates(plan.estimates(&source.backends)).to_string());
    if options.dry_run {
        show::line("dry run: nothing was touched; review the plan, then go on with --resume");
        if options.json {
            show::dry_run(&plan, &folder);
        }
        return Ok(Exit::Clean);
    }
    let approvals = approve::approvals(options, &source, &folder, &plan)?;
    // A run that has begun knows by its journal what is left to approve.
    if !folder.journal().exists()
        && let Some(error) = approve::nothing_approved(&approvals, &plan, approve::rules(options))
    {
        return Err(error.into());
    }
    let identities = match identities {
        None if source.embedded.is_some() => embedded_identity(&folder)?,
        given => given.unwrap_or_default(),
    };
    let recipients = if source.embedded.is_some() {
        identities.iter().map(Identity::recipient).collect()
    } else {
        folder.kept_recipients()?
    };
    let vault: Arc<dyn Vault> = Arc::new(folder.open_vault(recipients, identities)?);
    let journal: Arc<dyn Journal> = Arc::new(folder.open_journal().await?);
    let events = Events::open(options.events.as_deref())?;
    let stop = Stop::listen(folder.path())?;
    let end = execute(options, &source, &folder, &plan, approvals, &journal, vault, &events, &stop, telemetry).await;
    let exit = match end {
        Ok(end) => {
            events.tell(&end);
            // Whoever asked the run to stop wants to know where it stands; whoever asks now, not.
            let was_asked = stop.asked().is_cancelled();
            tokio::select! {
                biased;
                exit = conclude(options, &source, &folder, &plan, &journal, &end, began) => exit,
                () = stop.asked().cancelled(), if !was_asked => {
                    show::line("the orders are over; what is not verified yet is with --resume, and the report too");
                    Ok(Exit::Stopped)
                }
            }
        }
        Err(fault) => Err(fault),
    };
    events.close(exit.as_ref().map_or_else(|fault| fault.exit, |exit| *exit) as u8);
    exit
}

/// After the orders: read back, ask, match, report.
async fn conclude(
    options: &Options,
    source: &Source,
    folder: &Folder,
    plan: &Plan,
    journal: &Arc<dyn Journal>,
    end: &RunEnd,
    began: tokio::time::Instant,
) -> Result<Exit, Fault> {
    show::line("verifying: reading back every account");
    let verifier = Verifier::new(Arc::clone(journal)).directories(source.backends.clone());
    verifier.verify(plan).await.map_err(Fault::after_the_start)?;
    ask_every_server(options, source, journal, plan).await?;

    match_logs(options, source, journal, plan).await?;

    let lasted = clock::instant().duration_since(began);
    let report = Report::of_plan(Arc::clone(journal), plan).duration(lasted);
    let report = report.directories(source.backends.clone()).worked(end.worked());
    let report = report.mark(options.mark.as_deref().unwrap_or_default());
    let rows = plan.rows().map_err(Fault::after_the_start)?;
    let summary = report.write(rows, folder.path()).await.map_err(Fault::after_the_start)?;
    show::summary(&summary, plan, folder, options.json, options.events_out());
    if end.held > 0 {
        show::line(&format!(
            "{} accounts are open: their password may have been sent; resume with --identity to send the same one again",
            end.held
        ));
    }
    Ok(exit(&summary, end))
}

/// Where a directory has several servers: an old password works on each one that is behind. What
/// they say is in the summary.
async fn ask_every_server(
    options: &Options,
    source: &Source,
    journal: &Arc<dyn Journal>,
    plan: &Plan,
) -> Result<(), Fault> {
    show::line("asking every server of each directory whether it has the new passwords");
    let convergence = Convergence::new(Arc::clone(journal)).patience(Duration::from_secs(options.convergence));
    let convergence =
        source.backends.iter().fold(convergence, |convergence, backend| convergence.directory(Arc::clone(backend)));
    match convergence.run(|| plan.rows()).await {
        Ok(servers) => {
            for server in servers.iter().filter(|server| !server.is_converged()) {
                show::line(&format!("not converged: {server}"));
            }
            Ok(())
        }
        // The passwords are set and read back; what is not known is whether they are everywhere.
        Err(error) if error.kind() != ErrorKind::Journal => {
            show::line(&format!("the servers could not be asked: {error}"));
            Ok(())
        }
        Err(error) => Err(Fault::after_the_start(error)),
    }
}

/// What the directories' own audit logs say. It is in the report.
async fn match_logs(options: &Options, source: &Source, journal: &Arc<dyn Journal>, plan: &Plan) -> Result<(), Fault> {
    // The log of the embedded ones is seconds behind.
    let seconds = if source.embedded.is_some() { options.evidence.min(8) } else { options.evidence };
    if seconds == 0 || source.backends.iter().all(|backend| backend.audit_log().is_none()) {
        return Ok(());
    }
    let patience = Duration::from_secs(seconds);
    show::line("matching the directories' audit logs with the run");
    let evidence = Evidence::new(Arc::clone(journal)).directories(source.backends.clone()).patience(patience);
    match evidence.gather(plan, |_| Ok(())).await {
        Ok(logs) => {
            logs.iter().for_each(|log| show::line(&log.to_string()));
            Ok(())
        }
        // The passwords are set and read back; what is not known is what the logs say of it.
        Err(error) if error.kind() != ErrorKind::Journal => {
            show::line(&format!("the audit logs could not be matched: {error}"));
            Ok(())
        }
        Err(error) => Err(Fault::after_the_start(error)),
    }
}

fn exit(summary: &Summary, end: &RunEnd) -> Exit {
    if end.stopped.is_some() || end.held > 0 {
        Exit::Stopped
    } else if summary.accounts.failed > 0 || summary.accounts.unknown > 0 || !summary.is_converged() {
        Exit::Blemished
    } else {
        Exit::Clean
    }
}

/// Whether it is said how people are told, or why not, with templates that can be used.
fn told(options: &Options, playbook: Option<&Playbook>) -> Result<()> {
    let folder = match playbook.map(Playbook::messages) {
        Some(Some(PlannedMessages::From { folder, .. })) => {
            let beside = options.playbook.as_deref().and_then(Path::parent).unwrap_or_else(|| Path::new(""));
            Some(beside.join(folder))
        }
        Some(_) => None,
        None => options.messages.clone(),
    };
    if let Some(folder) = folder {
        Templates::open(folder)?;
        return Ok(());
    }
    let said = playbook.is_some() || options.no_messages.as_deref().is_some_and(|why| !why.trim().is_empty());
    if options.directories.is_some() && options.resume.is_none() && !said {
        return Err(input("people are touched and nobody tells them".to_owned()).with_advice(
            "name the folder of their messages, --messages DIR (examples/messages is one to begin with), or say --no-messages WHY",
        ));
    }
    Ok(())
}

/// What a playbook asks for, filled in by the command line.
fn of_playbook(options: &Options, playbook: &Playbook, source: &Source) -> Result<PlanSpec> {
    let mut arguments = Arguments::default();
    for parameter in &options.parameter {
        let Some((name, value)) = parameter.split_once('=') else {
            return Err(input(format!("--parameter {parameter:?} is not NAME=VALUE")));
        };
        arguments = arguments.with(name, value);
    }
    let directories: Vec<_> = source.backends.iter().map(|backend| backend.info().clone()).collect();
    let protected = source.protected.iter().map(|(directory, account)| (directory, account));
    let spec = playbook.order(&arguments, &directories)?.protect_all(protected);
    Ok(spec.with_approvals(approve::rules(options)).with_joining(options.joining()).with_owners(owners(options)?))
}

/// What the command line asks for, as a plan's specification.
fn spec(options: &Options, source: &Source) -> Result<PlanSpec> {
    let mut spec = PlanSpec::default().with_seed(options.seed.unwrap_or(1)).with_approvals(approve::rules(options));
    let ids: Vec<_> = source.backends.iter().map(|backend| backend.info().id.clone()).collect();
    for choice in &options.select {
        for selection in selections(choice, &ids)? {
            spec = spec.select(selection);
        }
    }
    if options.select.is_empty() {
        spec = spec.select(Selection::everyone());
    }
    for choice in &options.exclude {
        for selection in selections(choice, &ids)? {
            spec = spec.exclude(selection);
        }
    }
    spec = spec.protect_all(source.protected.iter().map(|(directory, account)| (directory, account)));
    let password = match options.action {
        PasswordAction::SetMustChange => Action::SetPassword { must_change: true },
        PasswordAction::Set => Action::SetPassword { must_change: false },
        PasswordAction::Scramble => Action::Scramble,
        PasswordAction::Temporary => Action::SetTemporaryPassword,
        PasswordAction::RecoverByMail => Action::ResetToRecovery { mail: true },
        PasswordAction::Recover => Action::ResetToRecovery { mail: false },
        PasswordAction::Expire => Action::ExpirePassword,
    };
    let mut actions = PopulationActions::default();
    actions.workforce = vec![password, Action::RevokeSessions];
    let mut waves = WaveSizes::default();
    if let Some(canary) = options.canary {
        waves.canary = canary;
    }
    if let Some(size) = options.wave_size {
        waves.workforce = Some(size);
    }
    spec = spec.with_actions(actions).with_waves(waves).with_joining(options.joining()).with_owners(owners(options)?);
    if let Some(because) = &options.waive_readiness {
        spec = spec.waive_readiness(because);
    }
    spec = match (&options.messages, &options.no_messages, &source.embedded) {
        (Some(folder), ..) => spec.with_messages(folder.display().to_string()),
        (None, Some(why), _) => spec.without_messages(why),
        (None, None, Some(_)) => spec.without_messages("the people of the embedded directories do not exist"),
        (None, None, None) => spec,
    };
    if options.reset_services {
        spec =
            spec.with_service(ServiceDisposition::Reset { actions: vec![Action::SetPassword { must_change: false }] });
    }
    Ok(spec)
}

/// Who answers for what is left to people.
fn owners(options: &Options) -> Result<Owners> {
    options.owners.as_ref().map_or_else(|| Ok(Owners::default()), Owners::from_file)
}

/// A choice means the directory that it names, or every one: an account is named by its own
/// directory's words.
fn selections(choice: &Choice, ids: &[DirectoryId]) -> Result<Vec<Selection>> {
    Ok(match choice {
        Choice::Everyone => vec![Selection::everyone()],
        Choice::List(path) => vec![Selection::from_csv(path)?],
        Choice::Within(directory, part) => {
            let meant: Vec<&str> = ids
                .iter()
                .map(DirectoryId::as_str)
                .filter(|id| directory.as_deref().is_none_or(|directory| directory == *id))
                .collect();
            if let (true, Some(directory)) = (meant.is_empty(), directory) {
                let known: Vec<&str> = ids.iter().map(DirectoryId::as_str).collect();
                return Err(input(format!("there is no directory {directory}; there are {}", known.join(", "))));
            }
            let each = |id: &str| match part {
                Part::Group(name) => Selection::group(id, name),
                Part::Unit(path) => Selection::unit(id, path),
                Part::Query(filter) => Selection::native(id, filter),
            };
            meant.into_iter().map(each).collect()
        }
    })
}

/// The recipients that were given. A new run needs one: without, nobody could hand the passwords out.
fn recipients(options: &Options, playbook: Option<&Playbook>) -> Result<Vec<Recipient>> {
    let new_run = options.directories.is_some() && options.resume.is_none() && !options.dry_run;
    let given = match playbook {
        Some(playbook) if options.recipient.is_empty() => playbook.recipients(),
        _ => &options.recipient,
    };
    if given.is_empty() && new_run {
        return Err(nobody());
    }
    given.iter().map(|line| Recipient::parse(line)).collect()
}

fn embedded_identity(folder: &Folder) -> Result<Vec<Identity>> {
    let identity = Identity::generate();
    identity.write_file(folder.embedded_identity())?;
    show::line(&format!(
        "embedded directory: the vault opens with {}; on a real directory you bring your own key",
        folder.embedded_identity().display()
    ));
    Ok(vec![identity])
}

#[expect(clippy::too_many_arguments, reason = "a script: each is a thing that the run needs")]
async fn execute(
    options: &Options,
    source: &Source,
    folder: &Folder,
    plan: &Plan,
    approvals: Approvals,
    journal: &Arc<dyn Journal>,
    vault: Arc<dyn Vault>,
    events: &Events,
    stop: &Stop,
    telemetry: Option<&Telemetry>,
) -> Result<RunEnd, Fault> {
    let mut guardrails = Guardrails::of_plan(plan);
    guardrails.stop_file = Some(options.stop_file.clone().unwrap_or_else(|| folder.stop_file()));
    // Nothing synchronises the embedded ones.
    let embedded = source.embedded.is_some().then_some(0);
    if let Some(seconds) = embedded.or(options.sync_wait) {
        guardrails.sync_wait = Duration::from_secs(seconds);
    }
    guardrails.approvals = approve::rules(options);
    let protected = source.protected.iter().map(|(directory, account)| (directory, account.as_str()));
    let run = Run::new(plan.clone(), Arc::clone(journal), vault).approvals(approvals).guardrails(guardrails);
    // Whoever was put on the list since the plan was made is spared too.
    let run = run.protect(protected);
    let run = match telemetry {
        #[cfg(feature = "otel")]
        Some(telemetry) => {
            telemetry.watch(source.backends.iter().cloned());
            run.observed_by(telemetry.observer())
        }
        _ => run,
    };
    let mut running = run.directories(source.backends.clone()).start().await?;
    let mut asked = false;
    events.tell(RunEvent::started(running.run(), plan));
    let mut screen =
        Screen::new(Picture::new(plan, source.backends.iter().cloned()), Duration::from_secs(options.progress_every));
    loop {
        tokio::select! {
            biased;
            () = stop.asked().cancelled(), if !asked => {
                asked = true;
                running.cancel();
            }
            progress = running.next() => match progress {
                Some(progress) => {
                    #[cfg(feature = "otel")]
                    if let Some(telemetry) = telemetry {
                        telemetry.take(&progress);
                    }
                    events.tell(&progress);
                    screen.take(&progress);
                }
                None => break,
            },
            () = clock::sleep_until(screen.next()) => screen.draw(),
        }
    }
    drop(screen);
    running.finish().await.map_err(Fault::after_the_start)
}

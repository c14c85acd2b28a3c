//! Who approves: by name, at the terminal, or by a signature over a statement.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use identity_reset::error::{Error, ErrorKind, Result};
use identity_reset::limits::clock;
use identity_reset::plan::{AllowedSigners, Approval, ApprovalRules, SIGNATURE_NAMESPACE, Wave};
use identity_reset::prelude::*;
use serde_json::json;

use crate::folder::{Folder, input, write};
use crate::options::Options;
use crate::show;
use crate::source::Source;

/// What the command line asks of approvals.
pub(crate) fn rules(options: &Options) -> ApprovalRules {
    if options.two_for_privileged {
        ApprovalRules::two_for_privileged()
    } else if options.signed_approvals {
        ApprovalRules::signed()
    } else {
        ApprovalRules::default()
    }
}

/// Writes the statement that a person signs, into the run's folder. The directories are not asked.
pub(crate) fn state(options: &Options, folder: &Folder) -> Result<()> {
    let plan = Plan::open(folder.plan())?;
    let all = options.statement.iter().any(|word| word == "all");
    let waves: Vec<&str> = match all {
        true => plan.waves().iter().map(|wave| wave.name.as_str()).collect(),
        false => options.statement.iter().map(String::as_str).collect(),
    };
    let term = Duration::from_secs(u64::from(options.expires_in) * 3_600);
    let approval = Approval::of_waves(&plan, waves, &options.approver, term)?;
    let text = approval.statement(&plan)?;
    let stamp: String = approval.at.to_string().chars().filter(char::is_ascii_digit).collect();
    let plain = |c: char| if c.is_alphanumeric() || "@._-".contains(c) { c } else { '_' };
    let name: String = options.approver.chars().map(plain).collect();
    let path = folder.path().join(format!("approval-{name}-{stamp}.txt"));
    write(&path, &text)?;
    if options.json {
        println!("{}", json!({ "statement": path, "namespace": SIGNATURE_NAMESPACE, "text": text }));
    } else {
        print!("{text}");
    }
    show::line(&format!(
        "\nReview the plan, then sign the statement as it is:\n  ssh-keygen -Y sign -n {SIGNATURE_NAMESPACE} -f KEY {0}\n\
         and go on with:\n  mass_reset --resume {1} --allowed-signers FILE --approval {0}.sig",
        path.display(),
        folder.path().display(),
    ));
    Ok(())
}

/// Approvals of the file, of the command line, and of the person at the terminal.
pub(crate) fn approvals(options: &Options, source: &Source, folder: &Folder, plan: &Plan) -> Result<Approvals> {
    let mut approvals =
        if folder.approvals().exists() { Approvals::load(folder.approvals())? } else { Approvals::default() };
    if source.embedded.is_some() {
        show::line("embedded directory: every wave is approved without asking; on a real directory never");
        approvals = everybody(plan)?;
    } else if options.approve.iter().any(|word| word == "all") {
        for approval in Approvals::approve_all(plan, &options.approver)?.iter() {
            approvals.push(approval.clone());
        }
    } else {
        for wave in &options.approve {
            approvals.push(Approval::of_wave(plan, wave, &options.approver)?);
        }
    }
    let rules = rules(options).and(plan.header().spec.approvals);
    let asks = options.approve.is_empty() && options.approval.is_empty() && source.embedded.is_none();
    // Where signatures are asked for, a name typed here would count for nothing.
    if asks && !rules.signed && std::io::stdin().is_terminal() {
        for wave in plan.waves() {
            if approvals.approved(&wave.name).is_none() && agrees(&wave.name, wave.accounts, plan.digest()) {
                approvals.push(Approval::of_wave(plan, &wave.name, &options.approver)?);
            }
        }
    }
    for signature in &options.approval {
        approvals.push(signed(plan, signature)?);
    }
    approvals.check(plan)?;
    match &options.allowed_signers {
        Some(file) => approvals.verify(plan, &AllowedSigners::load(file)?)?,
        None if options.approval.is_empty() => {}
        None => {
            return Err(input("nobody says whose signatures count".to_owned())
                .with_advice("give the file of allowed signers: --allowed-signers FILE"));
        }
    }
    tell(&approvals, plan, rules);
    if !approvals.is_empty() {
        approvals.save(folder.approvals())?;
    }
    Ok(approvals)
}

/// As many approvals of each wave as its playbook asks for, by whom it names.
fn everybody(plan: &Plan) -> Result<Approvals> {
    let mut approvals = Approvals::approve_all(plan, "embedded default")?;
    let rules = plan.header().spec.origin.iter().flat_map(|origin| &origin.approvals);
    for rule in rules {
        for wave in plan.waves().iter().filter(|wave| rule.waves.contains(&wave.kind)) {
            for person in 0..rule.persons {
                let named = usize::try_from(person).ok().and_then(|place| rule.by.get(place));
                let name = named.cloned().unwrap_or_else(|| format!("embedded person {}", person + 1));
                approvals.push(Approval::of_wave(plan, &wave.name, name)?);
            }
        }
    }
    Ok(approvals)
}

/// Which waves are passed over, and why.
fn tell(approvals: &Approvals, plan: &Plan, rules: ApprovalRules) {
    let refused = |wave: &Wave| approvals.admit(plan, &wave.name, rules, clock::now()).err();
    for wave in plan.waves().iter().filter(|wave| approvals.approved(&wave.name).is_some()) {
        if let Some(error) = refused(wave) {
            show::line(&format!("mind: wave {} is not begun: {error}", wave.name));
        }
    }
    let without = |wave: &&Wave| approvals.approved(&wave.name).is_none();
    if !approvals.is_empty()
        && let Some(first) = plan.waves().first().filter(without)
    {
        show::line(&format!(
            "mind: wave {} is not approved and is passed over; the approved waves behind it are carried out",
            first.name
        ));
    }
}

/// Why no wave can begin; nothing when one can.
pub(crate) fn nothing_approved(approvals: &Approvals, plan: &Plan, rules: ApprovalRules) -> Option<Error> {
    let mut telling = None;
    for wave in plan.waves() {
        match approvals.admit(plan, &wave.name, rules, clock::now()) {
            Ok(_) => return None,
            Err(error) if std::error::Error::source(&error).is_some() => telling = telling.or(Some(error)),
            Err(_) => {}
        }
    }
    Some(telling.unwrap_or_else(|| {
        Error::new(ErrorKind::ApprovalMissing, "approve the plan")
            .with_detail(format!("no wave of plan {} is approved; nothing was touched", plan.digest()))
            .with_advice("approve on a terminal, or with --approve all or --approve WAVE, and --resume this folder")
    }))
}

/// The approval of a signature, and of the statement that lies beside it.
fn signed(plan: &Plan, signature: &Path) -> Result<Approval> {
    let statement: PathBuf = match signature.extension() {
        Some(extension) if extension == "sig" => signature.with_extension(""),
        _ => {
            return Err(input(format!("{} is not the signature of a statement", signature.display()))
                .with_advice("name the file that ssh-keygen wrote beside the statement: STATEMENT.sig"));
        }
    };
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|fault| {
            input(format!("--approval {}: {} cannot be read: {fault}", signature.display(), path.display()))
                .with_advice("keep the statement and its signature side by side: STATEMENT and STATEMENT.sig")
        })
    };
    Approval::of_statement(plan, &read(&statement)?, read(signature)?)
}

fn agrees(wave: &str, accounts: u64, digest: &str) -> bool {
    show::line(&format!("Reset {accounts} accounts in wave {wave} of plan {digest}? Type the wave's name to approve:"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == wave
}

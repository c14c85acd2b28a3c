//! The folder of one incident: its trigger, playbook, plan and approvals.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use identity_reset::directory::DirectoryInfo;
use identity_reset::limits::clock;
use identity_reset::plan::{AllowedSigners, Approval, ApprovalRules};
use identity_reset::playbook::{Playbook, Trigger};
use identity_reset::prelude::*;
use serde_json::json;

use crate::say;

/// One incident's folder.
pub(crate) struct Incident(PathBuf);

impl Incident {
    /// The folder of a trigger's incident, made where it is missing. One that was made for another
    /// trigger or playbook is not gone on with: an incident is planned once.
    pub(crate) fn open(runs: &Path, trigger: &Trigger, playbook: &Playbook) -> Result<Self> {
        let folder = Self(runs.join(&trigger.incident));
        // What the sender wants back may differ each time.
        let mut bare = trigger.clone();
        bare.context = None;
        let kept = json!({"trigger": bare, "playbook_digest": playbook.digest()}).to_string();
        let broken = |path: &Path, fault: std::io::Error| input(format!("{}: {fault}", path.display()));
        let path = folder.0.join("trigger.json");
        // A trigger that made no plan binds nobody.
        let planned = folder.plan_path().exists();
        match std::fs::read_to_string(&path) {
            Ok(before) if before.trim_end() == kept => {}
            Ok(_) if planned => {
                return Err(input(format!(
                    "incident {} was begun with another trigger, or its playbook was changed since",
                    trigger.incident
                ))
                .with_advice("name another incident, or send the trigger that it was begun with"));
            }
            Err(fault) if planned || fault.kind() != std::io::ErrorKind::NotFound => return Err(broken(&path, fault)),
            _ => {
                std::fs::create_dir_all(&folder.0).map_err(|fault| broken(&folder.0, fault))?;
                only_ours(&folder.0).map_err(|fault| broken(&folder.0, fault))?;
                let draft = path.with_extension("draft");
                std::fs::write(&draft, format!("{kept}\n")).map_err(|fault| broken(&draft, fault))?;
                std::fs::rename(&draft, &path).map_err(|fault| broken(&path, fault))?;
            }
        }
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn plan_path(&self) -> PathBuf {
        self.0.join("plan.jsonl")
    }

    /// The incident's plan: the one that is there, or a new one.
    pub(crate) async fn plan(
        &self,
        trigger: &Trigger,
        playbook: &Playbook,
        directories: &Directories,
        backends: &[Arc<dyn Backend>],
    ) -> Result<Plan> {
        let (event, plan) = if self.plan_path().exists() {
            ("plan_found", Plan::open(self.plan_path())?)
        } else {
            let infos: Vec<DirectoryInfo> = backends.iter().map(|backend| backend.info().clone()).collect();
            let spec = playbook.order_for(trigger, &infos)?.protect_all(directories.protected());
            ("plan_made", spec.builder().directories(backends.iter().cloned()).write_to(self.plan_path()).await?)
        };
        let header = plan.header();
        let waves = header.waves.iter().map(|wave| json!({"name": wave.name, "accounts": wave.accounts}));
        let members = json!({
            "incident": trigger.incident, "plan": self.plan_path(), "plan_digest": plan.digest(),
            "accounts": header.counts, "waves": waves.collect::<Vec<_>>(), "warnings": header.warnings,
            "contacts": header.spec.origin.as_ref().map(|origin| &origin.contacts),
        });
        say(event, &members);
        Ok(plan)
    }

    /// The approvals that are there; none where there is no file. Without the file of allowed signers
    /// those that are signed count for nothing. Signatures that are given are kept with the others.
    pub(crate) fn approvals(
        &self,
        path: Option<&Path>,
        signatures: &[PathBuf],
        signers: Option<&Path>,
        plan: &Plan,
    ) -> Result<Approvals> {
        let own = self.0.join("approvals.json");
        let mut approvals = match path {
            Some(path) => Approvals::load(path)?,
            None if own.exists() => Approvals::load(&own)?,
            None => Approvals::default(),
        };
        for signature in signatures {
            approvals.push(Approval::of_signature_file(plan, signature)?);
        }
        approvals.check(plan)?;
        if let Some(signers) = signers {
            approvals.verify(plan, &AllowedSigners::load(signers)?)?;
        }
        if !signatures.is_empty() {
            approvals.save(own)?;
        }
        Ok(approvals)
    }
}

/// Says of each wave that may not begin yet what it needs; false where none may begin.
pub(crate) fn tell_what_is_needed(plan: &Plan, approvals: &Approvals) -> bool {
    let mut any = false;
    for wave in plan.waves() {
        let origin = plan.header().spec.origin.as_ref();
        let rule = origin.and_then(|origin| origin.approvals.iter().find(|rule| rule.waves.contains(&wave.kind)));
        let Err(refused) = approvals.admit(plan, &wave.name, ApprovalRules::default(), clock::now()) else {
            any = true;
            continue;
        };
        let members = json!({
            "plan_digest": plan.digest(), "wave": wave.name, "accounts": wave.accounts,
            "persons": rule.map_or(1, |rule| rule.persons), "by": rule.map(|rule| &rule.by), "lacks": refused.detail(),
        });
        say("approval_needed", &members);
    }
    any
}

pub(crate) fn input(detail: String) -> Error {
    Error::new(ErrorKind::InputInvalid, "prepare the incident").with_detail(detail)
}

#[cfg(unix)]
fn only_ours(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn only_ours(_: &Path) -> std::io::Result<()> {
    Ok(())
}

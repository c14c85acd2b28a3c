//! Signed approvals in a run: two persons for the privileged, terms, and what the journal says.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use identity_core::error::{Error, ErrorKind};
use identity_core::journal::{Event, Journal, StopReason};
use identity_core::plan::{AllowedSigners, Approval, ApprovalFault, ApprovalRules, Approvals};
use identity_core::report::Report;
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

use crate::ssh::SshKey;
use crate::support::{World, everyone};

const HOUR: Duration = Duration::from_secs(3_600);

/// Four hundred accounts; each write takes so long.
async fn world(latency: Duration) -> World {
    let directory = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 400)).write_latency(latency);
    World::planned(directory.build().unwrap(), everyone().with_approvals(ApprovalRules::two_for_privileged())).await
}

/// Approvals by these persons of these waves, verified.
fn signed(world: &World, given: &[(&str, &SshKey, &[&str], Duration)]) -> Approvals {
    let mut approvals = Approvals::default();
    let mut lines = Vec::new();
    for (who, key, waves, term) in given {
        let approval = Approval::of_waves(&world.plan, waves.iter().copied(), *who, *term).unwrap();
        let text = approval.statement(&world.plan).unwrap();
        approvals.push(Approval::of_statement(&world.plan, &text, key.sign(&text)).unwrap());
        lines.push(format!("{who} {}", key.public()));
    }
    approvals.verify(&world.plan, &AllowedSigners::parse(&lines.join("\n")).unwrap()).unwrap();
    approvals
}

fn waves(world: &World) -> Vec<&str> {
    world.plan.waves().iter().map(|wave| wave.name.as_str()).collect()
}

fn fault(error: &Error) -> &ApprovalFault {
    error.source().and_then(|source| source.downcast_ref()).unwrap_or_else(|| panic!("{error}"))
}

#[tokio::test(start_paused = true)]
async fn names_and_one_person_alone_touch_nothing_privileged() {
    let world = world(Duration::ZERO).await;
    let error = world.run().start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalMissing);
    assert!(matches!(fault(&error), ApprovalFault::NotSigned { .. }), "{error}");
    assert_eq!((world.directory.writes(), world.journal.head().await.unwrap().number), (0, 0));

    let (ann, bob) = (SshKey::ed25519(), SshKey::ed25519());
    let all = waves(&world);
    let one = signed(&world, &[("ann", &ann, &["privileged"], HOUR)]);
    let error = world.run().approvals(one).start().await.unwrap_err();
    assert!(matches!(fault(&error), ApprovalFault::SecondPersonMissing { .. }), "{error}");
    assert_eq!(world.directory.writes(), 0);

    let end = world.run().approvals(signed(&world, &[("ann", &ann, &all, HOUR)]));
    let end = end.start().await.unwrap().finish().await.unwrap();
    let Some(StopReason::NotApproved { waves, reasons }) = &end.stopped else { panic!("{end:?}") };
    assert_eq!(waves, &["privileged"]);
    assert!(reasons.iter().any(|reason| reason.contains("two persons") && reason.contains("ann")), "{reasons:?}");
    let touched = |wave: &str| {
        world.resets().iter().filter(|e| e.wave == wave).map(|e| world.directory.times_set(&e.id)).sum::<u64>()
    };
    assert_eq!(touched("privileged"), 0);
    assert!(touched("workforce-1") > 100);

    let both = signed(&world, &[("ann", &ann, &all, HOUR), ("bob", &bob, &["privileged"], HOUR)]);
    let end = world.run().approvals(both).start().await.unwrap().finish().await.unwrap();
    assert_eq!(end.stopped, None);
    assert!(touched("privileged") > 0);
    world.assert_each_has_one_password_that_the_vault_knows();

    // Who, with which key, what, until when: in the journal, and in the report.
    let records: Vec<_> = world.journal.records(1).try_collect().await.unwrap();
    let approved: Vec<&Approval> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Approved { approval } => Some(approval),
            _ => None,
        })
        .collect();
    for (who, key) in [("ann", &ann), ("bob", &bob)] {
        let found = approved.iter().find(|approval| approval.approver == who).unwrap();
        assert_eq!(found.signed_by().unwrap().key(), key.fingerprint());
        assert!(found.expires_at.is_some() && found.signature.is_some() && found.scope.covers("privileged"));
    }
    let folder = tempfile::tempdir().unwrap();
    let journal: Arc<dyn Journal> = Arc::new(world.journal.clone());
    let report = Report::of_plan(journal, &world.plan);
    let summary = report.write(world.plan.rows().unwrap(), folder.path()).await.unwrap();
    for key in [&ann, &bob] {
        assert!(summary.to_string().contains(&key.fingerprint()), "{summary}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_is_over_when_its_wave_comes_opens_nothing() {
    let world = world(Duration::from_secs(3)).await;
    let (ann, bob) = (SshKey::ed25519(), SshKey::ed25519());
    let all = waves(&world);
    let short = Duration::from_secs(5);
    // What is before it takes longer than the term of whoever approved the last wave.
    let (behind, before): (Vec<&str>, Vec<&str>) = all.iter().copied().partition(|wave| *wave == *all.last().unwrap());
    let given = [("ann", &ann, &before[..], HOUR), ("bob", &bob, &["privileged"], HOUR), ("eve", &bob, &behind, short)];
    let approvals = signed(&world, &given[..2]);
    let late = signed(&world, &given[2..]);
    let mut both = approvals.clone();
    late.iter().for_each(|approval| both.push(approval.clone()));
    let lines = format!("ann {}\nbob,eve {}", ann.public(), bob.public());
    both.verify(&world.plan, &AllowedSigners::parse(&lines).unwrap()).unwrap();
    let end = world.run().approvals(both).start().await.unwrap().finish().await.unwrap();
    let Some(StopReason::NotApproved { waves, reasons }) = &end.stopped else { panic!("{end:?}") };
    assert_eq!(waves.iter().map(String::as_str).collect::<Vec<_>>(), behind);
    assert!(reasons.iter().any(|reason| reason.contains("expired at")), "{reasons:?}");
    for entry in world.resets() {
        assert_eq!(
            world.directory.times_set(&entry.id),
            u64::from(!behind.contains(&entry.wave.as_str())),
            "{}",
            entry.wave
        );
    }

    // Days later: the waves that are done need no new approval, the one behind does.
    tokio::time::advance(100 * HOUR).await;
    let error = world.run().approvals(Approvals::default()).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalMissing);
    let mut renewed = approvals;
    signed(&world, &[("eve", &bob, &behind, HOUR)]).iter().for_each(|approval| renewed.push(approval.clone()));
    renewed.verify(&world.plan, &AllowedSigners::parse(&lines).unwrap()).unwrap();
    let end = world.run().approvals(renewed.clone()).start().await.unwrap().finish().await.unwrap();
    assert_eq!(end.stopped, None, "what is done is not waited for");
    world.assert_each_has_one_password_that_the_vault_knows();
    tokio::time::advance(100 * HOUR).await;
    let writes = world.directory.writes();
    let end = world.run().approvals(renewed).start().await.unwrap().finish().await.unwrap();
    assert_eq!((end.stopped, world.directory.writes()), (None, writes), "all of it is done, and nothing is open");
}

#[tokio::test(start_paused = true)]
async fn a_playbook_names_the_signers_and_the_rules_of_the_run_are_asked_for_besides() {
    let (ada, grace) = (SshKey::ed25519(), SshKey::ed25519());
    for (one, other, have) in [
        (("mallory", &ada), ("grace", &grace), Some(1)),
        (("ada", &ada), ("ada", &grace), Some(1)),
        (("ada", &ada), ("grace", &grace), None),
    ] {
        let world = crate::playbook::world().await;
        let wave = ["privileged"];
        let approvals = signed(&world, &[(one.0, one.1, &wave, HOUR), (other.0, other.1, &wave, HOUR)]);
        let started = world.run().approvals(approvals).start().await;
        match have {
            None => {
                let end = started.unwrap().finish().await.unwrap();
                assert!(matches!(end.stopped, Some(StopReason::NotApproved { .. })), "of the other waves: {end:?}");
                assert!(!world.directory.touched().is_empty());
            }
            Some(persons) => {
                let error = started.unwrap_err();
                let fault = fault(&error);
                assert!(matches!(fault, ApprovalFault::TooFewPersons { have, .. } if *have == persons), "{error}");
                assert!(world.directory.touched().is_empty());
            }
        }
    }
    // The playbook is content with two names; the run is not.
    let world = crate::playbook::world().await;
    let mut named = Approvals::default();
    ["Ada", "Grace"].into_iter().for_each(|who| named.push(Approval::of_wave(&world.plan, "privileged", who).unwrap()));
    let mut rails = identity_core::engine::Guardrails::of_plan(&world.plan);
    rails.approvals = ApprovalRules::two_for_privileged();
    let error = world.run().approvals(named).guardrails(rails).start().await.unwrap_err();
    assert!(matches!(fault(&error), ApprovalFault::NotSigned { .. }), "{error}");
    assert!(world.directory.touched().is_empty());
}

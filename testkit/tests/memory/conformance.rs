//! The conformance suite on the directory in memory, and on directories broken on purpose: a
//! suite that cannot fail would prove nothing.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::broken::{Broken, How};
use identity_core::limits::OperationClass;
use identity_core::reset::Action;
use testkit::conformance::{self, CASES, State};
use testkit::memory::{MemoryDirectory, MemoryHarness};
use testkit::organisation::Organisation;

const METHODS: OperationClass = OperationClass::Named("methods");
const RISK: OperationClass = OperationClass::Named("risk");

/// Small pages and batches, so that every size is seen; listings out of order and with doubles.
fn memory() -> Arc<MemoryDirectory> {
    let few = |n| NonZeroU32::new(n).unwrap();
    MemoryDirectory::builder("corp")
        .organisation(Organisation::new(7, 400))
        .page(few(37))
        .max_batch(few(9))
        .in_flight(few(12))
        .class(Action::ResetAuthenticators, METHODS)
        .batch_of(METHODS, few(1))
        .class(Action::FlagCompromised, RISK)
        .one_call_of(RISK, few(15))
        .latency(Duration::from_millis(2))
        .untidy_listings()
        .audit_log(Duration::from_secs(2))
        .build()
        .unwrap()
}

async fn harness() -> MemoryHarness {
    MemoryHarness::new(memory())
}

/// Each case by itself, on a directory of its own, in real time.
mod each {
    use super::harness;
    testkit::conformance!(harness());
}

#[tokio::test(start_paused = true)]
async fn every_case_passes_and_every_skip_has_its_reason() {
    let report = conformance::run(&harness().await).await;
    assert!(report.is_conformant(), "{report}");
    let skipped: Vec<_> = report.skipped().collect();
    // A directory that can list what changed cannot show what one does that cannot.
    let reason = ("enumerate::changed_without_capability", "a directory without enumerate_changed");
    assert_eq!(skipped, [reason], "{report}");
    assert_eq!(report.rows.len(), CASES.len());
}

/// How a directory is broken, and a case that has to notice.
const NOTICED: &[(How, &[&str])] = &[
    (How::FatalFinding, &["preflight::nothing_is_fatal"]),
    (How::NoPrincipal, &["preflight::principal_is_named"]),
    (How::StatesLowCeiling, &["preflight::info_and_limits_are_sane", "limits::in_flight_ceiling"]),
    (How::TruncatesSilently, &["enumerate::complete", "enumerate::scope_group", "enumerate::changed_since_a_mark"]),
    (How::HidesComputers, &["enumerate::complete", "enumerate::kinds_and_states_as_known"]),
    (How::MixesNames, &["enumerate::ids_are_unique", "enumerate::unicode_names"]),
    (How::DropsAttributes, &["enumerate::attributes_as_known"]),
    (How::ChangesIds, &["enumerate::two_listings_agree"]),
    (How::WrongDirectory, &["enumerate::rows_are_of_this_directory"]),
    (How::MisreadsKinds, &["enumerate::kinds_and_states_as_known"]),
    (
        How::IgnoresScope,
        &[
            "enumerate::scope_group",
            "enumerate::scope_unit",
            "enumerate::unknown_group_is_input_invalid",
            "enumerate::missing_scopes_say_unsupported",
        ],
    ),
    (How::HidesErrors, &["enumerate::truncated_is_an_error", "enumerate::unknown_group_is_input_invalid"]),
    (How::ListsNobodyTwice, &["enumerate::dropped_early", "enumerate::two_listings_agree"]),
    (How::MarksForget, &["enumerate::changed_without_capability"]),
    (How::LookupAnyOrder, &["lookup::order_is_kept", "lookup::duplicates"]),
    (How::LookupSkipsGone, &["lookup::unknown_is_none"]),
    (How::LookupLies, &["lookup::agrees_with_listing", "lookup::every_size"]),
    (How::FailsOnEmpty, &["lookup::empty"]),
    (How::ForgetsNested, &["classify::privileged_are_found", "classify::nested_groups"]),
    (How::AccusesEverybody, &["classify::nobody_else"]),
    (How::EmptyEvidence, &["classify::grounds_have_evidence"]),
    (How::IgnoresIncomplete, &["classify::fails_closed"]),
    (
        How::DoesNothing,
        &[
            "reset::set_password",
            "reset::scramble",
            "reset::set_exactly_once",
            "reset::state_moves",
            "reset::disable",
            "reset::revoke_moves_the_mark",
            "reset::unlock",
            "reset::unknown_account",
            "reset::missing_password",
            "limits::reads_and_writes_together",
        ],
    ),
    (How::ForgetsSecondFactor, &["reset::change_after_mfa"]),
    (How::KeepsMustChange, &["reset::must_change", "reset::set_clears_must_change"]),
    (How::StaleLookup, &["reset::expire", "reset::disable", "reset::state_moves", "failure::cut_after_apply"]),
    (How::LosesAnOrder, &["reset::full_batch", "reset::set_password"]),
    (How::InventsOutcomes, &["reset::empty_batch", "reset::full_batch"]),
    (How::AnswersOutOfOrder, &["reset::outcomes_in_order"]),
    (How::BatchFailsAsOne, &["reset::bad_order_alone_fails", "failure::others_of_the_batch"]),
    (
        How::CallsRefusalsTemporary,
        &["reset::policy_refusal", "reset::state_stays_on_refusal", "reset::missing_password"],
    ),
    (How::CallsMissingUnsupported, &["reset::other_actions", "support::works_is_not_unsupported"]),
    (How::RetriesHidden, &["reset::set_exactly_once", "reset::state_moves"]),
    (How::RefusesRepeats, &["reset::same_password_again"]),
    (How::PanicsWithoutPassword, &["reset::missing_password"]),
    (How::ClaimsWhatItCannot, &["support::cannot_is_refused"]),
    (How::DoesWhatItCannot, &["support::cannot_is_refused"]),
    (How::ThrottleIsRefused, &["throttle::slow_down_is_temporary"]),
    (How::MuteGovernor, &["throttle::answers_are_told", "throttle::slow_down_is_told"]),
    (How::CallsUnknownTemporary, &["failure::cut_after_apply", "failure::cut_before_apply"]),
    (How::StaysCut, &["failure::connection_comes_back"]),
    (How::LeaksInDebug, &["secrets::nowhere_in_text"]),
    (How::LeaksInErrors, &["secrets::nowhere_in_text"]),
    (How::LeaksServerSecret, &["secrets::server_secret"]),
    (How::LosesServerSecret, &["secrets::server_secret", "reset::temporary_password", "reset::reset_to_recovery"]),
    (How::VoidsNothing, &["reset::temporary_password", "reset::reset_to_recovery"]),
    (How::WaversInClass, &["limits::classes_are_constant"]),
    (How::StatesLargeBatches, &["limits::full_batch_of_each_class"]),
    (How::EnrolsStrangers, &["recovery::enrolments"]),
    (How::LogForgetsRequests, &["evidence::log_has_what_was_done"]),
];

#[tokio::test(start_paused = true)]
async fn whatever_is_broken_is_noticed_by_the_case_that_is_there_for_it() {
    let mut unnoticed = Vec::new();
    for (how, cases) in NOTICED {
        for case in *cases {
            let memory = memory();
            let harness = MemoryHarness::wrapping(Arc::clone(&memory), Broken::new(memory, *how));
            let state = conformance::run_case(&harness, case).await;
            if !matches!(state, State::Failed(_)) {
                unnoticed.push(format!("{how:?} passes {case}: {state:?}"));
            }
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_wrapper_that_breaks_nothing_passes() {
    let memory = memory();
    let report = conformance::run(&MemoryHarness::wrapping(Arc::clone(&memory), Broken::new(memory, How::Not))).await;
    assert!(report.is_conformant(), "{report}");
}

/// Every case can fail: there is a way to be broken that it notices.
#[test]
fn every_case_is_there_for_something() {
    let noticed: BTreeSet<&str> = NOTICED.iter().flat_map(|(_, cases)| cases.iter().copied()).collect();
    let idle: Vec<&str> = CASES.iter().map(|case| case.name).filter(|name| !noticed.contains(name)).collect();
    // A native scope is broken as the others are; what is not Send does not compile.
    assert_eq!(idle, ["enumerate::scope_native", "secrets::send_and_sync"]);
    for name in noticed {
        assert!(CASES.iter().any(|case| case.name == name), "{name} is not a case");
    }
}

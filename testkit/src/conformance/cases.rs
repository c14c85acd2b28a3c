//! The one list of cases: the table that [`run`](super::run) walks and the tests that
//! [`conformance!`](crate::conformance!) writes are both made from it.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::future::BoxFuture;
use futures::{FutureExt, future};
use identity_core::limits::clock;

use super::stage::{Check, Halt, Stage};
use super::{
    State, classify, enumerate, evidence, failure, limits, lookup, preflight, recovery, reset, secrets, support,
    throttle,
};

/// One case of the suite.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name, as `group::name`.
    pub name: &'static str,
    check: for<'a> fn(&'a Stage<'_>) -> BoxFuture<'a, Check>,
}

impl Case {
    /// Runs the case. A panic of the backend and a case that takes longer than the harness's
    /// patience are failures.
    pub async fn run(&self, stage: &Stage<'_>) -> State {
        let patience = stage.harness().patience();
        let check = AssertUnwindSafe((self.check)(stage)).catch_unwind();
        match future::select(check, Box::pin(clock::sleep(patience))).await {
            future::Either::Left((Ok(Ok(())), _)) => State::Passed,
            future::Either::Left((Ok(Err(Halt::Skip(missing))), _)) => State::Skipped { missing },
            future::Either::Left((Ok(Err(Halt::Fail(text))), _)) => State::Failed(text),
            future::Either::Left((Err(panic), _)) => State::Failed(format!("it panicked: {}", words(&*panic))),
            future::Either::Right(_) => State::Failed(format!("no end within {patience:?}")),
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

/// Every case by group; `$then` is a macro that receives them.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ([$($then:tt)*] $make:tt) => {
        $($then)* ! { $make
            preflight { nothing_is_fatal, principal_is_named, info_and_limits_are_sane }
            enumerate {
                complete, ids_are_unique, two_listings_agree, rows_are_of_this_directory, unicode_names, attributes_as_known,
                kinds_and_states_as_known, scope_group, scope_unit, scope_native, unknown_group_is_input_invalid,
                missing_scopes_say_unsupported, dropped_early, truncated_is_an_error, changed_since_a_mark,
                changed_without_capability
            }
            lookup { order_is_kept, unknown_is_none, duplicates, empty, every_size, agrees_with_listing }
            classify { privileged_are_found, nobody_else, nested_groups, grounds_have_evidence, fails_closed }
            reset {
                set_password, must_change, set_clears_must_change, change_after_mfa, scramble, expire, unlock, disable,
                revoke_moves_the_mark, other_actions, set_exactly_once, unknown_account, empty_batch, full_batch,
                temporary_password, reset_to_recovery, bad_order_alone_fails, outcomes_in_order, policy_refusal, state_moves, state_stays_on_refusal,
                same_password_again, missing_password
            }
            support { works_is_not_unsupported, cannot_is_refused }
            throttle { slow_down_is_temporary, answers_are_told, slow_down_is_told }
            failure { cut_after_apply, cut_before_apply, others_of_the_batch, connection_comes_back }
            limits { in_flight_ceiling, reads_and_writes_together, classes_are_constant, full_batch_of_each_class }
            secrets { nowhere_in_text, server_secret, send_and_sync }
            recovery { enrolments }
            evidence { log_has_what_was_done }
        }
    };
}

macro_rules! table {
    (() $($group:ident { $($case:ident),* })*) => {
        /// Every case of the suite, in the order that [`run`](super::run) takes.
        pub const CASES: &[Case] = &[
            $($(Case {
                name: concat!(stringify!($group), "::", stringify!($case)),
                check: |stage| Box::pin($group::$case(stage)),
            },)*)*
        ];
    };
}
__conformance_cases!([table]());

/// Makes every case of the suite a `#[tokio::test]` of its own, named `group::case`.
///
/// The argument is an expression that makes a [`Harness`](crate::conformance::Harness); it is
/// awaited anew for each case. The crate that uses the macro needs `tokio` with `macros` and `rt`.
///
/// ```text
/// mod conformance {
///     testkit::conformance!(my_harness());     // async fn my_harness() -> impl Harness
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::__conformance_cases!([$crate::__conformance_tests]($make));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($make:tt $($group:ident { $($case:ident),* })*) => {
        $($crate::__conformance_group!($make $group { $($case)* });)*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_group {
    (($make:expr) $group:ident { $($case:ident)* }) => {
        mod $group {
            #[allow(unused_imports, reason = "the maker of the harness is named in the outer module")]
            use super::*;
            $(
                #[::tokio::test]
                #[allow(clippy::panic, clippy::print_stderr, reason = "a test reports")]
                async fn $case() {
                    let harness = $make.await;
                    let name = concat!(stringify!($group), "::", stringify!($case));
                    match $crate::conformance::run_case(&harness, name).await {
                        $crate::conformance::State::Passed => {}
                        $crate::conformance::State::Skipped { missing } => eprintln!("{name} skipped: {missing}"),
                        $crate::conformance::State::Failed(text) => panic!("{name}: {text}"),
                    }
                }
            )*
        }
    };
}

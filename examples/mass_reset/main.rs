//! The main job as a script: resets the passwords of a directory's accounts, in a run that can be
//! reviewed, stopped, killed, resumed and trusted.
//!
//! ```text
//! cargo run --release --example mass_reset                       # on embedded mock directories
//! cargo run --release --example mass_reset -- --directories directories.toml --dry-run --out run
//! cargo run --release --example mass_reset -- --resume run --approve canary --recipient age1…
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

mod approve;
mod embedded;
mod events;
mod folder;
mod journey;
mod options;
mod screen;
mod show;
mod source;
mod stop;

use std::process::ExitCode;

use clap::Parser;
use identity_reset::error::{Error, ErrorKind};
#[cfg(feature = "otel")]
pub(crate) use identity_reset::otel::Telemetry;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use options::Options;

fn main() -> ExitCode {
    let mut log = EnvFilter::from_env("IDENTITY_RESET_LOG");
    if let Ok(silent) = "ldap3_proto=off".parse() {
        // The embedded directory's decoder traces whole messages, with the passwords inside.
        log = log.add_directive(silent);
    }
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("mass_reset: the runtime could not start: {fault}");
            return Exit::BadInput.into();
        }
    };
    let exit = match runtime.block_on(watched(&options, log)) {
        Ok(exit) => exit,
        Err(fault) => {
            screen::clear();
            eprintln!("mass_reset: {}", fault.error);
            fault.exit
        }
    };
    exit.into()
}

/// The journey, with its log, and with its spans and metrics where they are asked for.
async fn watched(options: &Options, log: EnvFilter) -> Result<Exit, Fault> {
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(log);
    let subscriber = tracing_subscriber::registry().with(log);
    #[cfg(feature = "otel")]
    if let Some(url) = &options.otlp {
        let telemetry = Telemetry::over_http(url)?;
        subscriber.with(telemetry.layer()).init();
        let exit = journey::travel(options, Some(&telemetry)).await;
        telemetry.shutdown().await;
        return exit;
    }
    subscriber.init();
    journey::travel(options, None).await
}

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// Done and verified.
    Clean = 0,
    /// Done, with failures or unknowns.
    Blemished = 1,
    /// Bad input; nothing was touched.
    BadInput = 2,
    /// Stopped by a rule or by hand; can be resumed.
    Stopped = 3,
    /// Nothing approved, or an approval that is not accepted.
    NotApproved = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What spans and metrics go to: nothing, in a build without them.
#[cfg(not(feature = "otel"))]
pub(crate) enum Telemetry {}

/// An error, and the exit code that says whether anything was touched.
struct Fault {
    error: Error,
    exit: Exit,
}

impl From<Error> for Fault {
    /// An error before anything was touched.
    fn from(error: Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::ApprovalMissing | ErrorKind::ApprovalInvalid => Exit::NotApproved,
            _ => Exit::BadInput,
        };
        Self { error, exit }
    }
}

impl Fault {
    /// An error after the run began.
    fn after_the_start(error: Error) -> Self {
        Self { error, exit: Exit::Stopped }
    }
}

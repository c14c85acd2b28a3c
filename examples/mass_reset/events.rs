//! `--events`: the run as lines of JSON.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use identity_reset::error::Result;
use identity_reset::watch::{EventWriter, RunEvent};

use crate::folder::input;
use crate::show;

/// So long the last lines are waited for at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where events go, if anywhere.
pub(crate) struct Events(Option<EventWriter>);

impl Events {
    /// To a file that is not there yet, to a pipe or device, or to standard output (`-`).
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self(None)) };
        let name = path.display().to_string();
        let unwritable = |fault: io::Error| {
            input(format!("--events {name}: {fault}"))
                .with_advice("name a new file in a folder that can be written, a pipe, or - for standard output")
        };
        let is_output = path.as_os_str() == "-";
        let is_file = !is_output && (!path.exists() || path.is_file());
        // A file is opened before anything is touched; a pipe waits for its reader, and the run does not.
        let file = match is_file {
            true => Some(OpenOptions::new().write(true).create_new(true).open(path).map_err(unwritable)?),
            false => None,
        };
        let path = path.to_owned();
        let open = move || -> io::Result<Box<dyn Write>> {
            Ok(match file {
                Some(file) => Box::new(file),
                None if is_output => Box::new(io::stdout()),
                None => Box::new(File::options().write(true).open(path)?),
            })
        };
        let said = name.clone();
        let lost = move |fault: io::Error| {
            show::line(&format!("--events {said}: {fault}; the run goes on without them, its folder tells the rest"));
        };
        EventWriter::new(open, lost).map(|writer| Self(Some(writer))).map_err(unwritable)
    }

    pub(crate) fn tell(&self, event: impl Into<RunEvent>) {
        if let Some(writer) = &self.0 {
            writer.tell(event);
        }
    }

    /// The last event; waits a little until all are written.
    pub(crate) fn close(self, exit: u8) {
        self.tell(RunEvent::Finished { exit });
        if let Some(writer) = self.0
            && !writer.close(PATIENCE)
        {
            show::line("--events: its reader is slow; the last events are not written");
        }
    }
}

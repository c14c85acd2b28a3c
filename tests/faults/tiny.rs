//! A disk that is soon full: a small file system in memory, in a mount namespace of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::not_run;

/// A small file system in memory. It is gone with the process that holds it.
pub(crate) struct TinyDisk {
    holder: Child,
    place: PathBuf,
}

impl TinyDisk {
    /// Of so many KiB; `None`, said aloud, where this machine does not allow it.
    pub(crate) fn new(test: &str, place: &Path, kib: u64) -> Option<Self> {
        let script = format!("mount -t tmpfs -o size={kib}k,mode=700 tiny \"$1\" && echo ready && exec cat");
        let holder = Command::new("unshare")
            .args(["--mount", "sh", "-c", &script, "sh"])
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut holder = match holder {
            Ok(holder) => holder,
            Err(error) => {
                not_run(test, &format!("unshare cannot be started: {error}"));
                return None;
            }
        };
        let mut line = String::new();
        let heard = holder.stdout.as_mut().map(|out| BufReader::new(out).read_line(&mut line));
        let disk = Self { holder, place: place.to_owned() };
        if !matches!(heard, Some(Ok(_))) || line.trim() != "ready" {
            not_run(test, "a file system of its own needs root and the right to mount");
            return None;
        }
        Some(disk)
    }

    /// The same command, as a process that sees the file system in its place.
    pub(crate) fn inside(&self, command: &tokio::process::Command) -> tokio::process::Command {
        let command = command.as_std();
        let mut inside = tokio::process::Command::new("nsenter");
        inside.args(["--mount", "--target", &self.holder.id().to_string()]);
        inside.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// The way into it from outside. Not for SQLite, which looks through the link.
    pub(crate) fn path(&self) -> PathBuf {
        let root = format!("/proc/{}/root", self.holder.id());
        Path::new(&root).join(self.place.strip_prefix("/").expect("an absolute path"))
    }

    /// Somebody frees space.
    pub(crate) fn grow(&self, kib: u64) {
        let status = Command::new("nsenter")
            .args(["--mount", "--target", &self.holder.id().to_string()])
            .args(["mount", "-o", &format!("remount,size={kib}k")])
            .arg(&self.place)
            .status();
        assert!(status.expect("nsenter starts").success(), "the file system can grow");
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        // It ends with its input; the kill is for one that hangs.
        drop(self.holder.stdin.take());
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

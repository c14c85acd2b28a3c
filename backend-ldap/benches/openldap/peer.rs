//! `ldapmodify`, arranged in the ways in which people speed it up.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::ratio::timed;

/// So many processes side by side, with more arguments.
struct Arrangement {
    processes: usize,
    arguments: &'static [&'static str],
}

const ARRANGEMENTS: [Arrangement; 6] = [
    Arrangement { processes: 1, arguments: &[] },
    Arrangement { processes: 1, arguments: &["-c"] },
    Arrangement { processes: 2, arguments: &[] },
    Arrangement { processes: 4, arguments: &[] },
    Arrangement { processes: 8, arguments: &["-c"] },
    Arrangement { processes: 16, arguments: &[] },
];

/// Runs every arrangement over the same changes: `tool` gives `ldapmodify` with its sign-in, `change` the LDIF
/// of the nth change for the arrangement of a number, `before` is done before each, untimed.
pub(crate) fn ldapmodify(
    folder: &Path,
    count: usize,
    tool: &dyn Fn() -> Command,
    change: &dyn Fn(usize, usize) -> String,
    before: &dyn Fn(),
) -> Vec<(String, f64)> {
    let each = ARRANGEMENTS.iter().enumerate().map(|(number, arrangement)| {
        before();
        let processes = arrangement.processes;
        let files: Vec<PathBuf> = (0..processes)
            .map(|process| {
                let ldif: String = (process..count).step_by(processes).map(|n| change(number, n)).collect();
                let file = folder.join(format!("modify-{process}.ldif"));
                std::fs::write(&file, ldif).expect("written");
                file
            })
            .collect();
        let run = || {
            let start = |file: &PathBuf| tool().args(arrangement.arguments).arg("-f").arg(file).spawn().expect("runs");
            let children: Vec<Child> = files.iter().map(start).collect();
            for mut child in children {
                assert!(child.wait().expect("ends").success(), "ldapmodify");
            }
        };
        let ((), seconds) = timed(run);
        (
            format!(
                "ldapmodify{} x {processes}",
                arrangement.arguments.iter().map(|a| format!(" {a}")).collect::<String>()
            ),
            seconds,
        )
    });
    each.collect()
}

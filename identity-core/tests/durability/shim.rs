//! A library that stands between a process and its disk.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles it into `folder`. Without a C compiler, or elsewhere than on Linux, the test cannot
/// run; it says so and the caller returns.
pub(crate) fn compiled(folder: &Path, test: &str) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return skipped(test, "it needs Linux (LD_PRELOAD)");
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/durability/shim.c");
    let library = folder.join("shim.so");
    let compiler =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    match compiler {
        Ok(status) => {
            assert!(status.success(), "the shim does not compile");
            Some(library)
        }
        Err(error) => skipped(test, &format!("no C compiler `cc` ({error})")),
    }
}

/// Not by `println!`: of a test that passes the harness would swallow it.
fn skipped<T>(test: &str, why: &str) -> Option<T> {
    std::io::stderr().write_all(format!("SKIPPED {test}: {why}\n").as_bytes()).unwrap();
    None
}

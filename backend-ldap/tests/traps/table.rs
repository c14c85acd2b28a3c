//! The table of traps, held against the tests that it names.

use std::collections::BTreeMap;
use std::path::Path;

const TRAPS: u32 = 15;

/// A row of the table: `| 3 | what | `file.rs::test` |`, with one or several tests.
fn named(row: &str) -> Option<(u32, Vec<(String, String)>)> {
    let mut cells = row.split('|').map(str::trim).skip(1);
    let number = cells.next()?.parse().ok()?;
    let tests = cells.nth(1)?.split('`').filter_map(|part| part.split_once("::"));
    Some((number, tests.map(|(file, test)| (file.to_owned(), test.to_owned())).collect()))
}

#[test]
fn each_trap_has_a_row_with_a_test_that_says_its_number() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/traps-ad.md")).expect("the page");
    let rows: BTreeMap<u32, Vec<(String, String)>> = page.lines().filter_map(named).collect();
    assert_eq!(rows.keys().copied().collect::<Vec<u32>>(), (1..=TRAPS).collect::<Vec<u32>>());
    for (number, tests) in rows {
        assert!(!tests.is_empty(), "trap {number} names no test");
        for (file, test) in tests {
            let text = std::fs::read_to_string(root.join(&file)).unwrap_or_else(|fault| panic!("{file}: {fault}"));
            let at = text.find(&format!("fn {test}(")).unwrap_or_else(|| panic!("{file} has no {test}"));
            // The attribute and the comment right above the function.
            let before = text[..at].rsplit("\n\n").next().unwrap_or_default();
            assert!(before.contains("test"), "{test} is no test");
            assert!(before.contains(&format!("/// Trap {number}:")), "{test} does not say that it is of trap {number}");
        }
    }
}

//! Reads the table of guidance from TOML; every fault with its line and key.

use std::path::Path;

use super::MethodKind;
use super::guidance::{Enough, Guidance, Strength, TierAsks, Worth};
use crate::error::{Error, ErrorKind, Result};
use crate::playbook::fault::Fault;
use crate::playbook::reader::{Fields, Node, Reader};

const BUILT_IN: &str = include_str!("guidance.toml");
/// The version of the format that this library reads.
const FORMAT: u64 = 1;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;
/// The most days that can be said: ten years.
const MOST_DAYS: u64 = 3_650;

/// What the library says by itself. A test sees to it that its text has no faults.
pub(super) fn built_in() -> Guidance {
    read(nothing(), BUILT_IN).unwrap_or_else(|_| nothing())
}

/// Nothing counts, nothing is enough.
fn nothing() -> Guidance {
    Guidance {
        name: "nothing counts".to_owned(),
        methods: std::collections::BTreeMap::new(),
        tiers: TierAsks { control: Vec::new(), management: Vec::new(), user: Vec::new() },
        recent_days: 0,
        old_days: 0,
        report_days: 0,
        file_days: 0,
        undated_counts: false,
    }
}

pub(super) fn from_file(path: &Path) -> Result<Guidance> {
    let unreadable = |fault: std::io::Error| {
        invalid(path, &format!("cannot be read: {fault}")).with_advice("name a file that exists")
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > LARGEST {
        return Err(invalid(path, &format!("has {size} bytes; a table has at most {LARGEST}")));
    }
    parse(path, &std::fs::read_to_string(path).map_err(unreadable)?)
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Guidance> {
    read(built_in(), text).map_err(|faults| {
        let told: Vec<String> = faults.iter().take(3).map(ToString::to_string).collect();
        invalid(path, &told.join("; "))
    })
}

fn invalid(path: &Path, detail: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "read the table of recovery methods")
        .with_detail(format!("{}: {detail}", path.display()))
}

fn read(begin: Guidance, text: &str) -> Result<Guidance, Vec<Fault>> {
    let reader = Reader::new(text);
    let guidance = reader.root().map(|root| change(begin, root));
    let faults = reader.faults();
    match guidance {
        Some(guidance) if faults.is_empty() => Ok(guidance),
        _ => Err(faults),
    }
}

fn change(mut guidance: Guidance, mut root: Fields<'_>) -> Guidance {
    if let Some(node) = root.need("format")
        && node.whole(1..=u64::MAX).is_some_and(|format| format != FORMAT)
    {
        node.fault(format!("this library reads format {FORMAT}"));
    }
    if let Some(name) = root.need("name").and_then(|node| node.text()) {
        guidance.name = name;
    }
    for (word, node) in root.take("method").and_then(Node::table).into_iter().flat_map(Fields::named) {
        let Some(kind) = MethodKind::ALL.into_iter().find(|kind| kind.as_str() == word) else {
            let all = MethodKind::ALL.map(MethodKind::as_str).join(", ");
            node.fault(format!("{word:?} is no method; there are {all}"));
            continue;
        };
        if let Some(worth) = node.table().and_then(worth) {
            guidance.methods.insert(kind, worth);
        }
    }
    if let Some(mut tiers) = root.take("tier").and_then(Node::table) {
        let asked = &mut guidance.tiers;
        let each = [("control", &mut asked.control), ("management", &mut asked.management), ("user", &mut asked.user)];
        for (name, ways) in each {
            let Some(mut tier) = tiers.take(name).and_then(Node::table) else { continue };
            if let Some(found) = tier.need("enough").and_then(enough) {
                *ways = found;
            }
            tier.finish();
        }
        tiers.finish();
    }
    if let Some(mut age) = root.take("age").and_then(Node::table) {
        let mut days = |name, place: &mut u32| {
            let found = age.take(name).and_then(|node| node.whole(0..=MOST_DAYS));
            *place = found.and_then(|days| u32::try_from(days).ok()).unwrap_or(*place);
        };
        days("recent_days", &mut guidance.recent_days);
        days("old_days", &mut guidance.old_days);
        days("report_days", &mut guidance.report_days);
        days("file_days", &mut guidance.file_days);
        if let Some(counts) = age.take("undated_counts").and_then(|node| node.flag()) {
            guidance.undated_counts = counts;
        }
        age.finish();
    }
    root.finish();
    guidance
}

fn worth(mut fields: Fields<'_>) -> Option<Worth> {
    let stated = fields.need("strength").and_then(|node| strength(&node));
    let privileged = fields.take("privileged").map(|node| strength(&node));
    let channel = fields.take("channel").and_then(|node| node.word());
    let source = fields.need("source").and_then(|node| node.text());
    fields.finish();
    let strength = stated?;
    Some(Worth { strength, privileged: privileged.unwrap_or(Some(strength))?, channel, source: source? })
}

fn strength(node: &Node<'_>) -> Option<Strength> {
    let word = node.text()?;
    let found = Strength::ALL.into_iter().find(|strength| strength.as_str() == word);
    if found.is_none() {
        let all = Strength::ALL.map(Strength::as_str).join(", ");
        node.fault(format!("{word:?} is no strength; there are {all}"));
    }
    found
}

fn enough(node: Node<'_>) -> Option<Vec<Enough>> {
    let (at, mut ways) = (node.clone(), Vec::new());
    for node in node.list()? {
        let mut fields = node.table()?;
        // A method that does not count cannot be enough.
        let counting = |node: Node<'_>| {
            let found = strength(&node)?;
            if found == Strength::Refused {
                node.fault("a refused method is never enough");
            }
            Some(found)
        };
        let one = fields.need("one").and_then(counting);
        let beside = fields.take("beside").map(counting);
        fields.finish();
        ways.push(Enough { one: one?, beside: beside.map_or(Some(None), |found| found.map(Some))? });
    }
    if ways.is_empty() {
        at.fault("the list is empty: nobody could have enough; say at least one way");
        return None;
    }
    Some(ways)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_has_every_method_with_its_source_and_no_fault() {
        let guidance = read(nothing(), BUILT_IN).unwrap();
        for kind in MethodKind::ALL {
            assert!(!guidance.methods[&kind].source.is_empty(), "{kind}");
        }
        assert!(guidance.undated_counts && guidance.recent_days > 0 && guidance.file_days > 0);
        assert_eq!(Guidance::default(), guidance);
    }

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let text =
            "format = 1\nname = \"ours\"\n[method.sms]\nstrength = \"good\"\nsource = \"us\"\n[age]\nold_days = 9\n";
        let ours = parse(Path::new("x"), text).unwrap();
        let mut expected = built_in();
        expected.name = "ours".into();
        expected.old_days = 9;
        let worth = Worth { strength: Strength::Good, privileged: Strength::Good, channel: None, source: "us".into() };
        expected.methods.insert(MethodKind::Sms, worth);
        assert_eq!(ours, expected);
    }

    #[test]
    fn faults_name_line_and_key() {
        let cases = [
            ("format = 1\nname = \"x\"\n[method.fax]\nstrength = \"weak\"\n", "line 3", "method.fax"),
            ("format = 1\nname = \"x\"\n[method.sms]\nstrength = \"mighty\"\nsource = \"s\"", "line 4", "mighty"),
            ("format = 1\nname = \"x\"\n[method.sms]\nstrength = \"weak\"", "line 3", "method.sms.source"),
            ("format = 1\nname = \"x\"\n[tier.user]\nenough = []", "line 4", "tier.user.enough"),
            ("format = 1\nname = \"x\"\n[tier.user]\nenough = [{ one = \"refused\" }]", "line 4", "never enough"),
            ("format = 1\nname = \"x\"\n[age]\nrecent_day = 3", "line 4", "age.recent_day"),
            ("format = 2\nname = \"x\"", "line 1", "format"),
            ("name = \"x\"", "line 1", "format"),
        ];
        for (text, line, word) in cases {
            let error = parse(Path::new("ours.toml"), text).unwrap_err().to_string();
            for part in ["ours.toml", line, word] {
                assert!(error.contains(part), "{part} is not in {error}");
            }
        }
    }
}

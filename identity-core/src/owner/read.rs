//! Reads the file of owners.

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{Owned, OwnerRule, Owners};
use crate::account::AccountKind;
use crate::error::{Error, ErrorKind, Result};

/// The columns of the CSV form.
const COLUMNS: [&str; 6] = ["directory", "account", "group", "kind", "owner", "procedure"];

/// A rule as it is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<AccountKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    procedure: Option<String>,
}

impl TryFrom<Line> for OwnerRule {
    type Error = String;

    fn try_from(line: Line) -> Result<Self, String> {
        let Line { directory, account, group, kind, owner, procedure } = line;
        for (key, text) in [
            ("directory", &directory),
            ("account", &account),
            ("group", &group),
            ("owner", &owner),
            ("procedure", &procedure),
        ] {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                return Err(format!("`{key}` is empty"));
            }
        }
        let of = match (account, group, kind) {
            (Some(name), None, None) => Owned::Account(name),
            (None, Some(_), None) if directory.is_none() => return Err("`group` needs its `directory`".to_owned()),
            (None, Some(name), None) => Owned::Group(name),
            (None, None, Some(kind)) => Owned::Kind(kind),
            _ => return Err("exactly one of `account`, `group` and `kind` says whom it is about".to_owned()),
        };
        if owner.is_none() && procedure.is_none() {
            return Err("neither `owner` nor `procedure` is given".to_owned());
        }
        Ok(Self { directory, of, owner, procedure })
    }
}

impl From<OwnerRule> for Line {
    fn from(rule: OwnerRule) -> Self {
        let OwnerRule { directory, of, owner, procedure } = rule;
        let mut line = Self { directory, owner, procedure, ..Self::default() };
        match of {
            Owned::Account(name) => line.account = Some(name),
            Owned::Group(name) => line.group = Some(name),
            Owned::Kind(kind) => line.kind = Some(kind),
        }
        line
    }
}

impl Owners {
    /// Reads a file: CSV where its name ends in `.csv`, TOML otherwise.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] with file and line for what cannot be read or understood.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| invalid(format!("{}: {error}", path.display())).with_source(error))?;
        let is_csv = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        let read = if is_csv { Self::from_csv(&text) } else { Self::from_toml(&text) };
        read.map_err(|error| invalid(format!("{}: {}", path.display(), error.detail())))
    }

    /// Reads the TOML form.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] with the line.
    pub fn from_toml(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            owner: Vec<Spanned<toml::Table>>,
        }
        let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let file: File = toml::from_str(text).map_err(|fault| {
            let line = fault.span().map_or_else(String::new, |span| format!("line {}: ", line(span.start)));
            invalid(format!("{line}{}", fault.message()))
        })?;
        let rules = file.owner.into_iter().map(|table| {
            let line = line(table.span().start);
            let rule = table.into_inner().try_into::<OwnerRule>();
            rule.map_err(|fault| invalid(format!("line {line}: {}", fault.message())))
        });
        Ok(Self { rules: rules.collect::<Result<_>>()? })
    }

    /// Reads the CSV form. An empty field is one that is not given.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] with the line.
    pub fn from_csv(text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|fault| invalid(fault.to_string()))?.clone();
        if let Some(unknown) = headers.iter().find(|header| !COLUMNS.contains(header)) {
            return Err(invalid(format!("line 1: the column {unknown:?} is none of {}", COLUMNS.join(", "))));
        }
        let mut rules = Vec::new();
        for record in reader.deserialize() {
            let line: Line = record.map_err(|fault| invalid(fault.to_string()))?;
            // The header is line 1; a record of several lines is named by its number.
            let number = rules.len() + 1;
            rules.push(OwnerRule::try_from(line).map_err(|fault| invalid(format!("record {number}: {fault}")))?);
        }
        Ok(Self { rules })
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "read the owners")
        .with_detail(detail)
        .with_advice("the page docs/inventory.md shows the form of the file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same_and_survive_the_plan_file() {
        let toml = "[[owner]]\ndirectory = \"corp\"\ngroup = \"SQL, all\"\nowner = \"DBA\"\n\
                    [[owner]]\nkind = \"trust\"\nowner = \"AD\"\nprocedure = \"netdom\"\n";
        let csv = "\u{feff}owner,directory,group,kind,procedure\r\nDBA,corp,\"SQL, all\",,\r\nAD,,,trust,netdom\r\n";
        let owners = Owners::from_toml(toml).unwrap();
        assert_eq!(Owners::from_csv(csv).unwrap(), owners);
        let text = serde_json::to_string(&owners).unwrap();
        assert_eq!(serde_json::from_str::<Owners>(&text).unwrap(), owners);
        assert!(text.starts_with(r#"[{"directory":"corp","group":"SQL, all","owner":"DBA"}"#), "{text}");
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, expected) in [
            ("x = 1\n", "line 1: unknown field `x`"),
            ("\n[[owner]]\nowner = \"a\"\n", "line 2: exactly one of"),
            ("[[owner]]\nkind = \"service\"\naccount = \"a\"\nowner = \"b\"\n", "exactly one of"),
            ("[[owner]]\ngroup = \"a\"\nowner = \"b\"\n", "`group` needs its `directory`"),
            ("[[owner]]\naccount = \"a\"\n", "neither `owner` nor"),
            ("[[owner]]\naccount = \" \"\nowner = \"b\"\n", "`account` is empty"),
            ("[[owner]]\nacount = \"a\"\nowner = \"b\"\n", "unknown field `acount`"),
            ("[[owner]]\nkind = \"robot\"\nowner = \"b\"\n", "unknown variant `robot`"),
        ] {
            let error = Owners::from_toml(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.to_string().contains(expected), "{error} does not say {expected:?}");
        }
        assert!(Owners::from_csv("owner,nme\n").unwrap_err().to_string().contains("\"nme\""));
        assert!(Owners::from_csv("owner,account\nx,\n").unwrap_err().to_string().contains("record 1"));
        assert!(Owners::from_file("no-such.toml").unwrap_err().to_string().contains("no-such.toml"));
    }
}

//! Lists of accounts from CSV files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::selection::{AccountName, NamedBy, Selection};
use crate::error::{Error, ErrorKind, Result};

const OPERATION: &str = "read a list of accounts";

/// The columns that name an account, the most exact first: where a file has several, the first
/// of these counts. The names of `Get-ADUser | Export-Csv` are among them.
const COLUMNS: &[&str] = &[
    "id",
    "objectguid",
    "dn",
    "distinguishedname",
    "sid",
    "upn",
    "userprincipalname",
    "account",
    "samaccountname",
    "login",
    "name",
    "mail",
    "email",
];

impl Selection {
    /// The accounts that a CSV file lists.
    ///
    /// The first row names the columns. One of `id`, `dn`, `upn`, `account`, `name` and `mail`
    /// names the account (in this order of preference where there are several); the column
    /// `directory` is optional. Other columns are passed over. A byte order mark, both kinds of
    /// line end and quoted fields are understood.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] with the line when the file cannot be read, has none of these
    /// columns, or a row has no name.
    pub fn from_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path)
            .map_err(|error| invalid(format!("{} cannot be opened: {error}", path.display())).with_source(error))?;
        Self::read_csv(file).map_err(|error| {
            let detail = format!("{}: {}", path.display(), error.detail());
            let again = invalid(detail);
            match error.advice() {
                Some(advice) => again.with_advice(advice),
                None => again,
            }
        })
    }

    /// The accounts that CSV text lists; see [`from_csv`](Self::from_csv).
    ///
    /// # Errors
    /// As of [`from_csv`](Self::from_csv).
    pub fn read_csv(mut text: impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        text.read_to_end(&mut bytes).map_err(|error| invalid(error.to_string()).with_source(error))?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let mut lines = Lines { text: bytes, at: 0, line: 1 };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let headers = reader.headers().map_err(|error| malformed(error, &mut lines))?.clone();
        let column = |wanted: &str| headers.iter().position(|header| header.eq_ignore_ascii_case(wanted));
        let Some((word, index)) = COLUMNS.iter().find_map(|word| column(word).map(|index| (*word, index))) else {
            let found: Vec<&str> = headers.iter().take(12).collect();
            return Err(invalid(format!("line 1: no column names an account (found: {})", found.join(", ")))
                .with_advice("name one column of the first line account, id, dn, upn or mail"));
        };
        let by = if matches!(word, "mail" | "email") { NamedBy::Mail } else { NamedBy::Name };
        let directory_column = column("directory");
        let mut accounts = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| malformed(error, &mut lines))?;
            let line = lines.of(record.position());
            let name = record.get(index).unwrap_or_default();
            if name.is_empty() {
                return Err(invalid(format!("line {line}: the column {word} is empty"))
                    .with_advice("fill it in or remove the line"));
            }
            let directory = directory_column.and_then(|at| record.get(at)).filter(|text| !text.is_empty());
            accounts.push(AccountName {
                name: name.to_owned(),
                directory: directory.map(str::to_owned),
                by,
                line: Some(line),
            });
        }
        if accounts.is_empty() {
            return Err(invalid("no account is listed below the first line").with_advice("list at least one account"));
        }
        Ok(Self::Listed { accounts })
    }
}

/// Line numbers as an editor shows them. The reader's own are those of the line before where lines
/// are empty or end in CRLF.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record; records have to be asked for in their order.
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let from = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.at);
        let ends = self.text.get(from..).unwrap_or_default();
        let start = from + ends.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = self.text.get(self.at..start).unwrap_or_default();
        self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.at = start.max(self.at);
        self.line
    }
}

fn malformed(error: csv::Error, lines: &mut Lines<'_>) -> Error {
    let detail = match (error.position().map(|position| lines.of(Some(position))), error.kind()) {
        (Some(line), csv::ErrorKind::Utf8 { .. }) => format!("line {line}: the text is not UTF-8"),
        (Some(line), csv::ErrorKind::UnequalLengths { expected_len, len, .. }) => {
            format!("line {line}: {len} fields where the first line has {expected_len}")
        }
        (Some(line), _) => format!("line {line}: {error}"),
        (None, _) => error.to_string(),
    };
    invalid(detail).with_advice("save the file as comma-separated UTF-8").with_source(error)
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InputInvalid, OPERATION).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<AccountName>> {
        match Selection::read_csv(text.as_bytes())? {
            Selection::Listed { accounts } => Ok(accounts),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn byte_order_mark_line_ends_quotes_and_further_columns_are_understood() {
        let accounts =
            read("\u{feff}Display,Account,Directory\r\n\"Doe, J\",jdoe,corp\r\n\r\n x , \"a\"\"b\" ,\r\n").unwrap();
        assert_eq!(accounts.len(), 2);
        assert_eq!((accounts[0].name.as_str(), accounts[0].directory.as_deref()), ("jdoe", Some("corp")));
        assert_eq!(accounts[0].line, Some(2));
        assert_eq!(accounts[1].directory, None);
        assert_eq!(accounts[1].line, Some(4));
    }

    #[test]
    fn the_most_exact_column_counts() {
        let accounts = read("Name,DistinguishedName\nJohn,\"CN=John,DC=x\"\n").unwrap();
        assert_eq!(accounts[0].name, "CN=John,DC=x");
        assert_eq!(read("mail\na@b.test\n").unwrap()[0].by, NamedBy::Mail);
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, expected) in [
            ("", "line 1: no column"),
            ("department\nx\n", "line 1: no column"),
            ("account\n", "no account is listed"),
            ("account,department\njdoe,x\n,y\n", "line 3: the column account is empty"),
            ("account,department\njdoe\n", "line 2: 1 fields where the first line has 2"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InputInvalid);
            assert!(error.to_string().contains(expected), "{error}");
        }
        let error = Selection::read_csv(&b"account\nj\xff\n"[..]).unwrap_err();
        assert!(error.to_string().contains("line 2: the text is not UTF-8"), "{error}");
        let error = Selection::from_csv("no-such-file.csv").unwrap_err();
        assert!(error.to_string().contains("no-such-file.csv cannot be opened"), "{error}");
    }
}

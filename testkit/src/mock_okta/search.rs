//! The language of `search` and `filter`: comparisons with `and`, `or` and brackets.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::refusal::Refusal;

/// How deep brackets may be.
const DEEPEST: usize = 16;

/// Which of the two parameters it is; they differ in attributes, operators and case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Search,
    Filter,
    /// The attributes that are named here, with every operator.
    Of(&'static [&'static str]),
}

/// What rows have to be like.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    And(Vec<Self>),
    Or(Vec<Self>),
    Compare { attribute: String, operator: Operator, value: Value, dialect: Dialect },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Gt,
    Ge,
    Lt,
    Le,
    Sw,
    Co,
    Pr,
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Open,
    Close,
    Plain(String),
    Quoted(String),
}

/// Reads an expression.
///
/// # Errors
/// E0000031 for one that cannot be read or names what cannot be asked for; E0000094 for an operator that
/// `filter` does not have.
pub(super) fn read(text: &str, dialect: Dialect) -> Result<Expression, Refusal> {
    let words = words(text).ok_or_else(Refusal::invalid_search)?;
    let mut reader = Reader { words: words.into_iter().peekable(), dialect };
    let expression = reader.either(0)?;
    if reader.words.next().is_some() { Err(Refusal::invalid_search()) } else { Ok(expression) }
}

fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            ' ' => {}
            '(' => words.push(Word::Open),
            ')' => words.push(Word::Close),
            '"' => {
                let mut quoted = String::new();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\\' => quoted.push(rest.next()?),
                        other => quoted.push(other),
                    }
                }
                words.push(Word::Quoted(quoted));
            }
            first => {
                let mut plain = String::from(first);
                while let Some(more) = rest.next_if(|more| !" ()\"".contains(*more)) {
                    plain.push(more);
                }
                words.push(Word::Plain(plain));
            }
        }
    }
    Some(words)
}

struct Reader {
    words: std::iter::Peekable<std::vec::IntoIter<Word>>,
    dialect: Dialect,
}

impl Reader {
    /// Takes a word where it is this one; operators are read whatever the case.
    fn takes(&mut self, wanted: &str) -> bool {
        self.words.next_if(|word| matches!(word, Word::Plain(plain) if plain.eq_ignore_ascii_case(wanted))).is_some()
    }

    fn either(&mut self, depth: usize) -> Result<Expression, Refusal> {
        let mut all = vec![self.both(depth)?];
        while self.takes("or") {
            all.push(self.both(depth)?);
        }
        Ok(if all.len() == 1 { all.swap_remove(0) } else { Expression::Or(all) })
    }

    fn both(&mut self, depth: usize) -> Result<Expression, Refusal> {
        let mut all = vec![self.one(depth)?];
        while self.takes("and") {
            all.push(self.one(depth)?);
        }
        Ok(if all.len() == 1 { all.swap_remove(0) } else { Expression::And(all) })
    }

    fn one(&mut self, depth: usize) -> Result<Expression, Refusal> {
        if depth > DEEPEST {
            return Err(Refusal::invalid_search());
        }
        match self.words.next() {
            Some(Word::Open) => {
                let inner = self.either(depth + 1)?;
                match self.words.next() {
                    Some(Word::Close) => Ok(inner),
                    _ => Err(Refusal::invalid_search()),
                }
            }
            Some(Word::Plain(attribute)) => self.comparison(attribute),
            _ => Err(Refusal::invalid_search()),
        }
    }

    fn comparison(&mut self, attribute: String) -> Result<Expression, Refusal> {
        let Some(Word::Plain(operator)) = self.words.next() else { return Err(Refusal::invalid_search()) };
        let operator = match operator.to_ascii_lowercase().as_str() {
            "eq" => Operator::Eq,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            "sw" => Operator::Sw,
            "co" => Operator::Co,
            "pr" => Operator::Pr,
            _ => return Err(Refusal::invalid_search()),
        };
        let value = match (operator, self.dialect) {
            (Operator::Pr, _) => Value::Null,
            _ => match self.words.next() {
                Some(Word::Quoted(text)) => text.into(),
                Some(Word::Plain(word)) => serde_json::from_str(&word).map_err(|_| Refusal::invalid_search())?,
                _ => return Err(Refusal::invalid_search()),
            },
        };
        self.dialect.allows(&attribute, operator)?;
        Ok(Expression::Compare { attribute, operator, value, dialect: self.dialect })
    }
}

impl Dialect {
    fn allows(self, attribute: &str, operator: Operator) -> Result<(), Refusal> {
        match self {
            Self::Search => {
                let top = ["id", "status", "created", "activated", "statusChanged", "lastUpdated", "type.id"];
                let profile = attribute.strip_prefix("profile.").is_some_and(|name| !name.is_empty());
                let contained = ["profile.firstName", "profile.lastName", "profile.email", "profile.login"];
                if (!top.contains(&attribute) && !profile)
                    || (operator == Operator::Co && !contained.contains(&attribute))
                {
                    return Err(Refusal::invalid_search());
                }
                Ok(())
            }
            Self::Of(attributes) if attributes.contains(&attribute) => Ok(()),
            Self::Of(_) => Err(Refusal::invalid_search()),
            Self::Filter => {
                let equal = ["id", "status", "profile.login", "profile.email", "profile.firstName", "profile.lastName"];
                let inequality = [Operator::Gt, Operator::Ge, Operator::Lt, Operator::Le].contains(&operator);
                match attribute {
                    "lastUpdated" if operator == Operator::Eq || inequality => Ok(()),
                    other if equal.contains(&other) && operator == Operator::Eq => Ok(()),
                    other if equal.contains(&other) || other == "lastUpdated" => Err(Refusal::unsupported_filter()),
                    _ => Err(Refusal::invalid_search()),
                }
            }
        }
    }
}

impl Expression {
    /// Whether a row fits, of which `value` gives the attributes.
    pub(super) fn fits(&self, value: &impl Fn(&str) -> Value) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.fits(value)),
            Self::Or(all) => all.iter().any(|one| one.fits(value)),
            Self::Compare { attribute, operator, value: wanted, dialect } => {
                compare(&value(attribute), *operator, wanted, *dialect)
            }
        }
    }

    /// The values that one attribute may have, where the expression says nothing else.
    pub(super) fn only(&self, wanted: &str) -> Option<Vec<&str>> {
        match self {
            Self::Compare { attribute, operator: Operator::Eq, value, .. } if attribute == wanted => {
                Some(vec![value.as_str()?])
            }
            Self::Or(all) => Some(all.iter().map(|one| one.only(wanted)).collect::<Option<Vec<_>>>()?.concat()),
            _ => None,
        }
    }
}

fn compare(given: &Value, operator: Operator, wanted: &Value, dialect: Dialect) -> bool {
    if operator == Operator::Pr {
        return !given.is_null();
    }
    let (Some(given), Some(wanted)) = (given.as_str(), wanted.as_str()) else {
        return operator == Operator::Eq && !given.is_null() && given == wanted;
    };
    if let (Ok(given), Ok(wanted)) = (given.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
        return holds(operator, given.cmp(&wanted));
    }
    let folded = |text: &str| if dialect == Dialect::Search { text.to_lowercase() } else { text.to_owned() };
    let (given, wanted) = (folded(given), folded(wanted));
    match operator {
        Operator::Sw => given.starts_with(&wanted),
        Operator::Co => given.contains(&wanted),
        other => holds(other, given.cmp(&wanted)),
    }
}

fn holds(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Eq => order.is_eq(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Sw | Operator::Co | Operator::Pr => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(attribute: &str) -> Value {
        match attribute {
            "status" => json!("RECOVERY"),
            "statusChanged" => json!("2026-06-01T10:00:00.000Z"),
            "profile.login" => json!("Jane.Doe@corp.test"),
            _ => Value::Null,
        }
    }

    fn fits(text: &str, dialect: Dialect) -> bool {
        read(text, dialect).unwrap().fits(&row)
    }

    #[test]
    fn operators_brackets_and_case() {
        let search = |text: &str| fits(text, Dialect::Search);
        assert!(search(r#"status eq "recovery""#), "values whatever the case");
        assert!(search(r#"status EQ "RECOVERY" AND statusChanged gt "2026-06-01T09:59:59.999Z""#));
        assert!(!search(r#"statusChanged gt "2026-06-01T10:00:00.000Z""#));
        assert!(search(r#"statusChanged ge "2026-06-01T10:00:00.000Z""#));
        assert!(search(r#"profile.login sw "jane" and (status eq "A" or status eq "RECOVERY")"#));
        assert!(search(r#"profile.login co "doe@""#));
        assert!(search(r#"(status lt "STAGED" or status gt "STAGED")"#));
        assert!(!search("profile.costCenter pr"));
        assert!(search(r#"status eq "A" and status eq "B" or status eq "RECOVERY""#), "and binds closer");
        assert!(!fits(r#"status eq "recovery""#, Dialect::Filter), "values as they are");
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for text in [
            "",
            "status",
            "status eq",
            r#"status ne "ACTIVE""#,
            r#"status eq "ACTIVE"#,
            r#"status eq "ACTIVE" or"#,
            r#"(status eq "ACTIVE""#,
            r#"passwordChanged gt "2026-01-01T00:00:00.000Z""#,
            r#"credentials.provider.type eq "OKTA""#,
            r#"profile.department co "x""#,
            r#"not (status eq "ACTIVE")"#,
        ] {
            assert!(read(text, Dialect::Search).is_err(), "{text}");
        }
        assert!(read(&format!("{}status pr{}", "(".repeat(40), ")".repeat(40)), Dialect::Search).is_err());
        assert!(read(r#"status sw "A""#, Dialect::Filter).is_err());
        assert!(read(r#"profile.department eq "A""#, Dialect::Filter).is_err());
        assert!(read(r#"lastUpdated gt "2026-01-01T00:00:00.000Z""#, Dialect::Filter).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_read_or_refused(text in r#"[a-z."() \\\\]{0,60}"#, any in ".{0,60}") {
            for dialect in [Dialect::Search, Dialect::Filter] {
                for text in [&text, &any, &format!("status eq {text}"), &format!("(id pr or {text})")] {
                    if let Ok(expression) = read(text, dialect) {
                        expression.fits(&row);
                    }
                }
            }
        }
    }

    #[test]
    fn a_list_of_ids_is_seen() {
        let expression = read(r#"id eq "a" or id eq "b""#, Dialect::Search).unwrap();
        assert_eq!(expression.only("id"), Some(vec!["a", "b"]));
        assert_eq!(expression.only("profile.login"), None);
        let expression = read(r#"id eq "a" or status eq "b""#, Dialect::Search).unwrap();
        assert_eq!(expression.only("id"), None);
    }
}

//! `$filter`: the part of the language that the directory supports for a property, and no more.

use serde_json::Value;

use super::query::{Entity, Operator};
use super::refusal::Refusal;

/// Alternatives, each of conditions that must all hold.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    any: Vec<Vec<Condition>>,
    text: String,
}

/// How the properties of sign-ins begin.
const SIGN_INS: &str = "signInActivity";

#[derive(Clone, Debug)]
struct Condition {
    negated: bool,
    property: &'static str,
    operator: Operator,
    values: Vec<Value>,
    advanced: bool,
}

impl Filter {
    pub(super) fn is_advanced(&self) -> bool {
        self.any.iter().flatten().any(|condition| condition.advanced)
    }

    /// The values, where it is only a choice of values of one property.
    pub(super) fn choice_of(&self, property: &str) -> Option<Vec<&str>> {
        let mut chosen = Vec::new();
        for all in &self.any {
            match all.as_slice() {
                [one] if one.property == property && one.operator == Operator::Equal && !one.negated => {
                    chosen.push(one.values.first()?.as_str()?);
                }
                _ => return None,
            }
        }
        Some(chosen)
    }

    /// The ids, where only rows of certain ids can fit: nothing else has to be looked at.
    pub(super) fn ids(&self) -> Option<Vec<&str>> {
        let mut ids = Vec::new();
        for all in &self.any {
            let by_id = all.iter().find(|condition| {
                condition.property == "id"
                    && matches!(condition.operator, Operator::Equal | Operator::In)
                    && !condition.negated
            });
            ids.extend(by_id?.values.iter().filter_map(Value::as_str));
        }
        Some(ids)
    }

    /// Whether sign-ins are filtered by, which nothing else may stand beside.
    pub(super) fn is_about_sign_ins(&self) -> bool {
        self.any.iter().flatten().any(|condition| condition.property.starts_with(SIGN_INS))
    }

    /// Whether every alternative is about a value of a property.
    pub(super) fn names(&self, property: &str) -> bool {
        let named = |condition: &Condition| {
            condition.property == property && condition.operator == Operator::Equal && !condition.negated
        };
        self.any.iter().all(|all| all.iter().any(named))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a row fits, by its properties.
    pub(super) fn fits(&self, property: impl Fn(&str) -> Value) -> bool {
        let holds = |condition: &Condition| condition.holds(&property(condition.property)) != condition.negated;
        self.any.iter().any(|all| all.iter().all(holds))
    }
}

impl Condition {
    fn holds(&self, found: &Value) -> bool {
        let equal = |wanted: &Value| same(found, wanted);
        match self.operator {
            Operator::Equal | Operator::In => self.values.iter().any(equal),
            Operator::AtMost | Operator::AtLeast => {
                let moment = |value: &Value| value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
                let (found, wanted) = (moment(found), self.values.first().and_then(moment));
                let (Some(found), Some(wanted)) = (found, wanted) else { return false };
                if self.operator == Operator::AtMost { found <= wanted } else { found >= wanted }
            }
            Operator::AnyEqual => found
                .as_array()
                .is_some_and(|each| each.iter().any(|one| self.values.iter().any(|wanted| same(one, wanted)))),
            Operator::NotEqual => !self.values.iter().any(equal),
            Operator::StartsWith | Operator::EndsWith => {
                let (Some(found), Some(wanted)) = (found.as_str(), self.values.first().and_then(Value::as_str)) else {
                    return false;
                };
                let (found, wanted) = (found.to_lowercase(), wanted.to_lowercase());
                let starts = self.operator == Operator::StartsWith;
                if starts { found.starts_with(&wanted) } else { found.ends_with(&wanted) }
            }
        }
    }
}

/// Texts are compared without regard to case; a flag that is not set is not true, and not false either.
fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(found), Value::String(wanted)) => found.to_lowercase() == wanted.to_lowercase(),
        _ => found == wanted,
    }
}

/// Reads a filter against the operators that each property supports.
pub(super) fn read(text: &str, entity: &'static Entity, other_codes: bool) -> Result<Filter, Refusal> {
    let words = words(text).ok_or_else(|| Refusal::bad_request("Invalid filter clause"))?;
    let mut rest = words.as_slice();
    let mut any = vec![Vec::new()];
    loop {
        let condition = condition(&mut rest, entity, other_codes)?;
        if let Some(all) = any.last_mut() {
            all.push(condition);
        }
        match rest.split_first() {
            None => {
                let filter = Filter { any, text: text.to_owned() };
                let others = |one: &Condition| !one.property.starts_with(SIGN_INS);
                if filter.is_about_sign_ins() && filter.any.iter().flatten().any(others) {
                    let message = "Filter on signInActivity cannot be combined with other properties.";
                    return Err(Refusal::unsupported_query(message, other_codes));
                }
                return Ok(filter);
            }
            Some((Word::Name(and), after)) if and == "and" => rest = after,
            Some((Word::Name(or), after)) if or == "or" => {
                rest = after;
                any.push(Vec::new());
            }
            Some(_) => return Err(Refusal::bad_request("Invalid filter clause")),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    Literal(Value),
    Open,
    Close,
    Comma,
}

fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' => {}
            '(' => words.push(Word::Open),
            ')' => words.push(Word::Close),
            ',' => words.push(Word::Comma),
            '\'' => {
                let mut literal = String::new();
                loop {
                    match rest.next()? {
                        // Two quotes are one.
                        '\'' if rest.next_if_eq(&'\'').is_some() => literal.push('\''),
                        '\'' => break,
                        other => literal.push(other),
                    }
                }
                words.push(Word::Literal(literal.into()));
            }
            c if c.is_ascii_alphanumeric() || c == '-' => {
                let mut name = String::from(c);
                while let Some(next) = rest.next_if(|next| next.is_ascii_alphanumeric() || "/-:.".contains(*next)) {
                    name.push(next);
                }
                words.push(match name.as_str() {
                    "true" => Word::Literal(true.into()),
                    "false" => Word::Literal(false.into()),
                    "null" => Word::Literal(Value::Null),
                    _ => Word::Name(name),
                });
            }
            _ => return None,
        }
    }
    Some(words)
}

fn condition(rest: &mut &[Word], entity: &'static Entity, other_codes: bool) -> Result<Condition, Refusal> {
    let invalid = || Refusal::bad_request("Invalid filter clause");
    let (negated, mut inner) = match *rest {
        [Word::Name(not), Word::Open, after @ ..] if not == "not" => (true, after),
        other => (false, other),
    };
    let (name, operator, values) = match inner {
        [
            Word::Name(function),
            Word::Open,
            Word::Name(name),
            Word::Comma,
            Word::Literal(value),
            Word::Close,
            after @ ..,
        ] => {
            inner = after;
            let operator = match function.as_str() {
                "startswith" | "startsWith" => Operator::StartsWith,
                "endswith" | "endsWith" => Operator::EndsWith,
                _ => {
                    return Err(Refusal::bad_request(format!("An unknown function with name '{function}' was found.")));
                }
            };
            (name.as_str(), operator, vec![value.clone()])
        }
        [
            Word::Name(list),
            Word::Open,
            Word::Name(lambda),
            Word::Name(eq),
            Word::Literal(value),
            Word::Close,
            after @ ..,
        ] if eq == "eq" => {
            inner = after;
            let same = lambda.split_once(':').is_some_and(|(variable, used)| variable == used);
            let list = list.strip_suffix("/any").filter(|_| same).ok_or_else(invalid)?;
            (list, Operator::AnyEqual, vec![value.clone()])
        }
        [Word::Name(name), Word::Name(operator), Word::Name(moment), after @ ..]
            if ["le", "ge"].contains(&operator.as_str()) && moment.parse::<jiff::Timestamp>().is_ok() =>
        {
            inner = after;
            let operator = if operator == "le" { Operator::AtMost } else { Operator::AtLeast };
            (name.as_str(), operator, vec![moment.as_str().into()])
        }
        [Word::Name(name), Word::Name(operator), Word::Literal(value), after @ ..] => {
            inner = after;
            let operator = match operator.as_str() {
                "eq" => Operator::Equal,
                "ne" => Operator::NotEqual,
                _ => {
                    return Err(Refusal::unsupported_query("Unsupported or invalid query filter clause.", other_codes));
                }
            };
            (name.as_str(), operator, vec![value.clone()])
        }
        [Word::Name(name), Word::Name(word), Word::Open, after @ ..] if word == "in" => {
            let end = after.iter().position(|word| *word == Word::Close).ok_or_else(invalid)?;
            let list = after.get(..end).unwrap_or_default();
            inner = after.get(end + 1..).unwrap_or_default();
            let mut values = Vec::new();
            for (at, word) in list.iter().enumerate() {
                match (at % 2, word) {
                    (0, Word::Literal(value)) => values.push(value.clone()),
                    (1, Word::Comma) => {}
                    _ => return Err(invalid()),
                }
            }
            if list.len().is_multiple_of(2) {
                return Err(invalid());
            }
            (name.as_str(), Operator::In, values)
        }
        _ => return Err(invalid()),
    };
    if negated {
        let [Word::Close, after @ ..] = inner else { return Err(invalid()) };
        inner = after;
    }
    *rest = inner;
    let unsupported = |name: &str| {
        let message =
            format!("Unsupported or invalid query filter clause specified for property '{name}' of resource.");
        Refusal::unsupported_query(message, other_codes)
    };
    let property = entity.property(name).ok_or_else(|| unsupported(name))?;
    let plain = property.filter.contains(&operator);
    if !plain && !property.advanced.contains(&operator) {
        return Err(unsupported(name));
    }
    Ok(Condition { negated, property: property.name, operator, values, advanced: negated || !plain })
}

#[cfg(test)]
mod tests {
    use super::super::users::USER;
    use super::*;

    #[test]
    fn what_the_directory_supports_is_read_and_nothing_else() {
        let reads = |text: &str| read(text, &USER, false);
        let fits = |text: &str, name: &str, value: Value| {
            reads(text).unwrap().fits(|asked| if asked == name { value.clone() } else { Value::Null })
        };
        assert!(fits("accountEnabled eq true", "accountEnabled", true.into()));
        assert!(fits("userPrincipalName eq 'C''Connor@x.test'", "userPrincipalName", "c'connor@X.test".into()));
        assert!(fits("startswith(displayName,'Ann')", "displayName", "anna".into()));
        assert!(fits("id in ('a','b')", "id", "b".into()));
        assert!(fits("userType eq 'Guest' or accountEnabled eq false", "accountEnabled", false.into()));
        assert!(!fits("userType eq 'Guest' and accountEnabled eq false", "accountEnabled", false.into()));
        assert!(!fits("not(accountEnabled eq true)", "accountEnabled", true.into()));
        assert!(reads("endswith(mail,'x')").unwrap().is_advanced());
        assert!(reads("accountEnabled ne true").unwrap().is_advanced());
        assert!(!reads("accountEnabled eq true").unwrap().is_advanced());
        for refused in [
            "lastPasswordChangeDateTime ge 2026-01-01T00:00:00Z",
            "lastPasswordChangeDateTime eq null",
            "nobody eq 'x'",
            "contains(displayName,'x')",
            "id in ()",
            "accountEnabled",
            "accountEnabled eq true and",
            "displayName eq 'x",
        ] {
            assert!(reads(refused).is_err(), "{refused}");
        }
    }
}

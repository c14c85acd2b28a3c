//! What one account's enrolments amount to.

use serde::{Deserialize, Serialize};

use super::guidance::{AsOf, Enough, Guidance, Strength};
use super::{Enrolment, Method, MethodKind};
use crate::privilege::Tier;

/// Whether the owner of an account could come back alone, and as safely as its tier asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// Alone, and by methods as strong as asked for.
    Ready,
    /// Alone, by weaker methods: an attacker could come back the same way.
    TooWeak,
    /// Not alone: whoever loses the password calls the service desk.
    NotAlone,
    /// The directory does not tell, or told it too long ago.
    Unknown,
}

impl Standing {
    /// Every standing, the best first.
    pub const ALL: [Self; 4] = [Self::Ready, Self::TooWeak, Self::NotAlone, Self::Unknown];

    /// The word for it in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::TooWeak => "too_weak",
            Self::NotAlone => "not_alone",
            Self::Unknown => "unknown",
        }
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an account's enrolments amount to, by a table of guidance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Readiness {
    /// The verdict.
    pub standing: Standing,
    /// Why it is no better; `None` for whoever is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The strongest method that counts.
    pub strongest: Strength,
    /// Methods enrolled so lately that they may be an attacker's. They do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<MethodKind>,
    /// Methods enrolled so long ago that they may have been lost. They count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<MethodKind>,
    /// Methods of which the directory does not tell when they were enrolled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undated: Vec<MethodKind>,
    /// Whether the directory worked this out too long ago.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

impl Guidance {
    /// What an account of this tier has, judged by the table.
    ///
    /// # Behavior
    /// Fails closed: what the directory does not tell, or told too long ago, is unknown, and a method
    /// that is recent or not in the table counts for nothing.
    #[must_use]
    pub fn assess(&self, tier: Tier, enrolment: &Enrolment, as_of: &AsOf) -> Readiness {
        let kinds = |is: &dyn Fn(&Method) -> bool| -> Vec<MethodKind> {
            let mut kinds: Vec<MethodKind> =
                enrolment.methods.iter().filter(|method| is(method)).map(|method| method.kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds
        };
        let is_recent = |method: &Method| method.enrolled.is_some_and(|at| at >= as_of.recent_since);
        let counts = |method: &Method| !is_recent(method) && (self.undated_counts || method.enrolled.is_some());
        let mut counted: Vec<(Strength, MethodKind)> =
            kinds(&counts).into_iter().map(|kind| (self.strength(kind, tier), kind)).collect();
        counted.retain(|(strength, _)| *strength > Strength::Refused);
        let mut readiness = Readiness {
            standing: Standing::Unknown,
            because: None,
            strongest: counted.iter().map(|(strength, _)| *strength).max().unwrap_or(Strength::Refused),
            recent: kinds(&is_recent),
            old: kinds(&|method| method.enrolled.is_some_and(|at| at < as_of.old_before)),
            undated: kinds(&|method| method.enrolled.is_none()),
            stale: enrolment.as_of.is_some_and(|at| at < as_of.stale_before),
        };
        let reason = || enrolment.because.clone();
        (readiness.standing, readiness.because) = match enrolment.self_service {
            None => (Standing::Unknown, reason().or_else(|| Some("the directory does not tell".to_owned()))),
            Some(_) if readiness.stale => {
                let at = enrolment.as_of.map(|at| format!("{at:.0}")).unwrap_or_default();
                (Standing::Unknown, Some(format!("the directory worked it out at {at}, too long ago")))
            }
            Some(false) => (Standing::NotAlone, reason().or_else(|| Some("the directory gives no reason".to_owned()))),
            Some(true) if self.asks(tier).iter().any(|way| self.is_met(*way, &counted)) => (Standing::Ready, None),
            Some(true) => (Standing::TooWeak, Some(self.lacking(tier, &counted, &readiness))),
        };
        readiness
    }

    fn is_met(&self, way: Enough, counted: &[(Strength, MethodKind)]) -> bool {
        counted.iter().filter(|(strength, _)| *strength >= way.one).any(|(_, first)| match way.beside {
            None => true,
            Some(beside) => counted
                .iter()
                .any(|(strength, second)| *strength >= beside && self.channel(*first) != self.channel(*second)),
        })
    }

    fn lacking(&self, tier: Tier, counted: &[(Strength, MethodKind)], readiness: &Readiness) -> String {
        let ways: Vec<String> = self.asks(tier).iter().map(ToString::to_string).collect();
        let has = match counted {
            [] => "nothing that counts".to_owned(),
            counted => {
                let each: Vec<String> = counted.iter().map(|(strength, kind)| format!("{kind} ({strength})")).collect();
                each.join(" and ")
            }
        };
        let names = |kinds: &[MethodKind]| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        let mut text = format!("tier {} asks for {}; it has {has}", tier.number(), ways.join(", or "));
        if !readiness.recent.is_empty() {
            text.push_str(&format!("; lately enrolled, and not counted: {}", names(&readiness.recent)));
        }
        if !self.undated_counts && !readiness.undated.is_empty() {
            text.push_str(&format!("; of unknown age, and not counted: {}", names(&readiness.undated)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountId;
    use MethodKind::{Email, OneTimeCode, Passkey, Push, SecurityQuestions, Sms, Voice};
    use Standing::{NotAlone, Ready, TooWeak, Unknown};
    use jiff::Timestamp;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-11-20T12:00:00Z")
    }

    fn enrolled(kinds: &[MethodKind], enrolled: Option<&str>) -> Enrolment {
        let mut enrolment = Enrolment::new(AccountId::new("a").unwrap());
        enrolment.self_service = Some(true);
        enrolment.methods = kinds.iter().map(|kind| Method { kind: *kind, enrolled: enrolled.map(at) }).collect();
        enrolment
    }

    fn standing(tier: Tier, enrolment: &Enrolment) -> Standing {
        let guidance = Guidance::default();
        guidance.assess(tier, enrolment, &guidance.as_of(now(), None)).standing
    }

    #[test]
    fn the_table_says_who_is_ready() {
        let long_ago = Some("2026-01-01T00:00:00Z");
        let cases: [(&[MethodKind], [Standing; 3]); 12] = [
            (&[], [TooWeak, TooWeak, TooWeak]),
            (&[Sms], [TooWeak, TooWeak, TooWeak]),
            (&[Email], [TooWeak, TooWeak, TooWeak]),
            (&[SecurityQuestions, Email], [TooWeak, TooWeak, TooWeak]),
            // One telephone, however it rings.
            (&[Sms, Voice], [TooWeak, TooWeak, TooWeak]),
            (&[Sms, Email], [Ready, TooWeak, TooWeak]),
            (&[OneTimeCode], [Ready, TooWeak, TooWeak]),
            (&[Push], [Ready, TooWeak, TooWeak]),
            (&[Push, Email], [Ready, TooWeak, TooWeak]),
            // SMS as a second factor.
            (&[Push, Sms], [Ready, Ready, TooWeak]),
            (&[Passkey], [Ready, Ready, TooWeak]),
            (&[Passkey, Push], [Ready, Ready, Ready]),
        ];
        for (kinds, expected) in cases {
            let found =
                [Tier::User, Tier::Management, Tier::Control].map(|tier| standing(tier, &enrolled(kinds, long_ago)));
            assert_eq!(found, expected, "{kinds:?}");
        }
    }

    #[test]
    fn what_was_enrolled_lately_does_not_count_and_is_named() {
        let guidance = Guidance::default();
        let mut enrolment = enrolled(&[Push], Some("2026-11-19T00:00:00Z"));
        enrolment.methods.extend(enrolled(&[Sms], Some("2020-01-01T00:00:00Z")).methods);
        let readiness = guidance.assess(Tier::User, &enrolment, &guidance.as_of(now(), None));
        assert_eq!((readiness.standing, readiness.strongest), (TooWeak, Strength::Weak));
        assert_eq!((readiness.recent, readiness.old), (vec![Push], vec![Sms]));
        assert!(readiness.because.unwrap().contains("lately enrolled, and not counted: push"));
        // Since the attacker came in, however long ago that is.
        let old = enrolled(&[Push], Some("2026-09-19T00:00:00Z"));
        assert_eq!(standing(Tier::User, &old), Ready);
        let since = guidance.as_of(now(), Some(at("2026-09-01T00:00:00Z")));
        assert_eq!(guidance.assess(Tier::User, &old, &since).standing, TooWeak);
    }

    #[test]
    fn unknown_stays_unknown() {
        let mut enrolment = enrolled(&[Passkey], None);
        assert_eq!(standing(Tier::User, &enrolment), Ready);
        enrolment.as_of = Some(at("2026-10-01T00:00:00Z"));
        assert_eq!(standing(Tier::User, &enrolment), Unknown, "an old report");
        enrolment.as_of = Some(at("2026-11-20T00:00:00Z"));
        assert_eq!(standing(Tier::User, &enrolment), Ready);
        enrolment.self_service = Some(false);
        assert_eq!(standing(Tier::User, &enrolment), NotAlone);
        enrolment.self_service = None;
        assert_eq!(standing(Tier::User, &enrolment), Unknown);
    }

    #[test]
    fn a_site_may_refuse_what_has_no_date() {
        let guidance = Guidance { undated_counts: false, ..Guidance::default() };
        let readiness = guidance.assess(Tier::User, &enrolled(&[Passkey], None), &guidance.as_of(now(), None));
        assert_eq!((readiness.standing, readiness.undated), (TooWeak, vec![Passkey]));
    }
}

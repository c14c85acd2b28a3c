//! What the name of a template's file says.

use super::settings::{Settings, is_language};
use super::{Addressee, Occasion, Readiness};

/// Whom and what a template is for: `instruction.desk.privileged.de.txt`. What is not named suits all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TemplateName {
    pub(super) occasion: Occasion,
    pub(super) readiness: Option<Readiness>,
    pub(super) audience: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) language: String,
}

impl TemplateName {
    /// Reads the stem of a file's name.
    pub(super) fn parse(stem: &str, settings: &Settings) -> Result<Self, String> {
        let mut parts = stem.split('.');
        let occasion = parts.next().unwrap_or_default().parse::<Occasion>().map_err(|fault| {
            format!("a template's name begins with its occasion: {fault} (a file that is none goes elsewhere)")
        })?;
        let mut parts: Vec<&str> = parts.collect();
        let language = parts.pop().unwrap_or_default();
        if !is_language(language) || !settings.languages.iter().any(|known| known == language) {
            return Err(format!(
                "a template's name ends with its language: {language:?} is none of {}",
                settings.languages.join(", ")
            ));
        }
        let (mut readiness, mut audience, mut channel) = (None, None, None);
        for part in parts {
            let twice = if let Ok(word) = part.parse::<Readiness>() {
                readiness.replace(word).is_some()
            } else if settings.audiences().any(|known| known == part) {
                audience.replace(part.to_owned()).is_some()
            } else if settings.channels.iter().any(|known| known.name == part) {
                channel.replace(part.to_owned()).is_some()
            } else {
                let mut known: Vec<&str> = Readiness::ALL.map(Readiness::as_str).to_vec();
                known.extend(settings.audiences());
                known.extend(settings.channels.iter().map(|channel| channel.name.as_str()));
                return Err(format!("{part:?} in its name is none of {}", known.join(", ")));
            };
            if twice {
                return Err(format!("{part:?} is the second word of its kind in its name"));
            }
        }
        Ok(Self { occasion, readiness, audience, channel, language: language.to_owned() })
    }

    /// How well it suits; `None` where it does not. Readiness counts most: what to do is nowhere as
    /// different as between those who can help themselves and those who cannot.
    pub(super) fn suits(&self, occasion: Occasion, to: &Addressee, channel: &str) -> Option<u8> {
        let fits = self.occasion == occasion
            && self.readiness.is_none_or(|readiness| readiness == to.readiness)
            && self.audience.as_deref().is_none_or(|audience| audience == to.audience)
            && self.channel.as_deref().is_none_or(|known| known == channel);
        let weight = |named: bool, weight: u8| if named { weight } else { 0 };
        fits.then(|| {
            weight(self.readiness.is_some(), 4) + weight(self.audience.is_some(), 2) + weight(self.channel.is_some(), 1)
        })
    }
}

/// The languages that a person is written to in, the best first: their own, without its region, and
/// then what everybody is written to in.
pub(super) fn languages<'a>(own: Option<&str>, known: &'a [String]) -> Vec<&'a str> {
    // As directories write them: de_AT, de-DE, "de-DE,en;q=0.8".
    let own = own.unwrap_or_default().split([',', ';']).next().unwrap_or_default().trim();
    let own = own.to_lowercase().replace('_', "-");
    let mut found = Vec::new();
    let mut rest = own.as_str();
    while !rest.is_empty() {
        found.extend(known.iter().map(String::as_str).filter(|language| *language == rest));
        rest = rest.rsplit_once('-').map_or("", |(before, _)| before);
    }
    found.extend(known.first().map(String::as_str).filter(|first| !found.contains(first)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_falls_back_to_that_of_no_region_and_then_to_the_first() {
        let known = ["en", "de", "pt-br"].map(str::to_owned);
        for (own, expected) in [
            (Some("de_AT"), &["de", "en"][..]),
            (Some("pt-BR,en;q=0.8"), &["pt-br", "en"]),
            (Some("fr"), &["en"]),
            (Some("en-GB"), &["en"]),
            (None, &["en"]),
            (Some(""), &["en"]),
        ] {
            assert_eq!(languages(own, &known), expected, "{own:?}");
        }
    }
}

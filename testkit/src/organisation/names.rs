//! Names of people and places, and the sign-in names made from them.

/// Given name and surname that a person can bear, in the scripts that break careless software.
pub(super) const GIVEN: &[&str] = &[
    "Anna",
    "Bogdan",
    "Chloé",
    "Daiki",
    "Emeka",
    "Fatima",
    "Grace",
    "Håkon",
    "Inês",
    "Jürgen",
    "Katarzyna",
    "Liam",
    "Mária",
    "Nguyễn",
    "Olga",
    "Pedro",
    "Quentin",
    "Rosa",
    "Søren",
    "Tomáš",
    "Ursula",
    "Viktor",
    "Wei",
    "Ximena",
    "Yusuf",
    "Zoë",
    "伟",
    "秀英",
    "さくら",
    "Ольга",
    "Δημήτρης",
    "محمد",
];

pub(super) const SURNAMES: &[&str] = &[
    "Andersson",
    "Bauer",
    "Çelik",
    "D'Angelo",
    "Eriksen",
    "Fernández",
    "García",
    "Hansen",
    "Ivanova",
    "Jones",
    "Kowalski",
    "López",
    "Müller",
    "Novák",
    "O'Brien",
    "Petrov",
    "Quintero",
    "Rossi",
    "Smith-Jones",
    "Silva",
    "Tanaka",
    "Üstün",
    "van der Berg",
    "Weiß",
    "Xu",
    "Yılmaz",
    "Żak",
    "王",
    "李",
    "Παπαδόπουλος",
    "Смирнова",
    "Łukasz",
];

pub(super) const DEPARTMENTS: &[&str] = &[
    "Finance",
    "Sales",
    "Marketing",
    "Engineering",
    "Production",
    "Logistics",
    "Purchasing",
    "Legal",
    "Research",
    "Quality",
    "Support",
    "Facilities",
    "Human Resources",
    "IT Operations",
    "Management",
];

/// Letters of a name in ASCII, lower case, as an administrator would type them; `fallback` where
/// nothing is left of a name in another script.
pub(super) fn ascii(name: &str, fallback: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars() {
        let folded = match c {
            'ä' | 'á' | 'à' | 'å' | 'Å' | 'ã' => "a",
            'ç' | 'Ç' => "c",
            'é' | 'è' | 'ê' | 'ë' | 'ễ' => "e",
            'í' | 'ı' => "i",
            'Ł' | 'ł' => "l",
            'ö' | 'ó' | 'ø' => "o",
            'ß' => "ss",
            'š' => "s",
            'ü' | 'ú' | 'Ü' => "ue",
            'Ż' | 'ż' => "z",
            _ => "",
        };
        if c.is_ascii_alphabetic() {
            plain.push(c.to_ascii_lowercase());
        } else {
            plain.push_str(folded);
        }
    }
    if plain.is_empty() { fallback.to_owned() } else { plain }
}

/// The first `most` characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// A value as it stands in a distinguished name (RFC 4514, 2.4).
pub(crate) fn escape_dn(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len() + 4);
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        let edge = (at == 0 && (c == ' ' || c == '#')) || (at == last && c == ' ');
        if edge || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

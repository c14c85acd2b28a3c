//! Prints a synthetic organisation as LDIF, to load it into a real directory:
//!
//! ```text
//! cargo run -p testkit --example organisation_ldif -- --size 1000 --base DC=corp,DC=example,DC=test
//! ```
//!
//! The same seed and size print the same bytes on every machine. Initial passwords are inside;
//! they protect nothing, since anybody can compute them from the seed.

use std::io::{BufWriter, Write as _};

use clap::Parser;
use testkit::organisation::{LdifOptions, Organisation};

#[derive(Parser)]
#[command(about = "Print a synthetic organisation as LDIF")]
struct Arguments {
    /// What everything is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many accounts; at least the 60 fixed ones
    #[arg(long, default_value_t = 1_000)]
    size: u64,
    /// The distinguished name of the domain to load into
    #[arg(long, default_value = "DC=corp,DC=example,DC=test")]
    base: String,
    /// Leave the passwords out
    #[arg(long)]
    without_passwords: bool,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let organisation = Organisation::new(arguments.seed, arguments.size).with_domain(domain_of(&arguments.base));
    let mut options = LdifOptions::new(arguments.base);
    options.passwords = !arguments.without_passwords;
    let mut out = BufWriter::new(std::io::stdout().lock());
    organisation.write_ldif(&options, &mut out)?;
    out.flush()
}

/// `corp.example.test` of `DC=corp,DC=example,DC=test`.
fn domain_of(base: &str) -> String {
    let labels: Vec<&str> = base
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .filter(|(attribute, _)| attribute.eq_ignore_ascii_case("dc"))
        .map(|(_, label)| label)
        .collect();
    labels.join(".")
}

//! The second witness on what Okta itself was recorded to answer.
use serde_json::Value;
use testkit::okta_witness::{Seen, Witness};

#[allow(clippy::print_stderr)]
#[test]
fn recordings() {
    let Ok(witness) = Witness::as_published().map_err(|not_run| eprintln!("{not_run}")) else { return };
    let t: Vec<Value> = serde_json::from_str(include_str!("recorded.json")).unwrap();
    let seen = |witness: &Witness| {
        witness.findings(t.iter().map(|one| Seen {
            method: one["method"].as_str().unwrap(),
            path: one["path"].as_str().unwrap(),
            query: one["query"].as_str(),
            body: &one["body"],
            status: one["status"].as_u64().map(|x| x as u16),
            answer: &one["answer"],
        }))
    };
    eprintln!("{:#?}", seen(&witness));
    eprintln!("{:#?}", seen(&Witness::load().unwrap()));
}

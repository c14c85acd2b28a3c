//! x
mod support;
use futures::StreamExt;
use identity_core::journal::Journal;
use testkit::fault::{Fault, FaultScript, When};
use support::World;
#[tokio::test(start_paused = true)]
async fn dbg() {
    let world = World::faulty(300, FaultScript::new(11).rule(When::write().chance(0.2), Fault::CutBeforeApply)).await;
    for _ in 0..4 { let end = world.finish().await; println!("{end:?}"); }
    for entry in world.resets() {
        let p = world.progress(&entry).await;
        if !p.actions.iter().all(|a| a.finality.is_final()) {
            println!("{} {:?}", entry.seq, entry.disposition);
            let mut r = world.journal.records(1);
            while let Some(r) = r.next().await { let r = r.unwrap(); if r.event.entry() == Some(entry.seq) || r.event.entry().is_none() { println!("  {} {:?}", r.number, r.event); } }
            break;
        }
    }
}

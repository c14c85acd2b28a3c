//! The quota is used, never exceeded, and storms are sat out.

use std::num::NonZeroU32;
use std::time::Duration;

use identity_core::directory::RateLimitedBatching;
use identity_core::limits::{OperationClass, Quota, clock};

use crate::support::World;

/// Promise 7: the whole share is used, and the directory never has to say no.
#[tokio::test(start_paused = true)]
async fn a_quota_is_used_to_98_percent_and_never_exceeded() {
    let writes = NonZeroU32::new(20).unwrap();
    let quota = Quota::new("writes", writes, Duration::from_secs(1), OperationClass::Write);
    let world = World::with(3_000, |builder| builder.quota(quota).latency(Duration::from_millis(30))).await;
    let began = clock::instant();
    world.finish().await;
    let took = clock::instant().duration_since(began).as_secs_f64();
    let stats = world.directory.governor().stats();
    let ideal = world.directory.writes() as f64 / 20.0;
    assert_eq!(stats.throttled, 0);
    assert!(took * 0.98 <= ideal, "{took:.1} s where {ideal:.1} s are possible");
    world.assert_each_has_one_password_that_the_vault_knows();
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_throttling_is_sat_out() {
    let world = World::with(300, |builder| {
        builder.storm(Duration::from_secs(1), Duration::from_secs(600)).latency(Duration::from_millis(100))
    })
    .await;
    let end = world.finish().await;
    assert_eq!(end.stopped, None);
    world.assert_each_has_one_password_that_the_vault_knows();
}

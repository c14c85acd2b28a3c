//! Pauses between waves, as the plan asks for them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;

use crate::error::Result;
use crate::journal::{Event, Journal};
use crate::limits::clock;
use crate::plan::{Wave, WaveKind};

/// When the next wave may begin. A pause counts from the end of its wave, also across processes: a
/// resume neither cuts it short nor begins it anew.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    after: BTreeMap<WaveKind, u64>,
    /// When waves ended in earlier processes, by name.
    ended: BTreeMap<String, Timestamp>,
    until: Option<Timestamp>,
}

impl Pauses {
    /// The pauses of a plan, and what the journal of earlier processes says of them.
    pub(super) async fn of(after: &BTreeMap<WaveKind, u64>, journal: &dyn Journal, resumed: bool) -> Result<Self> {
        let mut pauses = Self { after: after.clone(), ..Self::default() };
        if resumed && !pauses.after.is_empty() {
            let mut records = journal.records(1);
            while let Some(record) = records.next().await {
                let record = record?;
                if let Event::WaveFinished { wave } = record.event {
                    pauses.ended.entry(wave).or_insert(record.at);
                }
            }
        }
        Ok(pauses)
    }

    /// Whether the plan asks for a pause after this wave.
    pub(super) fn follow(&self, wave: &Wave) -> bool {
        self.seconds(wave) > 0
    }

    /// Everything of a wave is over.
    pub(super) fn ended(&mut self, wave: &Wave) {
        let seconds = self.seconds(wave);
        if seconds == 0 || wave.accounts == 0 {
            return;
        }
        let ended = self.ended.get(&wave.name).copied().unwrap_or_else(clock::now);
        let until = ended.checked_add(Duration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        self.until = self.until.max(Some(until));
    }

    /// How long this wave has to wait.
    pub(super) fn before(&self, wave: &Wave) -> Duration {
        let until = self.until.filter(|_| wave.accounts > 0);
        until.map_or(Duration::ZERO, |until| until.duration_since(clock::now()).try_into().unwrap_or(Duration::ZERO))
    }

    fn seconds(&self, wave: &Wave) -> u64 {
        self.after.get(&wave.kind).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::MemoryJournal;

    fn wave(name: &str, kind: WaveKind, accounts: u64) -> Wave {
        Wave { name: name.into(), kind, accounts }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_of_the_wave_before_and_not_of_an_empty_one() {
        let after = BTreeMap::from([(WaveKind::Canary, 600)]);
        let mut pauses = Pauses::of(&after, &MemoryJournal::new(), false).await.unwrap();
        let (canary, next) = (wave("canary", WaveKind::Canary, 2), wave("workforce-1", WaveKind::Workforce, 9));
        assert!(pauses.follow(&canary) && !pauses.follow(&next));
        assert_eq!(pauses.before(&next), Duration::ZERO);
        pauses.ended(&canary);
        assert_eq!(pauses.before(&wave("others", WaveKind::Others, 0)), Duration::ZERO);
        let wait = pauses.before(&next);
        assert!(wait > Duration::from_secs(599) && wait <= Duration::from_secs(600), "{wait:?}");
        clock::sleep(Duration::from_secs(601)).await;
        assert_eq!(pauses.before(&next), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_resume_counts_from_the_end_of_the_wave() {
        let after = BTreeMap::from([(WaveKind::Canary, 600)]);
        let journal = MemoryJournal::new();
        journal.append(vec![Event::WaveFinished { wave: "canary".into() }]).await.unwrap();
        clock::sleep(Duration::from_secs(400)).await;
        journal.append(vec![Event::WaveFinished { wave: "canary".into() }]).await.unwrap();
        let mut pauses = Pauses::of(&after, &journal, true).await.unwrap();
        pauses.ended(&wave("canary", WaveKind::Canary, 2));
        let wait = pauses.before(&wave("workforce-1", WaveKind::Workforce, 9));
        assert!(wait > Duration::from_secs(199) && wait <= Duration::from_secs(200), "{wait:?}");
    }
}

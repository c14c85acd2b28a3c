//! Ratios with their spread.

use std::time::Instant;

/// The seconds that something took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed().as_secs_f64())
}

/// Ours beside peers, round after round.
pub(crate) struct Series {
    name: &'static str,
    goal: f64,
    /// What is done in a round.
    amount: usize,
    /// Seconds of ours, a round each.
    ours: Vec<f64>,
    peers: Vec<(String, Vec<f64>)>,
}

impl Series {
    pub(crate) fn new(name: &'static str, goal: f64, amount: usize) -> Self {
        Self { name, goal, amount, ours: Vec::new(), peers: Vec::new() }
    }

    /// One round: ours first, or last.
    pub(crate) fn round(
        &mut self,
        ours_first: bool,
        ours: impl FnOnce() -> f64,
        peers: impl FnOnce() -> Vec<(String, f64)>,
    ) {
        let (ours, peers) = if ours_first {
            let ours = ours();
            (ours, peers())
        } else {
            let peers = peers();
            (ours(), peers)
        };
        self.ours.push(ours);
        for (name, seconds) in peers {
            match self.peers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, all)) => all.push(seconds),
                None => self.peers.push((name, vec![seconds])),
            }
        }
    }

    /// The ratio of the speeds to the best of the peers: median, lowest and highest.
    pub(crate) fn print(&self) {
        let rate = |seconds: &[f64]| self.amount as f64 / median(seconds);
        let best = self.peers.iter().max_by(|a, b| rate(&a.1).total_cmp(&rate(&b.1))).expect("a peer");
        let mut ratios: Vec<f64> = best.1.iter().zip(&self.ours).map(|(theirs, ours)| theirs / ours).collect();
        ratios.sort_by(f64::total_cmp);
        let ratio = median(&ratios);
        println!(
            "ratio {}: {ratio:.2} ({:.2}..{:.2} in {} rounds), goal {:.1}{}; ours {:.0}/s, {} {:.0}/s",
            self.name,
            ratios[0],
            ratios[ratios.len() - 1],
            ratios.len(),
            self.goal,
            if ratio < self.goal { ": missed" } else { "" },
            rate(&self.ours),
            best.0,
            rate(&best.1),
        );
        for (name, seconds) in self.peers.iter().filter(|(name, _)| *name != best.0) {
            println!("    {name}: {:.0}/s", rate(seconds));
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

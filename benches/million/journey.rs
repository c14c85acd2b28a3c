//! The journey, phase by phase.

use std::path::Path;

use anyhow::ensure;
use identity_reset::limits::clock;
use identity_reset::prelude::*;
use identity_reset::report::DirectoryRun;
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

use crate::memory;

pub(crate) const PHASES: [&str; 5] = ["plan", "approve", "execute", "verify", "report"];

/// One journey with this many accounts.
pub(crate) struct Journey {
    pub(crate) seen: u64,
    pub(crate) planned: u64,
    pub(crate) verified: u64,
    /// In the order of [`PHASES`].
    pub(crate) phases: Vec<Measured>,
    /// What became free when the directory was dropped at the end.
    pub(crate) directory_mib: f64,
    /// Plan, journal and vault, in MiB.
    pub(crate) disk: [f64; 3],
}

pub(crate) struct Measured {
    pub(crate) seconds: f64,
    pub(crate) peak_mib: Option<f64>,
}

impl Journey {
    pub(crate) async fn travel(accounts: u64) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut phases = Vec::new();

        let directory = MemoryDirectory::builder("corp").organisation(Organisation::new(1, accounts)).build()?;
        let backend: Arc<dyn Backend> = directory.clone();
        let spec = PlanSpec::default().with_seed(1).select(Selection::everyone());
        let path = folder.path().join("plan.jsonl");
        let plan = phase(&mut phases, spec.builder().directory(Arc::clone(&backend)).write_to(&path)).await?;

        let approvals = phase(&mut phases, async {
            let approvals = Approvals::approve_all(&plan, "benchmark")?;
            approvals.save(folder.path().join("approvals.json"))?;
            Ok::<_, Error>(approvals)
        })
        .await?;

        let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::create(folder.path().join("journal.sqlite"))?);
        let vault = SealedFile::create(folder.path().join("vault.jsonl"), vec![Identity::generate().recipient()])?;
        let run = Run::new(plan.clone(), Arc::clone(&journal), Arc::new(vault))
            .directory(Arc::clone(&backend))
            .approvals(approvals);
        let end = phase(&mut phases, async { run.start().await?.finish().await }).await?;
        ensure!(end.stopped.is_none(), "the run stopped: {:?}", end.stopped);

        let verifier = Verifier::new(Arc::clone(&journal)).directory(Arc::clone(&backend));
        let counts = phase(&mut phases, verifier.run(|| plan.rows())).await?;
        ensure!(counts.is_clean(), "not everything was verified: {counts:?}");

        let report = Report::new(Arc::clone(&journal), plan.digest())
            .directory(DirectoryRun::new(backend.info().id.clone(), &backend.info().kind));
        let summary = phase(&mut phases, report.write(plan.rows()?, folder.path())).await?;
        ensure!(summary.accounts.verified == summary.accounts.planned, "{:?}", summary.accounts);

        let mebibytes = |name: &str| file_mib(&folder.path().join(name));
        let disk = [mebibytes("plan.jsonl")?, mebibytes("journal.sqlite")?, mebibytes("vault.jsonl")?];
        drop((report, verifier, journal, plan));
        let with = memory::resident_mib();
        drop((backend, directory));
        // Its columns are few and large: they go back to the system as soon as they are dropped.
        let directory_mib = with.zip(memory::resident_mib()).map_or(0.0, |(with, without)| (with - without).max(0.0));
        Ok(Self {
            seen: summary.accounts.seen,
            planned: summary.accounts.planned,
            verified: summary.accounts.verified,
            phases,
            directory_mib,
            disk,
        })
    }

    /// The greatest peak of all phases, without the directory. The program itself is in it, and what
    /// the allocator keeps of an earlier journey.
    pub(crate) fn own_peak_mib(&self) -> Option<f64> {
        let peaks = self.phases.iter().map(|measured| measured.peak_mib).collect::<Option<Vec<f64>>>()?;
        let greatest = peaks.into_iter().fold(0.0, f64::max);
        Some(greatest - self.directory_mib)
    }
}

async fn phase<T, E>(phases: &mut Vec<Measured>, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let forgotten = memory::forget_peak();
    let begun = clock::instant();
    let done = work.await?;
    let seconds = begun.elapsed().as_secs_f64();
    phases.push(Measured { seconds, peak_mib: memory::peak_mib().filter(|_| forgotten) });
    Ok(done)
}

fn file_mib(path: &Path) -> std::io::Result<f64> {
    Ok(std::fs::metadata(path)?.len() as f64 / (1024.0 * 1024.0))
}

//! How much memory this process has, as Linux tells it. Elsewhere nothing is known.

/// Resident memory now, in MiB.
pub(crate) fn resident_mib() -> Option<f64> {
    status("VmRSS:")
}

/// The peak of resident memory since [`forget_peak`], in MiB.
pub(crate) fn peak_mib() -> Option<f64> {
    status("VmHWM:")
}

/// Lets the peak begin anew at what is resident now (proc(5), clear_refs: 5).
pub(crate) fn forget_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn status(field: &str) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes / 1024.0)
}

//! How the work went: the timeline, the directories and their pace, populations and waves.

use super::text::{Markup, lasted};
use super::{chart, end, table};
use crate::report::summary::{DirectoryCounts, QuotaCounts, Summary};
use crate::report::timeline::Timeline;

/// Lines that the table of milestones, and that of waves, may have.
const LINES: usize = 60;

/// The curve, and what happened when.
pub(super) fn times(html: &mut Markup, summary: &Summary, timeline: &Timeline) {
    html.raw("<section aria-labelledby=\"times\">\n<h2 id=\"times\">Timeline</h2>\n");
    if timeline.buckets.is_empty() {
        html.raw("<p>Nothing is recorded yet.</p>\n</section>\n");
        return;
    }
    chart::curve(html, timeline, summary.accounts.planned);
    chart::numbers(html, timeline);
    table(
        html,
        "Milestones",
        "What happened to the run as a whole, by the clock of the machine that recorded it",
        &["when", "what", "#record"],
    );
    for at in timeline.milestones.iter().take(LINES) {
        html.raw("<tr><td>").time(at.at).raw("</td><td>").told(&at.what).raw("</td>").counted(at.record).raw("</tr>\n");
    }
    end(html);
    let kept = timeline.milestones.len().saturating_sub(LINES) as u64;
    if kept + timeline.milestones_left_out > 0 {
        html.raw("<p>").count(kept + timeline.milestones_left_out);
        html.raw(" milestones more are not listed here; report.json has ").count(kept);
        html.raw(" of them, and the journal has all.</p>\n");
    }
    html.raw("</section>\n");
}

/// Each directory, its pace, and what was used of its quotas.
pub(super) fn directories(html: &mut Markup, summary: &Summary) {
    html.raw("<section aria-labelledby=\"directories\">\n<h2 id=\"directories\">Directories</h2>\n");
    table(
        html,
        "Directories",
        "What came of each directory, and at which pace",
        &[
            "directory",
            "#to be reset",
            "#✓ verified",
            "#✕ failed",
            "#? unknown",
            "#actions done",
            "#requests",
            "#throttled",
            "worked on for",
            "#actions a minute",
        ],
    );
    for at in &summary.directories {
        html.raw("<tr><th scope=\"row\">").foreign(&at.id);
        if !at.kind.is_empty() {
            html.raw(" <span class=\"soft\">").foreign(&at.kind).raw("</span>");
        }
        html.raw("</th>").counted(at.planned).counted(at.verified).counted(at.failed).counted(at.unknown);
        html.counted(at.actions).counted(at.requests).counted(at.throttled).raw("<td>");
        if at.seconds > 0.0 {
            html.text(lasted(at.seconds));
        } else {
            html.raw("not told");
        }
        html.raw("</td><td class=\"n\">");
        pace(html, summary, at);
        html.raw("</td></tr>\n");
    }
    end(html);
    html.raw("<p class=\"soft\">Requests, throttled, time and quotas are of the process that made this report");
    html.raw(if summary.processes > 1 {
        "; others worked on this run before it, so that no pace is stated.</p>\n"
    } else {
        ".</p>\n"
    });
    html.raw("<h3>Throughput against quota</h3>\n");
    if summary.directories.iter().all(|at| at.quotas.is_empty()) {
        html.raw("<p>None is known to the process that made this report: no quota was stated or learnt, or the run was another process.</p>\n");
    } else {
        table(
            html,
            "Quotas",
            "What the run may use of each quota, and what it used of that between its first use and its last",
            &["directory", "quota", "its share", "#used", "#share came to", "of the share", "#refused for pace"],
        );
        for (at, quota) in summary.directories.iter().flat_map(|at| at.quotas.iter().map(move |quota| (at, quota))) {
            quota_line(html, at, quota);
        }
        end(html);
    }
    servers(html, summary);
    logs(html, summary);
    html.raw("</section>\n");
}

fn pace(html: &mut Markup, summary: &Summary, at: &DirectoryCounts) {
    if summary.processes > 1 || at.seconds < 1.0 {
        html.raw("not stated");
    } else {
        html.count((at.actions as f64 * 60.0 / at.seconds).round() as u64);
    }
}

fn quota_line(html: &mut Markup, at: &DirectoryCounts, quota: &QuotaCounts) {
    html.raw("<tr><th scope=\"row\">").foreign(&at.id).raw("</th><td>").foreign(&quota.name).raw("</td><td>");
    html.text(format_args!("{:.0}", quota.allowed));
    match quota.limit {
        Some(limit) => html.raw(" of ").count(limit.into()),
        None => html.raw(" of a limit not told"),
    };
    html.raw(" in ").text(lasted(quota.window_seconds)).raw("</td>").counted(quota.used);
    html.raw("<td class=\"n\">").text(format_args!("{:.0}", quota.share)).raw("</td><td>");
    match quota.used_part {
        Some(part) => {
            html.text(format_args!("{:.0} %", part * 100.0));
            chart::meter(html, part);
        }
        None => {
            html.raw("not used enough to tell");
        }
    }
    html.raw("</td>").counted(quota.refused).raw("</tr>\n");
}

fn servers(html: &mut Markup, summary: &Summary) {
    if summary.servers.is_empty() {
        return;
    }
    html.raw("<h3 id=\"servers\">Servers, each asked by itself</h3>\n");
    table(
        html,
        "Servers",
        "On a server that is behind, the old password works",
        &["server", "directory", "#has it", "#behind", "#cannot tell", "#not asked", "remarks"],
    );
    for at in &summary.servers {
        html.raw("<tr><th scope=\"row\">")
            .foreign(&at.server)
            .raw("</th><td>")
            .foreign(at.directory.as_str())
            .raw("</td>");
        html.counted(at.converged).counted(at.behind).counted(at.unknown).counted(at.unread).raw("<td class=\"w\">");
        if at.read_only {
            html.raw("takes no changes; ");
        }
        if let Some(error) = &at.unreachable {
            html.told(&error.text).raw("; ");
        }
        html.told(&at.first_behind.join(", ")).raw("</td></tr>\n");
    }
    end(html);
}

fn logs(html: &mut Markup, summary: &Summary) {
    html.raw("<h3>The directories' own audit logs</h3>\n");
    if summary.logs.is_empty() {
        html.raw("<p>None was read. The journal and reading back are the only witnesses.</p>\n");
        return;
    }
    table(
        html,
        "Audit logs",
        "A second witness: what each log says of the run, and what others did in the same minutes",
        &[
            "directory",
            "#events",
            "#confirmed",
            "#not found",
            "#contradicted",
            "#not looked at",
            "#by the run's principal, unknown to the journal",
            "#by others on planned accounts",
        ],
    );
    for at in &summary.logs {
        html.raw("<tr><th scope=\"row\">").foreign(at.directory.as_str());
        if let Some(error) = &at.unreadable {
            html.raw("<br>").told(&error.text);
        }
        html.raw("</th>").counted(at.events).counted(at.confirmed).counted(at.not_found).counted(at.contradicted);
        html.counted(at.unread).counted(at.own_principal).counted(at.others_on_planned).raw("</tr>\n");
    }
    end(html);
}

/// Populations and waves.
pub(super) fn populations(html: &mut Markup, summary: &Summary) {
    html.raw("<section aria-labelledby=\"populations\">\n<h2 id=\"populations\">Populations and waves</h2>\n");
    table(
        html,
        "Populations",
        "Accounts by what they are",
        &["population", "#to be reset", "#✓ verified", "#✕ failed", "#? unknown", "#left to people", "#of these done"],
    );
    for at in &summary.populations {
        html.raw("<tr><th scope=\"row\">").text(&at.population).raw("</th>").counted(at.planned).counted(at.verified);
        html.counted(at.failed).counted(at.unknown).counted(at.manual).counted(at.manual_done).raw("</tr>\n");
    }
    end(html);
    table(
        html,
        "Waves",
        "Waves, in their order",
        &["wave", "#to be reset", "#✓ verified", "#✕ failed", "#? unknown", "#never attempted"],
    );
    for at in summary.waves.iter().take(LINES) {
        html.raw("<tr><th scope=\"row\">").foreign(&at.name).raw("</th>").counted(at.planned).counted(at.verified);
        html.counted(at.failed).counted(at.unknown).counted(at.not_attempted).raw("</tr>\n");
    }
    end(html);
    if summary.waves.len() > LINES {
        html.raw("<p>And ").count((summary.waves.len() - LINES) as u64).raw(" waves more, in report.json.</p>\n");
    }
    html.raw("</section>\n");
}

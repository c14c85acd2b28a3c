//! What an auditor reads: what a reset does not end, the evidence and how to check it, the controls,
//! the words.

use super::text::Markup;
use super::{Beside, end, opening, table};
use crate::report::control;
use crate::report::summary::Summary;
use crate::report::write::DEFINITIONS;

/// Approvals that are listed.
const APPROVALS: usize = 60;

/// What a password reset does not end.
pub(super) fn survivors(html: &mut Markup, summary: &Summary) {
    html.raw("<section aria-labelledby=\"survives\">\n<h2 id=\"survives\">What survives a reset</h2>\n<p>A new password does not end everything that an attacker may hold. This is known of the kind of directory, and was not looked up account by account.</p>\n");
    table(
        html,
        "What survives",
        "What an attacker who held the account may still hold",
        &["#accounts", "what, for how long, and what ends it", "source"],
    );
    for at in &summary.survivors {
        html.raw("<tr>").counted(at.accounts).raw("<td class=\"w\">").raw(at.survivor.meaning()).raw("</td><td>");
        html.raw(at.survivor.source()).raw("</td></tr>\n");
    }
    end(html);
    html.raw("</section>\n");
}

/// The digests, the approvals, the chain, who verified, and how all of it is checked.
pub(super) fn evidence(html: &mut Markup, summary: &Summary, beside: &[Beside]) {
    html.raw("<section aria-labelledby=\"evidence\">\n<h2 id=\"evidence\">Evidence</h2>\n<dl class=\"facts\">");
    html.raw("<dt>Plan</dt><dd class=\"hash\">").text(&summary.plan_digest).raw("</dd>");
    if let Some(origin) = &summary.origin {
        html.raw("<dt>Playbook</dt><dd>")
            .foreign(&origin.playbook)
            .raw("<br><span class=\"hash\">")
            .text(&origin.digest);
        html.raw("</span></dd>");
    }
    html.raw("<dt>Run</dt><dd class=\"hash\">").text(opening::run(summary)).raw("</dd>");
    html.raw("<dt>Journal, newest record</dt><dd>").count(summary.chain.number).raw("<br><span class=\"hash\">");
    html.text(&summary.chain.hash).raw("</span></dd><dt>Chain</dt><dd>followed from its first record to its newest while this page was made: intact</dd>");
    html.raw("<dt>Verified</dt><dd>").count(summary.effects.read_back);
    html.raw(" accounts were read back from their directories, by the process that the timeline names; ");
    let logged: u64 = summary.logs.iter().map(|log| log.confirmed).sum();
    html.count(logged).raw(" accounts are confirmed by a directory's own audit log</dd></dl>\n");
    approvals(html, summary);
    html.raw("<h3>How to check it</h3>\n<p>In the run's folder, with tools that are not ours. The digest of the plan, without <code>sha256:</code> before it, is that of the file:</p>\n<pre>sha256sum plan.jsonl</pre>\n<p>The files beside this page are those that it was made with, when this says OK of each:</p>\n<pre>sha256sum --check &lt;&lt;'END'");
    for file in beside {
        html.raw("\n").text(&file.digest).raw("  ").raw(file.name);
    }
    html.raw("\nEND</pre>\n<p>The newest record of the journal is the one named above, unless the run went on since:</p>\n<pre>sqlite3 -readonly journal.sqlite \"select number, hash from records order by number desc limit 1\"</pre>\n");
    if summary.chain.number > 1 {
        html.raw("<p>Each record's hash covers the one before it. This computes the newest one's anew (another number, another record):</p>\n<pre>sqlite3 -readonly journal.sqlite \"select p.hash || char(10) || r.number || char(10) || r.at || char(10) || r.body from records r join records p on p.number = r.number - 1 where r.number = ");
        html.text(summary.chain.number).raw("\" | head -c -1 | sha256sum</pre>\n");
    }
    html.raw("<p>A chain cannot show that its end was cut off: keep this page, or its digest, where whoever holds the journal cannot write.</p>\n</section>\n");
}

fn approvals(html: &mut Markup, summary: &Summary) {
    html.raw("<h3>Approvals</h3>\n");
    if summary.approvals.is_empty() {
        html.raw("<p>The run accepted none.</p>\n");
        return;
    }
    table(
        html,
        "Approvals",
        "What the run accepted. By name means that nothing but the file says who it was",
        &["who", "what", "when", "how it was verified", "note"],
    );
    for at in summary.approvals.iter().take(APPROVALS) {
        html.raw("<tr><th scope=\"row\">").foreign(&at.approver).raw("</th><td>").told(&at.scope.waves().join(", "));
        html.raw("</td><td>").time(at.at);
        if let Some(until) = at.ends_at() {
            html.raw("<br>until ").time(until);
        }
        html.raw("</td><td>");
        match at.signed_by() {
            Some(signed) => {
                html.raw("SSH signature of ").foreign(signed.principal()).raw("<br><span class=\"hash\">");
                html.foreign(signed.key()).raw("</span>");
            }
            None => {
                html.raw("by name");
            }
        }
        html.raw("</td><td>").told(at.note.as_deref().unwrap_or_default()).raw("</td></tr>\n");
    }
    end(html);
    if summary.approvals.len() > APPROVALS {
        html.raw("<p>And ").count((summary.approvals.len() - APPROVALS) as u64).raw(" more, in report.json.</p>\n");
    }
}

/// Which control this run's evidence speaks to, and what it does not show.
pub(super) fn controls(html: &mut Markup, summary: &Summary) {
    html.raw("<section aria-labelledby=\"controls\">\n<h2 id=\"controls\">Controls</h2>\n<p>Evidence for an assessor, not a statement of conformity.</p>\n");
    table(
        html,
        "Controls",
        "What this run shows of each control, and what it does not",
        &["control", "what it asks for", "what this run shows", "what it does not show"],
    );
    for at in control::shown(summary) {
        html.raw("<tr><th scope=\"row\">")
            .raw(at.control.framework)
            .raw("<br>")
            .raw(at.control.control)
            .raw("</th><td>");
        html.raw(at.control.asks).raw("</td><td class=\"w\">").text(&at.shown).raw("<br><span class=\"soft\">");
        html.raw(at.control.reading).raw("</span></td><td>").raw(at.control.beyond).raw("</td></tr>\n");
    }
    end(html);
    html.raw("</section>\n");
}

/// What the words mean.
pub(super) fn words(html: &mut Markup) {
    html.raw("<section aria-labelledby=\"words\">\n<h2 id=\"words\">Words</h2>\n<dl class=\"facts\">");
    for at in DEFINITIONS {
        html.raw("<dt>").raw(at.word).raw("</dt><dd>").raw(at.means).raw("</dd>");
    }
    html.raw("</dl>\n</section>\n");
}

//! The first screen: what was done, whether it is done, and the numbers.

use super::chart;
use super::text::{Markup, accounts, lasted};
use crate::report::history::stop_words;
use crate::report::summary::Summary;

/// The run's id, or that there is none.
pub(super) fn run(summary: &Summary) -> &str {
    if summary.run.is_empty() { "not begun" } else { &summary.run }
}

/// The name of the page, what it is of, and where to go.
pub(super) fn header(html: &mut Markup, summary: &Summary) {
    html.raw("<header>\n<h1>Password reset report</h1>\n<p class=\"soft\">Run ").text(run(summary));
    if let Some(origin) = &summary.origin {
        html.raw(" · playbook ").foreign(&origin.playbook);
        if let Some(incident) = &origin.incident {
            html.raw(" · incident ").foreign(incident);
        }
    }
    if let (Some(began), Some(as_of)) = (summary.began, summary.as_of) {
        html.raw("<br>").time(began).raw(" to ").time(as_of);
    }
    html.raw("</p>\n</header>\n<nav aria-label=\"Parts of this report\"><ul>");
    html.raw("<li><a href=\"#outcome\">Outcome</a></li><li><a href=\"#left\">Left to do</a></li><li><a href=\"#times\">Timeline</a></li><li><a href=\"#directories\">Directories</a></li><li><a href=\"#populations\">Populations</a></li><li><a href=\"#survives\">What survives</a></li><li><a href=\"#evidence\">Evidence</a></li><li><a href=\"#controls\">Controls</a></li><li><a href=\"#words\">Words</a></li></ul></nav>\n");
}

/// The outcome in two sentences and eight numbers.
pub(super) fn outcome(html: &mut Markup, summary: &Summary) {
    let a = &summary.accounts;
    html.raw("<section aria-labelledby=\"outcome\">\n<h2 id=\"outcome\" tabindex=\"-1\">Outcome</h2>\n<p class=\"lead\"><strong>");
    match (&summary.stopped, summary.finished) {
        (Some(reason), _) => {
            html.raw("The run stopped before its end: ").told(&stop_words(reason)).raw(".");
        }
        (None, true) if summary.is_clean() => {
            html.raw("Every account that was to be reset is verified, and nothing is left to do.");
        }
        (None, true) => {
            html.raw("The run came to its end, and not everything is done.");
        }
        (None, false) if summary.run.is_empty() => {
            html.raw("The run has not begun.");
        }
        (None, false) => {
            html.raw("The run has not come to its end.");
        }
    }
    html.raw("</strong> Of ").text(accounts(a.planned)).raw(" to be reset, ").count(a.verified);
    html.raw(" are verified: each planned action is done, and the directory itself shows it. ").count(a.failed);
    html.raw(" failed and ").count(a.unknown).raw(" are unknown. ").count(a.manual - a.manual_done);
    html.raw(" more wait for people, as planned.</p>\n");
    if !summary.is_converged() {
        html.raw("<p><b class=\"open\">? Not everywhere:</b> at least one server does not have all new passwords, or could not be asked. On such a server the old password works; see <a href=\"#servers\">the servers</a>.</p>\n");
    }
    chart::bar(html, &[("v", a.verified), ("f", a.failed), ("u", a.unknown)]);
    html.raw("<dl class=\"tiles\">");
    let tile = |html: &mut Markup, class: &'static str, what: &'static str, count: u64| {
        html.raw("<div class=\"").raw(class).raw("\"><dt>").raw(what).raw("</dt><dd>").count(count).raw("</dd></div>");
    };
    tile(html, "good", "✓ verified", a.verified);
    tile(html, "bad", "✕ failed", a.failed);
    tile(html, "open", "? unknown", a.unknown);
    tile(html, "hand", "✎ left to people", a.manual - a.manual_done);
    html.raw("</dl>\n<dl class=\"facts\">");
    let fact = |html: &mut Markup, what: &'static str| {
        html.raw("<dt>").raw(what).raw("</dt><dd>");
    };
    fact(html, "Seen");
    html.text(accounts(a.seen)).raw(" = ").count(a.planned).raw(" to be reset + ").count(a.manual);
    html.raw(" left to people + ").count(a.left_out).raw(" left out + ").count(a.protected).raw(" protected</dd>");
    fact(html, "Privileged");
    html.count(a.privileged).raw(" seen; ").count(summary.effects.privileged_planned).raw(" to be reset, of which ");
    html.count(summary.effects.privileged_verified).raw(" are verified</dd>");
    if let Some(persons) = &summary.persons {
        fact(html, "Persons");
        html.count(persons.planned).raw(" = ").count(persons.done).raw(" done with all accounts + ");
        html.count(persons.partly).raw(" done in part + ").count(persons.open).raw(" open; ").count(persons.joined);
        html.raw(" have accounts in several directories</dd>");
    }
    fact(html, "Took");
    html.text(lasted(summary.seconds));
    if summary.processes > 1 {
        html.raw(", in ").count(summary.processes).raw(" processes");
    }
    html.raw("</dd>");
    if a.changed_by_owner > 0 {
        fact(html, "Own choice since");
        html.text(accounts(a.changed_by_owner))
            .raw(" of the verified: the owner signed in and chose another password, as asked</dd>");
    }
    if !summary.refusals.is_empty() {
        fact(html, "Not planned, because the directory would refuse");
        for at in &summary.refusals {
            html.text(accounts(at.accounts)).raw(": ").told(&at.refusal.to_string()).raw("<br>");
        }
        html.raw("</dd>");
    }
    html.raw("</dl>\n</section>\n");
}

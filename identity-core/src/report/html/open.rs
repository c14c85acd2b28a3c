//! What is not done: what is left to do, the exceptions, what the plan leaves to people.

use super::text::{Markup, accounts};
use super::{Listed, REASONS, end, table, word};
use crate::report::summary::Summary;

/// What is left to do, and who does it.
pub(super) fn left(html: &mut Markup, summary: &Summary) {
    let left = &summary.left;
    html.raw("<section aria-labelledby=\"left\">\n<h2 id=\"left\">Left to do</h2>\n");
    let lines = [
        (
            left.by_hand,
            "People have to look at it",
            "the same order would fail again, or nothing but a person can tell; each has its advice",
        ),
        (left.manual, "People do it, as planned", "each account has its procedure and, where one is named, an owner"),
        (left.resume, "Resume the run", "it sends what is missing, and reads back before anything is repeated"),
        (left.read_back, "Verify again", "reading back later may clear it up"),
    ];
    if lines.iter().all(|(count, ..)| *count == 0) {
        html.raw("<p><b class=\"good\">✓ Nothing.</b></p>\n</section>\n");
        return;
    }
    table(
        html,
        "Left to do",
        "Each account is counted once; all of them, one a line, are in todo.csv",
        &["#accounts", "what", "how"],
    );
    for (count, what, how) in lines.into_iter().filter(|(count, ..)| *count > 0) {
        html.raw("<tr>")
            .counted(count)
            .raw("<th scope=\"row\">")
            .raw(what)
            .raw("</th><td>")
            .raw(how)
            .raw("</td></tr>\n");
    }
    end(html);
    if summary.accounts.not_attempted > 0 {
        html.raw("<p>").text(accounts(summary.accounts.not_attempted));
        html.raw(" of the failed were never attempted: nothing was sent to the directory for them.</p>\n");
    }
    html.raw("</section>\n");
}

/// Which accounts are failed or unknown.
pub(super) fn exceptions(html: &mut Markup, listed: &Listed) {
    html.raw("<section aria-labelledby=\"exceptions\">\n<h2 id=\"exceptions\">Exceptions</h2>\n");
    if listed.all == 0 {
        html.raw("<p><b class=\"good\">✓ None:</b> no account failed, and none is unknown.</p>\n</section>\n");
        return;
    }
    bound(html, listed, "report.csv and todo.csv");
    reasons(html, listed);
    table(
        html,
        "Exceptions",
        "Accounts that failed or are unknown",
        &["account", "directory", "tier", "wave", "result", "why", "what to do"],
    );
    for at in listed.first.values() {
        html.raw("<tr><th scope=\"row\">").foreign(&at.name);
        if at.name != at.id {
            html.raw("<br><span class=\"soft hash\">").foreign(&at.id).raw("</span>");
        }
        html.raw("</th><td>").foreign(&at.directory).raw("</td><td>").text(at.tier).raw("</td><td>").foreign(&at.wave);
        html.raw("</td><td>").raw(word(at.result)).raw("</td><td class=\"w\">").told(&at.why);
        html.raw("</td><td class=\"w\">").told(&at.advice).raw("</td></tr>\n");
    }
    end(html);
    html.raw("</section>\n");
}

/// Which accounts the plan leaves to people.
pub(super) fn by_hand(html: &mut Markup, listed: &Listed) {
    html.raw("<section aria-labelledby=\"hands\">\n<h2 id=\"hands\">Left to people</h2>\n");
    if listed.all == 0 {
        html.raw("<p>The plan leaves no account to people.</p>\n</section>\n");
        return;
    }
    html.raw("<p>The plan does not reset these by itself. Each stays in this report until somebody records it as done.</p>\n");
    bound(html, listed, "report.csv");
    table(
        html,
        "Left to people",
        "Accounts that people reset",
        &["account", "directory", "tier", "state", "who answers", "why", "procedure"],
    );
    for at in listed.first.values() {
        html.raw("<tr><th scope=\"row\">").foreign(&at.name).raw("</th><td>").foreign(&at.directory);
        html.raw("</td><td>").text(at.tier).raw("</td><td>").raw(word(at.result)).raw("</td><td>");
        match &at.owner {
            Some(owner) => html.foreign(owner),
            None => html.raw("nobody named"),
        };
        html.raw("</td><td class=\"w\">").told(&at.why).raw("</td><td class=\"w\">").told(&at.advice);
        html.raw("</td></tr>\n");
    }
    end(html);
    html.raw("</section>\n");
}

/// How many there are, and how many of them this page lists.
fn bound(html: &mut Markup, listed: &Listed, files: &'static str) {
    let shown = listed.first.len() as u64;
    html.raw("<p>").text(accounts(listed.all));
    if shown < listed.all {
        html.raw("; this page lists the first ").count(shown).raw(" of them, the privileged first. The other ");
        html.count(listed.all - shown).raw(" are in ").raw(files).raw(", as all of them are.</p>\n");
    } else {
        html.raw(", all of them listed here, the privileged first; they are in ").raw(files).raw(" too.</p>\n");
    }
}

/// The reasons of what is listed, the most frequent first.
fn reasons(html: &mut Markup, listed: &Listed) {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for at in listed.first.values() {
        match counts.iter_mut().find(|(why, _)| *why == at.why) {
            Some((_, count)) => *count += 1,
            None => counts.push((&at.why, 1)),
        }
    }
    if counts.len() == listed.first.len() {
        return;
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    table(html, "Reasons", "Why, among those listed", &["#accounts", "why"]);
    for (why, count) in counts.iter().take(REASONS) {
        html.raw("<tr>").counted(*count).raw("<td>").told(why).raw("</td></tr>\n");
    }
    end(html);
    if counts.len() > REASONS {
        html.raw("<p>And ").count((counts.len() - REASONS) as u64).raw(" reasons more.</p>\n");
    }
}

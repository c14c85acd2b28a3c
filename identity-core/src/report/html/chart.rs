//! Drawings: inline SVG without a letter in it. What they show stands beside them as text, so that
//! they can be stretched to any width and nobody needs their colours.

use super::text::{Markup, accounts, lasted};
use crate::report::timeline::Timeline;

/// The width that drawings are computed in.
const WIDE: f64 = 1000.0;
/// The height of the curve.
const HIGH: f64 = 300.0;

/// A bar of parts that belong together, each as long as its share.
pub(super) fn bar(html: &mut Markup, parts: &[(&'static str, u64)]) {
    let all: u64 = parts.iter().map(|(_, count)| count).sum();
    if all == 0 {
        return;
    }
    html.raw("<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    let mut from = 0.0;
    for (class, count) in parts.iter().filter(|(_, count)| *count > 0) {
        let width = WIDE * *count as f64 / all as f64;
        html.raw("<rect class=\"gap ").raw(class).raw("\" y=\"0\" height=\"10\" x=\"").text(format_args!("{from:.2}"));
        html.raw("\" width=\"").text(format_args!("{width:.2}")).raw("\"/>");
        from += width;
    }
    html.raw("</svg>");
}

/// How much of a whole: 0 to 1.
pub(super) fn meter(html: &mut Markup, part: f64) {
    let width = WIDE * part.clamp(0.0, 1.0);
    html.raw("<svg class=\"meter\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">")
        .raw("<rect class=\"m\" y=\"0\" height=\"10\" x=\"0\" width=\"")
        .text(format_args!("{width:.0}"))
        .raw("\"/></svg>");
}

/// How the run progressed: accounts confirmed and read back, added up, under the line of what was
/// planned, and below it when attempts were in trouble.
pub(super) fn curve(html: &mut Markup, timeline: &Timeline, planned: u64) {
    let confirmed = added_up(timeline, |bucket| bucket.confirmed);
    let read_back = added_up(timeline, |bucket| bucket.read_back);
    let (last_confirmed, last_read) = (confirmed.last().copied(), read_back.last().copied());
    let (last_confirmed, last_read) = (last_confirmed.unwrap_or(0), last_read.unwrap_or(0));
    let top = planned.max(last_confirmed).max(last_read).max(1);
    let troubled: u64 = timeline.buckets.iter().map(|bucket| bucket.troubled).sum();
    html.raw("<figure><div class=\"plot\"><div class=\"ends\"><span>").text(accounts(top)).raw("</span></div>");
    html.raw("<svg viewBox=\"0 0 1000 310\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"");
    html.text(format_args!(
        "Progress curve: within {}, {} were confirmed and {} read back, of {} planned; {troubled} attempts were in trouble",
        lasted(timeline.seconds()),
        accounts(last_confirmed),
        accounts(last_read),
        planned
    ));
    html.raw("\"><line class=\"c\" x1=\"0\" x2=\"1000\" y1=\"").text(format_args!("{:.1}", height(planned, top)));
    html.raw("\" y2=\"").text(format_args!("{:.1}", height(planned, top))).raw("\"/>");
    html.raw("<line class=\"c\" x1=\"0\" x2=\"1000\" y1=\"305\" y2=\"305\"/>");
    steps(html, "<path class=\"a\" d=\"", &confirmed, top);
    steps(html, "<path class=\"b\" d=\"", &read_back, top);
    let width = WIDE / timeline.buckets.len().max(1) as f64;
    for (at, _) in timeline.buckets.iter().enumerate().filter(|(_, bucket)| bucket.troubled > 0) {
        html.raw("<rect class=\"d\" y=\"300\" height=\"10\" x=\"").text(format_args!("{:.2}", at as f64 * width));
        html.raw("\" width=\"").text(format_args!("{:.2}", width.max(3.0))).raw("\"/>");
    }
    html.raw("</svg><div class=\"ends\"><span>");
    if let Some(began) = timeline.began {
        html.time(began);
    }
    html.raw("</span><span>").text(lasted(timeline.seconds())).raw(" later</span></div></div><ul class=\"key\">");
    let key = |html: &mut Markup, sample: &'static str, what: &'static str, count: String| {
        html.raw("<li><svg viewBox=\"0 0 40 10\" aria-hidden=\"true\">").raw(sample).raw("</svg>").raw(what);
        html.text(count).raw("</li>");
    };
    key(html, "<path class=\"a\" d=\"M0 5H40\"/>", "solid: first action confirmed, ", accounts(last_confirmed));
    key(html, "<path class=\"b\" d=\"M0 5H40\"/>", "dashed: read back, ", accounts(last_read));
    key(html, "<line class=\"c\" x1=\"0\" x2=\"40\" y1=\"5\" y2=\"5\"/>", "dotted: planned, ", accounts(planned));
    key(
        html,
        "<rect class=\"d\" x=\"12\" y=\"0\" width=\"12\" height=\"10\"/>",
        "blocks at the foot: failed or unanswered attempts, ",
        super::text::number(troubled),
    );
    html.raw("</ul></figure>");
}

/// The curve as numbers, for those who do not see it and for those who compare.
pub(super) fn numbers(html: &mut Markup, timeline: &Timeline) {
    const LINES: usize = 12;
    let every = timeline.buckets.len().div_ceil(LINES).max(1);
    html.raw("<details><summary>The curve as numbers</summary><div class=\"box\" role=\"group\" tabindex=\"0\" aria-label=\"The curve as numbers\"><table><caption>Added up to the end of each stretch; the finer steps are in report.json</caption><thead><tr><th scope=\"col\">after</th><th scope=\"col\" class=\"n\">confirmed</th><th scope=\"col\" class=\"n\">read back</th><th scope=\"col\" class=\"n\">attempts in trouble</th></tr></thead><tbody>");
    let (mut confirmed, mut read_back, mut troubled) = (0, 0, 0);
    let mut passed = 0;
    for stretch in timeline.buckets.chunks(every) {
        passed += stretch.len() as u64 * timeline.bucket_milliseconds;
        confirmed += stretch.iter().map(|bucket| bucket.confirmed).sum::<u64>();
        read_back += stretch.iter().map(|bucket| bucket.read_back).sum::<u64>();
        troubled += stretch.iter().map(|bucket| bucket.troubled).sum::<u64>();
        let seconds = passed as f64 / 1000.0;
        html.raw("<tr><th scope=\"row\">");
        if seconds < 60.0 {
            html.text(format_args!("{seconds:.1} s"));
        } else {
            html.text(lasted(seconds));
        }
        html.raw("</th>").counted(confirmed).counted(read_back).counted(troubled).raw("</tr>");
    }
    html.raw("</tbody></table></div></details>");
}

fn added_up(timeline: &Timeline, of: impl Fn(&crate::report::timeline::Bucket) -> u64) -> Vec<u64> {
    let sum = timeline.buckets.iter().scan(0, |sum, bucket| {
        *sum += of(bucket);
        Some(*sum)
    });
    sum.collect()
}

fn height(count: u64, top: u64) -> f64 {
    HIGH - (HIGH - 10.0) * count as f64 / top as f64
}

fn steps(html: &mut Markup, open: &'static str, sums: &[u64], top: u64) {
    let width = WIDE / sums.len().max(1) as f64;
    html.raw(open).text(format_args!("M0 {HIGH:.1}"));
    for (at, sum) in sums.iter().enumerate() {
        html.text(format_args!("L{:.2} {:.1}", (at + 1) as f64 * width, height(*sum, top)));
    }
    html.raw("\"/>");
}

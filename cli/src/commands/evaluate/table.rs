//! A ranking for people.

use engine::Ticker;
use engine::evaluation::Score;
use engine::metrics::Metric;

use super::Findings;
use crate::{conventions, figures};

/// Shown beside the score, unless they are the score.
const BESIDE: [Metric; 3] = [Metric::TotalReturn, Metric::MaxDrawdown, Metric::Trades];

/// Most characters of a strategy with its parameters.
const WHAT_WIDTH: usize = 56;

/// The best runs, then the best of each ticker.
pub(super) fn of(findings: &Findings, top: usize, task_id: Option<uuid::Uuid>) -> String {
    let metric = findings.metric;
    let beside: Vec<Metric> = BESIDE.into_iter().filter(|other| *other != metric).collect();
    let made = findings.scores.len();
    let mut lines = vec![
        format!(
            "{}, ranked by {metric}{}",
            figures::counted(made, "backtest"),
            if findings.canceled { "; stopped before the end" } else { "" },
        ),
        String::new(),
    ];
    lines.push(header(metric, &beside));
    lines.extend(
        findings
            .scores
            .iter()
            .take(top)
            .enumerate()
            .map(|(place, score)| row(&figures::count(place + 1), score, metric, &beside)),
    );
    if made > top {
        lines.push(format!(
            "      and {} more: --top N, or --format json",
            figures::count(made - top)
        ));
    }
    let best = findings.best();
    if best.len() > 1 {
        lines.extend([String::new(), "Best of each ticker".to_owned(), String::new()]);
        lines.push(header(metric, &beside));
        lines.extend(best.values().map(|score| row("", score, metric, &beside)));
    }
    if let Some(first) = findings.skipped.first() {
        lines.push(format!(
            "\n{} not made, such as {}: {}",
            figures::counted(findings.skipped.len(), "backtest"),
            first.strategy,
            first.reason,
        ));
    }
    if let Some(task_id) = task_id {
        lines.push(format!("\nsaved as evaluation {task_id}"));
    }
    lines.join("\n")
}

fn header(metric: Metric, beside: &[Metric]) -> String {
    let line = format!("{:>5} {:<13} {:<WHAT_WIDTH$}", "", "ticker", "strategy");
    let columns = std::iter::once(&metric).chain(beside);
    columns.fold(line, |line, metric| format!("{line}{:>19}", metric.name()))
}

fn row(place: &str, score: &Score, metric: Metric, beside: &[Metric]) -> String {
    let tickers: Vec<&str> = score.tickers.iter().map(Ticker::as_str).collect();
    let params = conventions::parameters(&score.params);
    let what: String = format!("{} {params}", score.strategy).chars().take(WHAT_WIDTH).collect();
    let line = format!("{place:>5} {:<13} {what:<WHAT_WIDTH$}", tickers.join(","));
    std::iter::once(&metric).chain(beside).fold(line, |line, metric| {
        format!("{line}{:>19}", figures::metric(*metric, score.metrics.get(*metric)))
    })
}

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

/// What all rows share.
struct Columns {
    /// The score, and what stands beside it.
    metrics: Vec<Metric>,
    /// Width of the longest ticker or pair.
    ticker_width: usize,
}

/// The best runs, then the best of each ticker.
pub(super) fn of(findings: &Findings, top: usize, task_id: Option<uuid::Uuid>) -> String {
    let metric = findings.metric;
    let best = findings.best();
    let beside = BESIDE.into_iter().filter(|other| *other != metric);
    let widest = best.keys().map(String::len).max().unwrap_or_default();
    let columns = Columns {
        metrics: std::iter::once(metric).chain(beside).collect(),
        ticker_width: widest.max("ticker".len()),
    };
    let made = findings.scores.len();
    let mut lines = vec![
        format!(
            "{}, ranked by {metric}{}",
            figures::counted(made, "backtest"),
            if findings.canceled { "; stopped before the end" } else { "" },
        ),
        String::new(),
    ];
    lines.push(columns.header());
    let rows = findings.scores.iter().take(top).enumerate();
    lines.extend(rows.map(|(place, score)| columns.row(&figures::count(place + 1), score)));
    if made > top {
        lines.push(format!(
            "      and {} more: --top N, or --format json",
            figures::count(made - top)
        ));
    }
    if best.len() > 1 {
        lines.extend([String::new(), "Best of each ticker".to_owned(), String::new()]);
        lines.push(columns.header());
        lines.extend(best.values().map(|score| columns.row("", score)));
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

impl Columns {
    fn header(&self) -> String {
        let width = self.ticker_width;
        let line = format!("{:>5}  {:<width$}  {:<WHAT_WIDTH$}", "", "ticker", "strategy");
        self.metrics.iter().fold(line, |line, metric| format!("{line}{:>19}", metric.name()))
    }

    fn row(&self, place: &str, score: &Score) -> String {
        let width = self.ticker_width;
        let tickers: Vec<&str> = score.tickers.iter().map(Ticker::as_str).collect();
        let tickers = tickers.join(",");
        let params = conventions::parameters(&score.params);
        let what = format!("{} {params}", score.strategy);
        let what: String = what.chars().take(WHAT_WIDTH).collect();
        let line = format!("{place:>5}  {tickers:<width$}  {what:<WHAT_WIDTH$}");
        self.metrics.iter().fold(line, |line, metric| {
            format!("{line}{:>19}", figures::metric(*metric, score.metrics.get(*metric)))
        })
    }
}

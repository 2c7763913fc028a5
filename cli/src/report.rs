//! The report of a backtest: one HTML page that needs nothing else, no network and no script.

mod chart;
mod curves;
mod monthly;
mod tables;
mod ticks;

use engine::backtest::{Market, Report, Spec};
use engine::metrics::Metric;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use rust_decimal::prelude::ToPrimitive as _;

use crate::conventions;
use crate::figures;

/// Tickers that get a price chart of their own.
const PRICE_CHARTS_MAX: usize = 6;

const STYLE: &str = include_str!("report/style.css");

/// Nothing is loaded and nothing runs: whoever is sent a report can open it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    /// Names, metrics, trades and equity.
    pub(crate) report: &'a Report,
    /// The bars it ran on.
    pub(crate) market: &'a Market,
    /// How it was run.
    pub(crate) spec: &'a Spec,
}

impl Input<'_> {
    /// US dollars at the start.
    fn cash(&self) -> f64 {
        self.spec.cash.amount().to_f64().unwrap_or(f64::NAN)
    }

    /// Return of buying at the first close and holding, without costs.
    pub(crate) fn hold_return(&self) -> Option<f64> {
        self.market.benchmark().last().map(|value| value - 1.0)
    }
}

/// The page.
pub(crate) fn page(input: Input<'_>) -> anyhow::Result<String> {
    let report = input.report;
    let title = format!("{} on {}", report.strategy, report.ticker);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="generator" content=(concat!("troupe ", env!("CARGO_PKG_VERSION")));
                title { (title) " · Troupe backtest" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(input, &title))
                main {
                    (notices(report))
                    (key_figures(input))
                    (curves::equity(input)?)
                    (curves::drawdown(input)?)
                    (tables::months(input))
                    @for leg in 0..input.market.legs().len().min(PRICE_CHARTS_MAX) {
                        (curves::price(input, leg)?)
                    }
                    (tables::metrics(report))
                    (tables::trades(report))
                    (tables::settings(input))
                }
                (foot())
            }
        }
    };
    Ok(markup.into_string())
}

fn head(input: Input<'_>, title: &str) -> Markup {
    let report = input.report;
    let range = match (report.from, report.to) {
        (Some(from), Some(to)) => {
            format!("{} to {}", from.format("%-d %B %Y"), to.format("%-d %B %Y"))
        }
        _ => String::new(),
    };
    html! {
        header {
            p.kind { "Troupe · Backtest" }
            h1 { (title) }
            p.facts {
                @for fact in [conventions::parameters(&report.params), conventions::timeframe(&report.timeframe), range, figures::counted(report.bars, "bar")] {
                    @if !fact.is_empty() { span { (fact) } }
                }
            }
        }
    }
}

/// What one must know before the numbers are believed.
fn notices(report: &Report) -> Markup {
    let ruined = report.ruined_at.map(|at| {
        format!(
            "On {} the equity fell to zero: everything was closed, and nothing was traded after.",
            at.format("%-d %B %Y")
        )
    });
    let denied = (report.denied > 0).then(|| {
        format!("{} orders were denied by our own checks, most often because they were too small for the cash.", report.denied)
    });
    let few = (report.trades.len() < 30).then(|| {
        format!(
            "{} closed: too few for ratios of trades to mean much.",
            figures::counted(report.trades.len(), "trade")
        )
    });
    let canceled = report.canceled.then(|| "The run was stopped before its last bar.".to_owned());
    html! {
        @for text in [ruined, canceled, denied, few].into_iter().flatten() {
            p.notice { (text) }
        }
    }
}

/// The handful that is looked at first.
fn key_figures(input: Input<'_>) -> Markup {
    let metrics = &input.report.metrics;
    let hold = input.hold_return().map(figures::signed_percent).unwrap_or_default();
    let hold = minus(&hold);
    let cash = figures::grouped(input.cash(), 0);
    let tiles = [
        (Metric::FinalEquity, format!("from {cash} USD")),
        (Metric::TotalReturn, format!("buy and hold {hold}")),
        (Metric::AnnualReturn, "compound, a year".to_owned()),
        (Metric::SharpeRatio, "risk-free rate 0".to_owned()),
        (Metric::MaxDrawdown, "at the closes".to_owned()),
        (Metric::WinRate, figures::counted(input.report.trades.len(), "closed trade")),
    ];
    html! {
        dl.tiles {
            @for (metric, note) in tiles {
                @let value = metrics.get(metric);
                div {
                    dt { (figures::label(metric)) }
                    dd class=(direction(metric, value)) { (minus(&tile(metric, value))) }
                    dd.note { (note) }
                }
            }
        }
    }
}

/// A metric in the width of a tile: cents of millions are in the table below.
fn tile(metric: Metric, value: Option<f64>) -> String {
    match (metric, value) {
        (Metric::FinalEquity, Some(value)) if value.abs() >= 1e6 => figures::grouped(value, 0),
        _ => figures::metric(metric, value),
    }
}

fn foot() -> Markup {
    html! {
        footer {
            p { "A backtest shows what a rule would have done to prices that are known. Prices of the future are not; \
                 costs, gaps and one's own orders differ in a live market." }
            p { "troupe " (env!("CARGO_PKG_VERSION")) }
        }
    }
}

/// The class that colours a gain or a loss; the sign says it too.
fn direction(metric: Metric, value: Option<f64>) -> &'static str {
    let coloured =
        matches!(metric, Metric::TotalReturn | Metric::AnnualReturn | Metric::MaxDrawdown);
    value.filter(|_| coloured).map_or("", sign)
}

/// `up`, `down`, or nothing for what shows as zero.
fn sign(value: f64) -> &'static str {
    if value >= 0.000_05 {
        "up"
    } else if value <= -0.000_05 {
        "down"
    } else {
        ""
    }
}

/// A real minus sign, as wide as the plus.
fn minus(text: &str) -> String {
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests;

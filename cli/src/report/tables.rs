//! The tables of a report.

use engine::backtest::{Open, OpenPosition, Report, TradeSide};
use engine::metrics::Metric;
use maud::{Markup, html};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::monthly::{Year, by_month};
use super::{Input, minus, sign};
use crate::conventions;
use crate::figures;

/// Rows of the trade list; of more, the first and the last are shown.
const TRADES_SHOWN_MAX: usize = 1_000;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Metrics in groups that belong together.
const GROUPS: [(&str, &[Metric]); 4] = [
    (
        "Return",
        &[
            Metric::FinalEquity,
            Metric::TotalReturn,
            Metric::AnnualReturn,
            Metric::Alpha,
            Metric::Beta,
        ],
    ),
    (
        "Risk",
        &[
            Metric::AnnualVolatility,
            Metric::MaxDrawdown,
            Metric::MaxDrawdownDays,
            Metric::Var95,
            Metric::Cvar95,
        ],
    ),
    (
        "Return to risk",
        &[Metric::SharpeRatio, Metric::SortinoRatio, Metric::CalmarRatio, Metric::OmegaRatio],
    ),
    (
        "Trades",
        &[
            Metric::Trades,
            Metric::WinRate,
            Metric::ProfitFactor,
            Metric::Expectancy,
            Metric::PayoffRatio,
            Metric::BestTrade,
            Metric::WorstTrade,
            Metric::Exposure,
            Metric::Turnover,
        ],
    ),
];

/// Returns by month, a year to a row.
pub(super) fn months(input: Input<'_>) -> Markup {
    let years = by_month(input.cash(), &input.report.equity);
    html! {
        section {
            h2 { "Monthly returns " small { "percent" } }
            div.scroll tabindex="0" role="region" aria-label="Monthly returns" {
                table.months {
                    thead {
                        tr {
                            th scope="col" { "Year" }
                            @for month in MONTHS { th scope="col" { (month) } }
                            th scope="col" { "Year" }
                        }
                    }
                    tbody {
                        @for year in &years { (year_row(year)) }
                    }
                }
            }
        }
    }
}

fn year_row(year: &Year) -> Markup {
    html! {
        tr {
            th scope="row" { (year.number) }
            @for month in year.months { (return_cell(month, "")) }
            (return_cell(year.total, " total"))
        }
    }
}

/// A cell whose ground is the stronger the further from zero; five strengths are enough to see.
fn return_cell(value: Option<f64>, class: &str) -> Markup {
    let Some(value) = value else { return html! { td class=(class.trim()) {} } };
    let strength =
        [0.01, 0.03, 0.06, 0.12].iter().filter(|limit| value.abs() >= **limit).count() + 1;
    let shown = minus(&figures::signed(value * 100.0, 1));
    html! { td class={ (sign(value)) " s" (strength) (class) } { (shown) } }
}

/// Every metric.
pub(super) fn metrics(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Metrics" }
            div.groups {
                @for (name, metrics) in GROUPS {
                    table {
                        caption { (name) }
                        tbody {
                            @for metric in metrics {
                                tr {
                                    th scope="row" { (figures::label(*metric)) }
                                    td { (minus(&figures::metric(*metric, report.metrics.get(*metric)))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Every trade, or the first and the last of very many; and what is still held.
pub(super) fn trades(report: &Report) -> Markup {
    let total = report.trades.len();
    let cut = total > TRADES_SHOWN_MAX;
    let shown = report.trades.iter().enumerate().filter(|(place, _)| {
        !cut || *place < TRADES_SHOWN_MAX / 2 || *place >= total - TRADES_SHOWN_MAX / 2
    });
    let several = report.trades.iter().any(|trade| trade.ticker.is_some());
    html! {
        section {
            h2 { "Trades " small { (figures::counted(total, "closed trade")) } }
            @if cut {
                p { "The first and the last " (TRADES_SHOWN_MAX / 2) " are listed; --format json has all of them." }
            }
            (held(&report.open_position))
            @if total > 0 {
                div.scroll tabindex="0" role="region" aria-label="Trades" {
                    table.trades {
                        thead {
                            tr {
                                th scope="col" { "No." }
                                @if several { th.text scope="col" { "Ticker" } }
                                th.text scope="col" { "Side" }
                                @for name in ["Quantity", "Entry", "Price", "Exit", "Price", "Commission", "Profit", "Return"] {
                                    th scope="col" { (name) }
                                }
                            }
                        }
                        tbody {
                            @for (place, trade) in shown {
                                @let value = &trade.value;
                                tr {
                                    td { (figures::count(place + 1)) }
                                    @if several { td.text { (trade.ticker.as_ref().map(ToString::to_string).unwrap_or_default()) } }
                                    td.text { (side(value.side)) }
                                    td { (quantity(value.quantity)) }
                                    td { (conventions::moment(value.entry_time, &report.timeframe)) }
                                    td { (amount(value.entry_price)) }
                                    td { (conventions::moment(value.exit_time, &report.timeframe)) }
                                    td { (amount(value.exit_price)) }
                                    td { (amount(value.commission)) }
                                    @let profit = number(value.pnl);
                                    td class=(sign(profit)) { (minus(&figures::signed(profit, 2))) }
                                    td class=(sign(value.return_fraction)) { (minus(&figures::signed_percent(value.return_fraction))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn held(open: &Open) -> Markup {
    let lines: Vec<String> = match open {
        Open::One(position) => position.iter().map(|one| held_line(None, one)).collect(),
        Open::Several(positions) => positions
            .iter()
            .map(|one| held_line(one.ticker.as_ref().map(engine::Ticker::as_str), &one.value))
            .collect(),
    };
    html! { @for line in lines { p { (minus(&line)) } } }
}

fn held_line(ticker: Option<&str>, position: &OpenPosition) -> String {
    let ticker = ticker.map(|ticker| format!(" {ticker}")).unwrap_or_default();
    format!(
        "Still open: {} {}{ticker} since {} at {}, {} USD so far.",
        side(position.side),
        quantity(position.quantity),
        position.entry_time.format("%-d %B %Y"),
        amount(position.entry_price),
        figures::signed(position.pnl, 2),
    )
}

/// How it was run, in words.
pub(super) fn settings(input: Input<'_>) -> Markup {
    html! {
        section {
            h2 { "How it was run" }
            table.settings {
                tbody {
                    @for (name, value) in &input.report.params {
                        tr { th scope="row" { code { (name) } } td { (value) } }
                    }
                    @for (name, words) in conventions::of(input.spec) {
                        tr { th scope="row" { (name) } td { (words) } }
                    }
                }
            }
        }
    }
}

fn side(side: TradeSide) -> &'static str {
    match side {
        TradeSide::Long => "long",
        TradeSide::Short => "short",
    }
}

fn quantity(quantity: Decimal) -> String {
    let quantity = quantity.normalize();
    figures::grouped(number(quantity), usize::try_from(quantity.scale()).unwrap_or(9))
}

fn amount(amount: Decimal) -> String {
    minus(&figures::price(number(amount)))
}

fn number(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(f64::NAN)
}

//! The charts of a report, each with its heading and legend.

use chrono::{DateTime, Utc};
use engine::backtest::TradeSide;
use maud::{Markup, PreEscaped, html};

use super::chart::{Chart, Curve, Ink, Mark, NARROW, Point, Size, WIDE};
use super::{Input, minus};
use crate::figures;

/// More marks than this hide the price.
const MARKED_TRADES_MAX: usize = 250;

/// Equity beside buying and holding.
pub(super) fn equity(input: Input<'_>) -> anyhow::Result<Markup> {
    let points = input.report.equity.clone();
    let cash = input.cash();
    let held: Vec<Point> = observed(input)
        .zip(input.market.benchmark())
        .map(|(at, value)| (at, value * cash))
        .collect();
    let end = |points: &[Point]| points.last().map_or(0.0, |(_, value)| *value);
    let description = format!(
        "From {} the strategy came to {} US dollars, buying and holding to {}.",
        figures::grouped(cash, 0),
        figures::grouped(end(&points), 0),
        figures::grouped(end(&held), 0),
    );
    let chart = Chart {
        id: "equity",
        title: "Equity over time, US dollars".to_owned(),
        description,
        curves: vec![
            Curve { ink: Ink::Quiet, points: held, filled: false },
            Curve { ink: Ink::Accent, points, filled: false },
        ],
        marks: Vec::new(),
        label: |value| minus(&figures::short(value)),
    };
    let legend = html! {
        span.key.accent { (input.report.strategy) }
        span.key.quiet { "buy and hold, without costs" }
    };
    figure("Equity", "US dollars at each close", &legend, &chart, [WIDE, NARROW])
}

/// How far below the best so far.
pub(super) fn drawdown(input: Input<'_>) -> anyhow::Result<Markup> {
    let mut peak = input.cash();
    let fall = |(at, value): &Point| {
        peak = peak.max(*value);
        (*at, value / peak - 1.0)
    };
    let points: Vec<Point> = input.report.equity.iter().map(fall).collect();
    let deepest = points.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let description = deepest.map_or_else(String::new, |(at, fall)| {
        format!("The deepest was {} on {}.", figures::signed_percent(*fall), at.format("%-d %B %Y"))
    });
    let chart = Chart {
        id: "drawdown",
        title: "Drawdown over time".to_owned(),
        description: description.clone(),
        curves: vec![Curve { ink: Ink::Down, points, filled: true }],
        marks: Vec::new(),
        label: |value| minus(&format!("{}%", figures::grouped(value * 100.0, 0))),
    };
    let legend = html! { span { (minus(&description)) } };
    figure(
        "Drawdown",
        "below the highest equity so far",
        &legend,
        &chart,
        [WIDE.flat(), NARROW.flat()],
    )
}

/// Closes of one ticker, with where it was bought and sold.
pub(super) fn price(input: Input<'_>, leg: usize) -> anyhow::Result<Markup> {
    const IDS: [&str; 6] = ["price-1", "price-2", "price-3", "price-4", "price-5", "price-6"];
    let (Some(series), Some(id)) = (input.market.legs().get(leg), IDS.get(leg)) else {
        return Ok(html! {});
    };
    let ticker = series.ticker().as_str();
    let points = series.bars().iter().map(|bar| (bar.at, bar.close)).collect();
    let trades: Vec<_> = input
        .report
        .trades
        .iter()
        .map(|trade| &trade.value)
        .filter(|trade| trade.leg == leg)
        .collect();
    let mut marks = Vec::new();
    if trades.len() <= MARKED_TRADES_MAX {
        for trade in &trades {
            let bought_first = trade.side == TradeSide::Long;
            marks.push(mark(trade.entry_time, trade.entry_price, bought_first));
            marks.push(mark(trade.exit_time, trade.exit_price, !bought_first));
        }
    }
    let marked = !marks.is_empty();
    let chart = Chart {
        id,
        title: format!("Price of {ticker}, US dollars"),
        description: format!("Closes, with {} marked.", figures::counted(marks.len() / 2, "trade")),
        curves: vec![Curve { ink: Ink::Quiet, points, filled: false }],
        marks,
        label: figures::short,
    };
    let legend = html! {
        span.key.quiet { "close" }
        @if marked {
            span.key.bought { "bought" }
            span.key.sold { "sold" }
        } @else if !trades.is_empty() {
            span { (figures::counted(trades.len(), "trade")) " are too many to mark; the table has them" }
        }
    };
    figure(&format!("Price of {ticker}"), "US dollars", &legend, &chart, [WIDE, NARROW])
}

fn mark(at: DateTime<Utc>, price: rust_decimal::Decimal, up: bool) -> Mark {
    use rust_decimal::prelude::ToPrimitive as _;
    Mark { at: (at, price.to_f64().unwrap_or(f64::NAN)), up }
}

/// The times at which the benchmark has values.
fn observed(input: Input<'_>) -> impl Iterator<Item = DateTime<Utc>> {
    let times = input.market.times();
    input.market.observations().iter().filter_map(|step| times.get(*step).copied())
}

fn figure(
    heading: &str,
    unit: &str,
    legend: &Markup,
    chart: &Chart,
    sizes: [Size; 2],
) -> anyhow::Result<Markup> {
    let [wide, narrow] = sizes;
    let (Some(wide), Some(narrow)) = (chart.svg(wide)?, chart.svg(narrow)?) else {
        return Ok(html! {});
    };
    Ok(html! {
        section {
            h2 { (heading) " " small { (unit) } }
            p.legend { (legend) }
            figure { (PreEscaped(wide)) (PreEscaped(narrow)) }
        }
    })
}

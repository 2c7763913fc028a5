//! `troupe backtest`: one strategy on bars of the past.

use std::path::Path;

use anyhow::Context;
use config::Settings;
use engine::backtest::{Labels, Market, Outcome, Report, RunOptions, Spec, Switch, run};
use engine::metrics::{Metric, Metrics};
use engine::strategy::{Params, Strategy};

use crate::args::{BacktestArgs, Format};
use crate::report::{self, Input};
use crate::research;
use crate::{conventions, figures, output};

/// Metrics of the table in the terminal, two to a row.
const SHOWN: [(Metric, Metric); 9] = [
    (Metric::FinalEquity, Metric::Trades),
    (Metric::TotalReturn, Metric::WinRate),
    (Metric::AnnualReturn, Metric::ProfitFactor),
    (Metric::AnnualVolatility, Metric::PayoffRatio),
    (Metric::SharpeRatio, Metric::Expectancy),
    (Metric::SortinoRatio, Metric::BestTrade),
    (Metric::CalmarRatio, Metric::WorstTrade),
    (Metric::MaxDrawdown, Metric::Exposure),
    (Metric::MaxDrawdownDays, Metric::Turnover),
];

/// Runs, reports, and fails when it was stopped before the end.
pub(crate) async fn backtest(
    settings: &Settings,
    flags: &BacktestArgs,
    format: Format,
) -> anyhow::Result<()> {
    // What is cheap to refuse first: files can be large.
    let given: Params = flags.params.iter().cloned().collect();
    let params = strategies::complete(&flags.strategy, &given)?;
    let all = research::read(&flags.bars)?;
    let spec = research::spec(settings, &flags.trading, research::class_of(&all))?;
    let market = research::market(all)?;
    let labels = Labels { strategy: flags.strategy.clone(), params };
    let bars = u64::try_from(market.times().len()).unwrap_or(u64::MAX);
    let work = {
        let (market, spec, labels) = (market.clone(), spec.clone(), labels.clone());
        move |switch: &Switch| outcome(&market, &spec, &labels, switch)
    };
    let outcome = research::watched(bars, "bars", work).await??;
    let metrics = Metrics::of(&outcome, &market, spec.class);
    let report = Report::new(labels, &market, metrics, outcome);
    let input = Input { report: &report, market: &market, spec: &spec };
    if let Some(path) = &flags.report {
        write_page(path, &report::page(input)?)?;
    }
    match format {
        Format::Json => output::compact_json(&report)?,
        Format::Human => output::line(&for_people(input, flags.report.as_deref()))?,
    }
    anyhow::ensure!(!report.canceled, "stopped before the last bar: the result is of a part only");
    Ok(())
}

fn outcome(
    market: &Market,
    spec: &Spec,
    labels: &Labels,
    switch: &Switch,
) -> anyhow::Result<Outcome> {
    let options = RunOptions { monitor: Some(switch), ..RunOptions::default() };
    Ok(run(market, spec, instances(market, labels)?, options)?)
}

/// One strategy for each ticker, or the one that watches all of them.
fn instances(market: &Market, labels: &Labels) -> anyhow::Result<Vec<Box<dyn Strategy>>> {
    let first = strategies::build(&labels.strategy, &labels.params)?;
    let tickers = market.legs().len();
    let watched = first.tickers();
    if watched > 1 {
        anyhow::ensure!(
            watched == tickers,
            "{} trades {watched} tickers together, and there {} {tickers}: name a folder with \
             --data and the tickers with --ticker A,B",
            labels.strategy,
            if tickers == 1 { "is" } else { "are" },
        );
        return Ok(vec![first]);
    }
    let mut all = vec![first];
    while all.len() < tickers {
        all.push(strategies::build(&labels.strategy, &labels.params)?);
    }
    Ok(all)
}

/// Writes beside the place and moves: a report is whole or not there.
fn write_page(path: &Path, page: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, page)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("--report {shown} cannot be written: is its folder there?"))
}

fn for_people(input: Input<'_>, page: Option<&Path>) -> String {
    let Input { report, spec, .. } = input;
    let mut lines = vec![heading(report), conventions::in_short(spec), String::new()];
    for (left, right) in SHOWN {
        let cell = |metric: Metric| {
            let value = figures::metric(metric, report.metrics.get(metric));
            format!("{:<24}{value:>14}", figures::label(metric))
        };
        lines.push(format!("  {}    {}", cell(left), cell(right)));
    }
    if let Some(held) = input.hold_return() {
        let value = figures::signed_percent(held);
        lines.push(format!("  {:<24}{value:>14}", "Buy and hold"));
    }
    if let Some(at) = report.ruined_at {
        lines.push(format!("\nruined: the equity fell to zero on {}", at.format("%Y-%m-%d")));
    }
    if report.denied > 0 {
        lines.push(format!("\ndenied: {} orders by our own checks", report.denied));
    }
    if let Some(page) = page {
        lines.push(format!("\nreport: {}", page.display()));
    }
    lines.join("\n")
}

fn heading(report: &Report) -> String {
    let params = conventions::parameters(&report.params);
    let params = if params.is_empty() { String::new() } else { format!(" ({params})") };
    let range = match (report.from, report.to) {
        (Some(from), Some(to)) => format!(
            ", {} to {}",
            conventions::moment(from, &report.timeframe),
            conventions::moment(to, &report.timeframe)
        ),
        _ => String::new(),
    };
    format!(
        "{}{params} on {}, {}{range}, {}",
        report.strategy,
        report.ticker,
        conventions::timeframe(&report.timeframe),
        figures::counted(report.bars, "bar"),
    )
}

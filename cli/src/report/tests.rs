//! The page as a whole.

use chrono::{DateTime, TimeDelta, Utc};
use engine::backtest::{Labels, RunOptions, Series, run};
use engine::bar::Bar;
use engine::metrics::Metrics;
use engine::strategy::Params;
use engine::{AssetClass, Ticker};

use super::*;

fn market(tickers: &[&str], bars: u32) -> Market {
    let start: DateTime<Utc> = "2024-01-02T00:00:00Z".parse().unwrap();
    let bar = |number: u32| {
        let price = 100.0 + 20.0 * (f64::from(number) / 6.0).sin();
        Bar {
            at: start + TimeDelta::days(i64::from(number)),
            seconds: 86_400,
            open: price,
            high: price + 1.0,
            low: price - 1.0,
            close: price,
            volume: 10.0,
            trades: 1,
        }
    };
    let bars: Vec<Bar> = (0..bars).map(bar).collect();
    let legs =
        tickers.iter().map(|name| Series::new(Ticker::new(name).unwrap(), bars.clone()).unwrap());
    Market::new(legs.collect()).unwrap()
}

fn page_of(market: &Market, spec: &Spec) -> String {
    let params = Params::from([("fast".to_owned(), 3.0), ("slow".to_owned(), 8.0)]);
    let one = || strategies::build("sma_cross", &params).unwrap();
    let strategies = market.legs().iter().map(|_| one()).collect();
    let outcome = run(market, spec, strategies, RunOptions::default()).unwrap();
    let labels = Labels { strategy: "sma_cross".to_owned(), params };
    let metrics = Metrics::of(&outcome, market, AssetClass::UsEquity);
    let report = Report::new(labels, market, metrics, outcome);
    page(Input { report: &report, market, spec }).unwrap()
}

#[test]
fn a_page_has_each_part_once_and_ids_that_are_unique() {
    let html = page_of(&market(&["ACME"], 200), &Spec::default());
    for heading in [
        "Equity ",
        "Drawdown ",
        "Monthly returns ",
        "Price of ACME ",
        "Metrics",
        "Trades ",
        "How it was run",
    ] {
        assert_eq!(html.matches(&format!("<h2>{heading}")).count(), 1, "{heading}");
    }
    let mut ids: Vec<&str> =
        html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), count > 8), (count, true), "{ids:?}");
    for metric in Metric::ALL {
        assert!(html.contains(figures::label(*metric)), "{metric}");
    }
    assert!(html.contains("▲") || html.contains("bought"), "trades are marked");
}

#[test]
fn the_page_says_how_it_was_run() {
    let spec = Spec { cash: engine::Usd::new(25_000.into()), ..Spec::default() };
    let html = page_of(&market(&["ACME"], 200), &spec);
    for words in [
        "25,000.00 USD",
        "no commission, no slippage",
        "at the open of the bar after",
        "in whole shares",
        "252 days",
    ] {
        assert!(html.contains(words), "{words} is not in the page");
    }
}

#[test]
fn several_tickers_have_a_chart_each_and_few_bars_are_no_trouble() {
    let html = page_of(&market(&["AAA", "BBB"], 60), &Spec::default());
    assert!(html.contains("Price of AAA") && html.contains("Price of BBB"));
    let html = page_of(&market(&["AAA"], 12), &Spec::default());
    assert!(html.contains("too few for ratios"), "a warning stands above the numbers");
}

//! Bars, and strategies run over them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use chrono::{DateTime, TimeDelta};
use engine::bar::Bar;
use engine::params::Params;
use engine::strategy::{Stance, Strategy};
use proptest::prelude::prop;
use proptest::strategy::Strategy as Generator;

/// Stances towards each ticker.
pub(crate) type Stances = Vec<Option<Stance>>;

/// Google by day, of the engine's fixtures.
pub(crate) fn goog() -> Vec<Bar> {
    let text = include_str!("../../../engine/tests/fixtures/goog_1d.csv");
    text.lines().skip(1).map(bar).collect()
}

fn bar(line: &str) -> Bar {
    let (at, numbers) = line.split_once(',').unwrap();
    let numbers: Vec<f64> = numbers.split(',').map(|field| field.parse().unwrap()).collect();
    let [open, high, low, close, volume] = numbers[..] else { panic!("{line}") };
    let at = DateTime::parse_from_rfc3339(at).unwrap().to_utc();
    Bar { at, seconds: 86_400, open, high, low, close, volume, trades: 0 }
}

/// A strategy with short periods, so that much happens in few bars.
pub(crate) fn nervous(name: &str) -> Box<dyn Strategy> {
    let definition = strategies::definition(name).unwrap();
    let bars = definition.params.iter().filter(|spec| spec.unit == "bars");
    let given: Params = bars
        .map(|spec| (spec.name.to_owned(), (spec.default / 4.0).ceil().max(spec.min)))
        .collect();
    strategies::build(name, &given).unwrap()
}

/// The state of a strategy as text, read into a new one.
pub(crate) fn copy_of(strategy: &dyn Strategy, name: &str) -> Box<dyn Strategy> {
    let text = serde_json::to_string(&strategy.snapshot().unwrap()).unwrap();
    let mut copy = nervous(name);
    copy.restore(&serde_json::from_str(&text).unwrap()).unwrap();
    copy
}

/// Shows a strategy a bar of each of its tickers: the second one's price is the first's, moved.
pub(crate) fn step(strategy: &mut dyn Strategy, bar: &Bar, stances: &mut Stances) {
    stances.resize(strategy.tickers(), None);
    let factor = 1.0 + 0.2 * (bar.volume % 7.0);
    let other = Bar { close: bar.close * factor, ..*bar };
    let bars = [Some(bar), Some(&other)];
    strategy.on_bars(&bars[..strategy.tickers()], stances);
}

/// The stances after each bar.
pub(crate) fn run(strategy: &mut dyn Strategy, bars: &[Bar]) -> Vec<Stances> {
    let mut stances = Stances::new();
    let after = |bar| {
        step(strategy, bar, &mut stances);
        stances.clone()
    };
    bars.iter().map(after).collect()
}

/// Half hours in which the price wanders.
pub(crate) fn wandering() -> impl Generator<Value = Vec<Bar>> {
    let step = (-100..=100_i32, 0..60_i32, 0..60_i32, 0..1_000_u32);
    prop::collection::vec(step, 40..220).prop_map(|steps| {
        let mut close = 5_000;
        let mut at = DateTime::UNIX_EPOCH;
        let bar = |(change, up, down, volume): (i32, i32, i32, u32)| {
            let open = close;
            close = (close + change).max(1_000);
            at += TimeDelta::minutes(30);
            let price = |cents: i32| f64::from(cents) / 100.0;
            let (high, low) = (open.max(close) + up, open.min(close) - down);
            Bar {
                at,
                seconds: 1_800,
                open: price(open),
                high: price(high),
                low: price(low),
                close: price(close),
                volume: f64::from(volume),
                trades: 1,
            }
        };
        steps.into_iter().map(bar).collect()
    })
}

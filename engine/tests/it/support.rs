//! Fixtures.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use chrono::{DateTime, TimeDelta};
use engine::bar::Bar;
use proptest::prelude::*;

/// Google by day, 2004 to 2013, public domain: see the README beside it.
pub(crate) fn goog() -> Vec<Bar> {
    let text = include_str!("../fixtures/goog_1d.csv");
    text.lines().skip(1).map(bar).collect()
}

/// A number of the fixtures; an empty field is none.
pub(crate) fn value(field: &str) -> Option<f64> {
    (!field.is_empty()).then(|| field.parse().unwrap())
}

fn bar(line: &str) -> Bar {
    let (at, numbers) = line.split_once(',').unwrap();
    let numbers: Vec<f64> = numbers.split(',').map(|field| value(field).unwrap()).collect();
    let [open, high, low, close, volume] = numbers[..] else { panic!("{line}") };
    let at = DateTime::parse_from_rfc3339(at).unwrap().to_utc();
    Bar { at, seconds: 86_400, open, high, low, close, volume, trades: 0 }
}

/// Hours in which the price wanders, and sometimes stands still without any trade.
pub(crate) fn wandering(moves: &[(i8, u8, u8)]) -> Vec<Bar> {
    let mut close = 10_000_i32;
    let bar = |(index, (step, up, down)): (usize, &(i8, u8, u8))| {
        let open = close;
        close = (close + i32::from(*step)).max(300);
        let (high, low) =
            (open.max(close) + i32::from(up / 4), open.min(close) - i32::from(down / 4));
        let price = |cents: i32| f64::from(cents) / 100.0;
        Bar {
            at: DateTime::UNIX_EPOCH + TimeDelta::hours(i64::try_from(index).unwrap()),
            seconds: 3_600,
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: f64::from(*up) * 10.0,
            trades: 1,
        }
    };
    moves.iter().enumerate().map(bar).collect()
}

/// What [`wandering`] is made of: a step, and how far the bar reaches up and down beyond it.
pub(crate) fn moves(bars: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(i8, u8, u8)>> {
    let still = Just((0, 0, 0));
    prop::collection::vec(prop_oneof![9 => any::<(i8, u8, u8)>(), 1 => still], bars)
}

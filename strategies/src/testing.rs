//! Short ways to put a strategy to the test.

/// The template is a strategy like any other: it compiles, and its test passes.
#[path = "../template/strategy.rs"]
mod my_strategy;

use crate::registry::{Definition, definition};
use engine::bar::Bar;
use engine::params::{Params, complete};
use engine::strategy::Stance;

pub(crate) const LONG: Option<Stance> = Some(Stance::Long);
pub(crate) const FLAT: Option<Stance> = Some(Stance::Flat);
pub(crate) const SHORT: Option<Stance> = Some(Stance::Short);

/// Name and parameters of `name key=value ...`.
pub(crate) fn params(text: &str) -> (&str, Params) {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap();
    let param = |word: &str| {
        let (key, value) = word.split_once('=').unwrap();
        (key.to_owned(), value.parse().unwrap())
    };
    (name, words.map(param).collect())
}

/// Minutes that open, stay and close at one price, one share each.
pub(crate) fn bars(closes: &[f64]) -> Vec<Bar> {
    let bar = |(close, index): (&f64, i64)| {
        let at = chrono::DateTime::from_timestamp(60 * index, 0).unwrap();
        let price = *close;
        let (open, high, low, close) = (price, price, price, price);
        Bar { at, seconds: 60, open, high, low, close, volume: 1.0, trades: 1 }
    };
    closes.iter().zip(0..).map(bar).collect()
}

/// The stance after each bar.
pub(crate) fn stances(strategy: &str, bars: &[Bar]) -> Vec<Option<Stance>> {
    let (name, rest) = strategy.split_once(' ').unwrap_or((strategy, ""));
    stances_of(definition(name).unwrap(), rest, bars)
}

/// The stance after each bar, of a strategy that need not be registered.
pub(crate) fn stances_of(
    definition: &Definition,
    params: &str,
    bars: &[Bar],
) -> Vec<Option<Stance>> {
    let (_, given) = self::params(&format!("{} {params}", definition.name));
    let params = complete(definition.name, definition.params, &given).unwrap();
    (definition.check)(&params).unwrap();
    let mut strategy = (definition.build)(&params);
    bars.iter().map(|bar| strategy.on_bar(bar)).collect()
}

/// The stance after each of these closes.
pub(crate) fn of_closes(strategy: &str, closes: &[f64]) -> Vec<Option<Stance>> {
    stances(strategy, &bars(closes))
}

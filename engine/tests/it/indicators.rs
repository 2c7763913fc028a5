//! Every indicator against TA-Lib, and what must hold for all of them.

use crate::support::{goog, moves, value, wandering};
use crate::ta_lib;
use engine::bar::Bar;
use engine::indicator::{Stream, catalogue};
use engine::params::{ParamSpec, Params};
use proptest::prelude::*;

/// Largest difference from a reference, relative to it, or to the level of the series where the
/// reference is near zero (a difference of two averages that meet).
const TOLERANCE: f64 = 1e-9;

fn is_close(ours: f64, theirs: f64, level: f64) -> bool {
    (ours - theirs).abs() <= TOLERANCE * theirs.abs().max(level)
}

type Rows = Vec<Vec<Option<f64>>>;

fn rows(stream: &mut Stream, bars: &[Bar]) -> Rows {
    bars.iter().map(|bar| stream.next(bar).to_vec()).collect()
}

#[test]
fn every_column_has_the_values_of_ta_lib_and_nothing_before_the_first() {
    let bars = goog();
    let reference = include_str!("../fixtures/goog_1d_indicators.csv");
    let mut compared = std::collections::BTreeSet::new();
    let mut cached: Option<(String, Stream, Rows)> = None;
    for line in reference.lines().skip(1) {
        let [name, params, column, bar, expected] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let key = format!("{name} {params}");
        if cached.as_ref().is_none_or(|(other, ..)| *other != key) {
            let given = params.split_whitespace().map(|param| param.split_once('=').unwrap());
            let given = given.map(|(name, text)| (name.to_owned(), value(text).unwrap()));
            let mut stream = Stream::new(name, &given.collect()).unwrap();
            let values = rows(&mut stream, &bars);
            cached = Some((key, stream, values));
        }
        let (_, stream, values) = cached.as_ref().unwrap();
        let columns = stream.definition().unwrap().columns;
        let index = columns.iter().position(|other| *other == column).unwrap();
        let (ours, theirs) = (values[bar.parse::<usize>().unwrap()][index], value(expected));
        let close = match (ours, theirs) {
            (Some(ours), Some(theirs)) => is_close(ours, theirs, 0.0),
            (ours, theirs) => ours == theirs,
        };
        assert!(close, "{line}: {ours:?}");
        compared.insert((name.to_owned(), column.to_owned()));
    }
    let all = catalogue().iter().flat_map(|of| of.columns.iter().map(|column| (of.name, *column)));
    assert_eq!(compared.len(), all.count(), "a column has no reference");
}

/// A value of a parameter, from a number in 0..1.
fn pick(spec: &ParamSpec, place: f64) -> f64 {
    if spec.whole {
        (spec.min + place * 30.0).floor()
    } else {
        spec.min + place * (spec.default * 2.0 - spec.min)
    }
}

/// The indicator with parameters of all kinds, unless they contradict each other.
fn any_stream(index: usize, places: &[f64]) -> Option<(Stream, Params)> {
    let definition = &catalogue()[index];
    let specs = definition.params.iter().zip(places);
    let given: Params =
        specs.map(|(spec, place)| (spec.name.to_owned(), pick(spec, *place))).collect();
    Stream::new(definition.name, &given).ok().map(|stream| (stream, given))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// On any prices and with any parameters, bar by bar.
    #[test]
    fn streams_are_what_ta_lib_computes_at_once(
        index in 0..catalogue().len(),
        places in prop::array::uniform3(0.0..1.0),
        moves in moves(150..300),
    ) {
        let bars = wandering(&moves);
        let Some((mut stream, params)) = any_stream(index, &places) else { return Ok(()) };
        let definition = stream.definition().unwrap();
        let Some(columns) = ta_lib::columns(definition.name, &params, &bars) else { return Ok(()) };
        let rows = rows(&mut stream, &bars);
        for (column, theirs) in columns {
            let place = definition.columns.iter().position(|name| *name == column).unwrap();
            for (bar, (row, theirs)) in rows.iter().zip(theirs).enumerate() {
                // Sums that cancel to nothing leave a rest in one method or the other.
                let close = match (row[place], theirs) {
                    (Some(ours), Some(theirs)) => is_close(ours, theirs, 1.0),
                    (ours, theirs) => ours == theirs,
                };
                prop_assert!(close, "{column} {params:?} bar {bar}: {:?}, not {theirs:?}", row[place]);
            }
        }
    }

    /// Taken out as text after any bar, put back and gone on with: bit for bit the same.
    #[test]
    fn a_restored_indicator_goes_on_as_if_nothing_had_happened(
        index in 0..catalogue().len(),
        places in prop::array::uniform3(0.0..1.0),
        moves in moves(2..200),
        cut in 0.0..1.0,
    ) {
        let bars = wandering(&moves);
        let Some((mut stream, params)) = any_stream(index, &places) else { return Ok(()) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
        let cut = (cut * f64::from(u32::try_from(bars.len()).unwrap())) as usize;
        let (before, after) = bars.split_at(cut);
        rows(&mut stream, before);
        let text = serde_json::to_string(&stream).unwrap();
        let mut restored: Stream = serde_json::from_str(&text).unwrap();
        let bits = |rows: Rows| -> Vec<Vec<Option<u64>>> {
            rows.into_iter().map(|row| row.into_iter().map(|value| value.map(f64::to_bits)).collect()).collect()
        };
        prop_assert_eq!(bits(rows(&mut restored, after)), bits(rows(&mut stream, after)), "{:?}", params);
    }
}

#[test]
fn once_an_indicator_has_a_value_it_keeps_having_one() {
    let bars = goog();
    for definition in catalogue() {
        let mut stream = Stream::new(definition.name, &Params::new()).unwrap();
        let rows = rows(&mut stream, &bars);
        for (place, column) in definition.columns.iter().enumerate() {
            let first = rows.iter().position(|row| row[place].is_some());
            let gap = rows[first.unwrap()..].iter().any(|row| row[place].is_none());
            assert!(!gap, "{} {column}", definition.name);
        }
    }
}

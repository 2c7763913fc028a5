//! Parameter grids: which values of which parameters are tried.

use crate::strategy::{ParamSpec, Params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// Most combinations of one strategy's grid.
pub const COMBINATIONS_MAX: usize = 100_000;

/// Values to try, by parameter. What is not named keeps its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grid {
    axes: BTreeMap<String, Vec<f64>>,
}

/// A grid that cannot be walked.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum GridError {
    /// A parameter without values.
    #[error("`{name}` has no values to try")]
    NoValues {
        /// The parameter.
        name: String,
    },
    /// A value that is no number.
    #[error("`{name}`: {value} is not a number")]
    NotFinite {
        /// The parameter.
        name: String,
        /// The value.
        value: f64,
    },
    /// Too many combinations.
    #[error("the grid has more than {limit} combinations: try fewer values")]
    TooMany {
        /// The most.
        limit: usize,
    },
    /// A range that does not end.
    #[error("from {from} to {to} by {step} is no range")]
    NoRange {
        /// First value.
        from: f64,
        /// Last value at most.
        to: f64,
        /// Distance between values.
        step: f64,
    },
}

type Axis = (&'static str, &'static [f64]);

/// What is tried unless something else is asked for; a strategy that is not here is tried with its
/// defaults alone.
static DEFAULTS: &[(&str, &[Axis])] = &[
    (
        "sma_cross",
        &[
            ("fast", &[5.0, 10.0, 15.0, 20.0, 30.0, 50.0]),
            ("slow", &[20.0, 30.0, 50.0, 100.0, 150.0, 200.0]),
        ],
    ),
    (
        "ema_cross",
        &[("fast", &[5.0, 8.0, 12.0, 20.0, 30.0]), ("slow", &[20.0, 26.0, 50.0, 100.0, 200.0])],
    ),
    (
        "macd",
        &[
            ("fast", &[8.0, 12.0, 16.0]),
            ("slow", &[21.0, 26.0, 34.0]),
            ("signal", &[6.0, 9.0, 12.0]),
        ],
    ),
    (
        "rsi",
        &[
            ("period", &[7.0, 10.0, 14.0, 21.0]),
            ("oversold", &[20.0, 25.0, 30.0, 35.0]),
            ("overbought", &[65.0, 70.0, 75.0, 80.0]),
        ],
    ),
    (
        "bollinger_reversion",
        &[("period", &[10.0, 15.0, 20.0, 30.0, 50.0]), ("deviations", &[1.5, 2.0, 2.5, 3.0])],
    ),
    (
        "bollinger_squeeze",
        &[
            ("period", &[15.0, 20.0, 30.0]),
            ("deviations", &[1.5, 2.0, 2.5]),
            ("lookback", &[60.0, 125.0, 250.0]),
        ],
    ),
    (
        "donchian",
        &[("entry", &[10.0, 20.0, 40.0, 55.0, 100.0]), ("exit", &[5.0, 10.0, 20.0, 50.0])],
    ),
    ("momentum", &[("period", &[10.0, 20.0, 40.0, 60.0, 120.0, 252.0])]),
    (
        "zscore",
        &[
            ("period", &[10.0, 20.0, 40.0, 60.0]),
            ("entry", &[-2.5, -2.0, -1.5]),
            ("exit", &[-0.5, 0.0]),
        ],
    ),
    (
        "stochastic",
        &[
            ("k", &[5.0, 9.0, 14.0, 21.0]),
            ("oversold", &[20.0, 30.0]),
            ("overbought", &[70.0, 80.0]),
        ],
    ),
    (
        "adx",
        &[("period", &[7.0, 10.0, 14.0, 20.0, 28.0]), ("threshold", &[15.0, 20.0, 25.0, 30.0])],
    ),
    (
        "supertrend",
        &[("period", &[7.0, 10.0, 14.0, 20.0]), ("multiplier", &[1.5, 2.0, 2.5, 3.0, 4.0])],
    ),
    ("vwap_reversion", &[("deviations", &[1.0, 1.5, 2.0, 2.5, 3.0])]),
    (
        "ichimoku",
        &[
            ("tenkan", &[7.0, 9.0, 12.0]),
            ("kijun", &[22.0, 26.0, 34.0]),
            ("senkou", &[44.0, 52.0, 68.0]),
        ],
    ),
    ("parabolic_sar", &[("step", &[0.01, 0.02, 0.03]), ("max", &[0.1, 0.2, 0.3])]),
    ("pairs", &[("lookback", &[30.0, 60.0, 120.0]), ("entry", &[1.5, 2.0, 2.5])]),
];

impl Grid {
    /// Takes the values of each parameter; a value given twice is tried once.
    pub fn new(axes: BTreeMap<String, Vec<f64>>) -> Result<Self, GridError> {
        let mut axes = axes;
        for (name, values) in &mut axes {
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(GridError::NotFinite { name: name.clone(), value: *value });
            }
            values.sort_by(f64::total_cmp);
            values.dedup();
            if values.is_empty() {
                return Err(GridError::NoValues { name: name.clone() });
            }
        }
        let grid = Self { axes };
        grid.count().ok_or(GridError::TooMany { limit: COMBINATIONS_MAX })?;
        Ok(grid)
    }

    /// The default grid of a strategy; `params` are what it takes, so that a grid never names a
    /// parameter that a strategy has lost.
    pub fn default_of(strategy: &str, params: &[ParamSpec]) -> Self {
        let axes =
            DEFAULTS.iter().find(|(name, _)| *name == strategy).map_or(&[][..], |(_, axes)| axes);
        let known = axes.iter().filter(|(name, _)| params.iter().any(|spec| spec.name == *name));
        let axes = known.map(|(name, values)| ((*name).to_owned(), values.to_vec()));
        Self { axes: axes.collect() }
    }

    /// The values from `from` to `to` by `step`, both ends included.
    pub fn range(from: f64, to: f64, step: f64) -> Result<Vec<f64>, GridError> {
        let no_range = GridError::NoRange { from, to, step };
        let sane =
            [from, to, step].iter().all(|value| value.is_finite()) && step > 0.0 && from <= to;
        if !sane {
            return Err(no_range);
        }
        let mut values = Vec::new();
        for index in 0..=COMBINATIONS_MAX {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let value = step.mul_add(f64::from(index), from);
            // Half a thousandth of a step forgives what 0.1 + 0.2 makes of 0.3.
            if value > step.mul_add(0.000_5, to) {
                return Ok(values);
            }
            values.push(value);
        }
        Err(GridError::TooMany { limit: COMBINATIONS_MAX })
    }

    /// How many combinations there are, when there are not too many.
    fn count(&self) -> Option<usize> {
        let product = |count: usize, values: &Vec<f64>| count.checked_mul(values.len());
        self.axes.values().try_fold(1, product).filter(|count| *count <= COMBINATIONS_MAX)
    }

    /// Every combination, the last parameter by name changing fastest. One, empty, for no
    /// parameters.
    pub fn combinations(&self) -> Vec<Params> {
        let mut all = vec![Params::new()];
        for (name, values) in &self.axes {
            all = all
                .iter()
                .flat_map(|params| {
                    values.iter().map(move |value| {
                        let mut longer = params.clone();
                        longer.insert(name.clone(), *value);
                        longer
                    })
                })
                .collect();
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(axes: &[(&str, &[f64])]) -> BTreeMap<String, Vec<f64>> {
        axes.iter().map(|(name, values)| ((*name).to_owned(), values.to_vec())).collect()
    }

    #[test]
    fn a_grid_is_every_combination_of_its_values() {
        let grid = Grid::new(axes(&[("a", &[2.0, 1.0, 2.0]), ("b", &[5.0, 6.0])])).unwrap();
        let pairs: Vec<_> =
            grid.combinations().iter().map(|params| (params["a"], params["b"])).collect();
        assert_eq!(pairs, [(1.0, 5.0), (1.0, 6.0), (2.0, 5.0), (2.0, 6.0)]);
        assert_eq!(Grid::default().combinations(), [Params::new()]);
    }

    #[test]
    fn a_grid_without_values_or_with_too_many_is_refused() {
        assert!(matches!(Grid::new(axes(&[("a", &[])])), Err(GridError::NoValues { .. })));
        assert!(matches!(Grid::new(axes(&[("a", &[f64::NAN])])), Err(GridError::NotFinite { .. })));
        let many = Grid::range(1.0, 400.0, 1.0).unwrap();
        assert!(matches!(
            Grid::new(axes(&[("a", &many), ("b", &many)])),
            Err(GridError::TooMany { .. })
        ));
    }

    #[test]
    fn a_range_has_both_its_ends() {
        assert_eq!(Grid::range(10.0, 30.0, 10.0).unwrap(), [10.0, 20.0, 30.0]);
        assert_eq!(Grid::range(0.1, 0.3, 0.1).unwrap().len(), 3);
        assert_eq!(Grid::range(2.0, 2.0, 1.0).unwrap(), [2.0]);
        assert!(Grid::range(1.0, 2.0, 0.0).is_err());
        assert!(Grid::range(2.0, 1.0, 1.0).is_err());
        assert!(Grid::range(0.0, 1.0, 1e-9).is_err());
    }
}

//! Every indicator by name, with its parameters and columns as data. A new one adds its line here.

use super::stream::Kind;
use super::{
    Adx, Aroon, Atr, Bollinger, Cci, Donchian, Ema, Ichimoku, Keltner, Macd, Mfi, Obv,
    ParabolicSar, Roc, Rsi, Sma, StdDev, Stochastic, SuperTrend, Vwap, WilliamsR, Wma, ZScore,
};
use crate::params::{ParamError, ParamSpec, Params, complete, join, number, whole};
use serde::Serialize;

/// An indicator in the catalogue.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Definition {
    /// Name in requests and on the command line.
    pub name: &'static str,
    /// What it shows, one sentence.
    pub description: &'static str,
    /// Its parameters.
    pub params: &'static [ParamSpec],
    /// Its columns, in the order of a row.
    pub columns: &'static [&'static str],
    /// Two parameters of which the first must be less than the second.
    #[serde(skip)]
    order: Option<(&'static str, &'static str, &'static str)>,
    /// Makes it from complete, checked parameters.
    #[serde(skip)]
    pub(super) build: fn(&Params) -> Kind,
}

const PERIOD: &str = "Bars that it looks at.";

/// All indicators, in the order in which they are listed.
static CATALOGUE: &[Definition] = &[
    Definition {
        name: "sma",
        description: "Simple moving average of the close.",
        params: &[ParamSpec::bars("period", PERIOD, 20.0, 1.0)],
        columns: &["sma"],
        order: None,
        build: |params| Kind::Sma(Sma::new(whole(params, "period"))),
    },
    Definition {
        name: "ema",
        description: "Exponential moving average of the close, seeded with the simple one.",
        params: &[ParamSpec::bars("period", PERIOD, 20.0, 1.0)],
        columns: &["ema"],
        order: None,
        build: |params| Kind::Ema(Ema::new(whole(params, "period"))),
    },
    Definition {
        name: "wma",
        description: "Linearly weighted moving average of the close.",
        params: &[ParamSpec::bars("period", PERIOD, 20.0, 1.0)],
        columns: &["wma"],
        order: None,
        build: |params| Kind::Wma(Wma::new(whole(params, "period"))),
    },
    Definition {
        name: "rsi",
        description: "Wilder's relative strength index of the close, 0 to 100.",
        params: &[ParamSpec::bars("period", "Changes that it averages.", 14.0, 2.0)],
        columns: &["rsi"],
        order: None,
        build: |params| Kind::Rsi(Rsi::new(whole(params, "period"))),
    },
    Definition {
        name: "macd",
        description: "Moving average convergence divergence of the close.",
        params: &[
            ParamSpec::bars("fast", "Length of the fast average.", 12.0, 2.0),
            ParamSpec::bars(
                "slow",
                "Length of the slow average; more than the fast one.",
                26.0,
                2.0,
            ),
            ParamSpec::bars("signal", "Length of the average of the difference.", 9.0, 1.0),
        ],
        columns: &["macd", "signal", "histogram"],
        order: Some(("fast", "slow", "`fast` must be less than `slow`")),
        build: |params| {
            let [fast, slow, signal] = ["fast", "slow", "signal"].map(|name| whole(params, name));
            Kind::Macd(Macd::new(fast, slow, signal))
        },
    },
    Definition {
        name: "bollinger",
        description: "Simple average of the close and population standard deviations around it.",
        params: &[
            ParamSpec::bars("period", PERIOD, 20.0, 2.0),
            factor("deviations", "Standard deviations to either side.", 2.0),
        ],
        columns: &["upper", "middle", "lower"],
        order: None,
        build: |params| {
            Kind::Bollinger(Bollinger::new(whole(params, "period"), number(params, "deviations")))
        },
    },
    Definition {
        name: "atr",
        description: "Wilder's average true range.",
        params: &[ParamSpec::bars("period", "Ranges that it averages.", 14.0, 1.0)],
        columns: &["atr"],
        order: None,
        build: |params| Kind::Atr(Atr::new(whole(params, "period"))),
    },
    Definition {
        name: "adx",
        description: "Wilder's average directional index with +DI and -DI, each 0 to 100.",
        params: &[ParamSpec::bars("period", "Movements that it averages.", 14.0, 2.0)],
        columns: &["adx", "plus_di", "minus_di"],
        order: None,
        build: |params| Kind::Adx(Adx::new(whole(params, "period"))),
    },
    Definition {
        name: "stochastic",
        description: "Slow stochastic: place of the close in its range, smoothed, and its average.",
        params: &[
            ParamSpec::bars("k", "Bars of the range.", 14.0, 1.0),
            ParamSpec::bars("smooth", "Bars that %K is averaged over.", 3.0, 1.0),
            ParamSpec::bars("d", "Bars that %D averages %K over.", 3.0, 1.0),
        ],
        columns: &["k", "d"],
        order: None,
        build: |params| {
            let [k, smooth, d] = ["k", "smooth", "d"].map(|name| whole(params, name));
            Kind::Stochastic(Stochastic::new(k, smooth, d))
        },
    },
    Definition {
        name: "cci",
        description: "Commodity channel index of the typical price.",
        params: &[ParamSpec::bars("period", PERIOD, 20.0, 2.0)],
        columns: &["cci"],
        order: None,
        build: |params| Kind::Cci(Cci::new(whole(params, "period"))),
    },
    Definition {
        name: "obv",
        description: "On-balance volume, from the first bar's volume on.",
        params: &[],
        columns: &["obv"],
        order: None,
        build: |_| Kind::Obv(Obv::new()),
    },
    Definition {
        name: "williams_r",
        description: "Williams' %R: place of the close in its range, -100 to 0.",
        params: &[ParamSpec::bars("period", PERIOD, 14.0, 2.0)],
        columns: &["williams_r"],
        order: None,
        build: |params| Kind::WilliamsR(WilliamsR::new(whole(params, "period"))),
    },
    Definition {
        name: "roc",
        description: "Change of the close since so many bars ago, per cent.",
        params: &[ParamSpec::bars("period", "Bars to look back.", 10.0, 1.0)],
        columns: &["roc"],
        order: None,
        build: |params| Kind::Roc(Roc::new(whole(params, "period"))),
    },
    Definition {
        name: "mfi",
        description: "Money flow index: share of the money that flowed on rises, 0 to 100.",
        params: &[ParamSpec::bars("period", PERIOD, 14.0, 2.0)],
        columns: &["mfi"],
        order: None,
        build: |params| Kind::Mfi(Mfi::new(whole(params, "period"))),
    },
    Definition {
        name: "donchian",
        description: "Highest high and lowest low, the newest bar included, and their middle.",
        params: &[ParamSpec::bars("period", PERIOD, 20.0, 2.0)],
        columns: &["upper", "middle", "lower"],
        order: None,
        build: |params| Kind::Donchian(Donchian::new(whole(params, "period"))),
    },
    Definition {
        name: "keltner",
        description: "Exponential average of the typical price and average true ranges around it.",
        params: &[
            ParamSpec::bars("period", "Bars of the average.", 20.0, 2.0),
            ParamSpec::bars("atr_period", "Ranges that the width averages.", 10.0, 1.0),
            factor("multiplier", "Average true ranges to either side.", 2.0),
        ],
        columns: &["upper", "middle", "lower"],
        order: None,
        build: |params| {
            let [period, range_period] = ["period", "atr_period"].map(|name| whole(params, name));
            Kind::Keltner(Keltner::new(period, range_period, number(params, "multiplier")))
        },
    },
    Definition {
        name: "supertrend",
        description: "A line average true ranges away that turns with the trend; direction 1 or -1.",
        params: &[
            ParamSpec::bars("period", "Ranges that it averages.", 10.0, 2.0),
            factor("multiplier", "Average true ranges of distance.", 3.0),
        ],
        columns: &["supertrend", "direction"],
        order: None,
        build: |params| {
            Kind::SuperTrend(SuperTrend::new(whole(params, "period"), number(params, "multiplier")))
        },
    },
    Definition {
        name: "vwap",
        description: "Volume-weighted average of the typical price since the UTC day began.",
        params: &[],
        columns: &["vwap"],
        order: None,
        build: |_| Kind::Vwap(Vwap::new()),
    },
    Definition {
        name: "parabolic_sar",
        description: "Wilder's parabolic stop and reverse.",
        params: &[
            acceleration("step", "Acceleration at first and added with every new extreme.", 0.02),
            acceleration("max", "Greatest acceleration.", 0.2),
        ],
        columns: &["parabolic_sar"],
        order: Some(("step", "max", "`step` must be less than `max`")),
        build: |params| {
            Kind::ParabolicSar(ParabolicSar::new(number(params, "step"), number(params, "max")))
        },
    },
    Definition {
        name: "aroon",
        description: "How recent the highest high and the lowest low are, 0 to 100.",
        params: &[ParamSpec::bars("period", PERIOD, 14.0, 2.0)],
        columns: &["up", "down"],
        order: None,
        build: |params| Kind::Aroon(Aroon::new(whole(params, "period"))),
    },
    Definition {
        name: "ichimoku",
        description: "Ichimoku's lines; the spans as computed at the bar, not yet moved forwards.",
        params: &[
            ParamSpec::bars("tenkan", "Bars of the conversion line.", 9.0, 2.0),
            ParamSpec::bars("kijun", "Bars of the base line.", 26.0, 2.0),
            ParamSpec::bars("senkou", "Bars of the second span.", 52.0, 2.0),
        ],
        columns: &["tenkan", "kijun", "span_a", "span_b"],
        order: None,
        build: |params| {
            let [tenkan, kijun, senkou] =
                ["tenkan", "kijun", "senkou"].map(|name| whole(params, name));
            Kind::Ichimoku(Ichimoku::new(tenkan, kijun, senkou))
        },
    },
    Definition {
        name: "stddev",
        description: "Population standard deviation of the close.",
        params: &[ParamSpec::bars("period", PERIOD, 20.0, 2.0)],
        columns: &["stddev"],
        order: None,
        build: |params| Kind::StdDev(StdDev::new(whole(params, "period"))),
    },
    Definition {
        name: "zscore",
        description: "Distance of the close from its average in population standard deviations.",
        params: &[ParamSpec::bars("period", PERIOD, 20.0, 2.0)],
        columns: &["zscore"],
        order: None,
        build: |params| Kind::ZScore(ZScore::new(whole(params, "period"))),
    },
];

/// All indicators.
pub fn catalogue() -> &'static [Definition] {
    CATALOGUE
}

/// The catalogue's entry of `name`.
pub fn find(name: &str) -> Result<&'static Definition, ParamError> {
    CATALOGUE.iter().find(|definition| definition.name == name).ok_or_else(|| {
        ParamError::UnknownIndicator {
            name: name.to_owned(),
            known: join(CATALOGUE.iter().map(|definition| definition.name)),
        }
    })
}

impl Definition {
    /// Its parameters with defaults filled in, checked.
    pub fn complete(&self, given: &Params) -> Result<Params, ParamError> {
        let params = complete(self.name, self.params, given)?;
        match self.order {
            Some((less, more, reason)) if number(&params, less) >= number(&params, more) => {
                Err(ParamError::Inconsistent { strategy: self.name, reason })
            }
            _ => Ok(params),
        }
    }
}

const fn factor(name: &'static str, description: &'static str, default: f64) -> ParamSpec {
    ParamSpec::number(name, description, "factor", default, (0.0, 100.0))
}

const fn acceleration(name: &'static str, description: &'static str, default: f64) -> ParamSpec {
    ParamSpec::number(name, description, "fraction", default, (0.0001, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::{COLUMNS_MAX, PERIOD_MAX, Stream};

    #[test]
    fn every_indicator_is_built_from_its_own_defaults_and_has_unlike_columns() {
        for definition in catalogue() {
            Stream::new(definition.name, &Params::new()).unwrap();
            let columns: std::collections::BTreeSet<_> = definition.columns.iter().collect();
            assert_eq!(columns.len(), definition.columns.len(), "{}", definition.name);
            assert!((1..=COLUMNS_MAX).contains(&columns.len()), "{}", definition.name);
            for spec in definition.params.iter().filter(|spec| spec.unit == "bars") {
                assert!(spec.max <= f64::from(PERIOD_MAX), "{} {}", definition.name, spec.name);
            }
        }
        assert_eq!(catalogue().len(), 23);
    }

    #[test]
    fn a_wrong_name_or_value_is_refused_with_what_would_be_right() {
        let rows = [
            ("sma", "perod", 3.0, "sma has no parameter `perod`; it has: period"),
            ("obv", "period", 3.0, "obv has no parameter `period`; it has: none"),
            ("rsi", "period", 1.0, "rsi: `period` = 1 must be a whole number from 2 to 1000"),
            ("macd", "fast", 26.0, "macd: `fast` must be less than `slow`"),
        ];
        for (name, param, value, message) in rows {
            let error = Stream::new(name, &Params::from([(param.to_owned(), value)])).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        let error = Stream::new("smma", &Params::new()).unwrap_err().to_string();
        assert!(error.starts_with("there is no indicator `smma`; there are: sma, ema,"), "{error}");
    }
}

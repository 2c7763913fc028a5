//! Every strategy by name, with its parameters as data. A new strategy adds its line here.

use crate::{
    adx, bollinger_reversion, bollinger_squeeze, buy_and_hold, donchian, ema_cross, ichimoku, macd,
    momentum, pairs, parabolic_sar, rsi, sma_cross, stochastic, supertrend, vwap_reversion, zscore,
};
use engine::params;
use engine::strategy::{ParamError, ParamSpec, Params, Strategy};
use serde::Serialize;

/// A strategy in the catalogue.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Definition {
    /// Name in requests and on the command line.
    pub name: &'static str,
    /// The rule, one sentence.
    pub description: &'static str,
    /// Tickers it watches together: 1, or 2 for pairs.
    pub tickers: usize,
    /// Its parameters.
    pub params: &'static [ParamSpec],
    /// What must hold between the parameters.
    #[serde(skip)]
    pub(crate) check: fn(&Params) -> Result<(), ParamError>,
    /// Makes a strategy from complete, checked parameters.
    #[serde(skip)]
    pub(crate) build: fn(&Params) -> Box<dyn Strategy>,
}

/// All strategies, in the order in which they are listed.
static CATALOGUE: &[Definition] = &[
    sma_cross::DEFINITION,
    ema_cross::DEFINITION,
    macd::DEFINITION,
    rsi::DEFINITION,
    bollinger_reversion::DEFINITION,
    bollinger_squeeze::DEFINITION,
    donchian::DEFINITION,
    momentum::DEFINITION,
    zscore::DEFINITION,
    stochastic::DEFINITION,
    adx::DEFINITION,
    supertrend::DEFINITION,
    vwap_reversion::DEFINITION,
    ichimoku::DEFINITION,
    parabolic_sar::DEFINITION,
    pairs::DEFINITION,
    buy_and_hold::DEFINITION,
    // New strategies: their line above this one.
];

/// All strategies.
pub fn catalogue() -> &'static [Definition] {
    CATALOGUE
}

/// The parameters of `name` with defaults filled in, checked.
pub fn complete(name: &str, given: &Params) -> Result<Params, ParamError> {
    let definition = find(name)?;
    let params = params::complete(definition.name, definition.params, given)?;
    (definition.check)(&params)?;
    Ok(params)
}

/// As [`complete`], for where a strategy gets one ticker: refuses those that need several.
pub fn complete_single(name: &str, given: &Params) -> Result<Params, ParamError> {
    let Definition { name: strategy, tickers, .. } = *find(name)?;
    if tickers > 1 {
        return Err(ParamError::SeveralTickers { strategy, tickers });
    }
    complete(name, given)
}

/// The catalogue's entry of `name`.
pub fn definition(name: &str) -> Result<&'static Definition, ParamError> {
    find(name)
}

/// Makes the strategy `name`.
pub fn build(name: &str, given: &Params) -> Result<Box<dyn Strategy>, ParamError> {
    let params = complete(name, given)?;
    Ok((find(name)?.build)(&params))
}

fn find(name: &str) -> Result<&'static Definition, ParamError> {
    CATALOGUE.iter().find(|definition| definition.name == name).ok_or_else(|| {
        ParamError::UnknownStrategy {
            name: name.to_owned(),
            known: params::join(CATALOGUE.iter().map(|definition| definition.name)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_is_built_from_its_own_defaults() {
        for definition in catalogue() {
            let params = complete(definition.name, &Params::new()).unwrap();
            assert_eq!(params.len(), definition.params.len());
            let strategy = build(definition.name, &params).unwrap();
            assert_eq!(strategy.tickers(), definition.tickers, "{}", definition.name);
            let names = catalogue().iter().filter(|other| other.name == definition.name);
            assert_eq!(names.count(), 1, "{}", definition.name);
        }
    }

    #[test]
    fn a_wrong_name_or_value_is_refused_with_what_would_be_right() {
        let rows = [
            (
                "rsi",
                Params::from([("perod".to_owned(), 14.0)]),
                "rsi has no parameter `perod`; it has: period, oversold, overbought",
            ),
            (
                "sma_cross",
                Params::from([("fast".to_owned(), 2.5)]),
                "sma_cross: `fast` = 2.5 must be a whole number from 2 to 1000",
            ),
            (
                "sma_cross",
                Params::from([("fast".to_owned(), 30.0)]),
                "sma_cross: `fast` must be less than `slow`",
            ),
            (
                "rsi",
                Params::from([("oversold".to_owned(), 80.0)]),
                "rsi: `oversold` must be less than `overbought`",
            ),
        ];
        for (name, params, message) in rows {
            assert_eq!(complete(name, &params).unwrap_err().to_string(), message);
        }
        let error = complete("sma_crss", &Params::new()).unwrap_err().to_string();
        let start = "there is no strategy `sma_crss`; there are: sma_cross, ema_cross, macd, ";
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn a_strategy_of_two_tickers_is_refused_where_there_is_one() {
        let error = complete_single("pairs", &Params::new()).unwrap_err();
        assert_eq!(error, ParamError::SeveralTickers { strategy: "pairs", tickers: 2 });
        assert!(complete_single("rsi", &Params::new()).is_ok());
    }
}

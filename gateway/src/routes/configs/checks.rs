//! What a config must be, field by field.

use std::collections::{BTreeMap, BTreeSet};

use engine::Ticker;
use engine::strategy::{ParamError, Params};
use rust_decimal::Decimal;
use serde_json::Value;
use storage::configs::{Strategies, StrategyChoice};

use super::ConfigRefusal;
use crate::engine_port::{Engine, TickerListing};
use crate::problem::Checks;
use crate::wire::config::StrategyDocument;
use crate::wire::number::Number;

const NAME_LENGTH_MAX: usize = 100;
const TICKERS_MAX: usize = 50;
const CHECK_INTERVAL_MAX_S: u32 = 86_400;
/// Digits after the point that the database keeps of a share.
const SHARE_SCALE_MAX: u32 = 4;

/// Entry of `strategies` for every ticker that is not named.
const ALL_TICKERS: &str = "*";

/// A name, trimmed.
pub(super) fn name(checks: &mut Checks, name: &str) -> String {
    let name = name.trim();
    if name.is_empty() {
        checks.fail("name", "required", "a config needs a name");
    } else if name.chars().count() > NAME_LENGTH_MAX {
        checks.fail("name", "too_long", "a name has at most 100 characters");
    } else if name.chars().any(char::is_control) {
        checks.fail("name", "invalid", "a name has no control characters");
    }
    name.to_owned()
}

/// Tickers in upper case; each is shaped like one and named once.
pub(super) fn tickers(checks: &mut Checks, given: &[String]) -> Vec<Ticker> {
    if given.is_empty() {
        checks.fail("tickers", "required", "name at least one ticker, such as AAPL");
        return Vec::new();
    }
    if given.len() > TICKERS_MAX {
        checks.fail("tickers", "too_many", "a config trades at most 50 tickers");
        return Vec::new();
    }
    let mut tickers = Vec::new();
    for text in given {
        match Ticker::new(&text.trim().to_ascii_uppercase()) {
            Ok(ticker) if tickers.contains(&ticker) => {
                checks.fail("tickers", "duplicate_ticker", format!("{ticker} is named twice"));
            }
            Ok(ticker) => tickers.push(ticker),
            Err(error) => checks.fail("tickers", "invalid_ticker", error.to_string()),
        }
    }
    tickers
}

/// Refuses tickers that the venue does not list.
pub(super) async fn listed(
    checks: &mut Checks,
    troupe: &dyn Engine,
    tickers: &[Ticker],
) -> Result<(), ConfigRefusal> {
    for ticker in tickers {
        match troupe.known_ticker(ticker).await {
            TickerListing::Listed => {}
            TickerListing::Unknown => {
                let message = format!("{ticker} is not listed at the venue; check its spelling");
                checks.fail("tickers", "unknown_ticker", message);
            }
            TickerListing::Unavailable => {
                return Err(ConfigRefusal::VenueUnavailable);
            }
        }
    }
    Ok(())
}

/// Seconds within bounds.
pub(super) fn check_interval(checks: &mut Checks, seconds: i64) -> u32 {
    let value =
        u32::try_from(seconds).ok().filter(|value| (1..=CHECK_INTERVAL_MAX_S).contains(value));
    value.unwrap_or_else(|| {
        let rule = "this must be a whole number of seconds from 1 to 86400";
        checks.fail("check_interval", "out_of_range", rule);
        0
    })
}

/// A share above nothing and up to all.
pub(super) fn capital_share(checks: &mut Checks, Number(share): Number) -> Decimal {
    let share = share.normalize();
    if share <= Decimal::ZERO || share > Decimal::ONE {
        let rule = "this must be a fraction above 0, up to 1";
        checks.fail("capital_share", "out_of_range", rule);
    } else if share.scale() > SHARE_SCALE_MAX {
        checks.fail("capital_share", "too_precise", "this has at most four digits after the point");
    }
    share
}

/// What was asked for, with the tickers in upper case; strategies are not looked at yet.
pub(super) fn chosen(checks: &mut Checks, given: BTreeMap<String, StrategyDocument>) -> Strategies {
    let mut strategies = Strategies::new();
    for (key, document) in given {
        let ticker = key.trim().to_ascii_uppercase();
        let params = document.params.into_iter();
        let params = params.map(|(name, number)| (name, Value::Number(number))).collect();
        let choice = StrategyChoice { strategy: document.strategy, params };
        if strategies.insert(ticker.clone(), choice).is_some() {
            let message = format!("{ticker} is named twice");
            checks.fail(field(&ticker), "duplicate_ticker", message);
        }
    }
    strategies
}

/// Refuses strategies of tickers that the config does not trade, and parameters that make no sense.
pub(super) fn strategies(
    checks: &mut Checks,
    troupe: &dyn Engine,
    strategies: &Strategies,
    tickers: &[Ticker],
) {
    let traded: BTreeSet<&str> = tickers.iter().map(Ticker::as_str).collect();
    for (ticker, choice) in strategies {
        let field = field(ticker);
        if ticker != ALL_TICKERS && !traded.contains(ticker.as_str()) {
            let message = format!("{ticker} is not among the tickers of this config");
            checks.fail(field, "ticker_not_in_config", message);
            continue;
        }
        let params: Option<Params> = choice
            .params
            .iter()
            .map(|(name, value)| Some((name.clone(), value.as_f64()?)))
            .collect();
        let Some(params) = params else {
            checks.fail(field, "wrong_type", "parameters are numbers");
            continue;
        };
        if let Err(error) = troupe.check_strategy(&choice.strategy, &params) {
            checks.fail(field, param_code(&error), error.to_string());
        }
    }
}

fn field(ticker: &str) -> String {
    format!("strategies.{ticker}")
}

fn param_code(error: &ParamError) -> &'static str {
    match error {
        ParamError::UnknownStrategy { .. } => "unknown_strategy",
        ParamError::UnknownIndicator { .. } => "unknown_indicator",
        ParamError::UnknownParam { .. } => "unknown_param",
        ParamError::OutOfBounds { .. } => "param_out_of_bounds",
        ParamError::SeveralTickers { .. } => "several_tickers",
        ParamError::Inconsistent { .. } => "params_inconsistent",
    }
}

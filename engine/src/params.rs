//! Parameters as data: what strategies and indicators take, checked in one place.

use serde::Serialize;
use std::collections::BTreeMap;
use thiserror::Error;

/// Parameter values by name, such as `fast` = 10.
pub type Params = BTreeMap<String, f64>;

/// A parameter as data: the API's validation and the UI's form are made from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ParamSpec {
    /// Name in requests and on the command line.
    pub name: &'static str,
    /// What it does, one sentence.
    pub description: &'static str,
    /// `bars`, `points`, ….
    pub unit: &'static str,
    /// Value when none is given.
    pub default: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Whether only whole numbers make sense.
    pub whole: bool,
}

/// Parameters that a strategy or an indicator cannot work with.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ParamError {
    /// No strategy has this name.
    #[error("there is no strategy `{name}`; there are: {known}")]
    UnknownStrategy {
        /// What was asked for.
        name: String,
        /// What there is, separated by commas.
        known: String,
    },
    /// No indicator has this name.
    #[error("there is no indicator `{name}`; there are: {known}")]
    UnknownIndicator {
        /// What was asked for.
        name: String,
        /// What there is, separated by commas.
        known: String,
    },
    /// The strategy or indicator has no such parameter.
    #[error("{strategy} has no parameter `{name}`; it has: {known}")]
    UnknownParam {
        /// The strategy or indicator.
        strategy: &'static str,
        /// What was given.
        name: String,
        /// What it takes, separated by commas.
        known: String,
    },
    /// A value out of bounds, or a fraction where only whole numbers make sense.
    #[error("{strategy}: `{name}` = {value} must be {kind} from {min} to {max}")]
    OutOfBounds {
        /// The strategy or indicator.
        strategy: &'static str,
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: f64,
        /// `a whole number` or `a number`.
        kind: &'static str,
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// It watches several tickers together, and here it would get one.
    #[error(
        "{strategy} watches {tickers} tickers together: backtest it, it does not trade live yet"
    )]
    SeveralTickers {
        /// The strategy or indicator.
        strategy: &'static str,
        /// How many it watches.
        tickers: usize,
    },
    /// Each value is fine, together they are not.
    #[error("{strategy}: {reason}")]
    Inconsistent {
        /// The strategy or indicator.
        strategy: &'static str,
        /// What must hold.
        reason: &'static str,
    },
}

impl ParamSpec {
    /// A number of bars, from `min` to the longest period of an indicator.
    pub const fn bars(
        name: &'static str,
        description: &'static str,
        default: f64,
        min: f64,
    ) -> Self {
        // PERIOD_MAX, which has no constant conversion; a test holds the two together.
        Self { name, description, unit: "bars", default, min, max: 1000.0, whole: true }
    }

    /// A number that need not be whole, from `min` to `max`.
    pub const fn number(
        name: &'static str,
        description: &'static str,
        unit: &'static str,
        default: f64,
        (min, max): (f64, f64),
    ) -> Self {
        Self { name, description, unit, default, min, max, whole: false }
    }

    /// Checks one value.
    pub fn check(&self, strategy: &'static str, value: f64) -> Result<(), ParamError> {
        let whole_ok = !self.whole || value.fract() == 0.0;
        if value.is_finite() && value >= self.min && value <= self.max && whole_ok {
            return Ok(());
        }
        Err(ParamError::OutOfBounds {
            strategy,
            name: self.name,
            value,
            kind: if self.whole { "a whole number" } else { "a number" },
            min: self.min,
            max: self.max,
        })
    }
}

/// The parameters of `owner` with the defaults of `specs` filled in, each checked by itself.
pub fn complete(
    owner: &'static str,
    specs: &[ParamSpec],
    given: &Params,
) -> Result<Params, ParamError> {
    let is_known = |name: &str| specs.iter().any(|spec| spec.name == name);
    if let Some(unknown) = given.keys().find(|name| !is_known(name)) {
        let known = match specs {
            [] => "none".to_owned(),
            specs => join(specs.iter().map(|spec| spec.name)),
        };
        return Err(ParamError::UnknownParam { strategy: owner, name: unknown.clone(), known });
    }
    let checked = specs.iter().map(|spec| {
        let value = given.get(spec.name).copied().unwrap_or(spec.default);
        spec.check(owner, value)?;
        Ok((spec.name.to_owned(), value))
    });
    checked.collect()
}

/// A parameter of a complete set; 0 if there is none of this name.
pub fn number(params: &Params, name: &str) -> f64 {
    params.get(name).copied().unwrap_or_default()
}

/// A whole-number parameter of a complete set; 0 if there is none of this name.
pub fn whole(params: &Params, name: &str) -> u16 {
    let value = number(params, name).clamp(0.0, f64::from(u16::MAX));
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped above"
    )]
    {
        value as u16
    }
}

/// Names separated by commas, for messages.
pub fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

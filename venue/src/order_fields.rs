//! Members of a JSON body, read leniently: numbers or strings, nulls as absent.

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::number;
use crate::refusal::Refusal;

/// Larger amounts and prices are slips of the finger, and would leave the range of exact
/// arithmetic.
pub(crate) const AMOUNT_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// More digits after the point would leave that range too.
const DECIMALS_MAX: u32 = 12;

/// A body, or an object in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    body: &'a Map<String, Value>,
    /// What stands before a member's name in a message, such as `take_profit.`.
    prefix: &'static str,
}

/// Reads a body as a JSON object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::invalid(format!("request body format is invalid: {error}")))?;
    match value {
        Value::Object(body) => Ok(body),
        _ => Err(Refusal::invalid("request body format is invalid: expected an object")),
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn new(body: &'a Map<String, Value>) -> Self {
        Self { body, prefix: "" }
    }

    /// A member that is there and not null.
    pub(crate) fn present(self, name: &str) -> Option<&'a Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn word(self, name: &str) -> Result<Option<&'a str>, Refusal> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::invalid(format!("{}{name} must be a string", self.prefix))),
        }
    }

    /// One of Alpaca's words.
    pub(crate) fn known<T: DeserializeOwned>(
        self,
        name: &str,
        otherwise: &str,
    ) -> Result<Option<T>, Refusal> {
        let Some(word) = self.word(name)?.filter(|word| !word.is_empty()) else { return Ok(None) };
        match serde_json::from_value(word.into()) {
            Ok(known) => Ok(Some(known)),
            Err(_) => Err(Refusal::invalid(otherwise)),
        }
    }

    /// A decimal given as a number or as a string.
    pub(crate) fn decimal(self, name: &str) -> Result<Option<Decimal>, Refusal> {
        let number = match self.present(name) {
            None => return Ok(None),
            Some(Value::Number(value)) => number::parse(&value.to_string()),
            Some(Value::String(text)) => number::parse(text),
            Some(_) => None,
        };
        let prefix = self.prefix;
        let number =
            number.ok_or_else(|| Refusal::invalid(format!("{prefix}{name} must be a number")))?;
        if number.abs() > AMOUNT_MAX {
            return Err(Refusal::invalid(format!("{prefix}{name} must be <= {AMOUNT_MAX}")));
        }
        if number::decimals(number) > DECIMALS_MAX {
            return Err(Refusal::invalid(format!(
                "{prefix}{name} must have no more than {DECIMALS_MAX} decimals"
            )));
        }
        Ok(Some(number))
    }

    /// A decimal above zero; `shown` is how Alpaca names it in a refusal.
    pub(crate) fn positive(self, name: &str, shown: &str) -> Result<Option<Decimal>, Refusal> {
        match self.decimal(name)? {
            Some(value) if value <= Decimal::ZERO => {
                Err(Refusal::invalid(format!("{}{shown} must be > 0", self.prefix)))
            }
            other => Ok(other),
        }
    }

    pub(crate) fn flag(self, name: &str) -> Result<bool, Refusal> {
        match self.present(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(Refusal::invalid(format!("{name} must be true or false"))),
        }
    }

    /// An object in the body.
    pub(crate) fn inner(
        self,
        name: &str,
        prefix: &'static str,
    ) -> Result<Option<Fields<'a>>, Refusal> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Object(body)) => Ok(Some(Fields { body, prefix })),
            Some(_) => Err(Refusal::invalid(format!("{name} must be an object"))),
        }
    }
}

//! The body of `POST /v2/orders`: read leniently, understood strictly.

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::number;
use crate::orders::{OrderType, Side, TimeInForce};
use crate::refusal::Refusal;

/// The longest client order id.
const CLIENT_ORDER_ID_MAX: usize = 128;
/// Larger amounts are slips of the finger, and would leave the range of exact arithmetic.
const AMOUNT_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// An order as asked for, before the venue has looked at the account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OrderRequest {
    pub(crate) symbol: String,
    pub(crate) amount: Amount,
    pub(crate) side: Side,
    pub(crate) order_type: OrderType,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) limit_price: Option<Decimal>,
    pub(crate) extended_hours: bool,
    pub(crate) client_order_id: Option<String>,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    /// Shares or coins.
    Quantity(Decimal),
    /// Dollars.
    Notional(Decimal),
}

/// Reads an order from a body of JSON.
pub(crate) fn parse(body: &[u8]) -> Result<OrderRequest, Refusal> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::invalid(format!("request body format is invalid: {error}")))?;
    let Value::Object(body) = value else {
        return Err(Refusal::invalid("request body format is invalid: expected an object"));
    };
    refuse_advanced(&body)?;
    let order_type = order_type(&body)?;
    let request = OrderRequest {
        symbol: word(&body, "symbol")?
            .ok_or_else(|| Refusal::invalid("symbol is required"))?
            .to_owned(),
        amount: amount(&body)?,
        side: word(&body, "side")?
            .and_then(known)
            .ok_or_else(|| Refusal::invalid("side must be buy or sell"))?,
        order_type,
        time_in_force: word(&body, "time_in_force")?
            .and_then(known)
            .ok_or_else(|| Refusal::invalid("invalid time_in_force"))?,
        limit_price: limit_price(&body, order_type)?,
        extended_hours: flag(&body, "extended_hours")?,
        client_order_id: client_order_id(&body)?,
    };
    Ok(request)
}

/// Order classes and legs that this venue does not have yet: a clear no, never half an order.
fn refuse_advanced(body: &Map<String, Value>) -> Result<(), Refusal> {
    let class = word(body, "order_class")?.unwrap_or_default();
    if !matches!(class, "" | "simple") {
        return Err(Refusal::unprocessable(format!(
            "order_class {class} is not supported by this venue yet: send a simple order"
        )));
    }
    let legs = ["take_profit", "stop_loss", "legs", "trail_price", "trail_percent"];
    match legs.iter().find(|name| present(body, name).is_some()) {
        None => Ok(()),
        Some(name) => Err(Refusal::unprocessable(format!(
            "{name} is not supported by this venue yet: send a market or limit order"
        ))),
    }
}

fn order_type(body: &Map<String, Value>) -> Result<OrderType, Refusal> {
    match word(body, "type")? {
        Some(later @ ("stop" | "stop_limit" | "trailing_stop")) => Err(Refusal::unprocessable(
            format!("{later} orders are not supported by this venue yet: send market or limit"),
        )),
        other => other.and_then(known).ok_or_else(|| Refusal::invalid("invalid order type")),
    }
}

fn amount(body: &Map<String, Value>) -> Result<Amount, Refusal> {
    let amount = match (decimal(body, "qty")?, decimal(body, "notional")?) {
        (None, None) => return Err(Refusal::invalid("qty or notional is required")),
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid("only one of qty or notional is accepted"));
        }
        (Some(qty), None) if qty <= Decimal::ZERO => {
            return Err(Refusal::invalid("qty must be > 0"));
        }
        (Some(qty), None) => Amount::Quantity(qty),
        (None, Some(notional)) if notional < Decimal::ONE => {
            return Err(Refusal::unprocessable("notional must be >= 1.00"));
        }
        (None, Some(notional)) => Amount::Notional(notional),
    };
    let (Amount::Quantity(value) | Amount::Notional(value)) = amount;
    if value > AMOUNT_MAX {
        return Err(Refusal::invalid(format!("qty or notional must be <= {AMOUNT_MAX}")));
    }
    Ok(amount)
}

fn limit_price(
    body: &Map<String, Value>,
    order_type: OrderType,
) -> Result<Option<Decimal>, Refusal> {
    let limit = decimal(body, "limit_price")?;
    let stop = decimal(body, "stop_price")?;
    match (order_type, limit, stop) {
        (OrderType::Market, None, None) => Ok(None),
        (OrderType::Market, _, _) => {
            Err(Refusal::invalid("market orders require no stop or limit price"))
        }
        (OrderType::Limit, None, _) => Err(Refusal::invalid("limit orders require a limit price")),
        (OrderType::Limit, Some(_), Some(_)) => {
            Err(Refusal::invalid("limit orders require no stop price"))
        }
        (OrderType::Limit, Some(limit), None) if limit <= Decimal::ZERO => {
            Err(Refusal::invalid("limit price must be > 0"))
        }
        (OrderType::Limit, Some(limit), None) if limit > AMOUNT_MAX => {
            Err(Refusal::invalid(format!("limit price must be <= {AMOUNT_MAX}")))
        }
        (OrderType::Limit, Some(limit), None) => Ok(Some(limit)),
    }
}

fn client_order_id(body: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    match word(body, "client_order_id")? {
        Some(id) if id.chars().count() > CLIENT_ORDER_ID_MAX => {
            Err(Refusal::invalid("client_order_id must be no more than 128 characters"))
        }
        Some("") | None => Ok(None),
        Some(id) => Ok(Some(id.to_owned())),
    }
}

/// The value of one of Alpaca's words, if this venue knows it.
fn known<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

/// A member that is there and not null.
fn present<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

fn word<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match present(body, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::invalid(format!("{name} must be a string"))),
    }
}

/// A decimal given as a number or as a string.
pub(crate) fn decimal(body: &Map<String, Value>, name: &str) -> Result<Option<Decimal>, Refusal> {
    let number = match present(body, name) {
        None => return Ok(None),
        Some(Value::Number(value)) => number::parse(&value.to_string()),
        Some(Value::String(text)) => number::parse(text),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| Refusal::invalid(format!("{name} must be a number")))
}

fn flag(body: &Map<String, Value>, name: &str) -> Result<bool, Refusal> {
    match present(body, name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(Refusal::invalid(format!("{name} must be true or false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> (u16, u32, String) {
        let refusal = parse(body.as_bytes()).unwrap_err();
        (refusal.status.as_u16(), refusal.code, refusal.message)
    }

    #[test]
    fn a_decimal_may_be_a_number_or_a_string_and_null_is_absent() {
        let strings = r#"{"symbol":"AAPL","qty":"1.5","side":"buy","type":"market",
            "time_in_force":"day","limit_price":null,"_unknown":null}"#;
        let numbers = r#"{"symbol":"AAPL","qty":1.5,"side":"buy","type":"market",
            "time_in_force":"day","order_class":"simple"}"#;
        let from_strings = parse(strings.as_bytes()).unwrap();
        assert_eq!(from_strings, parse(numbers.as_bytes()).unwrap());
        assert_eq!(from_strings.amount, Amount::Quantity(Decimal::new(15, 1)));
    }

    #[test]
    fn each_malformed_order_is_refused_with_alpacas_words() {
        let order = |members: &str| {
            format!(r#"{{"symbol":"AAPL","side":"buy","time_in_force":"day",{members}}}"#)
        };
        let rows = [
            (r#""type":"market""#, 40_010_001, "qty or notional is required"),
            (
                r#""type":"market","qty":1,"notional":5"#,
                40_010_001,
                "only one of qty or notional is accepted",
            ),
            (r#""type":"market","qty":0"#, 40_010_001, "qty must be > 0"),
            (r#""type":"market","notional":"0.5""#, 42_210_000, "notional must be >= 1.00"),
            (r#""type":"limit","qty":1"#, 40_010_001, "limit orders require a limit price"),
            (r#""type":"limit","qty":1,"limit_price":0"#, 40_010_001, "limit price must be > 0"),
            (
                r#""type":"market","qty":1,"limit_price":5"#,
                40_010_001,
                "market orders require no stop or limit price",
            ),
            (r#""type":"iceberg","qty":1"#, 40_010_001, "invalid order type"),
        ];
        for (members, code, message) in rows {
            assert_eq!(refusal(&order(members)), (422, code, message.to_owned()), "{members}");
        }
        assert_eq!(refusal(&order(r#""type":"stop","qty":1,"stop_price":5"#)).1, 42_210_000);
    }
}

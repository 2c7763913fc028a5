//! The body of `POST /v2/orders`: read leniently, understood strictly.

use rust_decimal::Decimal;

use crate::order_fields::{Fields, object};
use crate::orders::{OrderClass, OrderType, PositionIntent, Side, TimeInForce, Trail};
use crate::refusal::Refusal;

/// The smallest trail, in percent.
const TRAIL_PERCENT_MIN: Decimal = Decimal::from_parts(1, 0, 0, false, 1);

/// An order as asked for, before the venue has looked at the account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OrderRequest {
    pub(crate) symbol: String,
    pub(crate) amount: Amount,
    pub(crate) side: Side,
    pub(crate) order_type: OrderType,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) limit_price: Option<Decimal>,
    pub(crate) stop_price: Option<Decimal>,
    pub(crate) trail: Option<Trail>,
    pub(crate) extended_hours: bool,
    pub(crate) client_order_id: Option<String>,
    pub(crate) class: OrderClass,
    /// The limit of the leg that takes the profit.
    pub(crate) take_profit: Option<Decimal>,
    pub(crate) stop_loss: Option<StopLoss>,
    pub(crate) intent: Option<PositionIntent>,
}

/// The leg that stops the loss: a stop, or with a limit a stop-limit order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StopLoss {
    pub(crate) stop_price: Decimal,
    pub(crate) limit_price: Option<Decimal>,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    /// Shares or coins.
    Quantity(Decimal),
    /// Dollars.
    Notional(Decimal),
}

impl Amount {
    /// Whether parts of a share are asked for, or may come out.
    pub(crate) fn is_fractional(self) -> bool {
        match self {
            Self::Quantity(qty) => !qty.fract().is_zero(),
            Self::Notional(_) => true,
        }
    }
}

impl OrderRequest {
    /// A plain market order.
    pub(crate) fn market(
        symbol: String,
        side: Side,
        amount: Amount,
        time_in_force: TimeInForce,
    ) -> Self {
        Self {
            symbol,
            amount,
            side,
            order_type: OrderType::Market,
            time_in_force,
            limit_price: None,
            stop_price: None,
            trail: None,
            extended_hours: false,
            client_order_id: None,
            class: OrderClass::Simple,
            take_profit: None,
            stop_loss: None,
            intent: None,
        }
    }
}

/// Reads an order from a body of JSON.
pub(crate) fn parse(body: &[u8]) -> Result<OrderRequest, Refusal> {
    let body = object(body)?;
    let fields = Fields::new(&body);
    let class = class(fields)?;
    let symbol = fields.word("symbol")?.filter(|symbol| !symbol.is_empty());
    let symbol = symbol.ok_or_else(|| Refusal::invalid("symbol is required"))?.to_owned();
    let order_type: OrderType = fields
        .known("type", "invalid order type")?
        .ok_or_else(|| Refusal::invalid("invalid order type"))?;
    let (take_profit, stop_loss) = legs(fields, class)?;
    let mut prices = Prices::of(fields)?;
    if class == OrderClass::Oco {
        prices.limit = prices.limit.or(take_profit);
    }
    prices.check(order_type)?;
    Ok(OrderRequest {
        symbol,
        amount: amount(fields)?,
        side: fields
            .known("side", "side must be buy or sell")?
            .ok_or_else(|| Refusal::invalid("side must be buy or sell"))?,
        order_type,
        time_in_force: fields
            .known("time_in_force", "invalid time_in_force")?
            .ok_or_else(|| Refusal::invalid("invalid time_in_force"))?,
        limit_price: prices.limit,
        stop_price: prices.stop,
        trail: prices.trail,
        extended_hours: fields.flag("extended_hours")?,
        client_order_id: client_order_id(fields)?,
        class,
        take_profit,
        stop_loss,
        intent: fields.known("position_intent", "invalid position_intent")?,
    })
}

/// The client's own id; empty means none.
pub(crate) fn client_order_id(fields: Fields<'_>) -> Result<Option<String>, Refusal> {
    let id = fields.word("client_order_id")?.filter(|id| !id.is_empty());
    Ok(id.map(str::to_owned))
}

fn class(fields: Fields<'_>) -> Result<OrderClass, Refusal> {
    let mleg = fields.word("order_class")? == Some("mleg");
    if mleg || fields.present("legs").is_some() {
        return Err(Refusal::unprocessable(
            "mleg orders are for options, which are not traded on this venue",
        ));
    }
    Ok(fields.known("order_class", "invalid order_class")?.unwrap_or(OrderClass::Simple))
}

fn amount(fields: Fields<'_>) -> Result<Amount, Refusal> {
    match (fields.positive("qty", "qty")?, fields.decimal("notional")?) {
        (None, None) => Err(Refusal::invalid("qty or notional is required")),
        (Some(_), Some(_)) => Err(Refusal::invalid("only one of qty or notional is accepted")),
        (Some(qty), None) => Ok(Amount::Quantity(qty)),
        (None, Some(notional)) if notional < Decimal::ONE => {
            Err(Refusal::unprocessable("notional must be >= 1.00"))
        }
        (None, Some(notional)) => Ok(Amount::Notional(notional)),
    }
}

/// What sets the price.
struct Prices {
    limit: Option<Decimal>,
    stop: Option<Decimal>,
    trail: Option<Trail>,
}

impl Prices {
    fn of(fields: Fields<'_>) -> Result<Self, Refusal> {
        let price = fields.positive("trail_price", "trail_price")?;
        let percent = fields.decimal("trail_percent")?;
        let trail = match (price, percent) {
            (Some(_), Some(_)) => {
                return Err(Refusal::invalid(
                    "trailing stop orders must specify one of trail_price or trail_percent",
                ));
            }
            (Some(price), None) => Some(Trail::Price(price)),
            (None, Some(percent)) if percent < TRAIL_PERCENT_MIN => {
                return Err(Refusal::invalid("trail_percent must be greater than or equal to 0.1"));
            }
            (None, Some(percent)) if percent >= Decimal::ONE_HUNDRED => {
                return Err(Refusal::invalid("trail_percent must be less than 100"));
            }
            (None, Some(percent)) => Some(Trail::Percent(percent)),
            (None, None) => None,
        };
        let limit = fields.positive("limit_price", "limit price")?;
        Ok(Self { limit, stop: fields.positive("stop_price", "stop price")?, trail })
    }

    /// Each type has the prices that it needs and no others.
    fn check(&self, order_type: OrderType) -> Result<(), Refusal> {
        let (limit, stop) = (self.limit.is_some(), self.stop.is_some());
        let trailing = order_type == OrderType::TrailingStop;
        let message = match order_type {
            OrderType::Market if limit || stop => "market orders require no stop or limit price",
            OrderType::Limit if !limit => "limit orders require a limit price",
            OrderType::Limit if stop => "limit orders require no stop price",
            OrderType::Stop if !stop => "stop orders require a stop price",
            OrderType::Stop if limit => "stop orders require no limit price",
            OrderType::StopLimit if !(limit && stop) => {
                "stop limit orders require both stop and limit price"
            }
            OrderType::TrailingStop if limit || stop => {
                "trailing stop orders require no stop or limit price"
            }
            OrderType::TrailingStop if self.trail.is_none() => {
                "trailing stop orders must specify one of trail_price or trail_percent"
            }
            _ if !trailing && self.trail.is_some() => {
                "trail_price and trail_percent are for trailing stop orders"
            }
            _ => return Ok(()),
        };
        Err(Refusal::invalid(message))
    }
}

fn legs(
    fields: Fields<'_>,
    class: OrderClass,
) -> Result<(Option<Decimal>, Option<StopLoss>), Refusal> {
    let required =
        |name: &str| Refusal::invalid(format!("{} orders require {name}", class.as_str()));
    let take_profit = match fields.inner("take_profit", "take_profit.")? {
        None => None,
        Some(leg) => Some(
            leg.positive("limit_price", "limit_price")?
                .ok_or_else(|| required("take_profit.limit_price"))?,
        ),
    };
    let stop_loss = match fields.inner("stop_loss", "stop_loss.")? {
        None => None,
        Some(leg) => Some(StopLoss {
            stop_price: leg
                .positive("stop_price", "stop_price")?
                .ok_or_else(|| required("stop_loss.stop_price"))?,
            limit_price: leg.positive("limit_price", "limit_price")?,
        }),
    };
    match (class, take_profit, stop_loss) {
        (OrderClass::Simple, None, None)
        | (OrderClass::Bracket | OrderClass::Oco, Some(_), Some(_))
        | (OrderClass::Oto, Some(_), None)
        | (OrderClass::Oto, None, Some(_)) => Ok((take_profit, stop_loss)),
        (OrderClass::Simple, _, _) => {
            Err(Refusal::invalid("simple orders require no take_profit or stop_loss"))
        }
        (OrderClass::Oto, _, _) => {
            Err(Refusal::invalid("oto orders require exactly one of take_profit or stop_loss"))
        }
        // An OCO's limit price may stand in the order itself.
        (OrderClass::Oco, None, Some(_)) if fields.present("limit_price").is_some() => {
            Ok((fields.positive("limit_price", "limit price")?, stop_loss))
        }
        (OrderClass::Bracket | OrderClass::Oco, None, _) => {
            Err(required("take_profit.limit_price"))
        }
        (OrderClass::Bracket | OrderClass::Oco, Some(_), None) => {
            Err(required("stop_loss.stop_price"))
        }
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
            (r#""type":"stop","qty":1"#, 40_010_001, "stop orders require a stop price"),
            (
                r#""type":"stop_limit","qty":1,"stop_price":4"#,
                40_010_001,
                "stop limit orders require both stop and limit price",
            ),
            (
                r#""type":"trailing_stop","qty":1"#,
                40_010_001,
                "trailing stop orders must specify one of trail_price or trail_percent",
            ),
            (
                r#""type":"trailing_stop","qty":1,"trail_percent":"0.05""#,
                40_010_001,
                "trail_percent must be greater than or equal to 0.1",
            ),
            (
                r#""type":"market","qty":1,"order_class":"bracket","take_profit":{"limit_price":9}"#,
                40_010_001,
                "bracket orders require stop_loss.stop_price",
            ),
            (
                r#""type":"market","qty":1,"order_class":"oto""#,
                40_010_001,
                "oto orders require exactly one of take_profit or stop_loss",
            ),
            (
                r#""type":"market","qty":1,"order_class":"mleg","legs":[]"#,
                42_210_000,
                "mleg orders are for options, which are not traded on this venue",
            ),
        ];
        for (members, code, message) in rows {
            assert_eq!(refusal(&order(members)), (422, code, message.to_owned()), "{members}");
        }
    }

    #[test]
    fn an_oco_takes_its_limit_from_the_leg_or_from_the_order() {
        let order = |members: &str| {
            let body = format!(
                r#"{{"symbol":"AAPL","side":"sell","time_in_force":"gtc","type":"limit","qty":1,
                "order_class":"oco","stop_loss":{{"stop_price":"90"}},{members}}}"#
            );
            parse(body.as_bytes()).unwrap()
        };
        let in_leg = order(r#""take_profit":{"limit_price":110}"#);
        assert_eq!(in_leg, order(r#""limit_price":"110""#));
        assert_eq!(in_leg.limit_price, Some(Decimal::from(110)));
    }
}

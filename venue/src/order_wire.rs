//! The order as JSON: every key of Alpaca's entity, present even when null.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::number;
use crate::orders::{Order, OrderClass, Trail};

/// Where an order is shown; the stream leaves three keys out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Rest,
    Stream,
}

/// The order entity as the API shows it.
pub(crate) fn json(order: &Order, place: Place) -> Value {
    serde_json::to_value(WireOrder::new(order, place)).unwrap_or(Value::Null)
}

/// The order entity with the orders under it; `null` where there are none.
pub(crate) fn nested<'a>(order: &Order, legs: impl Iterator<Item = &'a Order>) -> Value {
    let mut body = json(order, Place::Rest);
    let legs: Vec<Value> = legs.map(|leg| json(leg, Place::Rest)).collect();
    if !legs.is_empty() {
        body["legs"] = legs.into();
    }
    body
}

/// A time on the trading API.
pub(crate) fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[derive(Serialize)]
struct WireOrder<'a> {
    id: String,
    client_order_id: &'a str,
    created_at: String,
    updated_at: String,
    submitted_at: String,
    filled_at: Option<String>,
    expired_at: Option<String>,
    cancel_requested_at: Option<String>,
    canceled_at: Option<String>,
    failed_at: Option<String>,
    replaced_at: Option<String>,
    replaced_by: Option<String>,
    replaces: Option<String>,
    asset_id: String,
    symbol: &'a str,
    asset_class: &'static str,
    notional: Option<String>,
    qty: Option<String>,
    filled_qty: String,
    filled_avg_price: Option<String>,
    order_class: &'static str,
    order_type: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    side: &'static str,
    position_intent: &'static str,
    time_in_force: &'static str,
    limit_price: Option<String>,
    stop_price: Option<String>,
    status: &'static str,
    extended_hours: bool,
    legs: Option<Vec<Value>>,
    trail_percent: Option<String>,
    trail_price: Option<String>,
    hwm: Option<String>,
    #[serde(flatten)]
    rest_only: Option<RestOnly>,
    expires_at: Option<String>,
}

#[derive(Serialize)]
struct RestOnly {
    ratio_qty: Option<String>,
    subtag: Option<String>,
    source: &'static str,
}

impl<'a> WireOrder<'a> {
    fn new(order: &'a Order, place: Place) -> Self {
        let rest_only = RestOnly { ratio_qty: None, subtag: None, source: "access_key" };
        let (trail_price, trail_percent) = match order.trail {
            Some(Trail::Price(dollars)) => (Some(number::text(dollars)), None),
            Some(Trail::Percent(percent)) => (None, Some(number::text(percent))),
            None => (None, None),
        };
        Self {
            id: order.id.to_string(),
            client_order_id: &order.client_order_id,
            created_at: timestamp(order.created_at),
            updated_at: timestamp(order.updated_at),
            submitted_at: timestamp(order.created_at),
            filled_at: order.filled_at.map(timestamp),
            expired_at: order.expired_at.map(timestamp),
            cancel_requested_at: order.cancel_requested_at.map(timestamp),
            canceled_at: order.canceled_at.map(timestamp),
            failed_at: order.failed_at.map(timestamp),
            replaced_at: order.replaced_at.map(timestamp),
            replaced_by: order.replaced_by.map(|id| id.to_string()),
            replaces: order.replaces.map(|id| id.to_string()),
            asset_id: order.asset_id.to_string(),
            symbol: &order.symbol,
            asset_class: order.asset_class.as_str(),
            notional: order.notional.map(number::text),
            qty: order.qty.map(number::text),
            filled_qty: number::text(order.filled_qty),
            filled_avg_price: order.filled_average_price().map(number::text),
            // A plain order has an empty class in every capture of the real service.
            order_class: match order.class() {
                OrderClass::Simple => "",
                class => class.as_str(),
            },
            order_type: order.order_type.as_str(),
            kind: order.order_type.as_str(),
            side: order.side.as_str(),
            position_intent: order.intent().as_str(),
            time_in_force: order.time_in_force.as_str(),
            limit_price: order.limit_price.map(number::text),
            stop_price: order.stop_price.map(number::text),
            status: order.status.as_str(),
            extended_hours: order.extended_hours,
            legs: None,
            trail_percent,
            trail_price,
            hwm: order.hwm.map(number::text),
            rest_only: (place == Place::Rest).then_some(rest_only),
            expires_at: order.expires_at.map(timestamp),
        }
    }
}

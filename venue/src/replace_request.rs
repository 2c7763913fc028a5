//! The body of `PATCH /v2/orders/{id}`: what is to change, everything else stays.

use rust_decimal::Decimal;

use crate::order_fields::{Fields, object};
use crate::order_request::client_order_id;
use crate::orders::TimeInForce;
use crate::refusal::Refusal;

/// The changes asked for; `None` leaves a member as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ReplaceRequest {
    /// The whole order's quantity, what has filled included.
    pub(crate) qty: Option<Decimal>,
    pub(crate) time_in_force: Option<TimeInForce>,
    pub(crate) limit_price: Option<Decimal>,
    pub(crate) stop_price: Option<Decimal>,
    /// Dollars or percent, as the order was sent.
    pub(crate) trail: Option<Decimal>,
    pub(crate) client_order_id: Option<String>,
}

/// Reads the changes from a body of JSON.
pub(crate) fn parse(body: &[u8]) -> Result<ReplaceRequest, Refusal> {
    let body = object(body)?;
    let fields = Fields::new(&body);
    Ok(ReplaceRequest {
        qty: fields.positive("qty", "qty")?,
        time_in_force: fields.known("time_in_force", "invalid time_in_force")?,
        limit_price: fields.positive("limit_price", "limit price")?,
        stop_price: fields.positive("stop_price", "stop price")?,
        trail: fields.positive("trail", "trail")?,
        client_order_id: client_order_id(fields)?,
    })
}

//! Getting one order to the venue, and one cancel. An ambiguous answer is never guessed: what is
//! at the venue is looked up by `client_order_id` before anything is said of the order.

use crate::alpaca::Backoff;
use apca::api::v2::order::{
    Amount, Create, CreateError, CreateReq, CreateReqInit, Delete, DeleteError, GetByClientId,
    GetByClientIdError, Order as VenueOrder, Side as VenueSide, TimeInForce as VenueTime, Type,
};
use apca::{Client, RequestError};
use engine::order::{Kind, Order, Side, TimeInForce, Trail};
use engine::{ClientOrderId, Clock, Timestamp};
use num_decimal::Num;
use rust_decimal::Decimal;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

/// Tries of a cancel; reconciliation finds what is left.
const CANCEL_TRIES_MAX: u32 = 20;

/// What became of an order.
#[derive(Debug)]
pub(crate) enum Placed {
    /// It is at the venue.
    There(Box<VenueOrder>),
    /// The venue refused it.
    Rejected { reason: String },
    /// It was too late to send it, and the venue does not have it.
    TooLate,
}

/// What became of a cancel.
#[derive(Debug)]
pub(crate) enum Canceled {
    /// The venue took it; a report will follow.
    Taken,
    /// It has ended: there was nothing left to cancel.
    Over,
    /// The venue does not know the order.
    Unknown,
    /// The venue could not be asked.
    Failed { reason: String },
}

/// What the tasks of one broker share.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) client: Arc<Client>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timeout: Duration,
    pub(super) deadline: Duration,
    pub(super) backoff: Backoff,
    pub(super) ambiguous: Arc<dyn Fn() + Send + Sync>,
}

/// What one try at sending said.
enum Answer {
    Placed(Placed),
    /// Nothing for certain.
    Ambiguous(String),
}

/// What a look-up said.
pub(super) enum Found {
    There(Box<VenueOrder>),
    NotThere,
    /// Nothing for certain.
    Unclear(String),
}

impl Wire {
    /// Sends `order` until it is certain what became of it.
    pub(super) async fn place(&self, order: &Order) -> Placed {
        let mut backoff = self.backoff.clone();
        let id = &order.draft.client_order_id;
        loop {
            if self.clock.now() > self.stale_from(order) {
                match self.look_up(id).await {
                    Found::There(found) => return Placed::There(found),
                    Found::NotThere => return Placed::TooLate,
                    Found::Unclear(reason) => self.pause(&mut backoff, id, &reason).await,
                }
                continue;
            }
            match self.send(order).await {
                Answer::Placed(placed) => return placed,
                Answer::Ambiguous(reason) => {
                    (self.ambiguous)();
                    self.pause(&mut backoff, id, &reason).await;
                }
            }
            // The answer was lost, perhaps not the order.
            if let Found::There(found) = self.look_up(id).await {
                return Placed::There(found);
            }
        }
    }

    /// Cancels the order that we know by this id.
    pub(super) async fn cancel(&self, id: &ClientOrderId) -> Canceled {
        let mut backoff = self.backoff.clone();
        let mut last = String::new();
        for _ in 0..CANCEL_TRIES_MAX {
            let order = match self.look_up(id).await {
                Found::There(order) => order,
                Found::NotThere => return Canceled::Unknown,
                Found::Unclear(reason) => {
                    self.pause(&mut backoff, id, &reason).await;
                    last = reason;
                    continue;
                }
            };
            if order.status.is_terminal() {
                return Canceled::Over;
            }
            match tokio::time::timeout(self.timeout, self.client.issue::<Delete>(&order.id)).await {
                Ok(Ok(())) => return Canceled::Taken,
                // It ended, or is not open yet: look again.
                Ok(Err(RequestError::Endpoint(
                    error @ (DeleteError::NotFound(_) | DeleteError::NotCancelable(_)),
                ))) => last = error.to_string(),
                Ok(Err(error)) => last = describe(&error),
                Err(_elapsed) => "no answer in time".clone_into(&mut last),
            }
            self.pause(&mut backoff, id, &last).await;
        }
        Canceled::Failed { reason: last }
    }

    /// The order at the venue with this id of ours.
    pub(super) async fn look_up(&self, id: &ClientOrderId) -> Found {
        let name = id.as_str().to_owned();
        let asked = self.client.issue::<GetByClientId>(&name);
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(Ok(order)) => Found::There(Box::new(order)),
            Ok(Err(RequestError::Endpoint(GetByClientIdError::NotFound(_)))) => Found::NotThere,
            Ok(Err(error)) => Found::Unclear(describe(&error)),
            Err(_elapsed) => Found::Unclear("no answer in time".to_owned()),
        }
    }

    /// From when on an order is too stale to send.
    pub(super) fn stale_from(&self, order: &Order) -> Timestamp {
        let deadline = chrono::TimeDelta::from_std(self.deadline).unwrap_or_default();
        order.created_at + deadline
    }

    async fn send(&self, order: &Order) -> Answer {
        let request = match request(order) {
            Ok(request) => request,
            Err(reason) => return Answer::Placed(Placed::Rejected { reason }),
        };
        let answer =
            tokio::time::timeout(self.timeout, self.client.issue::<Create>(&request)).await;
        match answer {
            Ok(Ok(order)) => Answer::Placed(Placed::There(Box::new(order))),
            Ok(Err(RequestError::Endpoint(
                error @ (CreateError::NotPermitted(_) | CreateError::InvalidInput(_)),
            ))) => self.refused(order, &error).await,
            Ok(Err(error)) => Answer::Ambiguous(describe(&error)),
            Err(_elapsed) => Answer::Ambiguous("no answer in time".to_owned()),
        }
    }

    /// A refusal is final, unless the venue refuses a second order of this id: then the first one
    /// is there, and this is its repetition.
    async fn refused(&self, order: &Order, error: &CreateError) -> Answer {
        match self.look_up(&order.draft.client_order_id).await {
            Found::There(found) => Answer::Placed(Placed::There(found)),
            Found::NotThere => Answer::Placed(Placed::Rejected { reason: cause(error) }),
            Found::Unclear(reason) => Answer::Ambiguous(reason),
        }
    }

    async fn pause(&self, backoff: &mut Backoff, id: &ClientOrderId, reason: &str) {
        let pause = backoff.pause();
        let pause_ms = pause.as_millis();
        tracing::warn!(
            order.client_id = %id,
            "the venue was not clear about {id} ({reason}), asking again in {pause_ms} ms"
        );
        tokio::time::sleep(pause).await;
    }
}

/// `apca`'s number as ours; its own text rounds to eight decimals unless told otherwise.
pub(super) fn decimal(number: &Num) -> Result<Decimal, String> {
    let text = format!("{number:.18}");
    Decimal::from_str(&text)
        .map(|value| value.normalize())
        .map_err(|error| format!("the venue's number {text} is not a decimal: {error}"))
}

fn request(order: &Order) -> Result<CreateReq, String> {
    let draft = &order.draft;
    let number = |value: Decimal| {
        Num::from_str(&value.to_string()).map_err(|error| format!("{value}: {error}"))
    };
    let quantity = number(draft.quantity.amount())?;
    if decimal(&quantity)? != draft.quantity.amount() || draft.quantity.amount().scale() > 8 {
        return Err(format!("quantity {} has more than eight decimals", draft.quantity));
    }
    let limit_price = draft.kind.limit_price().map(|price| number(price.amount())).transpose()?;
    let stop_price = draft.kind.stop_price().map(|price| number(price.amount())).transpose()?;
    let (trail_price, trail_percent) = match draft.kind.trail() {
        Some(Trail::Price(price)) => (Some(number(price.amount())?), None),
        Some(Trail::Percent(percent)) => (None, Some(number(percent)?)),
        None => (None, None),
    };
    let init = CreateReqInit {
        type_: match draft.kind {
            Kind::Market => Type::Market,
            Kind::Limit { .. } => Type::Limit,
            Kind::Stop { .. } => Type::Stop,
            Kind::StopLimit { .. } => Type::StopLimit,
            Kind::TrailingStop { .. } => Type::TrailingStop,
        },
        time_in_force: match draft.time_in_force {
            TimeInForce::Day => VenueTime::Day,
            TimeInForce::Gtc => VenueTime::UntilCanceled,
            TimeInForce::Ioc => VenueTime::ImmediateOrCancel,
            TimeInForce::Fok => VenueTime::FillOrKill,
        },
        limit_price,
        stop_price,
        trail_price,
        trail_percent,
        client_order_id: Some(draft.client_order_id.as_str().to_owned()),
        ..CreateReqInit::default()
    };
    let side = match draft.side {
        Side::Buy => VenueSide::Buy,
        Side::Sell => VenueSide::Sell,
    };
    Ok(init.init(draft.ticker.as_str(), side, Amount::quantity(quantity)))
}

/// An error with its causes, on one line.
fn describe<E: std::error::Error + 'static>(error: &RequestError<E>) -> String {
    cause(error)
}

fn cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        text.push_str(": ");
        text.push_str(&next.to_string());
        source = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_the_venue_keeps_all_its_decimals() {
        let number = Num::from_str("0.123456789").unwrap();
        assert_eq!(decimal(&number).unwrap().to_string(), "0.123456789");
        assert_eq!(decimal(&Num::from_str("100").unwrap()).unwrap().to_string(), "100");
    }
}

//! Which types, times in force and classes go together.

use chrono::Timelike;
use chrono_tz::America::New_York;

use super::Desk;
use crate::calendar::{self, Hours};
use crate::number;
use crate::order_request::{Amount, OrderRequest};
use crate::orders::{OrderClass, OrderType, QUANTITY_DECIMALS, TimeInForce};
use crate::refusal::Refusal;

/// Minutes before the open from which orders for its auction are refused.
const OPG_CUTOFF_MINUTES: i64 = 2;
/// The hour, in New York, from which orders for the next day's auctions are taken.
const AUCTIONS_FROM_HOUR: u32 = 19;

/// The order makes sense for this asset, at this time.
pub(super) fn check(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    quantity(desk, request)?;
    if desk.asset.is_crypto() {
        return crypto(desk, request);
    }
    time_in_force(request)?;
    auction_window(desk, request.time_in_force)?;
    extended_hours(desk, request)?;
    fractional(desk, request)?;
    group(request)
}

fn quantity(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let Amount::Quantity(qty) = request.amount else { return Ok(()) };
    if number::decimals(qty) > QUANTITY_DECIMALS {
        return Err(Refusal::invalid(format!(
            "qty must have no more than {QUANTITY_DECIMALS} decimals"
        )));
    }
    let increment = desk.asset.quantity_increment;
    if !increment.is_zero() && !(qty % increment).is_zero() {
        return Err(Refusal::invalid(format!(
            "qty must be a multiple of {}",
            number::text(increment)
        )));
    }
    Ok(())
}

fn crypto(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    if request.class != OrderClass::Simple {
        return Err(Refusal::unprocessable(format!(
            "crypto orders not allowed for advanced order_class: {}",
            request.class.as_str()
        )));
    }
    if matches!(request.order_type, OrderType::Stop | OrderType::TrailingStop) {
        return Err(Refusal::invalid("invalid order type for crypto order"));
    }
    let allowed = match request.time_in_force {
        TimeInForce::Gtc => true,
        TimeInForce::Ioc => request.order_type != OrderType::StopLimit,
        TimeInForce::Fok => desk.rules.crypto_fok && request.order_type != OrderType::StopLimit,
        TimeInForce::Day | TimeInForce::Opg | TimeInForce::Cls => false,
    };
    if !allowed {
        return Err(Refusal::unprocessable("invalid crypto time_in_force"));
    }
    if request.extended_hours {
        return Err(Refusal::unprocessable("extended hours are for stocks: coins trade always"));
    }
    Ok(())
}

fn time_in_force(request: &OrderRequest) -> Result<(), Refusal> {
    let lasting = matches!(request.time_in_force, TimeInForce::Day | TimeInForce::Gtc);
    let advanced = request.class != OrderClass::Simple;
    if !lasting && (request.order_type.has_stop() || advanced) {
        return Err(Refusal::invalid("invalid time_in_force"));
    }
    Ok(())
}

/// The auctions take orders from the evening before until shortly before they are held. A market
/// round the clock has auctions at midnight and no window.
fn auction_window(desk: Desk<'_>, time_in_force: TimeInForce) -> Result<(), Refusal> {
    let date = calendar::new_york_date(desk.now);
    let session = match desk.hours {
        Hours::Nyse | Hours::NyseExtended => desk.hours.session_on(date),
        Hours::Always => None,
    };
    let Some(session) = session else { return Ok(()) };
    let evening = desk.now.with_timezone(&New_York).hour() >= AUCTIONS_FROM_HOUR;
    let (cutoff, message) = match time_in_force {
        TimeInForce::Opg => (
            session.open - chrono::Duration::minutes(OPG_CUTOFF_MINUTES),
            "opg orders must be submitted after 7:00pm and before 9:28am",
        ),
        TimeInForce::Cls => (
            session.close - chrono::Duration::minutes(desk.rules.cls_cutoff_minutes),
            "cls orders must be submitted after 7:00pm and before 3:55pm",
        ),
        TimeInForce::Day | TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => return Ok(()),
    };
    if desk.now >= cutoff && !evening {
        return Err(Refusal::forbidden(message));
    }
    Ok(())
}

fn extended_hours(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    if !request.extended_hours {
        return Ok(());
    }
    if request.order_type.has_stop() {
        return Err(Refusal::unprocessable(
            "stop orders are not eligible for extended hours trading",
        ));
    }
    let lasting = match request.time_in_force {
        TimeInForce::Day => true,
        TimeInForce::Gtc => desk.rules.extended_hours_gtc,
        TimeInForce::Opg | TimeInForce::Cls | TimeInForce::Ioc | TimeInForce::Fok => false,
    };
    if request.order_type != OrderType::Limit || !lasting {
        return Err(Refusal::unprocessable(if desk.rules.extended_hours_gtc {
            "extended hours order must be DAY or GTC limit orders"
        } else {
            "extended hours order must be DAY limit orders"
        }));
    }
    if request.class != OrderClass::Simple {
        return Err(Refusal::unprocessable(format!(
            "{} orders are not eligible for extended hours trading",
            request.class.as_str()
        )));
    }
    Ok(())
}

fn fractional(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    if !request.amount.is_fractional() {
        return Ok(());
    }
    if !desk.account.configuration.fractional_trading {
        return Err(Refusal::forbidden("fractional trading is switched off for this account"));
    }
    if request.time_in_force != TimeInForce::Day {
        return Err(Refusal::unprocessable("fractional orders must be DAY orders"));
    }
    if request.class != OrderClass::Simple {
        return Err(Refusal::unprocessable("fractional orders must be simple orders"));
    }
    let type_allowed = match request.order_type {
        OrderType::Market => true,
        OrderType::Limit | OrderType::Stop | OrderType::StopLimit => desk.rules.fractional_limits,
        OrderType::TrailingStop => false,
    };
    if !type_allowed {
        return Err(Refusal::unprocessable(if desk.rules.fractional_limits {
            "fractional orders must be market, limit, stop or stop_limit orders"
        } else {
            "fractional orders must be market orders"
        }));
    }
    Ok(())
}

fn group(request: &OrderRequest) -> Result<(), Refusal> {
    let fits = match request.class {
        OrderClass::Simple => true,
        OrderClass::Oco => request.order_type == OrderType::Limit,
        OrderClass::Bracket | OrderClass::Oto => {
            matches!(request.order_type, OrderType::Market | OrderType::Limit)
        }
    };
    if fits {
        return Ok(());
    }
    Err(Refusal::invalid(match request.class {
        OrderClass::Oco => "oco orders must be limit orders".to_owned(),
        class => format!("{} orders must be market or limit orders", class.as_str()),
    }))
}

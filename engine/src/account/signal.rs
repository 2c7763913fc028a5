//! What a signal means for one sub-account.

use super::{Account, Event, Outcome};
use crate::clock::Timestamp;
use crate::ids::{ClientOrderId, ConfigId};
use crate::instance::Signal;
use crate::money::{Price, Quantity, floor_to_step};
use crate::order::{Draft, Kind, Side, Status, TimeInForce};
use crate::risk::{Denied, Limits, RiskContext, approve};
use crate::sizing::{Budget, entry_quantity};
use crate::strategy::Stance;
use crate::ticker::{Asset, AssetClass};
use rust_decimal::Decimal;

/// What a config asks of the sizing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The sub-account.
    pub config_id: ConfigId,
    /// Tickers that share its capital.
    pub tickers: u32,
    /// Part of the capital that one trade may lose, a fraction.
    pub risk_per_trade: Decimal,
    /// Distance of the assumed stop from the entry, a fraction of the price.
    pub stop_fraction: Decimal,
}

/// What a decision looks at besides the account and the signal.
#[derive(Clone, Copy, Debug)]
pub struct SignalContext<'a> {
    /// The config's terms.
    pub terms: &'a Terms,
    /// What the venue says of the ticker.
    pub asset: &'a Asset,
    /// The limits in force.
    pub limits: &'a Limits,
    /// The present.
    pub now: Timestamp,
}

/// Decides a signal for one config. Nothing to do gives no events: the config takes no signals, or
/// this one was decided before (a restart tells the standing signal again).
pub fn decide_signal(
    account: &Account,
    signal: &Signal,
    context: &SignalContext<'_>,
) -> Vec<Event> {
    let config = context.terms.config_id;
    if !is_news(account, config, signal) {
        return Vec::new();
    }
    let working: Vec<_> = account.open_orders_of(config, &signal.ticker).collect();
    if !working.is_empty() {
        let cancels = working
            .iter()
            .filter(|order| order.status != Status::PendingCancel)
            .map(|order| order.draft.client_order_id.clone())
            .map(|client_order_id| Event::CancelRequested { client_order_id, at: context.now });
        let deferred =
            Event::SignalDeferred { config_id: config, signal: signal.clone(), at: context.now };
        return std::iter::once(deferred).chain(cancels).collect();
    }
    // What is less than one step cannot be sold: it is dust and counts as nothing held.
    let free = account.free_quantity(config, &signal.ticker);
    let held = floor_to_step(free, context.asset.quantity_step).unwrap_or(Decimal::ZERO);
    let wants_long = signal.stance == Stance::Long;
    if wants_long != held.is_zero() {
        return vec![Event::SignalNoted {
            config_id: config,
            ticker: signal.ticker.clone(),
            signal: signal.id,
            signal_at: signal.at,
            stance: signal.stance,
            outcome: Outcome::AlreadyThere,
            at: context.now,
        }];
    }
    match order(account, signal, held, context) {
        Ok(event) => vec![event],
        Err(denied) => {
            vec![Event::denied(account.user(), config, signal, denied, context.now)]
        }
    }
}

/// Refuses a signal without looking at it, because the account does not trade now.
pub fn deny_signal(
    account: &Account,
    config: ConfigId,
    signal: &Signal,
    reason: &str,
    now: Timestamp,
) -> Vec<Event> {
    if !is_news(account, config, signal) {
        return Vec::new();
    }
    let denied = Denied::AccountNotTrading { reason: reason.to_owned() };
    vec![Event::denied(account.user(), config, signal, denied, now)]
}

fn is_news(account: &Account, config: ConfigId, signal: &Signal) -> bool {
    let Some(book) = account.book(config).filter(|book| book.active) else { return false };
    let decided = book.decided.get(&signal.ticker).copied().max(book.ignores_until);
    let decided = decided.is_some_and(|until| signal.at <= until);
    let waiting = book.deferred.get(&signal.ticker).is_some_and(|other| signal.at < other.at);
    !decided && !waiting
}

fn order(
    account: &Account,
    signal: &Signal,
    held: Decimal,
    context: &SignalContext<'_>,
) -> Result<Event, Denied> {
    let terms = context.terms;
    let reference_price = Price::from_market(signal.reference.price)?;
    let (side, quantity) = if signal.stance == Stance::Long {
        let budget = Budget {
            capital: account.book(terms.config_id).map(|book| book.capital).unwrap_or_default(),
            free_cash: account.free_cash(terms.config_id)?,
            tickers: terms.tickers,
            risk_per_trade: terms.risk_per_trade,
            stop_fraction: terms.stop_fraction,
            notional_max: context.limits.order_notional_max,
        };
        (Side::Buy, entry_quantity(&budget, reference_price, context.asset)?)
    } else {
        (Side::Sell, Quantity::new(held)?)
    };
    let draft = Draft {
        client_order_id: ClientOrderId::of_signal(account.user(), terms.config_id, signal.id),
        config_id: terms.config_id,
        ticker: signal.ticker.clone(),
        strategy: signal.strategy.clone(),
        signal: signal.id,
        signal_at: signal.at,
        stance: signal.stance,
        side,
        kind: Kind::Market,
        // The venue takes no day orders for coins: their market never closes.
        time_in_force: match context.asset.class {
            AssetClass::UsEquity => TimeInForce::Day,
            AssetClass::Crypto => TimeInForce::Gtc,
        },
        quantity,
        reference_price,
    };
    let risk = RiskContext {
        limits: context.limits,
        asset: context.asset,
        reference: signal.reference,
        bar_seconds: signal.seconds,
        now: context.now,
    };
    approve(account, draft, &risk).map(|approved| Event::initialized(approved, context.now))
}

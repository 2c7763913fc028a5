//! Faults of the market: symbols that do not trade, quotes that stop.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::fault::{Family, FaultKind, HaltedOrders};
use super::{Faults, State, same_symbol};
use crate::assets::{Asset, AssetTable};
use crate::market::{Happening, MarketEvent, TradingStatus};

/// Symbols whose halt was announced and whose resumption was not.
pub(super) type Announced = BTreeSet<String>;

impl Faults {
    /// What becomes of new orders for a symbol that is halted; `None` when it trades.
    pub(crate) fn halt(&self, symbol: &str, now: DateTime<Utc>) -> Option<HaltedOrders> {
        if !self.has(Family::Market) {
            return None;
        }
        self.lock().halt(symbol, now)
    }

    /// What is left of the market's events, and with it the news of halts and resumptions.
    pub(crate) fn pass(
        &self,
        assets: &AssetTable,
        mut events: Vec<MarketEvent>,
        now: DateTime<Utc>,
    ) -> Vec<MarketEvent> {
        // A halt that was removed still has to be called off.
        if !self.has(Family::Market) && !self.has_announced() {
            return events;
        }
        let mut state = self.lock();
        events.retain(|event| !state.withholds(event, now));
        let mut news = state.announcements(assets, now);
        self.set_announced(!state.announced.is_empty());
        news.append(&mut events);
        news
    }
}

impl State {
    fn halt(&mut self, symbol: &str, now: DateTime<Utc>) -> Option<HaltedOrders> {
        let mut found = None;
        for armed in self.armed.values_mut() {
            let FaultKind::Halt { orders } = armed.fault.inject else { continue };
            let wanted = armed.fault.scope.symbol.as_ref();
            if wanted.is_none_or(|wanted| same_symbol(wanted, symbol)) && armed.is_on(now) {
                // The stricter one wins.
                let refuses = found == Some(HaltedOrders::Refuse);
                found = Some(if refuses { HaltedOrders::Refuse } else { orders });
            }
        }
        found
    }

    /// Whether a fault keeps an event back; it is counted on that fault.
    fn withholds(&mut self, event: &MarketEvent, now: DateTime<Utc>) -> bool {
        let is_quote = matches!(event.what, Happening::Quote(_) | Happening::BarOver(_));
        for armed in self.armed.values_mut() {
            let strikes = match armed.fault.inject {
                FaultKind::Halt { .. } => true,
                FaultKind::StaleQuote {} => is_quote,
                _ => false,
            };
            let wanted = armed.fault.scope.symbol.as_ref();
            if strikes
                && wanted.is_none_or(|wanted| same_symbol(wanted, &event.asset.symbol))
                && armed.is_on(now)
            {
                armed.calls += 1;
                armed.note(now);
                return true;
            }
        }
        false
    }

    /// Status messages of the symbols that were halted or resumed since the last call.
    fn announcements(&mut self, assets: &AssetTable, now: DateTime<Utc>) -> Vec<MarketEvent> {
        let mut news = Vec::new();
        for asset in assets.iter() {
            let halted = self.halt(&asset.symbol, now).is_some();
            let known = self.announced.contains(&asset.symbol);
            if halted && !known {
                self.announced.insert(asset.symbol.clone());
                news.push(status(asset, TradingStatus::Halted, now));
            } else if !halted && known {
                self.announced.remove(&asset.symbol);
                news.push(status(asset, TradingStatus::Resumed, now));
            }
        }
        news
    }
}

fn status(asset: &Arc<Asset>, status: TradingStatus, at: DateTime<Utc>) -> MarketEvent {
    MarketEvent { asset: Arc::clone(asset), at, what: Happening::Status(status) }
}

//! What the invented market tells at the end of a minute beside its bars.
//!
//! The test symbol shows the rarer messages as well, so that a client can be tried on them: trades
//! that are reported late, corrected or canceled, halts. Its history keeps the trades as they were
//! sent first.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use crate::calendar::Session;
use crate::market::{Bar, Happening, MarketEvent, Trade, TradingStatus};
use crate::notices::{Notice, Told};
use crate::synthetic::{Listing, Slot};

/// How far prices may move from the average of the last minutes: five percent, as for the large
/// stocks of the first tier.
const BAND_SHARE: Decimal = Decimal::from_parts(5, 0, 0, false, 2);
/// How long before the close imbalances are told.
const IMBALANCE_TIME: TimeDelta = TimeDelta::minutes(10);
/// How long after its minute a late trade changes the bar.
pub(crate) const UPDATE_DELAY: TimeDelta = TimeDelta::seconds(30);
/// What the id of a corrected trade is above the original's: clear of all others.
const CORRECTED_IDS: u64 = 1 << 40;
/// The test symbol is halted once in so many minutes.
const TEST_HALT_MINUTES: i64 = 10;

/// The band around an average price, and the imbalance before the close.
pub(crate) fn of_session(
    listing: &Listing,
    bar: &Bar,
    session: Option<Session>,
    minute_end: DateTime<Utc>,
) -> Vec<Notice> {
    let notice =
        |what| Notice { asset: std::sync::Arc::clone(&listing.asset), at: minute_end, what };
    let reference = bar.weighted_price();
    let width = reference * BAND_SHARE;
    let mut notices = vec![notice(Told::Band {
        up: (reference + width).round_dp(2),
        down: (reference - width).round_dp(2),
    })];
    let closing = session.is_some_and(|session| session.close - minute_end <= IMBALANCE_TIME);
    if closing || listing.asset.test_only {
        notices.push(notice(Told::Imbalance { price: bar.close }));
    }
    notices
}

/// What the test symbol shows of a minute.
#[derive(Debug, Default)]
pub(crate) struct Amendments {
    /// The minute's bar as it is told first, without the trade that is reported late.
    pub(crate) first_bar: Option<Bar>,
    pub(crate) notices: Vec<Notice>,
    /// Told when [`UPDATE_DELAY`] has passed.
    pub(crate) later: Vec<Notice>,
    pub(crate) statuses: Vec<MarketEvent>,
}

/// What becomes of the test symbol's trades of a minute.
pub(crate) fn amendments(
    listing: &Listing,
    slots: &[Slot],
    bar: &Bar,
    minute_end: DateTime<Utc>,
) -> Amendments {
    let asset = &listing.asset;
    let notice = |at, what| Notice { asset: std::sync::Arc::clone(asset), at, what };
    let minute = minute_end.timestamp() / 60;
    let mut amendments = Amendments::default();
    let Some((late, rest)) = slots.split_last() else { return amendments };
    if minute % 2 == 0 {
        amendments.first_bar = sum(bar.at, rest);
        let updated = notice(minute_end + UPDATE_DELAY, Told::Updated(bar.clone()));
        amendments.later.push(updated);
    }
    let original = late.trade.clone();
    let what = if minute % 2 == 0 {
        let price = original.price + asset.price_increment;
        let corrected = Trade { id: original.id + CORRECTED_IDS, price, ..original };
        Told::Correction { original, corrected }
    } else {
        Told::Cancel(original)
    };
    amendments.notices.push(notice(minute_end, what));
    if minute % TEST_HALT_MINUTES == 0 {
        for status in [TradingStatus::Halted, TradingStatus::Resumed] {
            let (asset, what) = (std::sync::Arc::clone(asset), Happening::Status(status));
            amendments.statuses.push(MarketEvent { asset, at: minute_end, what });
        }
    }
    amendments
}

fn sum(at: DateTime<Utc>, slots: &[Slot]) -> Option<Bar> {
    let (first, rest) = slots.split_first()?;
    let mut bar = Bar::of_trade(at, &first.trade);
    for slot in rest {
        bar.add(&slot.trade);
    }
    Some(bar)
}

//! What the market did: trades, quotes, bars, and the newest of each per symbol.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::assets::Asset;
use crate::corporate_actions::Ratio;

/// A quote older than this is no longer somewhere to trade.
const TOUCH_AGE_MAX: Duration = Duration::seconds(60);

/// One execution in the market.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trade {
    pub(crate) at: DateTime<Utc>,
    pub(crate) price: Decimal,
    pub(crate) size: Decimal,
    /// Unique and growing per symbol.
    pub(crate) id: u64,
    pub(crate) taker_buys: bool,
}

/// The best bid and ask.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quote {
    pub(crate) at: DateTime<Utc>,
    pub(crate) bid: Decimal,
    pub(crate) bid_size: Decimal,
    pub(crate) ask: Decimal,
    pub(crate) ask_size: Decimal,
}

/// Prices of an interval.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    /// The start of the interval.
    pub(crate) at: DateTime<Utc>,
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) close: Decimal,
    pub(crate) volume: Decimal,
    pub(crate) trades: u64,
    /// Sum of price times size, from which the volume-weighted price follows.
    pub(crate) turnover: Decimal,
}

impl Bar {
    /// A bar of one trade.
    pub(crate) fn of_trade(at: DateTime<Utc>, trade: &Trade) -> Self {
        Self {
            at,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.size,
            trades: 1,
            turnover: trade.price * trade.size,
        }
    }

    /// Takes the next trade in.
    pub(crate) fn add(&mut self, trade: &Trade) {
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        self.close = trade.price;
        self.volume += trade.size;
        self.trades += 1;
        self.turnover += trade.price * trade.size;
    }

    /// Takes the following bar in.
    pub(crate) fn merge(&mut self, next: &Self) {
        self.high = self.high.max(next.high);
        self.low = self.low.min(next.low);
        self.close = next.close;
        self.volume += next.volume;
        self.trades += next.trades;
        self.turnover += next.turnover;
    }

    /// The volume-weighted average price; the close where nothing was traded.
    pub(crate) fn weighted_price(&self) -> Decimal {
        if self.volume.is_zero() { self.close } else { (self.turnover / self.volume).round_dp(6) }
    }
}

/// What happened, and what it means for resting orders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happening {
    /// A trade in the market: orders fill at its price.
    Trade(Trade),
    /// The first trade of a recorded bar: orders fill at its price, whatever was quoted before.
    OpenTrade(Trade),
    /// A trade on the invented way between a recorded bar's open and close: the price passed every
    /// limit in between, so an order fills at its limit.
    PathTrade(Trade),
    /// Somewhere to trade.
    Quote(Quote),
    /// A quote without sizes: the bar is over. It tells the time and the close, and nobody trades
    /// on it.
    BarOver(Quote),
    /// A bar for the `bars` channel.
    Minute(Bar),
    /// A bar for the `dailyBars` channel.
    Day(Bar),
    /// Trading of the symbol stops or goes on.
    Status(TradingStatus),
}

/// Whether a symbol trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TradingStatus {
    Halted,
    Resumed,
}

/// Something that happened to an asset.
#[derive(Clone, Debug)]
pub(crate) struct MarketEvent {
    pub(crate) asset: Arc<Asset>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) what: Happening,
}

/// The newest prices of one symbol.
#[derive(Clone, Debug, Default)]
pub(crate) struct Newest {
    pub(crate) trade: Option<Trade>,
    pub(crate) quote: Option<Quote>,
    /// A quote on which orders may fill; none after a bar, which has no quotes.
    touch: Option<Quote>,
    pub(crate) minute_bar: Option<Bar>,
    /// The UTC day of the newest trade, and the last price of the day before it.
    day: Option<NaiveDate>,
    pub(crate) previous_close: Option<Decimal>,
}

impl Newest {
    /// The price that positions are valued at.
    pub(crate) fn price(&self) -> Option<Decimal> {
        match (&self.trade, &self.quote) {
            (Some(trade), _) => Some(trade.price),
            (None, Some(quote)) => Some((quote.bid + quote.ask) / Decimal::TWO),
            (None, None) => None,
        }
    }

    /// The quote on which an order that arrives now fills at once.
    pub(crate) fn touch(&self, now: DateTime<Utc>) -> Option<&Quote> {
        self.touch.as_ref().filter(|quote| now - quote.at <= TOUCH_AGE_MAX)
    }

    fn split(&mut self, ratio: Ratio) {
        if let Some(trade) = &mut self.trade {
            trade.price = ratio.price(trade.price);
        }
        if let Some(quote) = &mut self.quote {
            quote.bid = ratio.price(quote.bid);
            quote.ask = ratio.price(quote.ask);
        }
        // What was quoted in old shares is nowhere to trade.
        self.touch = None;
        self.previous_close = self.previous_close.map(|close| ratio.price(close));
    }

    fn see_trade(&mut self, trade: &Trade) {
        let day = trade.at.date_naive();
        if self.day != Some(day) {
            self.previous_close = self.trade.as_ref().map(|last| last.price);
            self.day = Some(day);
        }
        self.trade = Some(trade.clone());
    }
}

/// The newest prices of every symbol.
#[derive(Debug, Default)]
pub(crate) struct Market {
    by_symbol: HashMap<String, Newest>,
}

impl Market {
    /// Takes in what happened.
    pub(crate) fn see(&mut self, event: &MarketEvent) {
        let newest = match self.by_symbol.get_mut(&event.asset.symbol) {
            Some(newest) => newest,
            None => self.by_symbol.entry(event.asset.symbol.clone()).or_default(),
        };
        match &event.what {
            Happening::Trade(trade) => newest.see_trade(trade),
            Happening::OpenTrade(trade) | Happening::PathTrade(trade) => {
                newest.see_trade(trade);
                newest.touch = None;
            }
            Happening::Quote(quote) => {
                newest.quote = Some(quote.clone());
                newest.touch = Some(quote.clone());
            }
            Happening::BarOver(quote) => {
                newest.quote = Some(quote.clone());
                newest.touch = None;
            }
            Happening::Minute(bar) => newest.minute_bar = Some(bar.clone()),
            Happening::Day(_) | Happening::Status(_) => {}
        }
    }

    /// A split: the newest prices in new shares, so that holdings keep their value until the first
    /// print of the day.
    pub(crate) fn split(&mut self, symbol: &str, ratio: Ratio) {
        if let Some(newest) = self.by_symbol.get_mut(symbol) {
            newest.split(ratio);
        }
    }

    pub(crate) fn newest(&self, symbol: &str) -> Option<&Newest> {
        self.by_symbol.get(symbol)
    }

    pub(crate) fn price(&self, symbol: &str) -> Option<Decimal> {
        self.by_symbol.get(symbol).and_then(Newest::price)
    }
}

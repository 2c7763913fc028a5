//! The invented market: each price is a pure function of the seed, the symbol and the time.
//!
//! The log price is Lévy's construction of Brownian motion: on every time scale from two seconds to
//! eight years, each interval adds one tent whose height is drawn from a hash of (seed, name, scale,
//! interval). At whole seconds the sum has exactly the variance of Brownian motion; in between it is
//! a straight line. Three such motions are added: the market's, the sector's, the symbol's own.
//! Because nothing is remembered, any past second gives the trades that the stream sent then.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::assets::{Asset, AssetClass, AssetTable};
use crate::calendar::Hours;
use crate::hash;
use crate::market::{Quote, Trade};
use crate::options::SyntheticOptions;
use crate::universe::{self, Member, Sector};

/// Time scales of the motion: the finest tent is two seconds wide, each next one twice as wide.
const SCALES: usize = 28;
/// Scales up to 64 seconds are the ones that `liveliness` raises.
const LIVELY_SCALES: usize = 6;
/// Within a block of so many seconds all wider tents together are a straight line.
const BLOCK_SECONDS: i64 = 1 << LIVELY_SCALES;
/// Digits after the point of a coin's sizes; shares are whole.
const COIN_SIZE_DECIMALS: u32 = 6;
const SECONDS_PER_YEAR: f64 = 31_557_600.0;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// How long before its trade a quote stands.
const QUOTE_LEAD_NS: i64 = 1_000_000;
/// The most trades per second and symbol; above it quotes and trades would overlap.
pub(crate) const TRADES_PER_SECOND_MAX: u32 = 100;

/// The invented market.
#[derive(Debug)]
pub(crate) struct Synthetic {
    options: SyntheticOptions,
    hours: Hours,
    listings: Vec<Listing>,
}

/// One member and the asset that it is traded as.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) asset: Arc<Asset>,
    member: &'static Member,
    key: u64,
}

/// A quote and the trade that follows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) quote: Quote,
    pub(crate) trade: Trade,
}

/// A trade in whole ticks and lots, for sums over many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    /// Nanoseconds since 1970.
    pub(crate) at_ns: i64,
    pub(crate) ticks: i64,
    pub(crate) lots: i64,
}

/// A quote and its trade before they are written out.
#[derive(Clone, Copy, Debug)]
struct Draft {
    number: u64,
    at_ns: i64,
    middle: f64,
    bid_ticks: i64,
    ask_ticks: i64,
    taker_buys: bool,
    /// Where the sizes are drawn from.
    sizes: u64,
}

/// Walks along one symbol's path; neighbouring seconds are cheap.
#[derive(Debug)]
pub(crate) struct Walker {
    listing: Listing,
    trades_per_second: u32,
    ticks_per_dollar: f64,
    half_spread_share: f64,
    motions: [Motion; 3],
    base_log: f64,
    newest: Option<(i64, f64)>,
}

/// One Brownian motion with its weight in the symbol's price.
#[derive(Debug)]
struct Motion {
    key: u64,
    weight: f64,
    liveliness: f64,
    intervals: [i64; SCALES],
    heights: [f64; SCALES],
    block: Block,
}

/// What the wide tents add up to at the two ends of a block.
#[derive(Clone, Copy, Debug)]
struct Block {
    index: i64,
    start: f64,
    end: f64,
}

impl Synthetic {
    pub(crate) fn new(options: SyntheticOptions, assets: &AssetTable) -> Self {
        let listings = universe::MEMBERS
            .iter()
            .filter_map(|member| {
                let asset = Arc::clone(assets.find(member.symbol)?);
                let key = hash::of_text(options.seed, member.symbol);
                Some(Listing { asset, member, key })
            })
            .collect();
        let hours = match (options.always_open, options.extended_hours) {
            (true, _) => Hours::Always,
            (false, true) => Hours::NyseExtended,
            (false, false) => Hours::Nyse,
        };
        Self { options, hours, listings }
    }

    pub(crate) fn listings(&self) -> &[Listing] {
        &self.listings
    }

    pub(crate) fn listing(&self, symbol: &str) -> Option<&Listing> {
        self.listings.iter().find(|listing| listing.asset.symbol == symbol)
    }

    /// The hours in which an asset trades.
    pub(crate) fn hours(&self, asset: &Asset) -> Hours {
        if asset.class == AssetClass::Crypto || asset.test_only {
            Hours::Always
        } else {
            self.hours
        }
    }

    /// A walker along a symbol's path.
    pub(crate) fn walker(&self, listing: &Listing) -> Walker {
        let seed = self.options.seed;
        let liveliness = self.options.liveliness;
        let sector = listing.member.sector;
        let [market, of_sector, own] = variance_shares(sector);
        let volatility = listing.member.annual_volatility;
        let motion = |key: u64, share: f64| Motion::new(key, volatility * share.sqrt(), liveliness);
        Walker {
            listing: listing.clone(),
            trades_per_second: self.options.trades_per_second,
            ticks_per_dollar: 10_f64
                .powi(i32::try_from(listing.member.price_decimals).unwrap_or(2)),
            half_spread_share: half_spread_share(listing.member),
            motions: [
                motion(hash::of_text(seed, "market"), market),
                motion(hash::of_text(seed, &format!("sector/{sector:?}")), of_sector),
                motion(listing.key, own),
            ],
            base_log: listing.member.base_price.ln(),
            newest: None,
        }
    }
}

impl Walker {
    /// The quotes and trades of one second, in the order of time.
    pub(crate) fn slots(&mut self, second: i64) -> Vec<Slot> {
        let from = self.log_price(second);
        let to = self.log_price(second + 1);
        (0..self.trades_per_second).map(|index| self.slot(second, index, from, to)).collect()
    }

    /// The middle of bid and ask at a whole second since 1970, in USD.
    pub(crate) fn price_at(&mut self, second: i64) -> f64 {
        self.log_price(second).exp()
    }

    /// The natural logarithm of the price at a whole second since 1970.
    fn log_price(&mut self, second: i64) -> f64 {
        if let Some((known, value)) = self.newest
            && known == second
        {
            return value;
        }
        let value =
            self.base_log + self.motions.iter_mut().map(|motion| motion.at(second)).sum::<f64>();
        self.newest = Some((second, value));
        value
    }

    /// The trades of one second without their quotes, in the order of time.
    pub(crate) fn prints(&mut self, second: i64, mut take: impl FnMut(Print)) {
        let from = self.log_price(second);
        let to = self.log_price(second + 1);
        for index in 0..self.trades_per_second {
            let draft = self.draft(second, index, from, to);
            take(Print {
                at_ns: draft.at_ns,
                ticks: if draft.taker_buys { draft.ask_ticks } else { draft.bid_ticks },
                lots: self.trade_lots(&draft),
            });
        }
    }

    /// The digits after the point of prices in ticks and of sizes in lots.
    pub(crate) fn scales(&self) -> (u32, u32) {
        let lots = match self.listing.asset.class {
            AssetClass::UsEquity => 0,
            AssetClass::Crypto => COIN_SIZE_DECIMALS,
        };
        (self.listing.member.price_decimals, lots)
    }

    fn slot(&self, second: i64, index: u32, from: f64, to: f64) -> Slot {
        let draft = self.draft(second, index, from, to);
        let (price_scale, size_scale) = self.scales();
        let price = |ticks| Decimal::new(ticks, price_scale);
        let size = |lots| Decimal::new(lots, size_scale);
        let quote = Quote {
            at: DateTime::from_timestamp_nanos(draft.at_ns - QUOTE_LEAD_NS),
            bid: price(draft.bid_ticks),
            bid_size: size(self.lots(draft.sizes, 8.0, draft.middle)),
            ask: price(draft.ask_ticks),
            ask_size: size(self.lots(hash::mix(draft.sizes, 3), 8.0, draft.middle)),
        };
        let trade = Trade {
            at: DateTime::from_timestamp_nanos(draft.at_ns),
            price: if draft.taker_buys { quote.ask } else { quote.bid },
            size: size(self.trade_lots(&draft)),
            id: draft.number,
            taker_buys: draft.taker_buys,
        };
        Slot { quote, trade }
    }

    fn draft(&self, second: i64, index: u32, from: f64, to: f64) -> Draft {
        let number = second.unsigned_abs() * u64::from(self.trades_per_second) + u64::from(index);
        let word = hash::mix(self.listing.key, number);
        // Each trade stays in its own part of the second, clear of its neighbours.
        let place = 0.1 + 0.8 * hash::unit(word);
        let share = (f64::from(index) + place) / f64::from(self.trades_per_second);
        let middle = (from + (to - from) * share).exp();
        let half_spread = middle * self.half_spread_share * self.ticks_per_dollar;
        let bid_ticks = nearest((middle * self.ticks_per_dollar - half_spread).floor()).max(1);
        let ask_ticks =
            nearest((middle * self.ticks_per_dollar + half_spread).ceil()).max(bid_ticks + 1);
        Draft {
            number,
            at_ns: second * NANOS_PER_SECOND + nearest(share * 1e9),
            middle,
            bid_ticks,
            ask_ticks,
            taker_buys: hash::mix(word, 1) & 1 == 0,
            sizes: hash::mix(word, 2),
        }
    }

    fn trade_lots(&self, draft: &Draft) -> i64 {
        self.lots(hash::mix(draft.sizes, 4), 1.0, draft.middle)
    }

    /// A size of a trade or quote: mostly small, sometimes large, `scale` times a trade's.
    fn lots(&self, word: u64, scale: f64, price: f64) -> i64 {
        let unit = hash::unit(word);
        let dollars = scale * 200.0 * (1.0 / (1.0 - 0.99 * unit));
        match self.listing.asset.class {
            AssetClass::UsEquity => nearest((dollars * 5.0 / price).ceil()).max(1),
            AssetClass::Crypto => nearest(dollars / price * 1e6).max(1),
        }
    }
}

impl Motion {
    fn new(key: u64, weight: f64, liveliness: f64) -> Self {
        Self {
            key,
            weight,
            liveliness,
            intervals: [i64::MIN; SCALES],
            heights: [0.0; SCALES],
            block: Block { index: i64::MIN, start: 0.0, end: 0.0 },
        }
    }

    fn at(&mut self, second: i64) -> f64 {
        let index = second.div_euclid(BLOCK_SECONDS);
        if self.block.index != index {
            let first = index * BLOCK_SECONDS;
            let start = if self.block.index == index - 1 {
                self.block.end
            } else {
                self.tents(first, LIVELY_SCALES..SCALES)
            };
            let end = self.tents(first + BLOCK_SECONDS, LIVELY_SCALES..SCALES);
            self.block = Block { index, start, end };
        }
        let share = whole(second.rem_euclid(BLOCK_SECONDS)) / whole(BLOCK_SECONDS);
        let wide = self.block.start + (self.block.end - self.block.start) * share;
        (wide + self.tents(second, 0..LIVELY_SCALES)) * self.weight
    }

    /// What the tents of some scales add up to.
    fn tents(&mut self, second: i64, scales: Range<usize>) -> f64 {
        let mut sum = 0.0;
        for scale in scales {
            let width_seconds = 2_i64 << scale;
            let interval = second.div_euclid(width_seconds);
            if self.intervals[scale] != interval {
                self.intervals[scale] = interval;
                self.heights[scale] = self.height(scale, width_seconds, interval);
            }
            let share = whole(second.rem_euclid(width_seconds)) / whole(width_seconds);
            sum += self.heights[scale] * (1.0 - (2.0 * share - 1.0).abs());
        }
        sum
    }

    /// The height of one tent: half the standard deviation of the motion over its width.
    fn height(&self, scale: usize, width_seconds: i64, interval: i64) -> f64 {
        let name = hash::mix(self.key, width_seconds.unsigned_abs());
        let normal = hash::normal(hash::mix(name, u64::from_ne_bytes(interval.to_ne_bytes())));
        let liveliness = if scale < LIVELY_SCALES { self.liveliness } else { 1.0 };
        normal * 0.5 * (whole(width_seconds) / SECONDS_PER_YEAR).sqrt() * liveliness
    }
}

/// How much of a symbol's variance comes from the market, its sector and itself.
fn variance_shares(sector: Sector) -> [f64; 3] {
    match sector {
        Sector::Index => [0.9, 0.05, 0.05],
        Sector::Crypto => [0.1, 0.6, 0.3],
        Sector::Technology
        | Sector::Finance
        | Sector::Consumer
        | Sector::Industry
        | Sector::Health => [0.4, 0.2, 0.4],
    }
}

/// Half the spread as a share of the price; the tick makes it wider for cheap things.
fn half_spread_share(member: &Member) -> f64 {
    match member.sector {
        Sector::Crypto => 0.000_15,
        Sector::Index => 0.000_01,
        _ => 0.000_04,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "prices and offsets are far inside the range")]
fn nearest(value: f64) -> i64 {
    value.round() as i64
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a few years fit a double exactly")]
fn whole(value: i64) -> f64 {
    value as f64
}

/// The second that a time lies in.
pub(crate) fn second_of(time: DateTime<Utc>) -> i64 {
    time.timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(options: SyntheticOptions) -> Synthetic {
        Synthetic::new(options, &AssetTable::new(universe::assets()))
    }

    fn path(market: &Synthetic, symbol: &str, seconds: impl Iterator<Item = i64>) -> Vec<f64> {
        let mut walker = market.walker(market.listing(symbol).unwrap());
        seconds.map(|second| walker.log_price(second)).collect()
    }

    #[test]
    fn a_price_does_not_depend_on_how_it_was_reached() {
        let market = market(SyntheticOptions::default());
        let listing = market.listing("AAPL").unwrap();
        let second = 1_795_000_000;
        let direct = market.walker(listing).slots(second);
        let mut walker = market.walker(listing);
        for earlier in second - 500..second {
            walker.slots(earlier);
        }
        assert_eq!(walker.slots(second), direct);
    }

    #[test]
    fn another_seed_is_another_market() {
        let one = market(SyntheticOptions::default());
        let other = market(SyntheticOptions { seed: 2, ..SyntheticOptions::default() });
        let seconds = || [1_795_000_000].into_iter();
        assert_ne!(path(&one, "IBM", seconds()), path(&other, "IBM", seconds()));
    }

    #[test]
    fn the_annual_volatility_is_the_one_that_the_member_has() {
        let options = SyntheticOptions { liveliness: 1.0, ..SyntheticOptions::default() };
        let market = market(options);
        for (symbol, expected) in [("AAPL", 0.28), ("BTC/USD", 0.60)] {
            let hours = (0..24_000).map(|hour| 1_500_000_000 + hour * 3_600);
            let path = path(&market, symbol, hours);
            let moves = path.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum::<f64>();
            let annual = (moves / 23_999.0 * SECONDS_PER_YEAR / 3_600.0).sqrt();
            assert!((annual / expected - 1.0).abs() < 0.1, "{symbol}: {annual} for {expected}");
        }
    }

    #[test]
    fn members_of_a_sector_move_together_and_stocks_hardly_move_with_coins() {
        let market = market(SyntheticOptions::default());
        let changes = |symbol: &str| -> Vec<f64> {
            let days = (0..2_000).map(|day| 1_500_000_000 + day * 86_400);
            path(&market, symbol, days).windows(2).map(|pair| pair[1] - pair[0]).collect()
        };
        let correlation = |left: &[f64], right: &[f64]| {
            let product: f64 = left.iter().zip(right).map(|(one, other)| one * other).sum();
            let square = |all: &[f64]| all.iter().map(|one| one * one).sum::<f64>().sqrt();
            product / square(left) / square(right)
        };
        let (apple, microsoft) = (changes("AAPL"), changes("MSFT"));
        let (bitcoin, ether) = (changes("BTC/USD"), changes("ETH/USD"));
        assert!(correlation(&apple, &microsoft) > 0.5);
        assert!(correlation(&bitcoin, &ether) > 0.6);
        assert!(correlation(&apple, &bitcoin) < 0.45);
    }

    #[test]
    fn one_second_bars_of_every_symbol_move_and_their_averages_cross_several_times_a_minute() {
        let market = market(SyntheticOptions::default());
        for listing in market.listings() {
            let mut walker = market.walker(listing);
            let closes: Vec<Decimal> = (1_795_000_000..1_795_000_600)
                .map(|second| walker.slots(second).last().unwrap().trade.price)
                .collect();
            let average = |end: usize, length: usize| -> Decimal {
                closes[end - length..end].iter().sum::<Decimal>() / Decimal::from(length)
            };
            let above: Vec<bool> =
                (8..closes.len()).map(|end| average(end, 3) > average(end, 8)).collect();
            let crossings = above.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!(crossings >= 20, "{}: {crossings} in 10 minutes", listing.asset.symbol);
        }
    }

    #[test]
    fn quotes_stand_around_the_trades_and_times_only_grow() {
        let market = market(SyntheticOptions::default());
        for symbol in ["AAPL", "INTC", "BTC/USD", "DOGE/USD"] {
            let mut walker = market.walker(market.listing(symbol).unwrap());
            let mut last = DateTime::from_timestamp_nanos(0);
            for slot in (1_795_000_000..1_795_000_060).flat_map(|second| walker.slots(second)) {
                assert!(slot.quote.at > last && slot.trade.at > slot.quote.at);
                assert!(slot.quote.bid < slot.quote.ask);
                assert!(slot.trade.price == slot.quote.bid || slot.trade.price == slot.quote.ask);
                assert!(slot.quote.ask - slot.quote.bid < slot.quote.bid / Decimal::from(500));
                last = slot.trade.at;
            }
        }
    }
}

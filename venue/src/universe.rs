//! The invented market's members: what they are called, where they stand, how much they move.

use rust_decimal::Decimal;

use crate::assets::{Asset, AssetClass};
use crate::number;

/// The symbol of `/v2/test`, as Alpaca has it.
pub(crate) const TEST_SYMBOL: &str = "FAKEPACA";

/// One member of the invented market.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) symbol: &'static str,
    pub(crate) name: &'static str,
    pub(crate) exchange: &'static str,
    pub(crate) sector: Sector,
    /// The price that the path starts from, in USD.
    pub(crate) base_price: f64,
    /// Standard deviation of the log price over a year.
    pub(crate) annual_volatility: f64,
    /// Digits after the point of a price.
    pub(crate) price_decimals: u32,
}

/// Members of a sector move together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sector {
    Technology,
    Finance,
    Consumer,
    Industry,
    Health,
    Index,
    Crypto,
}

const fn stock(
    symbol: &'static str,
    name: &'static str,
    exchange: &'static str,
    sector: Sector,
    base_price: f64,
    annual_volatility: f64,
) -> Member {
    Member { symbol, name, exchange, sector, base_price, annual_volatility, price_decimals: 2 }
}

const fn coin(
    symbol: &'static str,
    name: &'static str,
    base_price: f64,
    annual_volatility: f64,
    price_decimals: u32,
) -> Member {
    Member {
        symbol,
        name,
        exchange: "CRYPTO",
        sector: Sector::Crypto,
        base_price,
        annual_volatility,
        price_decimals,
    }
}

/// Every member; the last one is seen on the test stream only.
pub(crate) const MEMBERS: &[Member] = &[
    stock("AAPL", "Apple Inc. Common Stock", "NASDAQ", Sector::Technology, 230.0, 0.28),
    stock("MSFT", "Microsoft Corporation Common Stock", "NASDAQ", Sector::Technology, 430.0, 0.25),
    stock("GOOG", "Alphabet Inc. Class C", "NASDAQ", Sector::Technology, 180.0, 0.30),
    stock("GOOGL", "Alphabet Inc. Class A", "NASDAQ", Sector::Technology, 178.0, 0.30),
    stock("AMZN", "Amazon.com, Inc. Common Stock", "NASDAQ", Sector::Consumer, 205.0, 0.32),
    stock("TSLA", "Tesla, Inc. Common Stock", "NASDAQ", Sector::Consumer, 320.0, 0.45),
    stock("NVDA", "NVIDIA Corporation Common Stock", "NASDAQ", Sector::Technology, 140.0, 0.45),
    stock("META", "Meta Platforms, Inc. Class A", "NASDAQ", Sector::Technology, 570.0, 0.35),
    stock("AMD", "Advanced Micro Devices, Inc.", "NASDAQ", Sector::Technology, 155.0, 0.44),
    stock("INTC", "Intel Corporation Common Stock", "NASDAQ", Sector::Technology, 25.0, 0.40),
    stock("NFLX", "Netflix, Inc. Common Stock", "NASDAQ", Sector::Consumer, 760.0, 0.36),
    stock("IBM", "International Business Machines", "NYSE", Sector::Technology, 215.0, 0.22),
    stock("ORCL", "Oracle Corporation", "NYSE", Sector::Technology, 175.0, 0.30),
    stock("CRM", "Salesforce, Inc.", "NYSE", Sector::Technology, 300.0, 0.33),
    stock("JPM", "JPMorgan Chase & Co.", "NYSE", Sector::Finance, 235.0, 0.24),
    stock("BAC", "Bank of America Corporation", "NYSE", Sector::Finance, 45.0, 0.26),
    stock("GS", "The Goldman Sachs Group, Inc.", "NYSE", Sector::Finance, 580.0, 0.27),
    stock("V", "Visa Inc. Class A", "NYSE", Sector::Finance, 305.0, 0.20),
    stock("KO", "The Coca-Cola Company", "NYSE", Sector::Consumer, 63.0, 0.20),
    stock("WMT", "Walmart Inc.", "NYSE", Sector::Consumer, 85.0, 0.20),
    stock("DIS", "The Walt Disney Company", "NYSE", Sector::Consumer, 110.0, 0.28),
    stock("JNJ", "Johnson & Johnson", "NYSE", Sector::Health, 155.0, 0.20),
    stock("PFE", "Pfizer Inc.", "NYSE", Sector::Health, 26.0, 0.26),
    stock("XOM", "Exxon Mobil Corporation", "NYSE", Sector::Industry, 118.0, 0.26),
    stock("CAT", "Caterpillar Inc.", "NYSE", Sector::Industry, 390.0, 0.28),
    stock("BA", "The Boeing Company", "NYSE", Sector::Industry, 150.0, 0.36),
    stock("SPY", "SPDR S&P 500 ETF Trust", "ARCA", Sector::Index, 590.0, 0.20),
    stock("QQQ", "Invesco QQQ Trust", "NASDAQ", Sector::Index, 505.0, 0.23),
    coin("BTC/USD", "Bitcoin / US Dollar", 95_000.0, 0.60, 2),
    coin("ETH/USD", "Ethereum / US Dollar", 3_300.0, 0.70, 2),
    coin("SOL/USD", "Solana / US Dollar", 240.0, 0.85, 3),
    coin("LTC/USD", "Litecoin / US Dollar", 90.0, 0.75, 3),
    coin("BCH/USD", "Bitcoin Cash / US Dollar", 480.0, 0.80, 2),
    coin("LINK/USD", "Chainlink / US Dollar", 15.0, 0.85, 4),
    coin("AVAX/USD", "Avalanche / US Dollar", 36.0, 0.88, 3),
    coin("DOGE/USD", "Dogecoin / US Dollar", 0.39, 0.90, 6),
    coin("DOT/USD", "Polkadot / US Dollar", 6.0, 0.85, 4),
    stock(TEST_SYMBOL, "Fake Alpaca", "NASDAQ", Sector::Index, 130.0, 0.40),
];

/// The members as assets.
pub(crate) fn assets() -> impl Iterator<Item = Asset> {
    MEMBERS.iter().map(asset)
}

fn asset(member: &Member) -> Asset {
    let crypto = member.sector == Sector::Crypto;
    Asset {
        id: Asset::id_of(member.symbol),
        class: if crypto { AssetClass::Crypto } else { AssetClass::UsEquity },
        exchange: member.exchange,
        symbol: member.symbol.to_owned(),
        name: member.name.to_owned(),
        price_increment: number::increment(member.price_decimals),
        quantity_increment: number::increment(9),
        order_size_min: if crypto { dollars_worth(member) } else { number::increment(9) },
        bar_seconds: None,
        test_only: member.symbol == TEST_SYMBOL,
        recorded: false,
    }
}

/// About one dollar's worth of a coin: Alpaca's smallest crypto order.
fn dollars_worth(member: &Member) -> Decimal {
    Decimal::try_from(1.0 / member.base_price).unwrap_or(Decimal::ONE).round_dp(8)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_universe_has_stocks_and_coins_enough_and_no_name_twice() {
        let symbols: BTreeSet<_> = MEMBERS.iter().map(|member| member.symbol).collect();
        let coins = MEMBERS.iter().filter(|member| member.sector == Sector::Crypto).count();
        assert_eq!(symbols.len(), MEMBERS.len());
        assert!(MEMBERS.len() - coins > 26, "{} members", MEMBERS.len());
        assert!(coins >= 8, "{coins} coins");
    }
}

//! What trading costs: commission and fees by a model, slippage in basis points.

use super::spec::{SpecError, ensure};
use crate::money::{MoneyError, Price, Quantity, Usd};
use crate::order::Side;
use rust_decimal::{Decimal, RoundingStrategy};

/// Basis points of one.
const BPS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

/// Costs of every fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Commission and fees.
    pub fees: Fees,
    /// How much worse than the market a market or stop order is filled, basis points of the
    /// price. A limit order is filled at its limit or better.
    pub slippage_bps: Decimal,
}

/// Commission and fees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fees {
    /// None.
    #[default]
    Free,
    /// A part of the value, on both sides: 0.002 takes 2 USD of 1 000.
    Rate {
        /// The part.
        rate: Decimal,
    },
    /// A part of the value by who waited for whom.
    MakerTaker {
        /// For limit orders that stood before they were filled.
        maker: Decimal,
        /// For everything else.
        taker: Decimal,
    },
    /// What US regulators take of a share trade and Alpaca passes on.
    UsEquity(UsEquityFees),
}

/// Regulatory fees of US shares. Each is rounded up to the cent, fill by fill: Alpaca rounds the
/// sum of a day, so that this is never too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsEquityFees {
    /// SEC fee, a part of the value, sells only.
    pub sec_rate: Decimal,
    /// FINRA trading activity fee per share, sells only, US dollars.
    pub taf_per_share: Decimal,
    /// Its most for one trade, US dollars.
    pub taf_max: Decimal,
    /// Consolidated audit trail fee per share or part of one, both sides, US dollars.
    pub cat_per_share: Decimal,
}

/// Whether a fill took a price that stood, or stood itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liquidity {
    /// It stood in the book and was taken.
    Maker,
    /// It took what stood.
    Taker,
}

impl Fees {
    /// Alpaca on US shares: no commission, the regulators' fees of 2026, which the venue charges
    /// too: SEC 20.60 per million from 2026-04-04 (release 34-104909), FINRA's TAF 0.000195 up to
    /// 9.79 (SR-FINRA-2024-019), CAT 0.0000265 (`alpaca.markets/support/regulatory-fees`). In
    /// other years they were others.
    pub const ALPACA_EQUITY: Self = Self::UsEquity(UsEquityFees {
        sec_rate: Decimal::from_parts(2_060, 0, 0, false, 8),
        taf_per_share: Decimal::from_parts(195, 0, 0, false, 6),
        taf_max: Decimal::from_parts(979, 0, 0, false, 2),
        cat_per_share: Decimal::from_parts(265, 0, 0, false, 7),
    });

    /// Alpaca on coins, lowest tier: 0.15 % for the maker, 0.25 % for the taker
    /// (`docs.alpaca.markets/docs/crypto-fees`). Taken in US dollars here.
    pub const ALPACA_CRYPTO: Self = Self::MakerTaker {
        maker: Decimal::from_parts(15, 0, 0, false, 4),
        taker: Decimal::from_parts(25, 0, 0, false, 4),
    };

    /// What one fill costs, US dollars.
    pub fn of_fill(
        &self,
        side: Side,
        quantity: Quantity,
        price: Price,
        liquidity: Liquidity,
    ) -> Result<Usd, MoneyError> {
        match self {
            Self::Free => Ok(Usd::ZERO),
            Self::Rate { rate } => price.cost_of(quantity)?.times(*rate),
            Self::MakerTaker { maker, taker } => {
                let rate = if liquidity == Liquidity::Maker { maker } else { taker };
                price.cost_of(quantity)?.times(*rate)
            }
            Self::UsEquity(fees) => fees.of_fill(side, quantity, price),
        }
    }

    /// The part of the value that an entry must keep aside, at most; what is charged per share is
    /// not in it.
    pub(super) fn entry_rate(&self) -> Decimal {
        match self {
            Self::Free | Self::UsEquity(_) => Decimal::ZERO,
            Self::Rate { rate } => *rate,
            Self::MakerTaker { maker, taker } => (*maker).max(*taker),
        }
    }
}

impl UsEquityFees {
    fn of_fill(&self, side: Side, quantity: Quantity, price: Price) -> Result<Usd, MoneyError> {
        let shares = quantity.amount();
        let mut sum = Usd::new(up_to_cent(Usd::new(self.cat_per_share).times(shares.ceil())?));
        if side == Side::Sell {
            let sec = price.cost_of(quantity)?.times(self.sec_rate)?;
            let taf = Usd::new(self.taf_per_share).times(shares)?.min(Usd::new(self.taf_max));
            sum = sum.plus(Usd::new(up_to_cent(sec)))?.plus(Usd::new(up_to_cent(taf)))?;
        }
        Ok(sum)
    }
}

impl Costs {
    /// A commission of `rate` per side and nothing else.
    pub fn commission(rate: Decimal) -> Self {
        Self { fees: Fees::Rate { rate }, slippage_bps: Decimal::ZERO }
    }

    /// The price of a fill after slippage: higher for a buyer, lower for a seller.
    pub fn slipped(&self, side: Side, price: Price) -> Result<Price, MoneyError> {
        if self.slippage_bps.is_zero() {
            return Ok(price);
        }
        let part = Usd::new(self.slippage_bps).over(BPS)?;
        let one = Usd::new(Decimal::ONE);
        let factor = match side {
            Side::Buy => one.plus(part)?,
            Side::Sell => one.minus(part)?,
        };
        Price::new(Usd::new(price.amount()).times(factor.amount())?.amount())
    }

    pub(super) fn check(&self) -> Result<(), SpecError> {
        let rate = |setting, value| {
            ensure(setting, "from 0 to below 1", value, |value| {
                value >= Decimal::ZERO && value < Decimal::ONE
            })
        };
        let amount = |setting, value| {
            ensure(setting, "0 or more", value, |value: Decimal| value >= Decimal::ZERO)
        };
        ensure("slippage", "from 0 to below 10 000 basis points", self.slippage_bps, |value| {
            value >= Decimal::ZERO && value < BPS
        })?;
        match self.fees {
            Fees::Free => Ok(()),
            Fees::Rate { rate: commission } => rate("commission", commission),
            Fees::MakerTaker { maker, taker } => {
                rate("maker fee", maker)?;
                rate("taker fee", taker)
            }
            Fees::UsEquity(fees) => {
                rate("SEC fee", fees.sec_rate)?;
                amount("TAF per share", fees.taf_per_share)?;
                amount("greatest TAF", fees.taf_max)?;
                amount("CAT per share", fees.cat_per_share)
            }
        }
    }
}

/// Rounds a fee up to the cent: in favour of who takes it.
fn up_to_cent(fee: Usd) -> Decimal {
    fee.amount().round_dp_with_strategy(2, RoundingStrategy::ToPositiveInfinity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn fee(fees: Fees, side: Side, quantity: &str, price: &str) -> String {
        let quantity = Quantity::new(decimal(quantity)).unwrap();
        let price = Price::new(decimal(price)).unwrap();
        fees.of_fill(side, quantity, price, Liquidity::Taker)
            .unwrap()
            .amount()
            .normalize()
            .to_string()
    }

    #[test]
    fn a_rate_is_taken_of_the_value_on_both_sides() {
        let fees = Fees::Rate { rate: decimal("0.002") };
        assert_eq!(fee(fees, Side::Buy, "10", "100"), "2");
        assert_eq!(fee(fees, Side::Sell, "10", "100"), "2");
    }

    #[test]
    fn regulators_take_from_sellers_per_share_up_to_a_most() {
        let fees = Fees::ALPACA_EQUITY;
        assert_eq!(fee(fees, Side::Buy, "100", "50"), "0.01", "CAT alone");
        let sold = fee(fees, Side::Sell, "10000", "50");
        assert_eq!(sold, "12.52", "SEC 10.30, TAF 1.95, CAT 0.265 up");
        let sold = fee(fees, Side::Sell, "100000", "50");
        assert_eq!(sold, "115.44", "SEC 103, TAF 9.79 at most, CAT 2.65");
        let with_sec = Fees::UsEquity(UsEquityFees {
            sec_rate: decimal("0.0000278"),
            taf_per_share: Decimal::ZERO,
            taf_max: Decimal::ZERO,
            cat_per_share: Decimal::ZERO,
        });
        assert_eq!(fee(with_sec, Side::Sell, "100", "100"), "0.28", "0.278 rounded up");
        assert_eq!(fee(with_sec, Side::Buy, "100", "100"), "0");
    }

    #[test]
    fn slippage_is_always_against_the_order() {
        let costs = Costs { fees: Fees::Free, slippage_bps: decimal("5") };
        let price = Price::new(decimal("100")).unwrap();
        assert_eq!(costs.slipped(Side::Buy, price).unwrap().to_string(), "100.05");
        assert_eq!(costs.slipped(Side::Sell, price).unwrap().to_string(), "99.95");
    }
}

//! What trading costs beyond the price: the fees of regulators on stocks, Alpaca's own on coins.
//!
//! The rates are those that Alpaca passed on or charged when they were written down; each names its
//! source. Stock fees accrue per execution without rounding and are charged at the end of the day,
//! rounded up to the cent per kind, as Alpaca does it. Coin fees come off the asset that is received,
//! at once.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Execution, Liquidity};
use crate::activities::{NonTrade, NonTradeActivity, NonTradeKind};
use crate::assets::AssetClass;
use crate::books::Change;
use crate::exchange::{Exchange, Inner, Step};
use crate::ids::Ids;
use crate::options::FeeRates;
use crate::orders::{Order, QUANTITY_DECIMALS, Side};

/// SEC fee on sales, per dollar: 20.60 USD per million from 2026-04-04.
///
/// Source: SEC release 34-104909 of 2026-02-27 (Federal Register 2026-04233).
pub(crate) const SEC_PER_DOLLAR: Decimal = Decimal::from_parts(2_060, 0, 0, false, 8);
/// FINRA's trading activity fee on sales, per share, in 2026.
///
/// Source: FINRA's fee schedule SR-FINRA-2024-019.
pub(crate) const TAF_PER_SHARE: Decimal = Decimal::from_parts(195, 0, 0, false, 6);
/// The most that FINRA takes of one trade, in USD, in 2026; same source.
pub(crate) const TAF_PER_TRADE_MAX: Decimal = Decimal::from_parts(979, 0, 0, false, 2);
/// Consolidated audit trail, on buys and sales, per share rounded up to a whole one.
///
/// Source: Alpaca's support page on regulatory fees, the CAT fees of 2025-2 added up.
pub(crate) const CAT_PER_SHARE: Decimal = Decimal::from_parts(265, 0, 0, false, 7);
/// Alpaca's fee on coins for who rested in the book, at the lowest tier (up to 100 000 USD in 30
/// days).
///
/// Source: Alpaca's page on crypto fees, 2026.
pub(crate) const CRYPTO_MAKER: Decimal = Decimal::from_parts(15, 0, 0, false, 4);
/// The same for who took from the book.
pub(crate) const CRYPTO_TAKER: Decimal = Decimal::from_parts(25, 0, 0, false, 4);

/// Stock fees of a day that are not charged yet, in USD, exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accrued {
    pub(crate) sec: Decimal,
    pub(crate) taf: Decimal,
    pub(crate) cat: Decimal,
}

/// What one execution costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fee {
    /// Accrues until the end of the day.
    Accrues(Accrued),
    /// Comes off the received coins at once.
    Coins(Decimal),
    /// Comes off the received dollars at once.
    Dollars(Decimal),
}

impl FeeRates {
    /// What an execution costs.
    pub(crate) fn of(&self, executed: &Execution<'_>) -> Fee {
        let &Execution { order, price, quantity, liquidity } = executed;
        self.on((order.asset_class, order.side), (price, quantity), liquidity)
    }

    fn on(
        &self,
        (class, side): (AssetClass, Side),
        (price, qty): (Decimal, Decimal),
        liquidity: Liquidity,
    ) -> Fee {
        match (class, side) {
            (AssetClass::UsEquity, Side::Buy) => {
                Fee::Accrues(Accrued { cat: self.cat(qty), ..Accrued::default() })
            }
            (AssetClass::UsEquity, Side::Sell) => Fee::Accrues(Accrued {
                sec: self.sec_per_dollar * price * qty,
                taf: (self.taf_per_share * qty).min(self.taf_per_trade_max),
                cat: self.cat(qty),
            }),
            (AssetClass::Crypto, Side::Buy) => {
                // What is left must be a quantity that can be sold again.
                Fee::Coins(up_to(self.crypto(liquidity) * qty, QUANTITY_DECIMALS))
            }
            (AssetClass::Crypto, Side::Sell) => {
                Fee::Dollars(up_to(self.crypto(liquidity) * price * qty, QUANTITY_DECIMALS))
            }
        }
    }

    fn cat(&self, qty: Decimal) -> Decimal {
        self.cat_per_share * qty.ceil()
    }

    fn crypto(&self, liquidity: Liquidity) -> Decimal {
        match liquidity {
            Liquidity::Maker => self.crypto_maker,
            Liquidity::Taker => self.crypto_taker,
        }
    }
}

impl Fee {
    /// The record of a fee that was taken at once.
    pub(crate) fn activity(
        self,
        ids: &mut Ids,
        order: &Order,
        price: Decimal,
        at: DateTime<Utc>,
    ) -> Option<NonTradeActivity> {
        let (net_amount, qty) = match self {
            Self::Accrues(_) => return None,
            Self::Coins(coins) => (Decimal::ZERO, Some(-coins)),
            Self::Dollars(dollars) => (-dollars, None),
        };
        let kind = NonTradeKind::CryptoFee;
        let fee = NonTradeActivity::new(ids, order.account_id, kind, net_amount, at);
        Some(NonTradeActivity {
            description: format!("coin fee of order {}", order.id),
            symbol: Some(order.symbol.clone()),
            qty,
            price: Some(price),
            group_id: Some(order.id),
            ..fee
        })
    }
}

impl Accrued {
    pub(crate) fn total(self) -> Decimal {
        self.sec + self.taf + self.cat
    }

    /// What has accrued after one more execution.
    pub(crate) fn after(self, fee: Option<Fee>) -> Self {
        let Some(Fee::Accrues(more)) = fee else { return self };
        Self { sec: self.sec + more.sec, taf: self.taf + more.taf, cat: self.cat + more.cat }
    }

    /// A day's charge of one kind has been booked.
    pub(crate) fn charged(&mut self, activity: &NonTradeActivity) {
        if activity.kind != NonTradeKind::Fee {
            return;
        }
        match activity.sub_type.as_str() {
            "REG" => self.sec = Decimal::ZERO,
            "TAF" => self.taf = Decimal::ZERO,
            "CAT" => self.cat = Decimal::ZERO,
            _ => {}
        }
    }

    /// The charges at the end of the day: Alpaca's name of each kind, and what is taken.
    fn charges(self) -> impl Iterator<Item = (&'static str, Decimal)> {
        [("REG", self.sec), ("TAF", self.taf), ("CAT", self.cat)]
            .into_iter()
            .filter(|(_, exact)| !exact.is_zero())
            .map(|(kind, exact)| (kind, up_to(exact, 2)))
    }
}

impl Exchange {
    /// Charges every account the fees that accrued on a day that has ended.
    pub(crate) fn charge_day(&self, inner: &mut Inner, day: NaiveDate, at: DateTime<Utc>) {
        let owing: Vec<(Uuid, Accrued)> = inner
            .books
            .accounts()
            .filter(|account| !account.accrued_fees.total().is_zero())
            .map(|account| (account.id, account.accrued_fees))
            .collect();
        for (account_id, accrued) in owing {
            for (sub_type, amount) in accrued.charges() {
                let Some(account) = inner.books.account(account_id) else { continue };
                let kind = NonTradeKind::Fee;
                let fee = NonTradeActivity::new(&mut inner.ids, account_id, kind, -amount, at);
                let fee = NonTradeActivity {
                    sub_type: sub_type.to_owned(),
                    description: format!("{sub_type} fees of {day}"),
                    ..fee
                };
                let booked = NonTrade::of(account, fee, None);
                let change = Change::NonTrade(Box::new(booked));
                self.commit_quietly(inner, vec![Step { change, update: None }]);
            }
        }
    }
}

/// Rounded in favour of who takes the fee.
fn up_to(amount: Decimal, places: u32) -> Decimal {
    amount.round_dp_with_strategy(places, RoundingStrategy::AwayFromZero)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn fee(class: AssetClass, side: Side, (price, qty): (&str, &str), liquidity: Liquidity) -> Fee {
        FeeRates::default().on((class, side), (dec(price), dec(qty)), liquidity)
    }

    #[test]
    fn a_sale_of_stock_costs_all_three_fees_and_a_purchase_only_the_audit_trail() {
        let trade = ("100", "1000");
        let sale = fee(AssetClass::UsEquity, Side::Sell, trade, Liquidity::Taker);
        let accrued = Accrued { sec: dec("2.06"), taf: dec("0.195"), cat: dec("0.0265") };
        assert_eq!(sale, Fee::Accrues(accrued));
        let purchase = fee(AssetClass::UsEquity, Side::Buy, trade, Liquidity::Maker);
        let accrued = Accrued { cat: dec("0.0265"), ..Accrued::default() };
        assert_eq!(purchase, Fee::Accrues(accrued));
    }

    #[test]
    fn the_activity_fee_of_a_large_trade_stops_at_its_cap() {
        let fee = fee(AssetClass::UsEquity, Side::Sell, ("1", "100000"), Liquidity::Taker);
        let Fee::Accrues(accrued) = fee else { panic!("{fee:?}") };
        assert_eq!(accrued.taf, dec("9.79"));
    }

    #[test]
    fn the_days_fees_are_rounded_up_to_the_cent_once() {
        let one = Accrued { sec: dec("0.001"), taf: dec("0.0101"), cat: Decimal::ZERO };
        let day = (0..10).fold(Accrued::default(), |sum, _| sum.after(Some(Fee::Accrues(one))));
        let charges: Vec<_> = day.charges().collect();
        assert_eq!(charges, [("REG", dec("0.01")), ("TAF", dec("0.11"))]);
    }

    #[test]
    fn a_coin_fee_comes_off_what_is_received() {
        let trade = ("60000", "0.015");
        let bought = fee(AssetClass::Crypto, Side::Buy, trade, Liquidity::Taker);
        assert_eq!(bought, Fee::Coins(dec("0.0000375")), "0.0149625 are left, as on Alpaca");
        let sold = fee(AssetClass::Crypto, Side::Sell, trade, Liquidity::Maker);
        assert_eq!(sold, Fee::Dollars(dec("1.35")));
    }
}

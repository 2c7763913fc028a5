//! Which of two readings of Alpaca's behaviour the venue takes, where the sources disagree.

use rust_decimal::Decimal;

/// The switches; `Default` is what the newest sources say.
#[expect(clippy::struct_excessive_bools, reason = "switches, each independent of the others")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The code of a client order id that is taken: 40010001, or 42210000 as one probe saw.
    pub duplicate_client_order_id_code: u32,
    /// Characters of a client order id: 128 today, 48 before.
    pub client_order_id_length_max: usize,
    /// What an order that could trade with an own one is answered with.
    pub wash_trade: WashTradeGuard,
    /// What becomes of a day order at the close.
    pub day_order_end: DayOrderEnd,
    /// Whether canceling an order that is over is refused (422) or answered with 204 as in 2021.
    pub terminal_cancel_refused: bool,
    /// Minutes before the close from which `cls` orders are refused: 10 by the documents, 5 by the
    /// words of the refusal.
    pub cls_cutoff_minutes: i64,
    /// Days that a good-till-canceled order lives.
    pub gtc_days: i64,
    /// Whether good-till-canceled limit orders may trade in extended hours.
    pub extended_hours_gtc: bool,
    /// Whether parts of shares may be bought with limits and stops, or at the market only.
    pub fractional_limits: bool,
    /// Whether coins may be ordered fill-or-kill.
    pub crypto_fok: bool,
    /// The smallest order in coins, in USD.
    pub crypto_cost_min: Decimal,
    /// The largest order in coins, in USD.
    pub crypto_cost_max: Decimal,
    /// How far beyond the ask a market buy of coins must be paid for, as a share of the price.
    pub crypto_collar: Decimal,
    /// Whether the members of an OTO group may be replaced.
    pub oto_replace: bool,
    /// The rule that ended in 2026: a fourth day trade in five days needs 25 000 USD.
    pub pattern_day_trader: bool,
}

/// What an order that could trade with an own one is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WashTradeGuard {
    /// 403, as today.
    Forbidden,
    /// 422, as before.
    Unprocessable,
    /// Nothing: the order is taken.
    Off,
}

/// What becomes of a day order at the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayOrderEnd {
    /// It is `expired`.
    Expired,
    /// It is `canceled`, as some reports say.
    Canceled,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            duplicate_client_order_id_code: 40_010_001,
            client_order_id_length_max: 128,
            wash_trade: WashTradeGuard::Forbidden,
            day_order_end: DayOrderEnd::Expired,
            terminal_cancel_refused: true,
            cls_cutoff_minutes: 10,
            gtc_days: 90,
            extended_hours_gtc: true,
            fractional_limits: true,
            crypto_fok: false,
            crypto_cost_min: Decimal::ONE,
            crypto_cost_max: Decimal::from_parts(200_000, 0, 0, false, 0),
            crypto_collar: Decimal::from_parts(2, 0, 0, false, 2),
            oto_replace: false,
            pattern_day_trader: false,
        }
    }
}

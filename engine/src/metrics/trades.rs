//! Metrics of closed trades.
#![cfg_attr(not(test), expect(clippy::float_arithmetic, reason = "statistics are f64"))]

use super::returns::{float, ratio};
use crate::backtest::Trade;
use crate::money::to_float;

/// What closed trades alone say. Profits are in US dollars after costs, returns are fractions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TradeMetrics {
    /// How many.
    pub trades: u64,
    /// Part of them with a profit above zero.
    pub win_rate: Option<f64>,
    /// Sum of the profits to the sum of the losses.
    pub profit_factor: Option<f64>,
    /// Mean profit.
    pub expectancy: Option<f64>,
    /// Mean profit of the winners to the mean loss of the losers.
    pub payoff_ratio: Option<f64>,
    /// Greatest return.
    pub best_trade: Option<f64>,
    /// Least return.
    pub worst_trade: Option<f64>,
}

impl TradeMetrics {
    /// Metrics of closed trades.
    pub fn of(trades: &[Trade]) -> Self {
        let (mut won, mut lost) = (0.0, 0.0);
        let (mut winners, mut losers) = (0_usize, 0_usize);
        for trade in trades {
            let pnl = to_float(trade.pnl);
            if pnl > 0.0 {
                won += pnl;
                winners = winners.saturating_add(1);
            } else if pnl < 0.0 {
                lost -= pnl;
                losers = losers.saturating_add(1);
            }
        }
        let count = float(trades.len());
        let mean_win = ratio(won, float(winners));
        let mean_loss = ratio(lost, float(losers));
        let fractions = || trades.iter().map(|trade| trade.return_fraction);
        Self {
            trades: u64::try_from(trades.len()).unwrap_or(u64::MAX),
            win_rate: ratio(float(winners), count),
            profit_factor: ratio(won, lost),
            expectancy: ratio(won - lost, count),
            payoff_ratio: mean_win.zip(mean_loss).and_then(|(win, loss)| ratio(win, loss)),
            best_trade: fractions().max_by(f64::total_cmp),
            worst_trade: fractions().min_by(f64::total_cmp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::TradeSide;
    use crate::clock::Timestamp;
    use rust_decimal::Decimal;

    fn trade(pnl: i64) -> Trade {
        let at = Timestamp::UNIX_EPOCH;
        Trade {
            leg: 0,
            side: TradeSide::Long,
            quantity: Decimal::ONE,
            entry_time: at,
            entry_price: Decimal::ONE_HUNDRED,
            exit_time: at,
            exit_price: Decimal::ONE_HUNDRED,
            commission: Decimal::ZERO,
            pnl: Decimal::from(pnl),
            return_fraction: f64::from(i32::try_from(pnl).unwrap()) / 100.0,
        }
    }

    #[test]
    fn each_metric_is_its_formula_and_a_trade_of_zero_neither_wins_nor_loses() {
        let found = TradeMetrics::of(&[trade(30), trade(-10), trade(10), trade(0)]);
        assert_eq!(found.trades, 4);
        assert_eq!(found.win_rate, Some(0.5));
        assert_eq!(found.profit_factor, Some(4.0));
        assert_eq!(found.expectancy, Some(7.5));
        assert_eq!(found.payoff_ratio, Some(2.0));
        assert_eq!((found.best_trade, found.worst_trade), (Some(0.3), Some(-0.1)));
    }

    #[test]
    fn without_losers_there_is_no_ratio_to_them() {
        let found = TradeMetrics::of(&[trade(30)]);
        assert_eq!((found.profit_factor, found.payoff_ratio), (None, None));
        assert_eq!(TradeMetrics::of(&[]).win_rate, None);
    }
}

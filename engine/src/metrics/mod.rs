//! Performance of a backtest in numbers. `docs/metrics.md` states each formula; those of returns
//! are numpy's and empyrical's, without a risk-free rate.

pub(crate) mod returns;
mod trades;

pub use returns::ReturnMetrics;
pub use trades::TradeMetrics;

use crate::backtest::{Market, Outcome};
use crate::ticker::AssetClass;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Days of a year of an asset class, for what is stated per year.
pub const fn days_per_year(class: AssetClass) -> u32 {
    match class {
        AssetClass::UsEquity => 252,
        AssetClass::Crypto => 365,
    }
}

/// Which way a metric is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// A name that no metric has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no metric `{name}`; there are: {known}")]
pub struct UnknownMetric {
    /// What was asked for.
    pub name: String,
    /// What there is, separated by commas.
    pub known: String,
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:literal $variant:ident $field:ident $better:ident;)+) => {
        /// All metrics of a run. `None` (JSON `null`) is what is not defined: a ratio to nothing,
        /// an average of no trades, a return of too short a time.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct Metrics {
            $($(#[$doc])* pub $field: Option<f64>,)+
            /// Closed trades.
            pub trades: u64,
        }

        /// The name of a metric, to rank by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Metric {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
            /// Closed trades.
            Trades,
        }

        impl Metric {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+ Self::Trades];

            /// Its name in JSON and on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Trades => "trades",
                }
            }

            /// Which way it is good.
            pub const fn better(self) -> Better {
                match self {
                    $(Self::$variant => Better::$better,)+
                    Self::Trades => Better::Higher,
                }
            }
        }

        impl Metrics {
            /// One of them by name.
            pub fn get(&self, metric: Metric) -> Option<f64> {
                match metric {
                    $(Metric::$variant => self.$field,)+
                    Metric::Trades => u32::try_from(self.trades).ok().map(f64::from),
                }
            }
        }
    };
}

metrics! {
    /// Value at the last close, US dollars.
    "final_equity" FinalEquity final_equity Higher;
    /// Profit as a fraction of the starting cash.
    "total_return" TotalReturn total_return Higher;
    /// The same per year, geometric.
    "annual_return" AnnualReturn annual_return Higher;
    /// Standard deviation of daily returns, per year.
    "annual_volatility" AnnualVolatility annual_volatility Lower;
    /// Mean daily return to its standard deviation, per year.
    "sharpe_ratio" SharpeRatio sharpe_ratio Higher;
    /// Mean daily return to the root of the mean square of losing days, per year.
    "sortino_ratio" SortinoRatio sortino_ratio Higher;
    /// Annual return to the deepest drawdown.
    "calmar_ratio" CalmarRatio calmar_ratio Higher;
    /// Sum of gaining days to the sum of losing days.
    "omega_ratio" OmegaRatio omega_ratio Higher;
    /// Deepest fall from a highest value, 0 or below.
    "max_drawdown" MaxDrawdown max_drawdown Higher;
    /// Longest time below a highest value, trading days.
    "max_drawdown_days" MaxDrawdownDays max_drawdown_days Lower;
    /// Daily return that one day of twenty falls below.
    "var_95" Var95 var_95 Higher;
    /// Mean of the daily returns at or below `var_95`.
    "cvar_95" Cvar95 cvar_95 Higher;
    /// Part of the closed trades that won.
    "win_rate" WinRate win_rate Higher;
    /// Profit of the winners to the loss of the losers.
    "profit_factor" ProfitFactor profit_factor Higher;
    /// Mean profit of a trade, US dollars.
    "expectancy" Expectancy expectancy Higher;
    /// Mean winner to mean loser.
    "payoff_ratio" PayoffRatio payoff_ratio Higher;
    /// Part of the bars at whose close something was held or owed.
    "exposure" Exposure exposure Lower;
    /// Value traded, buys and sells, per year, to the mean equity.
    "turnover" Turnover turnover Lower;
    /// Greatest return of a trade.
    "best_trade" BestTrade best_trade Higher;
    /// Least return of a trade.
    "worst_trade" WorstTrade worst_trade Higher;
    /// Annual return beyond what beta explains.
    "alpha" Alpha alpha Higher;
    /// How much of the market's daily move it makes.
    "beta" Beta beta Lower;
}

impl Metrics {
    /// Judges an outcome. A run that was canceled is judged as far as it came.
    pub fn of(outcome: &Outcome, market: &Market, class: AssetClass) -> Self {
        let days = days_per_year(class);
        let values: Vec<f64> = market
            .observations()
            .iter()
            .map_while(|step| outcome.equity.get(*step).copied())
            .collect();
        let moves = returns::changes(&values);
        let found = returns::of_returns(&moves, days);
        let deepest = returns::deepest(outcome.cash_start, &outcome.equity);
        let trades = TradeMetrics::of(&outcome.trades);
        let total = returns::change(outcome.cash_start, outcome.equity_final());
        let annual = total.and_then(|total| returns::annual(total, values.len(), days));
        let market_moves = returns::relation(&moves, market.benchmark_returns(), days);
        Self {
            final_equity: Some(outcome.equity_final()),
            total_return: total,
            annual_return: annual,
            annual_volatility: found.annual_volatility,
            sharpe_ratio: found.sharpe_ratio,
            sortino_ratio: found.sortino_ratio,
            calmar_ratio: annual.and_then(|annual| returns::calmar(annual, deepest)),
            omega_ratio: found.omega_ratio,
            max_drawdown: Some(deepest),
            max_drawdown_days: Some(returns::longest(outcome.cash_start, &values)),
            var_95: found.var_95,
            cvar_95: found.cvar_95,
            win_rate: trades.win_rate,
            profit_factor: trades.profit_factor,
            expectancy: trades.expectancy,
            payoff_ratio: trades.payoff_ratio,
            exposure: returns::part(outcome.steps_held, outcome.equity.len()),
            turnover: returns::turnover(outcome, values.len(), days),
            best_trade: trades.best_trade,
            worst_trade: trades.worst_trade,
            alpha: market_moves.map(|(alpha, _)| alpha),
            beta: market_moves.map(|(_, beta)| beta),
            trades: trades.trades,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().find(|metric| metric.name() == name).copied().ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|metric| metric.name()).collect();
            UnknownMetric { name: name.to_owned(), known: known.join(", ") }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_by_its_name_and_serialised_by_it() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(*metric));
            assert_eq!(serde_json::to_string(metric).unwrap(), format!("\"{metric}\""));
        }
        let json = serde_json::to_value(Metrics::default()).unwrap();
        assert_eq!(json.as_object().unwrap().len(), Metric::ALL.len());
        for metric in Metric::ALL {
            assert!(json.get(metric.name()).is_some(), "{metric}");
        }
        let error = "sharp".parse::<Metric>().unwrap_err().to_string();
        assert!(error.starts_with("there is no metric `sharp`; there are: final_equity,"));
    }
}

//! `my_strategy` over eight and a half years of Google by day.

use crate::support::goog;
use engine::Ticker;
use engine::backtest::{Market, RunOptions, Series, Spec, run};
use engine::params::Params;

#[test]
fn it_trades_and_is_not_ruined() {
    let series = Series::new(Ticker::new("GOOG").unwrap(), goog()).unwrap();
    let market = Market::new(vec![series]).unwrap();
    let strategy = strategies::build("my_strategy", &Params::new()).unwrap();
    let outcome = run(&market, &Spec::default(), vec![strategy], RunOptions::default()).unwrap();
    assert!(!outcome.trades.is_empty(), "it never traded");
    assert_eq!(outcome.ruined_at, None);
    // Once the rule is right, hold on to its result: the number of trades and the final equity.
}

//! The engine from outside.

mod backtest_laws;
mod backtest_orders;
mod backtest_reference;
mod desk;
mod evaluation;
mod indicators;
mod support;
mod ta_lib;

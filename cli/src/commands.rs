//! One file per command: it wires the parts together and decides nothing.

pub(crate) mod backtest;
pub(crate) mod doctor;
pub(crate) mod evaluate;
pub(crate) mod indicator;
pub(crate) mod migrate;
pub(crate) mod run;
pub(crate) mod strategy;
pub(crate) mod user;
pub(crate) mod venue;

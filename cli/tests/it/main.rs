//! The house rules that the compiler does not know, and the binary as a person meets it.

mod arrows;
mod backtest;
mod bars;
mod binary;
mod commands;
mod engine;
mod evaluate;
mod indicator;
mod migrations;
mod sources;
mod support;
mod venue;

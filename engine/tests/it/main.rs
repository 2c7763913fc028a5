//! The engine from outside.

mod indicators;
mod support;
mod ta_lib;

//! The house rules that the compiler does not know, and the binary as a person meets it.

mod arrows;
mod commands;
mod migrations;
mod sources;
mod support;

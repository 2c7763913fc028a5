//! The house rules that the compiler does not know, and the binary as a person meets it.

mod arrows;
mod binary;
mod commands;
mod engine;
mod migrations;
mod sources;
mod support;
mod venue;

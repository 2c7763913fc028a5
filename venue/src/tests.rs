//! The whole exchange without its port: at prices that a test chooses, and at random ones.

mod laws;
mod scenarios;

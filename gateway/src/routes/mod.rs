//! One file per operation: refusals, their documentation, and the handler.

pub(crate) mod admin;
pub(crate) mod auth;
pub(crate) mod configs;
pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod refusals;
pub(crate) mod trades;

//! What goes over the wire, as `openapi.json` describes it. Changes here are changes of the
//! contract; types of the engine and the storage are converted, never sent.

pub(crate) mod actor;
pub(crate) mod auth;
pub(crate) mod config;
pub(crate) mod health;
pub(crate) mod number;
pub(crate) mod price;
pub(crate) mod problem;
pub(crate) mod trade;
pub(crate) mod user;

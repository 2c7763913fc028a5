//! Trading configs: what a user wants traded.

mod checks;
mod refusal;

pub(crate) mod activate;
pub(crate) mod create;
pub(crate) mod deactivate;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

pub(crate) use refusal::ConfigRefusal;

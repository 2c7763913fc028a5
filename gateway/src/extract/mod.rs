//! What handlers are given: each extractor answers its own refusals.

mod body;
mod caller;
mod client;
mod path;
mod query;

pub(crate) use body::{Body, OptionalBody};
pub(crate) use caller::{Caller, Carrier, MaybeCaller, Operator, Presented};
pub(crate) use client::{Client, address};
pub(crate) use path::ConfigPath;
pub(crate) use query::QueryOf;

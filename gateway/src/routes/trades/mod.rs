//! What was traded.

mod csv;

pub(crate) mod history;

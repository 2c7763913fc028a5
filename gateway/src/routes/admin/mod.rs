//! How the engine runs, for operators.

pub(crate) mod actors;

//! Live updates over WebSocket.

pub(crate) mod intake;
pub(crate) mod prices;

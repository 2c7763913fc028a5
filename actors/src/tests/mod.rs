//! The whole line on real parts: the venue's server, a real database, the tree of actors.

mod line;
mod parity;
mod replay;
mod restart;
mod support;

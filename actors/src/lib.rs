//! The moving parts: actors that own a piece of the world each, with IO at both ends, supervised.
//!
//! `stage` holds what every actor stands on (addresses, vitals, supervision, the observatory's
//! roster); `market` follows prices and runs strategies; `desk` keeps each user's account and its
//! broker; `record` is the way into the database; `hub` is the way out to clients. [`Troupe`] is
//! the one door for the gateway and the command line.
//!
//! What is never here: HTTP handlers, SQL text, a trading rule that is not in `engine`.

mod alpaca;
#[cfg(feature = "bench")]
pub mod bench;
mod counters;
mod desk;
mod hub;
mod market;
mod record;
mod stage;
#[cfg(test)]
mod tests;
mod troupe;

pub use alpaca::{Endpoints, Keys};
pub use counters::{Counters, CountersView};
pub use desk::{AccountView, ActivateRefusal, BookView, ConfigTerms, DeskSettings, HoldingView};
pub use hub::{PriceChanges, PriceUpdate};
pub use market::{FeedTime, KnownTicker, MarketSettings};
pub use stage::{ActorState, ActorView, AskError, SupervisionPolicy};
pub use troupe::{StartError, StatusView, Troupe, TroupeParts};

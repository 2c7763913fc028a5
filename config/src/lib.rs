//! The settings of Troupe: read once, checked, and handed on as typed sections.
//!
//! `default.toml`, compiled in, holds every key with its default and its explanation; it is also
//! the list of keys that exist. A file, variables and the command line override it, in this order.
//! Anything wrong stops the start and names the key, the place it was set and what is allowed.

mod check;
mod layer;
mod load;
mod problem;
mod settings;
mod values;

pub use layer::Overrides;
pub use load::{DEFAULT_TOML, Loaded, Sources};
pub use problem::{ConfigError, Place, Problem, ProblemKind};
pub use settings::{
    AuthSettings, BrokerSettings, DemoSettings, DeskSettings, LimitSettings, LogSettings,
    MarketSettings, ResearchSettings, ServerSettings, Settings, StorageSettings,
    SupervisionSettings, VenueSettings,
};
pub use values::{
    Commission, CommissionError, FillMoment, LogFormat, Sides, Speed, SpeedError, StockFeed,
    VenueDataPlan, VenueFills,
};

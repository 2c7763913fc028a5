//! The doors of the engine: REST and WebSocket.
//!
//! Every operation is one file below `routes`, mounted at `/v1` (bearer tokens) and at `/api`
//! (cookies). What goes over the wire is in `wire`, and described by `openapi.json`. The engine is
//! reached through one trait, [`Engine`]; users, sessions, configs and history through `storage`.
//!
//! What is never here: SQL, a trading rule, the venue, settings read from anywhere.

pub mod password;

mod app;
mod audit;
mod denylist;
mod engine_port;
mod extract;
mod face;
mod layers;
mod limiter;
mod live;
mod openapi;
mod problem;
mod routes;
mod routing;
mod server;
mod session;
mod settings;
mod token;
mod troupe;
mod wire;

pub use app::GatewayParts;
pub use engine_port::{
    ActorReport, Engine, EngineHealth, EngineRefusal, PriceNews, PriceQuote, RefusalKind,
    TickerListing,
};
pub use server::{GatewayError, bind, openapi_json, router, serve};
pub use settings::{AuthSettings, GatewaySettings, Lifetimes, LimitSettings, PasswordCost};

//! The gateway from the outside: HTTP and WebSocket, on a real database, before a scripted engine.
#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod admin;
mod configs;
mod conventions;
mod health;
mod live;
mod login;
mod openapi;
mod registration;
mod server;
mod sessions;
mod support;
mod trades;

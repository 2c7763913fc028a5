//! The gateway from the outside: HTTP and WebSocket, on a real database, before a scripted engine.

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

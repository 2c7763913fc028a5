//! The venue from outside: over HTTP, over WebSocket, and through the unchanged `apca` crate.

mod activities;
mod admin;
mod apca_client;
mod apca_day;
mod apca_desk;
mod books;
mod data_api;
mod data_streams;
mod errors;
mod faults;
mod fixtures;
mod fuzz;
mod market_data;
mod order_classes;
mod orders;
mod portfolio_history;
mod replay;
mod shapes;
mod store;
mod streams;
mod support;
mod watchlists;

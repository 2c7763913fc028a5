//! The venue from outside: over HTTP, over WebSocket, and through the unchanged `apca` crate.

mod orders;
mod replay;
mod support;

//! Everything here runs against a real PostgreSQL.

mod accounts;
mod database;
mod embedded;
mod pending;
mod support;

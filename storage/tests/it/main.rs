//! Everything here runs against a real PostgreSQL.

mod accounts;
mod database;
mod embedded;
mod evaluations;
mod journal;
mod pending;
mod projections;
mod records;
mod support;

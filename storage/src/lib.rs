//! Everything Troupe keeps: the only crate that knows SQL.
//!
//! * [`embedded`] starts a private PostgreSQL where no server was named.
//! * [`database`] is the pool, the migrations and the lock that keeps a second engine out.
//! * [`journal`] commits the facts of many accounts in one transaction.
//! * One module per table family reads and writes its rows: functions over a `&mut PgConnection`.
//!
//! Absent on purpose: the wall clock, random ids and trading rules. Times and ids are parameters.

#[cfg(feature = "statements")]
pub mod audit;
#[cfg(feature = "statements")]
pub mod bars;
#[cfg(feature = "statements")]
pub mod best_strategies;
pub mod cache;
#[cfg(feature = "statements")]
pub mod configs;
pub mod database;
pub mod embedded;
pub mod engine_lock;
pub mod error;
#[cfg(feature = "statements")]
pub mod evaluations;
#[cfg(feature = "statements")]
pub mod fills;
#[cfg(feature = "statements")]
pub mod journal;
#[cfg(feature = "statements")]
pub mod orders;
#[cfg(feature = "statements")]
pub mod page;
pub mod pending;
#[cfg(feature = "statements")]
pub mod positions;
#[cfg(feature = "statements")]
pub mod sessions;
#[cfg(feature = "statements")]
pub mod side;
#[cfg(feature = "statements")]
pub mod signals;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "statements")]
pub mod trades;
#[cfg(feature = "statements")]
pub mod users;

#[cfg(feature = "statements")]
mod constraint;

pub use database::{Database, DatabaseError, DatabaseOptions};
pub use embedded::{Durability, EmbeddedError, EmbeddedPostgres};
pub use engine_lock::{EngineLock, EngineLockError};
pub use error::StorageError;
#[cfg(feature = "statements")]
pub use page::{Page, PageRequest};
pub use pending::PendingMigration;
#[cfg(feature = "statements")]
pub use side::Side;
/// The connection and pool types the functions of this crate take, so that callers need not name sqlx.
pub use sqlx::postgres::{PgConnection, PgPool};

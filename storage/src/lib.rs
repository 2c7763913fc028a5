//! Everything Troupe keeps: the only crate that knows SQL.
//!
//! * [`embedded`] starts a private PostgreSQL where no server was named.
//! * [`database`] is the pool, the migrations and the lock that keeps a second engine out.
//! * [`journal`] commits the facts of many accounts in one transaction.
//! * One module per table family reads and writes its rows: functions over a `&mut PgConnection`.
//!
//! Absent on purpose: the wall clock, random ids and trading rules. Times and ids are parameters.

pub mod audit;
pub mod bars;
pub mod cache;
pub mod configs;
pub mod database;
pub mod embedded;
pub mod engine_lock;
pub mod error;
pub mod fills;
pub mod journal;
pub mod orders;
pub mod page;
pub mod positions;
pub mod sessions;
pub mod side;
pub mod signals;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trades;
pub mod users;

mod constraint;

pub use database::{Database, DatabaseError, DatabaseOptions};
pub use embedded::{Durability, EmbeddedError, EmbeddedPostgres};
pub use engine_lock::{EngineLock, EngineLockError};
pub use error::StorageError;
pub use page::{Page, PageRequest};
pub use side::Side;
/// The connection and pool types the functions of this crate take, so that callers need not name sqlx.
pub use sqlx::postgres::{PgConnection, PgPool};

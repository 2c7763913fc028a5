//! Keeps a second engine out of a database that one engine already trades on.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::database::Database;
use crate::error::StorageError;

/// Held while an engine runs on a database: a session-level advisory lock on a connection of its
/// own. The server lets go of it when that connection ends, however the engine ends.
#[derive(Debug)]
pub struct EngineLock {
    connection: PgConnection,
}

/// Why the lock was not taken, or is no longer held.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineLockError {
    /// Another engine trades on this database.
    #[error(
        "another engine already runs on the database at {place}; \
         stop it first, or name another database in DATABASE_URL"
    )]
    Held {
        /// Host, port and database name.
        place: String,
    },
    /// The connection that held the lock is gone, and the lock with it: stop trading, take it again.
    #[error("the connection that kept other engines out is lost: {0}")]
    Lost(#[source] StorageError),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl EngineLockError {
    /// Stable name for logs and API answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "engine_already_running",
            Self::Lost(_) => "engine_lock_lost",
            Self::Storage(error) => error.code(),
        }
    }
}

impl EngineLock {
    /// Takes the lock, trying for `patience`: the server needs a moment to notice that an engine
    /// killed a second ago is gone.
    pub async fn acquire(database: &Database, patience: Duration) -> Result<Self, EngineLockError> {
        let mut connection =
            database.connect_options().connect().await.map_err(StorageError::from)?;
        if try_lock(&mut connection).await? {
            return Ok(Self { connection });
        }
        let taken = tokio::time::timeout(patience, async {
            loop {
                tokio::time::sleep(RETRY_PAUSE).await;
                if try_lock(&mut connection).await? {
                    return Ok::<_, StorageError>(());
                }
            }
        })
        .await;
        match taken {
            Ok(Ok(())) => Ok(Self { connection }),
            Ok(Err(error)) => Err(error.into()),
            Err(_elapsed) => Err(EngineLockError::Held { place: database.place() }),
        }
    }

    /// Makes sure that the lock is still held; call it now and then, and after the server was away.
    pub async fn check(&mut self) -> Result<(), EngineLockError> {
        self.connection.ping().await.map_err(|error| EngineLockError::Lost(error.into()))
    }

    /// Lets go of the lock.
    pub async fn release(self) -> Result<(), StorageError> {
        Ok(self.connection.close().await?)
    }
}

/// "troupe" in ASCII: the key of the advisory lock, which lives per database.
const LOCK_KEY: i64 = 0x7472_6f75_7065;

const RETRY_PAUSE: Duration = Duration::from_millis(50);

async fn try_lock(connection: &mut PgConnection) -> Result<bool, StorageError> {
    let taken = sqlx::query_scalar("select pg_try_advisory_lock($1)")
        .bind(LOCK_KEY)
        .fetch_one(connection)
        .await?;
    Ok(taken)
}

//! The lock that keeps a second engine off the database, kept over the database's restarts.

use std::convert::Infallible;
use std::time::Duration;

use storage::{Database, EngineLock, EngineLockError};

/// How often it is made sure that the lock is still held.
const LOOK: Duration = Duration::from_secs(2);

/// How long a killed engine's lock may linger.
const PATIENCE: Duration = Duration::from_secs(15);

/// Holds the lock.
#[derive(Debug)]
pub(super) struct Guard {
    database: Database,
    lock: Option<EngineLock>,
}

impl Guard {
    /// Takes the lock; fails while another engine has it.
    pub(super) async fn take(database: &Database) -> Result<Self, EngineLockError> {
        let lock = EngineLock::acquire(database, PATIENCE).await?;
        Ok(Self { database: database.clone(), lock: Some(lock) })
    }

    /// Takes the lock again whenever it was lost, as with a restart of the server; fails when
    /// another engine was faster. The journal's numbers fence that one off in any case. Never
    /// completes otherwise.
    pub(super) async fn keep(&mut self) -> Result<Infallible, EngineLockError> {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Some(lock) = &mut self.lock {
                let Err(error) = lock.check().await else { continue };
                tracing::warn!("{error}; taking it again");
                self.lock = None;
            }
            match EngineLock::acquire(&self.database, PATIENCE).await {
                Ok(lock) => {
                    tracing::info!("this engine holds the database again");
                    self.lock = Some(lock);
                }
                Err(error @ EngineLockError::Held { .. }) => return Err(error),
                Err(error) => tracing::warn!("the database cannot be held yet: {error}"),
            }
        }
    }

    /// Lets go of it. A connection that broke has let go already.
    pub(super) async fn release(self) {
        if let Some(lock) = self.lock
            && let Err(error) = lock.release().await
        {
            tracing::debug!("the lock's connection did not close: {error}");
        }
    }
}

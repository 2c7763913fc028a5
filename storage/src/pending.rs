//! Which migrations a database has not had yet. Looks, and changes nothing.

use std::collections::BTreeSet;

use crate::database::{Database, MIGRATOR};
use crate::error::StorageError;

/// A migration of this binary that the database has not had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMigration {
    /// Its number; migrations run in this order.
    pub version: i64,
    /// What it brings, from its file's name.
    pub description: String,
}

impl Database {
    /// The migrations that [`Database::migrate`] would run, in their order.
    pub async fn pending_migrations(&self) -> Result<Vec<PendingMigration>, StorageError> {
        let kept: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
            .fetch_one(self.pool())
            .await?;
        let applied: BTreeSet<i64> = if kept {
            let versions: Vec<i64> =
                sqlx::query_scalar("select version from _sqlx_migrations where success")
                    .fetch_all(self.pool())
                    .await?;
            versions.into_iter().collect()
        } else {
            BTreeSet::new()
        };
        let pending = MIGRATOR
            .iter()
            .filter(|migration| migration.migration_type.is_up_migration())
            .filter(|migration| !applied.contains(&migration.version))
            .map(|migration| PendingMigration {
                version: migration.version,
                description: migration.description.to_string(),
            });
        Ok(pending.collect())
    }
}

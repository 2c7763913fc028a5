//! `troupe migrate`: brings the database to the newest schema.

use std::time::Duration;

use config::Settings;
use serde::Serialize;
use storage::{Database, EngineLock, PendingMigration};

use crate::args::{Format, MigrateArgs};
use crate::database;
use crate::output;

/// How long an engine that was just killed may still hold its lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// What was done, or would be.
#[derive(Debug, Serialize)]
struct Report {
    /// Where the database is.
    database: String,
    /// Whether the migrations were run, or only listed.
    applied: bool,
    /// In their order.
    migrations: Vec<Migration>,
}

#[derive(Debug, Serialize)]
struct Migration {
    version: i64,
    description: String,
}

/// Migrates, or with `--check` fails when there is anything to migrate.
pub(crate) async fn migrate(
    settings: &Settings,
    flags: &MigrateArgs,
    format: Format,
) -> anyhow::Result<()> {
    let open = database::open(&settings.storage).await?;
    let outcome = run(&open.database, flags.check).await;
    let place = open.place();
    open.close().await?;
    let pending = outcome?;
    let count = pending.len();
    let migrations = pending
        .into_iter()
        .map(|PendingMigration { version, description }| Migration { version, description })
        .collect();
    let report = Report { database: place, applied: !flags.check, migrations };
    match format {
        Format::Json => output::json(&report)?,
        Format::Human => output::line(&report.for_people())?,
    }
    if flags.check && count > 0 {
        anyhow::bail!("{count} migrations are pending: stop the engine and run troupe migrate");
    }
    Ok(())
}

/// What was pending. Nobody may trade on tables that change beneath them, hence the engine's lock.
async fn run(database: &Database, check: bool) -> anyhow::Result<Vec<PendingMigration>> {
    let pending = database.pending_migrations().await?;
    if check {
        return Ok(pending);
    }
    let lock = EngineLock::acquire(database, LOCK_PATIENCE).await?;
    let done = database.migrate().await;
    lock.release().await?;
    done?;
    Ok(pending)
}

impl Report {
    fn for_people(&self) -> String {
        if self.migrations.is_empty() {
            return format!("{}: up to date", self.database);
        }
        let verb = if self.applied { "applied" } else { "pending" };
        let lines = self
            .migrations
            .iter()
            .map(|migration| format!("{verb} {:04} {}", migration.version, migration.description));
        lines.chain([self.database.clone()]).collect::<Vec<_>>().join("\n")
    }
}

//! The database: does it start or answer, how old is it, is it up to date.

use config::Settings;
use storage::{Durability, EmbeddedError, EmbeddedPostgres};

use super::Finding;
use crate::database::{self, embedded_directory};

const CHECK: &str = "database";

/// Connects, or starts the embedded server for a moment. Migrates nothing.
pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    if settings.storage.database_url.is_none() && !embedded_directory(&settings.storage).exists() {
        return vec![trial_start().await];
    }
    match database::open(&settings.storage).await {
        Err(error) => vec![refused(&error)],
        Ok(open) => {
            let mut findings = vec![Finding::ok(CHECK, format!("{} answers", open.place()))];
            findings.push(match open.database.pending_migrations().await {
                Ok(pending) if pending.is_empty() => Finding::ok("migrations", "up to date"),
                Ok(pending) => Finding::warn(
                    "migrations",
                    format!("{} pending", pending.len()),
                    "troupe run applies them; or run troupe migrate before",
                ),
                Err(error) => Finding::fail(
                    "migrations",
                    format!("cannot be read: {error}"),
                    "may the user of the database read its own schema?",
                ),
            });
            if let Err(error) = open.close().await {
                findings.push(Finding::warn(CHECK, error.to_string(), "look at its log"));
            }
            findings
        }
    }
}

/// On a machine where Troupe never ran: a cluster somewhere else, thrown away after.
async fn trial_start() -> Finding {
    let trial = tokio::task::spawn_blocking(|| -> anyhow::Result<()> {
        let directory = scratch_directory()?;
        let started = EmbeddedPostgres::start(&directory.join("pg"), Durability::Test);
        let stopped = started.and_then(|mut server| server.stop());
        std::fs::remove_dir_all(&directory)?;
        Ok(stopped?)
    });
    match trial.await {
        Ok(Ok(())) => Finding::ok(CHECK, "an embedded server can be started here"),
        Ok(Err(error)) => refused(&error),
        Err(error) => Finding::fail(CHECK, error.to_string(), "try again"),
    }
}

fn scratch_directory() -> anyhow::Result<std::path::PathBuf> {
    let name = format!("troupe-doctor-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The errors of storage say themselves what to do; only "in use" may be all right.
fn refused(error: &anyhow::Error) -> Finding {
    match error.downcast_ref::<EmbeddedError>() {
        Some(EmbeddedError::AlreadyInUse { dir }) => Finding::warn(
            CHECK,
            format!("an engine is running on {}", dir.display()),
            "nothing, if that is meant; stop it to have the database looked at",
        ),
        _ => Finding::fail(CHECK, format!("{error:#}"), "see the message"),
    }
}

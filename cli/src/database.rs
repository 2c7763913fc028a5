//! The database of a command: the named server, or an embedded one started for as long as needed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use config::StorageSettings;
use secrecy::SecretString;
use storage::{Database, DatabaseOptions, Durability, EmbeddedPostgres};

/// Name of the database inside an embedded cluster: the one that every cluster has.
const EMBEDDED_DATABASE: &str = "postgres";

/// Pause after a restart of the embedded server that failed.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// An open database, with the server behind it when that is ours.
#[derive(Debug)]
pub(crate) struct OpenDatabase {
    pub(crate) database: Database,
    embedded: Option<EmbeddedPostgres>,
}

/// Where the embedded cluster lives.
pub(crate) fn embedded_directory(settings: &StorageSettings) -> PathBuf {
    settings.data_dir.join("pg")
}

/// Connects to the named server, or starts the embedded one and connects to that.
pub(crate) async fn open(settings: &StorageSettings) -> anyhow::Result<OpenDatabase> {
    let (url, embedded) = if let Some(url) = &settings.database_url {
        (url.clone(), None)
    } else {
        let directory = embedded_directory(settings);
        let start = move || EmbeddedPostgres::start(&directory, Durability::Production);
        let embedded = tokio::task::spawn_blocking(start)
            .await
            .context("the start of the embedded database broke off")??;
        (SecretString::from(embedded.url(EMBEDDED_DATABASE)), Some(embedded))
    };
    let options = DatabaseOptions {
        max_connections: settings.max_connections,
        acquire_timeout: Duration::from_millis(settings.acquire_timeout_ms),
        ..DatabaseOptions::default()
    };
    match Database::connect(&url, options).await {
        Ok(database) => Ok(OpenDatabase { database, embedded }),
        Err(error) => {
            stop(embedded).await?;
            Err(error.into())
        }
    }
}

impl OpenDatabase {
    /// What is talked to, in words.
    pub(crate) fn place(&self) -> String {
        let kind = if self.embedded.is_some() { "embedded server" } else { "server" };
        format!("{kind} at {}", self.database.place())
    }

    /// Starts our server again whenever it ends by itself: its journal waits meanwhile. Never
    /// completes.
    pub(crate) async fn keep_running(&mut self) -> anyhow::Result<std::convert::Infallible> {
        loop {
            let Some(embedded) = &self.embedded else {
                return std::future::pending().await;
            };
            let mut notice = embedded.exit_notice();
            let ended = notice.wait_for(Option::is_some).await.map(|exit| format!("{:?}", *exit));
            tracing::error!("the embedded database ended ({ended:?}), starting it again");
            self.restart().await?;
        }
    }

    async fn restart(&mut self) -> anyhow::Result<()> {
        let Some(mut embedded) = self.embedded.take() else { return Ok(()) };
        let restart = tokio::task::spawn_blocking(move || {
            let restarted = embedded.restart();
            (embedded, restarted)
        });
        let (embedded, restarted) =
            restart.await.context("the restart of the embedded database broke off")?;
        self.embedded = Some(embedded);
        match restarted {
            Ok(()) => tracing::info!("the embedded database runs again"),
            Err(error) => {
                tracing::error!("the embedded database does not start: {error}; trying again");
                tokio::time::sleep(RESTART_PAUSE).await;
            }
        }
        Ok(())
    }

    /// Closes the connections, and stops the server when it is ours.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.database.close().await;
        stop(self.embedded).await
    }
}

async fn stop(embedded: Option<EmbeddedPostgres>) -> anyhow::Result<()> {
    if let Some(mut embedded) = embedded {
        tokio::task::spawn_blocking(move || embedded.stop())
            .await
            .context("the stop of the embedded database broke off")??;
    }
    Ok(())
}

//! The database of a command: the named server, or an embedded one started for as long as needed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use config::StorageSettings;
use secrecy::SecretString;
use storage::{Database, DatabaseOptions, Durability, EmbeddedPostgres};

/// Name of the database inside an embedded cluster: the one that every cluster has.
const EMBEDDED_DATABASE: &str = "postgres";

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

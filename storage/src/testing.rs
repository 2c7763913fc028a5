//! A fresh database for each test.
//!
//! The server is the one `TROUPE_TEST_DATABASE_URL` names (PostgreSQL 15 or newer, a role that may
//! create databases), or else one embedded cluster in `test-postgres` of the target directory,
//! shared by all test processes: the first starts it, the others attach, and a small watcher stops
//! it when no test process has been alive for a while. Nobody has to stop it, and nothing is left
//! running; [`stop_shared_cluster`] does it at once.
//!
//! A test database is a copy of a template that is migrated once per set of migrations.

mod shared_cluster;

use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool};
use uuid::Uuid;

use crate::database::{Database, DatabaseOptions, MIGRATOR};
pub use shared_cluster::stop_shared_cluster;

/// A database of one test. Drop it with [`TestDatabase::drop_database`]; a test that fails before
/// that leaves the rest to `Drop`.
#[derive(Debug)]
pub struct TestDatabase {
    database: Database,
    url: SecretString,
    name: String,
    server: PgConnectOptions,
    dropped: bool,
}

impl TestDatabase {
    /// A migrated database that nobody else uses.
    ///
    /// # Panics
    ///
    /// When there is no server or it cannot make a database: the test cannot go on.
    pub async fn create() -> Self {
        let server_url = server_url().await;
        let server = PgConnectOptions::from_str(&server_url)
            .unwrap_or_else(|error| give_up("TROUPE_TEST_DATABASE_URL cannot be read", &error))
            .disable_statement_logging();
        let name = format!("t_{}", random_id().simple());
        let created = async {
            let mut connection = server.connect().await?;
            let template = ensure_template(&mut connection, &server).await?;
            let sql = format!("create database {name} template {template} strategy wal_log");
            connection.execute(AssertSqlSafe(sql)).await?;
            connection.close().await
        };
        created.await.unwrap_or_else(|error| give_up("cannot create a test database", &error));
        let url = SecretString::from(server.clone().database(&name).to_url_lossy().to_string());
        let options = DatabaseOptions { max_connections: 5, ..DatabaseOptions::default() };
        let database = Database::connect(&url, options)
            .await
            .unwrap_or_else(|error| give_up("cannot connect to the test database", &error));
        Self { database, url, name, server, dropped: false }
    }

    /// The database, migrated.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Its pool.
    pub fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    /// A URL that leads to it, for a part that connects by itself.
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// Closes the pool and drops the database.
    ///
    /// # Panics
    ///
    /// When the server refuses: something of the test still holds the database in a way that even
    /// `force` does not end.
    pub async fn drop_database(mut self) {
        self.database.close().await;
        drop_database(&self.server, &self.name)
            .await
            .unwrap_or_else(|error| give_up("cannot drop the test database", &error));
        self.dropped = true;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.dropped {
            return;
        }
        let (server, name) = (self.server.clone(), std::mem::take(&mut self.name));
        // The test's own runtime may be going down: a thread with a runtime of its own.
        let worker = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let work =
                async { tokio::time::timeout(DROP_PATIENCE, drop_database(&server, &name)).await };
            let dropped = runtime.map(|runtime| runtime.block_on(work));
            // Best effort: the shared cluster drops what is left over at its next start.
            drop(dropped);
        });
        drop(worker.join());
    }
}

const DROP_PATIENCE: Duration = Duration::from_secs(5);

async fn server_url() -> String {
    match std::env::var("TROUPE_TEST_DATABASE_URL") {
        Ok(url) if !url.is_empty() => url,
        _ => tokio::task::spawn_blocking(shared_cluster::join)
            .await
            .unwrap_or_else(|error| give_up("the start of the test cluster failed", &error))
            .unwrap_or_else(|error| give_up("cannot start the test cluster", &error)),
    }
}

/// The template of these migrations; made once, by whoever comes first.
async fn ensure_template(
    connection: &mut PgConnection,
    server: &PgConnectOptions,
) -> Result<String, sqlx::Error> {
    let checksums: Vec<u8> =
        MIGRATOR.iter().flat_map(|migration| migration.checksum.to_vec()).collect();
    let name = format!("tpl_{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, &checksums).simple());
    if is_template(connection, &name).await? {
        return Ok(name);
    }
    connection.execute("select pg_advisory_lock(7401301)").await?;
    if !is_template(connection, &name).await? {
        // Left half made by a process that was killed; the mark comes last.
        let sql = format!("drop database if exists {name} with (force)");
        connection.execute(AssertSqlSafe(sql)).await?;
        connection.execute(AssertSqlSafe(format!("create database {name}"))).await?;
        let mut inside = server.clone().database(&name).connect().await?;
        MIGRATOR.run(&mut inside).await.map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
        inside.close().await?;
        connection
            .execute(AssertSqlSafe(format!("alter database {name} is_template true")))
            .await?;
    }
    connection.execute("select pg_advisory_unlock(7401301)").await?;
    Ok(name)
}

async fn is_template(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    let sql = "select exists (select from pg_database where datname = $1 and datistemplate)";
    sqlx::query_scalar(sql).bind(name).fetch_one(connection).await
}

async fn drop_database(server: &PgConnectOptions, name: &str) -> Result<(), sqlx::Error> {
    let mut connection = server.connect().await?;
    let sql = format!("drop database if exists {name} with (force)");
    connection.execute(AssertSqlSafe(sql)).await?;
    connection.close().await
}

#[expect(clippy::disallowed_methods, reason = "a name for a test's database, never data")]
fn random_id() -> Uuid {
    Uuid::new_v4()
}

#[expect(clippy::panic, reason = "a test without a database cannot go on")]
fn give_up(what: &str, error: &dyn std::error::Error) -> ! {
    panic!("{what}: {error}")
}

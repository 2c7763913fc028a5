//! The pool of connections to the one database, and its migrations.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

/// Every migration, compiled in.
pub(crate) static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// How the pool behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// Most connections open at once.
    pub max_connections: u32,
    /// How long a caller waits for a connection, and the first connect for the server.
    pub acquire_timeout: Duration,
    /// The server gives up on a statement after this time (migrations excepted).
    pub statement_timeout: Duration,
}

/// The database: a pool of connections, cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
    options: PgConnectOptions,
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The text is not a database URL. The text itself is not shown, it may hold a password.
    #[error(
        "the database URL cannot be read ({detail}); \
         write it as postgres://user:password@host:5432/database"
    )]
    UrlInvalid {
        /// What is wrong with it.
        detail: String,
    },
    /// No connection: wrong host, server down, wrong password, no such database.
    #[error(
        "the database at {place} cannot be reached: {source}; \
         check that the server runs and that DATABASE_URL names it rightly"
    )]
    Unreachable {
        /// Host, port and database name; never the password.
        place: String,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// The server is too old for our migrations.
    #[error(
        "the database server at {place} is PostgreSQL {found}; \
         Troupe needs {SERVER_MAJOR_MIN} or newer: upgrade it or name another in DATABASE_URL"
    )]
    ServerTooOld {
        /// Host, port and database name.
        place: String,
        /// Version the server reports.
        found: String,
    },
    /// The tables could not be brought up to date.
    #[error("migrating the database at {place} failed: {source}")]
    MigrationFailed {
        /// Host, port and database name.
        place: String,
        /// Which migration, and why.
        source: Box<MigrateError>,
    },
    /// The tables are those of a newer engine.
    #[error(
        "the database at {place} was migrated by a newer troupe (migration {version} is not \
         known here): run that version, or restore a backup made before it"
    )]
    MigratedByNewer {
        /// Host, port and database name.
        place: String,
        /// The migration this binary does not have.
        version: i64,
    },
}

/// Oldest server the migrations work on.
pub const SERVER_MAJOR_MIN: u32 = 15;

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
        }
    }
}

impl DatabaseError {
    /// Stable name for logs and API answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UrlInvalid { .. } => "database_url_invalid",
            Self::Unreachable { .. } => "database_unreachable",
            Self::ServerTooOld { .. } => "database_too_old",
            Self::MigrationFailed { .. } => "migration_failed",
            Self::MigratedByNewer { .. } => "database_migrated_by_newer",
        }
    }
}

impl Database {
    /// Connects once, to know that the server is there and new enough; further connections are made
    /// when needed.
    pub async fn connect(
        url: &SecretString,
        options: DatabaseOptions,
    ) -> Result<Self, DatabaseError> {
        let connect = PgConnectOptions::from_str(url.expose_secret())
            .map_err(|error| DatabaseError::UrlInvalid { detail: error.to_string() })?
            .application_name("troupe")
            // A statement at debug level would carry what it was given.
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .after_connect(move |connection, _| {
                Box::pin(async move { prepare_session(connection, options).await })
            })
            .connect_lazy_with(connect.clone());
        let database = Self { pool, options: connect };
        database.check_server(options.acquire_timeout).await?;
        Ok(database)
    }

    /// Brings the tables up to date; does nothing where they are. Two engines doing it at once wait
    /// for each other.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        // A connection of its own: building an index may take longer than a statement may.
        let mut connection =
            self.options.connect().await.map_err(|error| self.unreachable(error))?;
        let done = MIGRATOR.run(&mut connection).await;
        let closed = connection.close().await;
        match done {
            Ok(()) => closed.map_err(|error| self.unreachable(error)),
            Err(MigrateError::VersionMissing(version)) => {
                Err(DatabaseError::MigratedByNewer { place: self.place(), version })
            }
            Err(error) => {
                Err(DatabaseError::MigrationFailed { place: self.place(), source: Box::new(error) })
            }
        }
    }

    /// Asks the server for a sign of life.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        let answer = self.pool.execute("select 1").await;
        answer.map(|_| ()).map_err(|error| self.unreachable(error))
    }

    /// The pool; the functions of this crate take a connection from it.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Host, port and database name, for messages; never the password.
    pub fn place(&self) -> String {
        place(&self.options)
    }

    /// Waits for the connections in use and closes them all.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn connect_options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// One direct attempt: the pool would hide why under "timed out".
    async fn check_server(&self, patience: Duration) -> Result<(), DatabaseError> {
        let attempt = async {
            let mut connection = self.options.connect().await?;
            let version: String =
                sqlx::query_scalar("show server_version_num").fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>(version)
        };
        let version = tokio::time::timeout(patience, attempt)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .map_err(|error| self.unreachable(error))?;
        // 150018 is 15.18.
        let number = version.parse::<u32>().unwrap_or(0);
        if number / 10_000 < SERVER_MAJOR_MIN {
            let found = format!("{}.{}", number / 10_000, number % 10_000);
            return Err(DatabaseError::ServerTooOld { place: self.place(), found });
        }
        Ok(())
    }

    fn unreachable(&self, source: sqlx::Error) -> DatabaseError {
        DatabaseError::Unreachable { place: self.place(), source }
    }
}

/// Settings of each connection. Statements rather than start-up parameters: poolers such as
/// `PgBouncer` refuse the latter.
async fn prepare_session(
    connection: &mut PgConnection,
    options: DatabaseOptions,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        r"
        select
            set_config('timezone', 'UTC', false),
            set_config('statement_timeout', $1, false),
            set_config('idle_in_transaction_session_timeout', $1, false)
        ",
    )
    .bind(options.statement_timeout.as_millis().to_string())
    .execute(connection)
    .await?;
    Ok(())
}

fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or("(the user's own)");
    match options.get_socket() {
        Some(socket) => format!("{}, database {database}", socket.display()),
        None => format!("{}:{}, database {database}", options.get_host(), options.get_port()),
    }
}

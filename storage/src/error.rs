//! What can go wrong when a table is read or written.

/// A statement did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The server cannot be reached, is shutting down, or gave no answer in time: try again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The server refused the statement: a defect of ours or a broken table, never the user's doing.
    #[error("the database refused a statement: {0}")]
    Refused(#[source] sqlx::Error),
    /// A stored row cannot be read: somebody changed it by hand, or a newer engine wrote it.
    #[error("table {table}, row {row}: column {column} cannot be read: {detail}")]
    Inconsistent {
        /// Table of the row.
        table: &'static str,
        /// Column that holds what we do not understand.
        column: &'static str,
        /// Key of the row.
        row: String,
        /// What was found.
        detail: String,
    },
    /// A statement changed another number of rows than it can.
    #[error("table {table}: {expected} rows should have changed, {actual} did")]
    RowCount {
        /// Table written to.
        table: &'static str,
        /// Rows that had to change.
        expected: u64,
        /// Rows that did.
        actual: u64,
    },
}

impl StorageError {
    /// Stable name for logs and API answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "database_unavailable",
            Self::Refused(_) => "database_refused",
            Self::Inconsistent { .. } => "row_inconsistent",
            Self::RowCount { .. } => "row_count_wrong",
        }
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}

/// Tells a server that is away from one that said no.
pub(crate) fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        // A connection that breaks in the middle of a message reads as garbage.
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(database) => {
            database.code().is_some_and(|code| is_unavailable_state(&code))
        }
        _ => false,
    }
}

/// SQLSTATE classes after which the same statement may succeed: connection lost, too many
/// connections or out of memory or disk, operator intervention (shutdown, cancelled by a timeout),
/// lock not available, serialization failure and deadlock, read-only (a standby after a failover).
fn is_unavailable_state(code: &str) -> bool {
    ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class))
        || code == "55P03"
        || code == "25006"
}

#[cfg(test)]
mod tests {
    use super::is_unavailable_state;

    #[test]
    fn a_server_that_is_away_is_told_from_one_that_says_no() {
        let rows = [
            ("08006", true),  // connection failure
            ("53300", true),  // too many connections
            ("57P01", true),  // admin shutdown
            ("57P03", true),  // cannot connect now
            ("57014", true),  // statement timeout
            ("40001", true),  // serialization failure
            ("40P01", true),  // deadlock
            ("55P03", true),  // lock not available
            ("25006", true),  // read-only transaction
            ("23505", false), // unique violation
            ("42P01", false), // undefined table
            ("22P05", false), // untranslatable character
        ];
        for (code, unavailable) in rows {
            assert_eq!(is_unavailable_state(code), unavailable, "{code}");
        }
    }
}

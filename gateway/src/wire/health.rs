//! Health on the wire.

use serde::Serialize;
use utoipa::ToSchema;

/// Whether the process answers at all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Liveness {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub(crate) status: &'static str,
}

/// Whether the engine can trade.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// `ok`, or `unavailable` when any check is.
    #[schema(example = "ok")]
    pub(crate) status: &'static str,
    /// Each check: `ok` or `unavailable`.
    pub(crate) checks: ReadinessChecks,
}

/// What readiness is made of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadinessChecks {
    /// The database answers.
    #[schema(example = "ok")]
    pub(crate) database: &'static str,
    /// Facts can be written down.
    #[schema(example = "ok")]
    pub(crate) journal: &'static str,
    /// Orders and prices have a way to and from the venue.
    #[schema(example = "ok")]
    pub(crate) venue: &'static str,
}

//! `GET /health/live` and `GET /health/ready`: for whoever watches over the process.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::engine_port::EngineHealth;
use crate::wire::health::{Liveness, Readiness, ReadinessChecks};

/// What takes longer to say that it is well is not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the process answers
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "live",
    tag = "health",
    responses((status = 200, description = "It does", body = Liveness)),
)]
pub(crate) async fn live() -> Json<Liveness> {
    Json(Liveness { status: "ok" })
}

/// Whether the engine can trade
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "ready",
    tag = "health",
    responses(
        (status = 200, description = "It can", body = Readiness),
        (status = 503, description = "It cannot now; `checks` says why", body = Readiness),
    ),
)]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Readiness>) {
    let ping = tokio::time::timeout(PATIENCE, app.database.ping());
    let health = tokio::time::timeout(PATIENCE, app.troupe.health());
    let (ping, health) = tokio::join!(ping, health);
    let database_ok = matches!(ping, Ok(Ok(())));
    let silent = EngineHealth { journal_ok: false, venue_connected: false };
    let health = health.unwrap_or(silent);
    let all_ok = database_ok && health.journal_ok && health.venue_connected;
    let checks = ReadinessChecks {
        database: word(database_ok),
        journal: word(health.journal_ok),
        venue: word(health.venue_connected),
    };
    let status = if all_ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { status: word(all_ok), checks }))
}

fn word(ok: bool) -> &'static str {
    if ok { "ok" } else { "unavailable" }
}

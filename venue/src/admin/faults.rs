//! `/faults`: arming, listing and removing them.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Admin, json as answer, read, refusal};
use crate::faults::{ArmedFault, Fault, FaultPlan};
use crate::refusal::Refusal;

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/faults", get(list).post(arm).put(replace).delete(clear))
        .route("/faults/{id}", delete(remove))
}

async fn list(State(admin): State<Arc<Admin>>) -> Response {
    answer(StatusCode::OK, &all(&admin))
}

async fn arm(State(admin): State<Arc<Admin>>, body: Bytes) -> Result<Response, Refusal> {
    let fault: Fault = read(&body)?;
    let faults = &admin.server.faults;
    let id = faults.arm(fault).map_err(|error| refusal(&error))?;
    let armed: Option<ArmedFault> = faults.list().into_iter().find(|armed| armed.id == id);
    Ok(answer(StatusCode::CREATED, &armed))
}

/// Replaces everything that is armed by a plan, whose seed it takes over.
async fn replace(State(admin): State<Arc<Admin>>, body: Bytes) -> Result<Response, Refusal> {
    let plan: FaultPlan = read(&body)?;
    admin.server.faults.load(&plan).map_err(|error| refusal(&error))?;
    Ok(answer(StatusCode::OK, &all(&admin)))
}

async fn clear(State(admin): State<Arc<Admin>>) -> StatusCode {
    admin.server.faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let removed = id.parse().ok().and_then(|id| admin.server.faults.remove(id));
    match removed {
        Some(_fault) => Ok(StatusCode::NO_CONTENT.into_response()),
        None => Err(Refusal::not_found(format!("fault not found: {id}"))),
    }
}

fn all(admin: &Admin) -> Value {
    let faults = &admin.server.faults;
    json!({"seed": faults.seed(), "faults": faults.list()})
}

//! The thing a path names.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use uuid::Uuid;

use crate::problem::Problem;
use crate::routes::configs::ConfigRefusal;

/// A config's id. Text that is no id names no config.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConfigPath(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for ConfigPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<Uuid>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_not_an_id| ConfigRefusal::NotFound.into())
    }
}

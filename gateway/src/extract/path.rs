//! The thing a path names.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use uuid::Uuid;

use crate::problem::Problem;

/// A config's id. Text that is no id names no config.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConfigPath(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for ConfigPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<Uuid>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_not_an_id| no_such_config())
    }
}

/// There is none, or it is another user's: both look the same.
pub(crate) fn no_such_config() -> Problem {
    Problem::not_found("you have no trading config with this id")
}

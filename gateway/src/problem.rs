//! Refusals and failures as the client sees them: RFC 9457 problem documents.

use std::error::Error;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use storage::StorageError;

use crate::engine_port::{EngineRefusal, RefusalKind};
use crate::password::PasswordError;
use crate::token::TokenError;
use crate::wire::problem::{FieldProblem, ProblemDocument};

/// What a handler answers instead of a result. It becomes a document when the answer leaves, where
/// the request's id is known.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldProblem>,
    retry_after_s: Option<i64>,
    /// For the log, never for the client.
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// What is wrong with the fields of a request, collected.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    errors: Vec<FieldProblem>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, code, detail, errors: Vec::new(), retry_after_s: None, cause: None }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub(crate) fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    pub(crate) fn too_many(code: &'static str, detail: impl Into<String>, after_s: i64) -> Self {
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
        problem.retry_after_s = Some(after_s);
        problem
    }

    pub(crate) fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.retry_after_s = Some(RETRY_LATER_S);
        problem
    }

    /// Our own fault: the client learns that, the log learns why.
    pub(crate) fn internal() -> Self {
        let detail = "the server failed; the failure is in its log under this request id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    pub(crate) fn validation(errors: Vec<FieldProblem>) -> Self {
        let detail = "some fields are not as they must be; `errors` names each";
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail);
        problem.errors = errors;
        problem
    }

    /// One field is wrong.
    pub(crate) fn field(
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::validation(vec![FieldProblem::new(field, code, message)])
    }

    pub(crate) fn with_cause(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.cause.as_deref()
    }

    /// The document for the client.
    pub(crate) fn document(&self, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            problem_type: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
        }
    }
}

impl Checks {
    /// Notes what is wrong with a field.
    pub(crate) fn fail(
        &mut self,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.errors.push(FieldProblem::new(field, code, message));
    }

    /// Whether the field was found wrong already.
    pub(crate) fn has_failed(&self, field: &str) -> bool {
        self.errors.iter().any(|error| error.field == field)
    }

    /// The problem of all that was noted, if any was.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::validation(self.errors)) }
    }
}

impl IntoResponse for Problem {
    /// Carries itself to the layer that knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"troupe\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        if error.is_unavailable() {
            let detail = "the database does not answer; try again later";
            return Self::unavailable("database_unavailable", detail).with_cause(error);
        }
        Self::internal().with_cause(error)
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        Self::internal().with_cause(error)
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        Self::internal().with_cause(error)
    }
}

impl From<EngineRefusal> for Problem {
    fn from(refusal: EngineRefusal) -> Self {
        match refusal.kind {
            RefusalKind::NotFound => Self::not_found(refusal.message),
            RefusalKind::Unusable => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, refusal.code, refusal.message)
            }
            RefusalKind::Blocked => Self::conflict(refusal.code, refusal.message),
            RefusalKind::TryLater => Self::unavailable(refusal.code, refusal.message),
        }
    }
}

/// How long a client is asked to wait for something that is away.
const RETRY_LATER_S: i64 = 5;

//! The body of every answer that is not a success.

use serde::Serialize;
use utoipa::ToSchema;

/// A problem document (RFC 9457), media type `application/problem+json`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub(crate) problem_type: String,
    /// The status in words.
    #[schema(example = "Unprocessable Entity")]
    pub(crate) title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    pub(crate) status: u16,
    /// What is wrong and what to do, for people.
    pub(crate) detail: String,
    /// Stable name of the problem, for programs.
    #[schema(example = "validation_failed")]
    pub(crate) code: String,
    /// The request, as the server's log names it.
    pub(crate) request_id: String,
    /// Each field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<FieldProblem>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// The field, with its path from the top of the body, such as `strategies.AAPL`.
    #[schema(example = "tickers")]
    pub(crate) field: String,
    /// Stable name, for programs.
    #[schema(example = "unknown_ticker")]
    pub(crate) code: String,
    /// For people.
    pub(crate) message: String,
}

impl FieldProblem {
    pub(crate) fn new(
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), code: code.to_owned(), message: message.into() }
    }
}

//! The query of a URL.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;

use crate::problem::{Checks, Problem};

/// The parameters of a query. A handler takes those it knows; what is left over is refused.
#[derive(Debug)]
pub(crate) struct QueryOf {
    given: BTreeMap<String, String>,
    checks: Checks,
}

impl QueryOf {
    /// Takes a parameter and reads it. What cannot be read is noted, and `None`.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        must_be: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.given.remove(name)?;
        let value = read(&text);
        if value.is_none() {
            self.checks.fail(name, "invalid", format!("this must be {must_be}"));
        }
        value
    }

    /// Takes `limit` and `offset`.
    pub(crate) fn take_page(&mut self) -> (u32, u64) {
        let limit = |text: &str| text.parse().ok().filter(|limit| (1..=1000).contains(limit));
        let limit = self.take("limit", "a whole number from 1 to 1000", limit);
        let offset = self.take("offset", "a whole number, 0 or more", |text| {
            // More than the database can count to is more than there is.
            text.parse().ok().filter(|offset| i64::try_from(*offset).is_ok())
        });
        (limit.unwrap_or(100), offset.unwrap_or(0))
    }

    /// What is wrong, for a handler that knows more of it.
    pub(crate) fn checks(&mut self) -> &mut Checks {
        &mut self.checks
    }

    /// Refuses what was wrong and what is not known.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for name in self.given.into_keys() {
            self.checks.fail(name, "unknown_field", "there is no such parameter");
        }
        self.checks.finish()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for QueryOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) = pairs.map_err(|_unreadable| {
            Problem::field("query", "invalid", "the query of the URL cannot be read")
        })?;
        let mut checks = Checks::default();
        let mut given = BTreeMap::new();
        for (name, value) in pairs {
            if given.insert(name.clone(), value).is_some() {
                checks.fail(name, "duplicate", "this parameter was given more than once");
            }
        }
        Ok(Self { given, checks })
    }
}

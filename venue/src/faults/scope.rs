//! What a fault can happen to.

use serde::{Deserialize, Serialize};

use super::fault::{Family, FaultKind, wrong};
use crate::error::VenueError;

/// What a fault can happen to. A member that is not named restricts nothing; one that makes no
/// sense for the kind of fault is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultScope {
    /// The key id of an account.
    pub account: Option<String>,
    /// The start of a request's path, such as `/v2/orders`.
    pub path: Option<String>,
    /// A request's method, such as `POST`.
    pub method: Option<String>,
    /// A symbol, such as `AAPL` or `BTC/USD`.
    pub symbol: Option<String>,
    /// One of the two kinds of streams.
    pub stream: Option<StreamKind>,
    /// The event of a trade update, such as `fill`.
    pub event: Option<String>,
}

/// The two kinds of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// `/stream`: news of the account's orders.
    Trade,
    /// Market data of any feed.
    Data,
}

impl FaultScope {
    /// Requests whose path starts like this.
    pub fn path(path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    /// One kind of streams.
    pub fn stream(stream: StreamKind) -> Self {
        Self { stream: Some(stream), ..Self::default() }
    }

    /// One symbol.
    pub fn symbol(symbol: impl Into<String>) -> Self {
        Self { symbol: Some(symbol.into()), ..Self::default() }
    }

    /// Trade updates with this event.
    pub fn event(event: impl Into<String>) -> Self {
        Self { event: Some(event.into()), ..Self::default() }
    }

    pub(super) fn check(&self, kind: &FaultKind) -> Result<(), VenueError> {
        use Family::{Frame, Http, Key, Market, Order, Update};
        let family = kind.family();
        let named = [
            ("scope.account", self.account.clone(), family != Market),
            ("scope.path", self.path.clone(), matches!(family, Http | Key)),
            ("scope.method", self.method.clone(), matches!(family, Http | Key)),
            ("scope.symbol", self.symbol.clone(), matches!(family, Http | Update | Market | Order)),
            (
                "scope.stream",
                self.stream.map(|stream| format!("{stream:?}")),
                matches!(family, Frame | Key),
            ),
            ("scope.event", self.event.clone(), family == Update),
        ];
        for (member, value, allowed) in named {
            match value {
                Some(value) if !allowed => {
                    return Err(wrong(member, &value, "left out: it means nothing for this kind"));
                }
                Some(value) if value.is_empty() => {
                    return Err(wrong(member, &"empty", "left out, or a name"));
                }
                Some(_) | None => {}
            }
        }
        if self.stream.is_some() && (self.path.is_some() || self.method.is_some()) {
            let value = self.path.clone().unwrap_or_default();
            return Err(wrong("scope.path", &value, "left out where scope.stream is named"));
        }
        match &self.path {
            Some(path) if !path.starts_with('/') => {
                Err(wrong("scope.path", path, "the start of a path, such as /v2/orders"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

//! The engine behind the gateway is the actors' one door.

use actors::{ActivateRefusal, ActorState, ActorView, AskError, KnownTicker, Troupe};
use engine::strategy::{ParamError, Params};
use engine::{ConfigId, Ticker, UserId};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::engine_port::{
    ActorReport, Engine, EngineHealth, EngineRefusal, PriceNews, PriceQuote, RefusalKind,
    TickerListing,
};

impl Engine for Troupe {
    fn activate(&self, user: UserId, config: ConfigId) -> BoxFuture<'_, Result<(), EngineRefusal>> {
        async move { Self::activate(self, user, config).await.map_err(Into::into) }.boxed()
    }

    fn deactivate(
        &self,
        user: UserId,
        config: ConfigId,
    ) -> BoxFuture<'_, Result<(), EngineRefusal>> {
        async move { Self::deactivate(self, user, config).await.map_err(Into::into) }.boxed()
    }

    fn known_ticker<'a>(&'a self, ticker: &'a Ticker) -> BoxFuture<'a, TickerListing> {
        async move {
            match Self::known_ticker(self, ticker).await {
                KnownTicker::Listed(_) => TickerListing::Listed,
                KnownTicker::Unknown => TickerListing::Unknown,
                KnownTicker::Unavailable => TickerListing::Unavailable,
            }
        }
        .boxed()
    }

    fn check_strategy(&self, name: &str, params: &Params) -> Result<Params, ParamError> {
        Self::check_strategy(self, name, params)
    }

    fn actors(&self) -> BoxFuture<'_, Vec<ActorReport>> {
        async move { Self::actors(self).await.into_iter().map(Into::into).collect() }.boxed()
    }

    fn prices_since(&self, version: u64) -> BoxFuture<'_, Result<PriceNews, EngineRefusal>> {
        async move {
            let changes = Self::prices_since(self, version).await?;
            let quote = |update: actors::PriceUpdate| {
                let quote =
                    PriceQuote { price: update.price, at: update.at, source: update.source };
                (update.ticker, quote)
            };
            let prices = changes.prices.into_iter().map(quote).collect();
            Ok(PriceNews { version: changes.version, prices })
        }
        .boxed()
    }

    fn health(&self) -> BoxFuture<'_, EngineHealth> {
        async move {
            let status = self.status().await;
            EngineHealth { journal_ok: status.journal_ok, venue_connected: status.venue_connected }
        }
        .boxed()
    }
}

impl From<ActivateRefusal> for EngineRefusal {
    fn from(refusal: ActivateRefusal) -> Self {
        let kind = match refusal {
            ActivateRefusal::NotFound => RefusalKind::NotFound,
            ActivateRefusal::NoTicker
            | ActivateRefusal::UnknownTicker { .. }
            | ActivateRefusal::BadStrategy { .. } => RefusalKind::Unusable,
            ActivateRefusal::Halted { .. } => RefusalKind::Blocked,
            ActivateRefusal::VenueUnavailable
            | ActivateRefusal::DatabaseUnavailable
            | ActivateRefusal::Busy => RefusalKind::TryLater,
        };
        Self { kind, code: refusal.code(), message: refusal.to_string() }
    }
}

impl From<AskError> for EngineRefusal {
    fn from(error: AskError) -> Self {
        let message = format!("the engine did not answer: {error}");
        Self { kind: RefusalKind::TryLater, code: "engine_busy", message }
    }
}

impl From<ActorView> for ActorReport {
    fn from(view: ActorView) -> Self {
        Self {
            path: view.path,
            kind: view.kind.to_owned(),
            state: state_name(view.state).to_owned(),
            started_at: view.started_at,
            restarts: view.restarts,
            sent: view.sent,
            handled: view.handled,
            dropped: view.dropped,
            mailbox: view.mailbox,
            busy_us: view.busy_us,
            last_message: view.last_message.map(str::to_owned),
            last_error: view.last_error,
            summary: view.summary,
        }
    }
}

fn state_name(state: ActorState) -> &'static str {
    match state {
        ActorState::Waiting => "waiting",
        ActorState::Starting => "starting",
        ActorState::Running => "running",
        ActorState::Failed => "failed",
        ActorState::Stopped => "stopped",
    }
}

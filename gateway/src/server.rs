//! Binding, serving, and ending in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use http::{HeaderValue, Uri};
use secrecy::ExposeSecret as _;
use storage::sessions;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::{App, GatewayParts, SocketCount};
use crate::password::{Hasher, PasswordError};
use crate::routing;
use crate::token::SECRET_LENGTH_MIN;

/// Why the gateway does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// Another process listens there.
    #[error(
        "{address} is in use by another process: stop it, or choose another address with \
         TROUPE__SERVER__LISTEN or `server.listen`"
    )]
    AddressInUse {
        /// Address and port asked for.
        address: SocketAddr,
    },
    /// The address is not ours, or the port needs more rights.
    #[error("cannot listen at {address}: {source}; choose another address with `server.listen`")]
    CannotListen {
        /// Address and port asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The signing secret is too short to be one.
    #[error("the signing secret of access tokens needs at least {SECRET_LENGTH_MIN} bytes")]
    SecretTooShort,
    /// An origin that no browser sends, or every origin at once.
    #[error(
        "`{origin}` is not an origin: write https://host or https://host:port in \
         `server.cors_origins`; `*` cannot be allowed, because callers bring cookies"
    )]
    OriginInvalid {
        /// What was set.
        origin: String,
    },
    /// Passwords cannot be hashed with this cost.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The server failed while it served.
    #[error("the server failed: {0}")]
    Serve(std::io::Error),
}

impl GatewayError {
    /// Stable name for logs and exit messages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AddressInUse { .. } => "address_in_use",
            Self::CannotListen { .. } => "cannot_listen",
            Self::SecretTooShort => "secret_too_short",
            Self::OriginInvalid { .. } => "origin_invalid",
            Self::Password(_) => "password_cost",
            Self::Serve(_) => "serve_failed",
        }
    }
}

/// Takes the address, so that a taken one is known before anything else starts.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, GatewayError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => GatewayError::AddressInUse { address },
        _ => GatewayError::CannotListen { address, source },
    })
}

/// Serves until `shutdown`; then open requests are finished and streams are closed, for as long as
/// the settings allow.
pub async fn serve(
    parts: GatewayParts,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), GatewayError> {
    let grace = parts.settings.shutdown_grace;
    let (stop, stopping) = watch::channel(false);
    let app = build(parts, stopping.clone()).await?;
    let sockets = app.sockets.clone();
    let router = routing::router(&app);
    let listener = listener.tap_io(|stream| {
        // Frames are small and must not wait for more of them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "a connection does not take TCP_NODELAY");
        }
    });
    let stopped = async move {
        shutdown.await;
        stop.send_replace(true);
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(stopped).into_future();
    let finished = async move {
        let served = served.await;
        // Streams left the server's hands when they were upgraded.
        until_closed(&sockets).await;
        served
    };
    tokio::select! {
        served = finished => served.map_err(GatewayError::Serve),
        () = tidy_up(&app) => Ok(()),
        () = after(stopping, grace) => {
            tracing::warn!(grace_ms = grace.as_millis(), "open connections were dropped at the end");
            Ok(())
        }
    }
}

/// The routes without a server, for one that serves more than this, and for tests. It tells
/// clients apart by [`axum::extract::ConnectInfo`].
pub async fn router(parts: GatewayParts) -> Result<Router, GatewayError> {
    // Nobody stops it: streams end with their connections.
    let (_stop, stopping) = watch::channel(false);
    Ok(routing::router(&build(parts, stopping).await?))
}

/// The description of the API, as `openapi.json` holds it.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    let mut text = routing::document().to_pretty_json()?;
    text.push('\n');
    Ok(text)
}

async fn build(
    parts: GatewayParts,
    stopping: watch::Receiver<bool>,
) -> Result<Arc<App>, GatewayError> {
    if parts.settings.auth.jwt_secret.expose_secret().len() < SECRET_LENGTH_MIN {
        return Err(GatewayError::SecretTooShort);
    }
    if let Some(origin) = parts.settings.cors_origins.iter().find(|origin| !is_origin(origin)) {
        let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
        return Err(GatewayError::OriginInvalid { origin });
    }
    let cost = parts.settings.auth.password;
    let hasher = tokio::task::spawn_blocking(move || Hasher::new(cost)).await;
    let hasher = hasher.map_err(|_cancelled| PasswordError::Cancelled)??;
    Ok(Arc::new(App::new(parts, hasher, stopping)))
}

/// Scheme, host and perhaps a port, as a browser writes it: nothing else would ever match.
fn is_origin(text: &HeaderValue) -> bool {
    let Some(uri) = text.to_str().ok().and_then(|text| text.parse::<Uri>().ok()) else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let is_plain = !authority.as_str().contains('@') && *text == format!("{scheme}://{authority}");
    matches!(scheme, "http" | "https") && is_plain
}

async fn after(mut stopping: watch::Receiver<bool>, grace: Duration) {
    // An error means that the sender is gone: the server ended already.
    if stopping.wait_for(|stopping| *stopping).await.is_ok() {
        tokio::time::sleep(grace).await;
    }
}

/// Forgets refresh tokens that have expired, for as long as the server serves.
async fn tidy_up(app: &App) {
    let mut hours = tokio::time::interval(Duration::from_hours(1));
    loop {
        hours.tick().await;
        let purged =
            async { sessions::purge_expired(&mut *app.connection().await?, app.now()).await };
        match purged.await {
            Ok(0) => {}
            Ok(purged) => tracing::info!(purged, "{purged} expired refresh tokens were forgotten"),
            // Nothing depends on it: the next hour tries again.
            Err(error) => tracing::warn!(error = %error, "expired refresh tokens were kept"),
        }
    }
}

async fn until_closed(sockets: &SocketCount) {
    const LOOK_INTERVAL: Duration = Duration::from_millis(10);
    while sockets.open() > 0 {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

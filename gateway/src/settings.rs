//! What the gateway is told by whoever starts it.

use std::time::Duration;

use http::HeaderValue;
use secrecy::SecretString;

/// Every setting of the gateway.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// Tokens and passwords.
    pub auth: AuthSettings,
    /// How much one client may ask for.
    pub limits: LimitSettings,
    /// Origins of web pages on other hosts that may call with the user's cookies, as
    /// `https://example.org`.
    pub cors_origins: Vec<HeaderValue>,
    /// Cookies travel over TLS only, and browsers are told to stay on TLS. False only where the
    /// server is reached as `http://localhost`.
    pub cookie_secure: bool,
    /// A handler that takes longer is answered for, with 504.
    pub request_timeout: Duration,
    /// How long a shutdown waits for open requests and streams before it drops them.
    pub shutdown_grace: Duration,
    /// A price stream sends at most one frame in this time.
    pub price_frame_interval: Duration,
}

/// Tokens and passwords.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Signs access tokens (HS256); at least 32 bytes.
    pub jwt_secret: SecretString,
    /// Name of this service inside its tokens; a token of another issuer is refused.
    pub issuer: String,
    /// Whom the tokens are for; a token for somebody else is refused.
    pub audience: String,
    /// Lifetimes on the `/v1` face.
    pub bearer: Lifetimes,
    /// Lifetimes on the `/api` face.
    pub cookie: Lifetimes,
    /// Failed logins per account, and per address, before further ones are refused.
    pub login_attempts: u32,
    /// The window in which those are counted.
    pub login_window: Duration,
    /// Cost of a password hash.
    pub password: PasswordCost,
}

/// How long tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token.
    pub access: Duration,
    /// A refresh token; every use replaces it.
    pub refresh: Duration,
}

/// Cost of one Argon2id hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory, in units of 1024 bytes.
    pub memory_kb: u32,
    /// Passes over that memory.
    pub iterations: u32,
}

/// How much one client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests per user, or per address when not logged in.
    pub requests_per_minute: u32,
    /// Open WebSocket connections from one address.
    pub websockets_per_address: u32,
    /// Largest request body, bytes; a larger one is refused with 413.
    pub body_bytes: usize,
}

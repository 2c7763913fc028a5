//! Who asks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use storage::users::{self, Role, User};
use storage::{StorageError, sessions};

use crate::app::App;
use crate::problem::Problem;
use crate::token::{Claims, TokenRefusal, TokenSigner};

/// The user who asks: the token is good, and the account still is.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The row, not the token, says what the user may do.
    pub(crate) user: User,
}

/// The caller's claims, if there are good ones; for logging out, which must not fail for an old
/// token.
#[derive(Debug)]
pub(crate) struct MaybeCaller(pub(crate) Option<Claims>);

/// A caller who may see how the engine runs.
#[derive(Debug)]
pub(crate) struct Operator;

/// What a request brought to prove who sent it; found once, by the outer layers.
#[derive(Debug, Clone)]
pub(crate) enum Presented {
    /// No token at all.
    Nothing,
    /// A token we do not take.
    Refused(TokenRefusal),
    /// A token of ours.
    Token(Box<Claims>),
}

/// How a token travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// In the `Authorization` header: no page of another site can put it there.
    Header,
    /// In a cookie: the browser adds it to whatever it sends.
    Cookie,
}

impl Presented {
    /// Looks for a token; the header goes before the cookie.
    pub(crate) fn find(headers: &HeaderMap, signer: &TokenSigner, now: DateTime<Utc>) -> Self {
        let checked = |token: &str| match signer.check(token, now) {
            Ok(claims) => Self::Token(Box::new(claims)),
            Err(refusal) => Self::Refused(refusal),
        };
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let token = value.to_str().ok().and_then(bearer);
            return token.map_or(Self::Refused(TokenRefusal::Invalid), checked);
        }
        let jar = axum_extra::extract::CookieJar::from_headers(headers);
        match jar.get(crate::face::ACCESS_COOKIE) {
            Some(cookie) if !cookie.value().is_empty() => checked(cookie.value()),
            _ => Self::Nothing,
        }
    }

    pub(crate) fn claims(&self) -> Option<&Claims> {
        match self {
            Self::Token(claims) => Some(claims),
            Self::Nothing | Self::Refused(_) => None,
        }
    }
}

impl Carrier {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key(header::AUTHORIZATION) { Self::Header } else { Self::Cookie }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let claims = match parts.extensions.get::<Presented>() {
            Some(Presented::Token(claims)) => claims.as_ref(),
            Some(Presented::Refused(TokenRefusal::Expired)) => {
                let detail = "the access token has expired; ask for a new one at /auth/refresh";
                return Err(Problem::unauthorized("token_expired", detail));
            }
            Some(Presented::Refused(TokenRefusal::Invalid)) => {
                let detail = "the access token is not valid; log in again";
                return Err(Problem::unauthorized("token_invalid", detail));
            }
            Some(Presented::Nothing) | None => {
                let detail = "log in first, and send the access token";
                return Err(Problem::unauthorized("authentication_required", detail));
            }
        };
        let now = app.now();
        if app.denylist.denies(claims.jti, now) || app.denylist.denies(claims.sid, now) {
            return Err(revoked());
        }
        let mut connection = app.connection().await?;
        if !app.denylist.reaches_back_to(claims.iat)
            && !is_alive(&mut connection, claims, now).await?
        {
            return Err(revoked());
        }
        let user = users::by_id(&mut connection, claims.sub).await?;
        let user = user.filter(|user| user.is_active).ok_or_else(revoked)?;
        Ok(Self { user })
    }
}

impl FromRequestParts<Arc<App>> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, Problem> {
        let presented = parts.extensions.get::<Presented>();
        Ok(Self(presented.and_then(Presented::claims).cloned()))
    }
}

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        match caller.user.role {
            Role::Operator | Role::Admin => Ok(Self),
            Role::User => {
                let detail = "only operators and administrators may see this";
                Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
            }
        }
    }
}

/// For tokens older than what this process remembers: whether their login has a live end.
async fn is_alive(
    connection: &mut storage::PgConnection,
    claims: &Claims,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let live = sessions::live(connection, claims.sub, now).await?;
    Ok(live.iter().any(|session| session.family_id == claims.sid))
}

fn revoked() -> Problem {
    Problem::unauthorized("token_revoked", "this session has ended; log in again")
}

/// The token of an `Authorization` header.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

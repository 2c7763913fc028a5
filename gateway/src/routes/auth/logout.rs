//! `POST /auth/logout`: the end of a session.

use std::sync::Arc;

use axum::extract::State;
use axum_extra::extract::CookieJar;
use chrono::DateTime;
use http::StatusCode;
use storage::sessions;

use super::refresh::presented;
use crate::app::App;
use crate::audit;
use crate::extract::{Client, MaybeCaller, OptionalBody};
use crate::face::{self, ACCESS_COOKIE, REFRESH_COOKIE};
use crate::problem::Problem;
use crate::routes::refusals::{Always, NeedsLogin, NeedsValidBody};
use crate::session;
use crate::token;
use crate::wire::auth::RefreshTokenRequest;

/// Why nobody was logged out.
enum Refusal {
    /// Neither token was sent.
    NoSession,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSession => Self::unauthorized(
                "authentication_required",
                "there is no session to end: send an access token or a refresh token",
            ),
        }
    }
}

/// Log out
///
/// Ends the session of the access token, and that of the refresh token when one is sent: neither
/// is taken any more. Cookies are cleared. An expired access token does not matter where a refresh
/// token is sent.
#[utoipa::path(
    post,
    path = "/auth/logout",
    operation_id = "logout",
    tag = "auth",
    request_body(content = Option<RefreshTokenRequest>),
    responses(
        (status = 204, description = "Logged out"),
        NeedsLogin,
        NeedsValidBody,
        Always,
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn handler(
    State(app): State<Arc<App>>,
    MaybeCaller(claims): MaybeCaller,
    client: Client,
    jar: CookieJar,
    OptionalBody(request): OptionalBody<RefreshTokenRequest>,
) -> Result<(CookieJar, StatusCode), Problem> {
    let refresh = presented(request, &jar);
    if claims.is_none() && refresh.is_none() {
        return Err(Refusal::NoSession.into());
    }
    let mut connection = app.connection().await?;
    let mut families = Vec::new();
    if let Some(claims) = claims {
        let until = DateTime::from_timestamp(claims.exp, 0).unwrap_or(DateTime::UNIX_EPOCH);
        app.denylist.deny(claims.jti, until, app.now());
        families.push((claims.sub, claims.sid));
    }
    if let Some(refresh) = refresh {
        let hash = token::refresh_token_hash(&refresh);
        let session = sessions::by_token_hash(&mut connection, &hash).await?;
        families.extend(session.map(|session| (session.user_id, session.family_id)));
    }
    families.dedup();
    for (user_id, family_id) in families {
        session::close(&app, &mut connection, family_id).await?;
        let entry = audit::Entry::of_session("auth.logout", user_id, family_id);
        audit::write(&app, &mut connection, entry, &client).await?;
    }
    Ok((cleared(jar, app.settings.cookie_secure), StatusCode::NO_CONTENT))
}

fn cleared(jar: CookieJar, secure: bool) -> CookieJar {
    let had_cookie = jar.get(ACCESS_COOKIE).is_some() || jar.get(REFRESH_COOKIE).is_some();
    if had_cookie { face::without_tokens(jar, secure) } else { jar }
}

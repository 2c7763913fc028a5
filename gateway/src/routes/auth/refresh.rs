//! `POST /auth/refresh`: from a refresh token to the next tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use axum_extra::extract::CookieJar;
use secrecy::{ExposeSecret as _, SecretString};

use crate::app::App;
use crate::extract::{Client, OptionalBody};
use crate::face::{self, Face, REFRESH_COOKIE};
use crate::problem::Problem;
use crate::routes::refusals::{Always, NeedsValidBody};
use crate::session::{self, RefreshRefusal, Tokens};
use crate::wire::auth::{RefreshAnswer, RefreshTokenRequest};
use crate::wire::problem::ProblemDocument;

impl From<RefreshRefusal> for Problem {
    fn from(refusal: RefreshRefusal) -> Self {
        match refusal {
            RefreshRefusal::Unknown => Self::unauthorized(
                "refresh_token_unknown",
                "this refresh token is not known; log in again",
            ),
            RefreshRefusal::Expired => Self::unauthorized(
                "refresh_token_expired",
                "this refresh token has expired; log in again",
            ),
            RefreshRefusal::Revoked => Self::unauthorized(
                "session_revoked",
                "the session of this refresh token has ended; log in again",
            ),
            RefreshRefusal::Reused => Self::unauthorized(
                "refresh_token_reused",
                "this refresh token was used before, so somebody else may hold it: the session is \
                 revoked, log in again",
            ),
            RefreshRefusal::Failed(problem) => problem,
        }
    }
}

/// Refresh the tokens
///
/// The refresh token is used up and replaced. Presenting it again ends the session: somebody else
/// may hold it. On `/api` the token comes in its cookie, and the new ones are set as cookies.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    operation_id = "refresh",
    tag = "auth",
    request_body(content = Option<RefreshTokenRequest>),
    responses(
        (status = 200, description = "New tokens", body = RefreshAnswer),
        (status = 401, description = "`refresh_token_unknown`, `refresh_token_expired`, \
         `refresh_token_reused` or `session_revoked`: log in again", body = ProblemDocument,
         content_type = "application/problem+json"),
        NeedsValidBody,
        Always,
    ),
)]
pub(crate) async fn handler(
    State(app): State<Arc<App>>,
    Extension(face): Extension<Face>,
    client: Client,
    jar: CookieJar,
    OptionalBody(request): OptionalBody<RefreshTokenRequest>,
) -> Result<Response, Problem> {
    let presented = presented(request, &jar).ok_or_else(|| {
        Problem::field("refresh_token", "required", "send the refresh token, or its cookie")
    })?;
    let secure = app.settings.cookie_secure;
    match session::rotate(&app, &presented, face, &client).await {
        Ok((_, tokens)) => Ok(answer(face, jar, &tokens, secure)),
        Err(RefreshRefusal::Failed(problem)) => Err(problem),
        Err(refusal) => {
            // A browser would go on presenting it.
            let had_cookie = jar.get(REFRESH_COOKIE).is_some();
            let jar = if had_cookie { face::without_tokens(jar, secure) } else { jar };
            Ok((jar, Problem::from(refusal)).into_response())
        }
    }
}

/// The token of the body goes before that of the cookie.
pub(super) fn presented(request: RefreshTokenRequest, jar: &CookieJar) -> Option<SecretString> {
    let cookie = || jar.get(REFRESH_COOKIE).map(|cookie| cookie.value().to_owned().into());
    let token: Option<SecretString> = request.refresh_token.or_else(cookie);
    token.filter(|token| !token.expose_secret().is_empty())
}

fn answer(face: Face, jar: CookieJar, tokens: &Tokens, secure: bool) -> Response {
    let expires_in = tokens.expires_in();
    match face {
        Face::Bearer => Json(RefreshAnswer {
            access_token: Some(tokens.access_text()),
            refresh_token: Some(tokens.refresh_text()),
            token_type: Some("bearer"),
            expires_in,
        })
        .into_response(),
        Face::Cookie => {
            let body = RefreshAnswer {
                access_token: None,
                refresh_token: None,
                token_type: None,
                expires_in,
            };
            (face::with_tokens(jar, tokens, secure), Json(body)).into_response()
        }
    }
}

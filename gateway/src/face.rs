//! The two faces of the API, and the cookies of one of them.

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

use crate::session::Tokens;
use crate::settings::{AuthSettings, Lifetimes};

/// Cookie of the access token.
pub(crate) const ACCESS_COOKIE: &str = "access_token";
/// Cookie of the refresh token.
pub(crate) const REFRESH_COOKIE: &str = "refresh_token";

/// Where a request came in. Both take both credentials; what differs is how tokens are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// `/v1`: tokens in the answer, for programs.
    Bearer,
    /// `/api`: tokens in cookies, for browsers.
    Cookie,
}

impl Face {
    /// What the paths of this face begin with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Bearer => "/v1",
            Self::Cookie => "/api",
        }
    }

    pub(crate) fn lifetimes(self, settings: &AuthSettings) -> Lifetimes {
        match self {
            Self::Bearer => settings.bearer,
            Self::Cookie => settings.cookie,
        }
    }
}

/// Hands the tokens to a browser.
pub(crate) fn with_tokens(jar: CookieJar, tokens: &Tokens, secure: bool) -> CookieJar {
    let access = cookie(ACCESS_COOKIE, &tokens.access, tokens.lifetimes.access, secure);
    let refresh = cookie(REFRESH_COOKIE, &tokens.refresh, tokens.lifetimes.refresh, secure);
    jar.add(access).add(refresh)
}

/// Takes the tokens away from a browser.
pub(crate) fn without_tokens(jar: CookieJar, secure: bool) -> CookieJar {
    let empty = SecretString::default();
    let gone = |name| cookie(name, &empty, Duration::ZERO, secure);
    jar.add(gone(ACCESS_COOKIE)).add(gone(REFRESH_COOKIE))
}

fn cookie(
    name: &'static str,
    value: &SecretString,
    lifetime: Duration,
    secure: bool,
) -> Cookie<'static> {
    let cookie = Cookie::build((name, value.expose_secret().to_owned()))
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Lax)
        .path("/");
    match lifetime.try_into() {
        Ok(max_age) => cookie.max_age(max_age).build(),
        // Longer than a cookie can say: until the browser ends.
        Err(_) => cookie.build(),
    }
}

//! Keeps pages of other sites from acting with a visitor's cookies.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use std::sync::Arc;

use crate::app::App;
use crate::extract::Carrier;
use crate::face::{ACCESS_COOKIE, REFRESH_COOKIE};
use crate::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let unsafe_method = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let by_cookie = is_by_cookie(request.uri().path(), request.headers());
    if !(unsafe_method && by_cookie) {
        return next.run(request).await;
    }
    if is_same_origin(request.headers(), request.uri(), &app.settings.cors_origins) {
        return next.run(request).await;
    }
    let detail = "a request with cookies must come from a page of this site: send a same-origin \
                  `Origin` or `Sec-Fetch-Site`, or use a bearer token";
    Problem::new(StatusCode::FORBIDDEN, "csrf_refused", detail).into_response()
}

/// Whether cookies give this request its power. Logging in by `/api` sets them, so it counts: a
/// stranger must not log a visitor in as somebody else.
fn is_by_cookie(path: &str, headers: &HeaderMap) -> bool {
    if Carrier::of(headers) == Carrier::Header {
        return false;
    }
    let jar = axum_extra::extract::CookieJar::from_headers(headers);
    let has_cookie = jar.get(ACCESS_COOKIE).is_some() || jar.get(REFRESH_COOKIE).is_some();
    path.starts_with("/api/") || has_cookie
}

fn is_same_origin(headers: &HeaderMap, uri: &Uri, friends: &[HeaderValue]) -> bool {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    let Some(origin) = headers.get(header::ORIGIN) else {
        return site == Some(b"same-origin");
    };
    if friends.contains(origin) {
        return true;
    }
    if site.is_some_and(|site| site != b"same-origin") {
        return false;
    }
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let origin = origin.as_ref().and_then(Uri::authority).map(Authority::as_str);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(Authority::as_str));
    matches!((origin, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_origin(rows: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let friends = [HeaderValue::from_static("https://friend.example")];
        is_same_origin(&headers, &Uri::from_static("/api/auth/login"), &friends)
    }

    #[test]
    fn only_our_own_pages_and_named_friends_may_use_cookies() {
        let host = ("host", "troupe.example:8000");
        let ours = ("origin", "https://troupe.example:8000");
        let rows: [(&[_], bool); 9] = [
            (&[host, ours], true),
            (&[host, ours, ("sec-fetch-site", "same-origin")], true),
            (&[host, ("sec-fetch-site", "same-origin")], true),
            (&[host, ("origin", "https://friend.example"), ("sec-fetch-site", "cross-site")], true),
            (&[host], false),
            (&[host, ("origin", "https://evil.example")], false),
            (&[host, ("origin", "null")], false),
            (&[host, ("sec-fetch-site", "same-site")], false),
            (&[host, ours, ("sec-fetch-site", "cross-site")], false),
        ];
        for (headers, expected) in rows {
            assert_eq!(same_origin(headers), expected, "{headers:?}");
        }
    }
}

//! Every route, and what surrounds them.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{Method, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::face::Face;
use crate::layers::{csrf, deadline, finish, identify, rate};
use crate::live::prices;
use crate::openapi;
use crate::problem::Problem;
use crate::routes::{admin, auth, configs, docs, health, trades};
use crate::settings::GatewaySettings;

/// How long a browser may remember what [`cors`] allows.
const PREFLIGHT_AGE: Duration = Duration::from_mins(10);

/// The whole router.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let bearer = Router::from(api()).layer(Extension(Face::Bearer));
    let cookie = Router::from(api()).layer(Extension(Face::Cookie));
    let with = |app: &Arc<App>| Arc::clone(app);
    Router::new()
        .nest(Face::Bearer.prefix(), bearer)
        .nest(Face::Cookie.prefix(), cookie)
        .merge(Router::from(outside()))
        .merge(docs::router(&document()))
        .layer(DefaultBodyLimit::max(app.settings.limits.body_bytes))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(with(app), deadline::layer))
        .layer(from_fn_with_state(with(app), csrf::layer))
        .layer(from_fn_with_state(with(app), rate::layer))
        .layer(from_fn_with_state(with(app), identify::layer))
        .layer(cors(&app.settings))
        .layer(from_fn_with_state(with(app), finish::layer))
        .with_state(Arc::clone(app))
}

/// The description of the API, as `openapi.json` holds it.
pub(crate) fn document() -> OpenApi {
    documented().into_openapi()
}

fn documented() -> OpenApiRouter<Arc<App>> {
    let mut router = OpenApiRouter::with_openapi(openapi::Base::openapi()).merge(api());
    let mut outside = outside();
    openapi::outside_the_faces(outside.get_openapi_mut());
    router = router.merge(outside);
    router
}

/// What is mounted twice, at `/v1` and at `/api`.
fn api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(auth::register::handler))
        .routes(routes!(auth::login::handler))
        .routes(routes!(auth::refresh::handler))
        .routes(routes!(auth::logout::handler))
        .routes(routes!(auth::me::auth_handler))
        .routes(routes!(auth::me::handler))
        .routes(routes!(configs::list::handler, configs::create::handler))
        .routes(routes!(configs::get::handler, configs::update::handler, configs::delete::handler))
        .routes(routes!(configs::activate::handler))
        .routes(routes!(configs::deactivate::handler))
        .routes(routes!(trades::history::handler))
        .routes(routes!(admin::actors::handler))
}

/// What is mounted once.
fn outside() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(prices::all))
        .routes(routes!(prices::one))
        .route("/ws/prices/{base}/{quote}", get(prices::pair))
}

/// Pages of the named origins may call, with cookies; others may not read what they asked for.
fn cors(settings: &GatewaySettings) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(settings.cors_origins.clone()))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            finish::REQUEST_ID,
        ])
        .expose_headers([
            finish::REQUEST_ID,
            rate::LIMIT,
            rate::REMAINING,
            rate::RESET,
            header::LOCATION,
            header::RETRY_AFTER,
        ])
        .max_age(PREFLIGHT_AGE)
}

/// A handler that panics is our defect: one request fails, the server does not.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, "a handler panicked");
    Problem::internal().into_response()
}

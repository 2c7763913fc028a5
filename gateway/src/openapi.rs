//! The parts of `openapi.json` that belong to no operation.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, Server};
use utoipa::{Modify, OpenApi};

use crate::wire::problem::{FieldProblem, ProblemDocument};

/// What all operations share.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Troupe",
        description = "The API of the trading engine. The same operations are at `/v1`, where login \
                       answers with tokens for the `Authorization: Bearer` header, and at `/api`, \
                       where login sets cookies.",
        license(name = "GPL-3.0-or-later", identifier = "GPL-3.0-or-later"),
    ),
    servers(
        (url = "/v1", description = "For programs: tokens in the answer"),
        (url = "/api", description = "For browsers: tokens in cookies"),
    ),
    tags(
        (name = "auth", description = "Registration, login and tokens"),
        (name = "users", description = "The caller's own account"),
        (name = "trading", description = "Trading configs"),
        (name = "trades", description = "What was traded"),
        (name = "admin", description = "For operators and administrators"),
        (name = "live", description = "Streams over WebSocket"),
        (name = "health", description = "For whoever watches over the process"),
    ),
    components(schemas(ProblemDocument, FieldProblem)),
    modifiers(&Credentials),
)]
pub(crate) struct Base;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::face::ACCESS_COOKIE));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    }
}

/// Operations that are at the top, not below a face.
pub(crate) fn outside_the_faces(document: &mut Document) {
    for item in document.paths.paths.values_mut() {
        item.servers = Some(vec![Server::new("/")]);
    }
}

//! `GET /users/me` and `GET /auth/me`: the caller's own profile.

use axum::Json;

use crate::extract::Caller;
use crate::routes::refusals::{Always, NeedsLogin};
use crate::wire::user::UserProfile;

/// The caller's profile
#[utoipa::path(
    get,
    path = "/users/me",
    operation_id = "get_profile",
    tag = "users",
    responses((status = 200, description = "The profile", body = UserProfile), NeedsLogin, Always),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn handler(caller: Caller) -> Json<UserProfile> {
    Json(caller.user.into())
}

/// Who is logged in
///
/// The same as `GET /users/me`.
#[utoipa::path(
    get,
    path = "/auth/me",
    operation_id = "who_am_i",
    tag = "auth",
    responses((status = 200, description = "The profile", body = UserProfile), NeedsLogin, Always),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn auth_handler(caller: Caller) -> Json<UserProfile> {
    Json(caller.user.into())
}

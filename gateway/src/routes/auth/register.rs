//! `POST /auth/register`: a new user.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use secrecy::ExposeSecret as _;
use storage::StorageError;
use storage::users::{self, InsertUserError, NewUser, Role};

use crate::app::App;
use crate::audit;
use crate::extract::{Body, Client};
use crate::password::{self, PasswordPolicyError};
use crate::problem::{Checks, Problem};
use crate::routes::refusals::{Always, NeedsValidBody};
use crate::wire::auth::RegisterRequest;
use crate::wire::problem::ProblemDocument;
use crate::wire::user::RegisteredUser;

const EMAIL_LENGTH_MAX: usize = 255;
const NAME_LENGTH_MAX: usize = 100;

/// Why a user was not registered.
enum Refusal {
    EmailTaken,
    UsernameTaken,
    /// The database keeps to a rule that our checks do not know.
    Invalid {
        field: &'static str,
    },
    Failed(Problem),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::EmailTaken => Self::conflict(
                "email_taken",
                "another user has this e-mail address; log in, or register another address",
            ),
            Refusal::UsernameTaken => {
                Self::conflict("username_taken", "another user has this name; choose another")
            }
            Refusal::Invalid { field } => {
                Self::field(field, "invalid", "the database does not take this value")
            }
            Refusal::Failed(problem) => problem,
        }
    }
}

impl From<InsertUserError> for Refusal {
    fn from(error: InsertUserError) -> Self {
        match error {
            InsertUserError::EmailTaken => Self::EmailTaken,
            InsertUserError::UsernameTaken => Self::UsernameTaken,
            InsertUserError::Invalid { constraint } => Self::Invalid {
                field: match constraint.as_str() {
                    "valid_email" => "email",
                    "valid_username" => "username",
                    _ => "body",
                },
            },
            InsertUserError::Storage(error) => Self::Failed(error.into()),
            other => Self::Failed(Problem::internal().with_cause(other)),
        }
    }
}

/// Register a user
///
/// The user may log in at once.
#[utoipa::path(
    post,
    path = "/auth/register",
    operation_id = "register",
    tag = "auth",
    request_body = RegisterRequest,
    responses(
        (status = 201, description = "Registered", body = RegisteredUser),
        (status = 409, description = "`email_taken` or `username_taken`", body = ProblemDocument,
         content_type = "application/problem+json"),
        NeedsValidBody,
        Always,
    ),
)]
pub(crate) async fn handler(
    State(app): State<Arc<App>>,
    client: Client,
    Body(request): Body<RegisterRequest>,
) -> Result<(StatusCode, Json<RegisteredUser>), Problem> {
    check(&request)?;
    let password_hash = app.hasher.hash(request.password).await?;
    let user = NewUser {
        id: app.ids.uuid(),
        email: request.email,
        username: request.username,
        password_hash,
        first_name: told(request.first_name),
        last_name: told(request.last_name),
        role: Role::User,
        is_verified: false,
        created_at: app.now(),
    };
    let mut transaction = app.database.pool().begin().await.map_err(StorageError::from)?;
    let user = users::insert(&mut transaction, &user).await.map_err(Refusal::from)?;
    let entry = audit::Entry::of_user("auth.registered", user.id);
    audit::write(&app, &mut transaction, entry, &client).await?;
    transaction.commit().await.map_err(StorageError::from)?;
    tracing::info!(user.id = %user.id, "user {} registered", user.id);
    Ok((StatusCode::CREATED, Json(user.into())))
}

fn check(request: &RegisterRequest) -> Result<(), Problem> {
    let mut checks = Checks::default();
    check_email(&mut checks, &request.email);
    check_username(&mut checks, &request.username);
    check_password(&mut checks, request.password.expose_secret());
    check_name(&mut checks, "first_name", request.first_name.as_deref());
    check_name(&mut checks, "last_name", request.last_name.as_deref());
    checks.finish()
}

fn check_email(checks: &mut Checks, email: &str) {
    if email.is_empty() {
        checks.fail("email", "required", "this field is required");
    } else if email.len() > EMAIL_LENGTH_MAX {
        checks.fail("email", "too_long", "an address has at most 255 characters");
    } else if !is_email(email) {
        checks.fail("email", "invalid_email", "this must be an address such as user@example.com");
    }
}

/// The same rule as the check `valid_email` of the table.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((host, top)) = domain.rsplit_once('.') else { return false };
    let in_local = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    !local.is_empty()
        && local.bytes().all(in_local)
        && !host.is_empty()
        && host.bytes().all(in_host)
        && top.len() >= 2
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn check_username(checks: &mut Checks, username: &str) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if username.is_empty() {
        checks.fail("username", "required", "this field is required");
    } else if !(3..=50).contains(&username.len()) || !username.bytes().all(allowed) {
        let rule = "a user name is 3 to 50 of letters, digits, `_`, `.` and `-`";
        checks.fail("username", "invalid_username", rule);
    }
}

fn check_password(checks: &mut Checks, password: &str) {
    if password.is_empty() {
        checks.fail("password", "required", "this field is required");
        return;
    }
    for rule in password::broken_rules(password) {
        checks.fail("password", PasswordPolicyError::code(rule), rule.to_string());
    }
}

fn check_name(checks: &mut Checks, field: &'static str, name: Option<&str>) {
    let Some(name) = name else { return };
    if name.trim().chars().count() > NAME_LENGTH_MAX {
        checks.fail(field, "too_long", "a name has at most 100 characters");
    } else if name.chars().any(char::is_control) {
        checks.fail(field, "invalid", "a name has no control characters");
    }
}

/// An empty name is no name.
fn told(name: Option<String>) -> Option<String> {
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::is_email;

    #[test]
    fn an_address_is_what_the_table_takes() {
        for text in ["user@example.com", "a.b+c%d-e_f@x-y.co.uk", "A@B.CD"] {
            assert!(is_email(text), "{text}");
        }
        for text in [
            "",
            "user",
            "@example.com",
            "user@",
            "user@example",
            "user@.com",
            "a@b@c.de",
            "user@example.c",
            "user@example.c0m",
            "us er@example.com",
            "user@exa_mple.com",
        ] {
            assert!(!is_email(text), "{text}");
        }
    }
}

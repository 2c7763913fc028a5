//! `POST /auth/login`: from a password to tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use axum_extra::extract::CookieJar;
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use storage::StorageError;
use storage::users::{self, User};

use crate::app::{AccountKey, App};
use crate::audit;
use crate::extract::{Body, Client};
use crate::face::{self, Face};
use crate::limiter::AddressKey;
use crate::password::Verdict;
use crate::problem::{Checks, Problem};
use crate::routes::refusals::{Always, NeedsValidBody};
use crate::session::{self, Tokens};
use crate::wire::auth::{LoginAnswer, LoginRequest};
use crate::wire::problem::ProblemDocument;
use crate::wire::user::UserSummary;

/// No name and no address is longer.
const LOGIN_LENGTH_MAX: usize = 255;

/// Why a login was refused.
enum Refusal {
    /// No such user, or another password: both look the same.
    InvalidCredentials,
    /// The password was right.
    AccountDisabled,
    /// Failed too often, for this account or from this address.
    TooManyLogins { after_s: i64 },
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidCredentials => {
                Self::unauthorized("invalid_credentials", "the user name or the password is wrong")
            }
            Refusal::AccountDisabled => Self::new(
                StatusCode::FORBIDDEN,
                "account_disabled",
                "this account is disabled; ask an administrator",
            ),
            Refusal::TooManyLogins { after_s } => Self::too_many(
                "too_many_logins",
                "too many failed logins; wait for as long as the header Retry-After says",
                after_s,
            ),
        }
    }
}

/// Log in
///
/// On `/v1` the answer holds the tokens; on `/api` they are set as cookies that scripts cannot read,
/// and the answer holds `user` only.
#[utoipa::path(
    post,
    path = "/auth/login",
    operation_id = "login",
    tag = "auth",
    request_body = LoginRequest,
    responses(
        (status = 200, description = "Logged in", body = LoginAnswer),
        (status = 401, description = "`invalid_credentials`", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 403, description = "`account_disabled`; on `/api` also `csrf_refused`",
         body = ProblemDocument, content_type = "application/problem+json"),
        NeedsValidBody,
        Always,
        (status = 429, description = "`too_many_logins`: failed too often, for this account or \
         from this address; or `rate_limited`. See `Retry-After`", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn handler(
    State(app): State<Arc<App>>,
    Extension(face): Extension<Face>,
    client: Client,
    jar: CookieJar,
    Body(request): Body<LoginRequest>,
) -> Result<Response, Problem> {
    let (login, password) = check(request)?;
    let user = find(&app, &login).await?;
    let attempt = Attempt::start(&app, user.as_ref(), &login, &client)?;
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let verdict = app.hasher.verify(password.clone(), stored).await?;
    let Some(user) = user.filter(|_| verdict != Verdict::Wrong) else {
        attempt.failed(&app, &client).await?;
        return Err(Refusal::InvalidCredentials.into());
    };
    attempt.succeeded(&app);
    let tokens = admit(&app, &user, verdict, password, face, &client).await?;
    Ok(answer(face, jar, &tokens, UserSummary::from(&user), app.settings.cookie_secure))
}

/// What a login by that name counts against. A refused one is not counted further, and costs no
/// password hash.
struct Attempt {
    account: AccountKey,
    address: AddressKey,
    target: Option<uuid::Uuid>,
}

impl Attempt {
    /// Counted before the password is looked at: many at the same moment must not all get through.
    fn start(
        app: &App,
        user: Option<&User>,
        login: &str,
        client: &Client,
    ) -> Result<Self, Refusal> {
        let target = user.map(|user| user.id);
        let account = match target {
            Some(id) => AccountKey::User(id),
            None => AccountKey::Nobody(login.to_lowercase()),
        };
        let address = AddressKey::of(client.address);
        let now = app.now();
        let by_address = app.logins_by_address.take(address, now);
        if !by_address.allowed {
            return Err(Refusal::TooManyLogins { after_s: by_address.retry_after_s(now) });
        }
        let by_account = app.logins_by_account.take(account.clone(), now);
        if !by_account.allowed {
            app.logins_by_address.give_back(&address);
            return Err(Refusal::TooManyLogins { after_s: by_account.retry_after_s(now) });
        }
        Ok(Self { account, address, target })
    }

    /// Only failures count.
    fn succeeded(&self, app: &App) {
        app.logins_by_account.forget(&self.account);
        app.logins_by_address.give_back(&self.address);
    }

    async fn failed(&self, app: &App, client: &Client) -> Result<(), StorageError> {
        metrics::counter!("gateway_logins_failed_total").increment(1);
        let mut connection = app.connection().await?;
        let entry = audit::Entry::failed_login(self.target);
        audit::write(app, &mut connection, entry, client).await
    }
}

async fn find(app: &App, login: &str) -> Result<Option<User>, Problem> {
    let mut connection = app.connection().await?;
    Ok(users::by_username_or_email(&mut connection, login).await?)
}

/// Whoever comes here knew the password.
async fn admit(
    app: &App,
    user: &User,
    verdict: Verdict,
    password: SecretString,
    face: Face,
    client: &Client,
) -> Result<Tokens, Problem> {
    if !user.is_active {
        return Err(Refusal::AccountDisabled.into());
    }
    let now = app.now();
    let renewed = match verdict {
        Verdict::RightButOutdated => Some(app.hasher.hash(password).await?),
        Verdict::Right | Verdict::Wrong => None,
    };
    let mut transaction = app.database.pool().begin().await.map_err(StorageError::from)?;
    if let Some(hash) = renewed {
        users::set_password_hash(&mut transaction, user.id, &hash, now).await?;
    }
    let tokens = session::open(app, &mut transaction, user, face, client).await?;
    users::record_login(&mut transaction, user.id, now).await?;
    let entry = audit::Entry::of_user("auth.login", user.id);
    audit::write(app, &mut transaction, entry, client).await?;
    transaction.commit().await.map_err(StorageError::from)?;
    tracing::info!(user.id = %user.id, "user {} logged in", user.id);
    Ok(tokens)
}

fn answer(
    face: Face,
    jar: CookieJar,
    tokens: &Tokens,
    user: UserSummary,
    secure: bool,
) -> Response {
    match face {
        Face::Bearer => Json(LoginAnswer {
            access_token: Some(tokens.access_text()),
            refresh_token: Some(tokens.refresh_text()),
            token_type: Some("bearer"),
            expires_in: Some(tokens.expires_in()),
            user,
        })
        .into_response(),
        Face::Cookie => {
            let body = LoginAnswer {
                access_token: None,
                refresh_token: None,
                token_type: None,
                expires_in: None,
                user,
            };
            (face::with_tokens(jar, tokens, secure), Json(body)).into_response()
        }
    }
}

fn check(request: LoginRequest) -> Result<(String, SecretString), Problem> {
    let mut checks = Checks::default();
    let login = match (request.username, request.email) {
        (Some(name), None) => ("username", name),
        (None, Some(address)) => ("email", address),
        (Some(_), Some(_)) => {
            checks.fail("email", "redundant", "send `username` or `email`, not both");
            ("email", String::new())
        }
        (None, None) => ("username", String::new()),
    };
    let (field, login) = (login.0, login.1.trim().to_owned());
    if login.is_empty() && !checks.has_failed(field) {
        checks.fail(field, "required", "this field is required");
    } else if login.len() > LOGIN_LENGTH_MAX {
        checks.fail(field, "too_long", "no user name or address is that long");
    } else if login.contains('\0') {
        checks.fail(field, "invalid", "no user name or address holds a NUL");
    }
    let password = request.password;
    if password.expose_secret().is_empty() {
        checks.fail("password", "required", "this field is required");
    } else if password.expose_secret().len() > crate::password::LENGTH_MAX {
        checks.fail("password", "too_long", "no password is that long");
    }
    checks.finish().map(|()| (login, password))
}

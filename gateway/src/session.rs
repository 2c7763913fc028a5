//! From a login to its tokens, and from a refresh token to the next ones.

use secrecy::{ExposeSecret, SecretString};
use storage::sessions::{self, NewSession, RotateError, Successor};
use storage::users::{self, User};
use storage::{PgConnection, StorageError};
use uuid::Uuid;

use crate::app::{App, delta};
use crate::audit;
use crate::extract::Client;
use crate::face::Face;
use crate::problem::Problem;
use crate::settings::Lifetimes;
use crate::token::{self, Subject, TokenError};

/// The tokens of a login.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: SecretString,
    pub(crate) refresh: SecretString,
    pub(crate) lifetimes: Lifetimes,
}

/// Why a refresh token got no successor.
#[derive(Debug)]
pub(crate) enum RefreshRefusal {
    /// Never handed out, or long forgotten.
    Unknown,
    /// Too old.
    Expired,
    /// Its session has ended.
    Revoked,
    /// It was used before: its session has ended now.
    Reused,
    /// Something failed; the same token may work later.
    Failed(Problem),
}

impl Tokens {
    /// Seconds until the access token expires.
    pub(crate) fn expires_in(&self) -> i64 {
        delta(self.lifetimes.access).num_seconds()
    }

    pub(crate) fn access_text(&self) -> String {
        self.access.expose_secret().to_owned()
    }

    pub(crate) fn refresh_text(&self) -> String {
        self.refresh.expose_secret().to_owned()
    }
}

/// Starts a new family of tokens for a user who proved to be one.
pub(crate) async fn open(
    app: &App,
    connection: &mut PgConnection,
    user: &User,
    face: Face,
    client: &Client,
) -> Result<Tokens, Problem> {
    let now = app.now();
    let lifetimes = face.lifetimes(&app.settings.auth);
    let family_id = app.ids.uuid();
    let refresh = token::refresh_token()?;
    let session = NewSession {
        id: app.ids.uuid(),
        user_id: user.id,
        family_id,
        refresh_token_hash: token::refresh_token_hash(&refresh),
        expires_at: now + delta(lifetimes.refresh),
        created_at: now,
        ip_address: Some(client.address),
        user_agent: client.user_agent.clone(),
    };
    sessions::insert(connection, &session).await?;
    let access = access_token(app, user, family_id, lifetimes)?;
    Ok(Tokens { access, refresh, lifetimes })
}

/// Exchanges a refresh token. One that was exchanged before ends its whole family: somebody else
/// holds it too.
pub(crate) async fn rotate(
    app: &App,
    presented: &SecretString,
    face: Face,
    client: &Client,
) -> Result<(User, Tokens), RefreshRefusal> {
    let now = app.now();
    let lifetimes = face.lifetimes(&app.settings.auth);
    let refresh = token::refresh_token()?;
    let successor = Successor {
        id: app.ids.uuid(),
        refresh_token_hash: token::refresh_token_hash(&refresh),
        expires_at: now + delta(lifetimes.refresh),
        ip_address: Some(client.address),
        user_agent: client.user_agent.clone(),
    };
    let mut connection = app.connection().await?;
    let hash = token::refresh_token_hash(presented);
    let session = match sessions::rotate(&mut connection, &hash, &successor, now).await {
        Ok(session) => session,
        Err(RotateError::Reused { user_id, family_id }) => {
            deny_family(app, family_id);
            let entry = audit::Entry::of_session("auth.refresh_token_reused", user_id, family_id);
            audit::write(app, &mut connection, entry, client).await?;
            tracing::warn!(user.id = %user_id, session.id = %family_id, "a refresh token was used twice, its session is revoked");
            return Err(RefreshRefusal::Reused);
        }
        Err(error) => return Err(error.into()),
    };
    let user = users::by_id(&mut connection, session.user_id).await?;
    let Some(user) = user.filter(|user| user.is_active) else {
        sessions::revoke_family(&mut connection, session.family_id, now).await?;
        return Err(RefreshRefusal::Revoked);
    };
    let access = access_token(app, &user, session.family_id, lifetimes)?;
    Ok((user, Tokens { access, refresh, lifetimes }))
}

/// Ends a family of tokens: no refresh any more, and the access tokens of it are refused at once.
pub(crate) async fn close(
    app: &App,
    connection: &mut PgConnection,
    family_id: Uuid,
) -> Result<(), Problem> {
    sessions::revoke_family(connection, family_id, app.now()).await?;
    deny_family(app, family_id);
    Ok(())
}

/// An access token is refused because its login is; none of them outlives the longer of the two
/// lifetimes.
fn deny_family(app: &App, family_id: Uuid) {
    let auth = &app.settings.auth;
    let now = app.now();
    let longest = auth.bearer.access.max(auth.cookie.access);
    app.denylist.deny(family_id, now + delta(longest), now);
}

fn access_token(
    app: &App,
    user: &User,
    family_id: Uuid,
    lifetimes: Lifetimes,
) -> Result<SecretString, Problem> {
    let subject = Subject {
        user_id: user.id,
        email: user.email.clone(),
        role: user.role,
        session_id: family_id,
    };
    let token = app.signer.sign(&subject, app.ids.uuid(), app.now(), delta(lifetimes.access))?;
    Ok(SecretString::from(token))
}

impl From<RotateError> for RefreshRefusal {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::Unknown => Self::Unknown,
            RotateError::Expired => Self::Expired,
            RotateError::Revoked => Self::Revoked,
            RotateError::Reused { .. } => Self::Reused,
            RotateError::Storage(error) => Self::Failed(error.into()),
            other => Self::Failed(Problem::internal().with_cause(other)),
        }
    }
}

impl From<StorageError> for RefreshRefusal {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<TokenError> for RefreshRefusal {
    fn from(error: TokenError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Problem> for RefreshRefusal {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

//! `troupe user`: accounts from the shell.

use std::io::{self, BufRead, IsTerminal};

use anyhow::Context;
use config::{AuthSettings, Settings};
use engine::{Clock, IdSource};
use gateway::PasswordCost;
use gateway::password;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use storage::page::PageRequest;
use storage::users::{self, NewUser, Role, User};
use storage::{Database, Page};

use crate::args::{Format, RoleName, UserArgs, UserCommand};
use crate::database;
use crate::edge::{RandomIds, WallClock};
use crate::output;

/// Nobody types more; what is piped in beyond it is a mistake.
const PASSWORD_BYTES_MAX: usize = 1_024;

/// A user as shown: nothing secret.
#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    username: String,
    email: String,
    role: Role,
    is_active: bool,
    created_at: String,
    last_login: Option<String>,
}

/// Part of the list of users.
#[derive(Debug, Serialize)]
struct ShownPage {
    total: u64,
    limit: u32,
    offset: u32,
    users: Vec<Shown>,
}

/// What was done.
#[derive(Debug)]
enum Outcome {
    Added(User),
    Promoted { user: User, role: Role },
    Listed { page: Page<User>, limit: u32, offset: u32 },
}

/// Adds, lists or promotes.
pub(crate) async fn user(
    settings: &Settings,
    flags: &UserArgs,
    format: Format,
) -> anyhow::Result<()> {
    // The password first: no database is opened for one that is refused.
    let hash = match &flags.command {
        UserCommand::Add { .. } => Some(asked_password_hash(&settings.auth)?),
        UserCommand::List { .. } | UserCommand::Role { .. } => None,
    };
    let open = database::open(&settings.storage).await?;
    let outcome = carried_out(&open.database, &flags.command, hash).await;
    open.close().await?;
    outcome?.say(format)
}

async fn carried_out(
    database: &Database,
    command: &UserCommand,
    password_hash: Option<SecretString>,
) -> anyhow::Result<Outcome> {
    let pending = database.pending_migrations().await?.len();
    anyhow::ensure!(
        pending == 0,
        "the database lacks {pending} migrations: run troupe migrate first"
    );
    let mut connection = database.pool().acquire().await.context("no connection is free")?;
    let now = WallClock.now();
    match (command, password_hash) {
        (UserCommand::Add { username, email, role }, Some(password_hash)) => {
            let new = NewUser {
                id: RandomIds.uuid(),
                email: email.clone(),
                username: username.clone(),
                password_hash,
                first_name: None,
                last_name: None,
                role: stored(*role),
                is_verified: true,
                created_at: now,
            };
            let inserted = users::insert(&mut connection, &new).await;
            let user = inserted.with_context(|| format!("user {username} was not added"))?;
            Ok(Outcome::Added(user))
        }
        (UserCommand::Role { username, role }, _) => {
            let found = users::by_username_or_email(&mut connection, username).await?;
            let user = found.with_context(|| {
                format!("there is no user {username}; troupe user list shows who there is")
            })?;
            users::set_role(&mut connection, user.id, stored(*role), now).await?;
            Ok(Outcome::Promoted { user, role: stored(*role) })
        }
        (UserCommand::List { limit, offset }, _) => {
            let request = PageRequest { limit: *limit, offset: u64::from(*offset) };
            let page = users::list(&mut connection, request).await?;
            Ok(Outcome::Listed { page, limit: *limit, offset: *offset })
        }
        (UserCommand::Add { .. }, None) => anyhow::bail!("a user needs a password"),
    }
}

impl Outcome {
    fn say(self, format: Format) -> anyhow::Result<()> {
        match (self, format) {
            (Self::Added(user), Format::Human) => {
                output::line(&format!("added {} ({})", user.username, user.role.as_str()))
            }
            (Self::Added(user), Format::Json) => output::json(&Shown::from(user)),
            (Self::Promoted { user, role }, Format::Human) => {
                output::line(&format!("{} is {} now", user.username, role.as_str()))
            }
            (Self::Promoted { user, role }, Format::Json) => {
                output::json(&Shown::from(User { role, ..user }))
            }
            (Self::Listed { page, .. }, Format::Human) => output::line(&table(page)),
            (Self::Listed { page, limit, offset }, Format::Json) => {
                let users = page.items.into_iter().map(Shown::from).collect();
                output::json(&ShownPage { total: page.total, limit, offset, users })
            }
        }
    }
}

impl From<User> for Shown {
    fn from(user: User) -> Self {
        let shown = |at: engine::Timestamp| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self {
            id: user.id.to_string(),
            username: user.username,
            email: user.email,
            role: user.role,
            is_active: user.is_active,
            created_at: shown(user.created_at),
            last_login: user.last_login.map(shown),
        }
    }
}

fn table(page: Page<User>) -> String {
    let (shown, total) = (page.items.len(), page.total);
    let rows = page.items.into_iter().map(Shown::from).map(|user| {
        let active = if user.is_active { "" } else { "  (inactive)" };
        let role = user.role.as_str();
        format!("{:<20}  {role:<8}  {}  {}{active}", user.username, user.created_at, user.email)
    });
    let rows: Vec<String> = rows.chain([format!("{shown} of {total} users")]).collect();
    rows.join("\n")
}

fn stored(role: RoleName) -> Role {
    match role {
        RoleName::User => Role::User,
        RoleName::Operator => Role::Operator,
        RoleName::Admin => Role::Admin,
    }
}

/// Asks for a password, or takes it from stdin, and hashes it as the gateway does.
fn asked_password_hash(settings: &AuthSettings) -> anyhow::Result<SecretString> {
    let password =
        if io::stdin().is_terminal() { asked_twice()? } else { first_line(io::stdin().lock())? };
    hashed(&password, settings)
}

/// The hash of a password that obeys the gateway's rules.
fn hashed(password: &SecretString, settings: &AuthSettings) -> anyhow::Result<SecretString> {
    let broken = password::broken_rules(password.expose_secret());
    let rules: Vec<String> = broken.iter().map(ToString::to_string).collect();
    anyhow::ensure!(rules.is_empty(), "{}", rules.join("; "));
    let cost = PasswordCost {
        memory_kb: settings.argon2_memory_kb,
        iterations: settings.argon2_iterations,
    };
    Ok(password::hash(password, cost)?)
}

fn asked_twice() -> anyhow::Result<SecretString> {
    let first = SecretString::from(rpassword::prompt_password("password: ")?);
    let second = SecretString::from(rpassword::prompt_password("again: ")?);
    anyhow::ensure!(
        first.expose_secret() == second.expose_secret(),
        "the two passwords differ: try again"
    );
    Ok(first)
}

fn first_line(input: impl BufRead) -> anyhow::Result<SecretString> {
    let mut line = String::new();
    let limit = u64::try_from(PASSWORD_BYTES_MAX)? + 2;
    io::Read::take(input, limit).read_line(&mut line).context("stdin cannot be read")?;
    let password = line.trim_end_matches(['\n', '\r']);
    anyhow::ensure!(!password.is_empty(), "no password: type one, or write it to stdin");
    anyhow::ensure!(
        password.len() <= PASSWORD_BYTES_MAX,
        "the password is longer than {PASSWORD_BYTES_MAX} bytes"
    );
    Ok(SecretString::from(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_of_stdin_without_its_end() {
        for (input, expected) in [("Secret 1!\n", "Secret 1!"), ("a\r\nb\n", "a"), ("x", "x")] {
            assert_eq!(first_line(input.as_bytes()).unwrap().expose_secret(), expected);
        }
    }

    #[test]
    fn no_password_and_an_endless_one_are_refused() {
        let endless = "x".repeat(PASSWORD_BYTES_MAX + 1);
        for (input, expected) in [("", "no password"), ("\n", "no password"), (&endless, "longer")]
        {
            let error = first_line(input.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}

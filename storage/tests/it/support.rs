//! What the tests share.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Duration, Utc};
use storage::PgConnection;
use storage::users::{self, NewUser, Role, User};
use uuid::Uuid;

/// The n-th second of the tests' time.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_770_000_000, 0).unwrap() + Duration::seconds(second)
}

/// The n-th id of the tests.
pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x7e57_0000_0000_0000_0000_0000_0000_0000 + number)
}

pub(crate) fn new_user(number: u128) -> NewUser {
    NewUser {
        id: id(number),
        email: format!("user{number}@example.com"),
        username: format!("user{number}"),
        password_hash: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA".to_owned().into(),
        first_name: Some("Ann".to_owned()),
        last_name: None,
        role: Role::User,
        is_verified: false,
        created_at: at(i64::try_from(number).unwrap()),
    }
}

pub(crate) async fn insert_user(connection: &mut PgConnection, number: u128) -> User {
    users::insert(connection, &new_user(number)).await.unwrap()
}

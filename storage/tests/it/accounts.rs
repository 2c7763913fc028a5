//! Users, sessions and trading configs.

use std::net::IpAddr;

use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::Connection;
use storage::configs::{
    self, Activity, ConfigChange, Strategies, StrategiesChange, StrategyChoice, TradingConfig,
};
use storage::page::PageRequest;
use storage::sessions::{self, NewSession, RotateError, Successor};
use storage::testing::TestDatabase;
use storage::users::{self, InsertUserError, Role};

use crate::support::{at, id, insert_user, new_user};

fn token_hash(letter: char) -> String {
    letter.to_string().repeat(64)
}

fn session(number: u128, letter: char) -> NewSession {
    NewSession {
        id: id(number),
        user_id: id(1),
        family_id: id(900),
        refresh_token_hash: token_hash(letter),
        expires_at: at(1000),
        created_at: at(0),
        ip_address: Some(IpAddr::from([203, 0, 113, 7])),
        user_agent: Some("curl/8".to_owned()),
    }
}

fn successor(number: u128, letter: char) -> Successor {
    Successor {
        id: id(number),
        refresh_token_hash: token_hash(letter),
        expires_at: at(2000),
        ip_address: None,
        user_agent: None,
    }
}

fn config(number: u128, user: u128, name: &str) -> TradingConfig {
    TradingConfig {
        id: id(number),
        user_id: id(user),
        name: name.to_owned(),
        tickers: vec!["AAPL".to_owned(), "BTC/USD".to_owned()],
        check_interval: 60,
        strategies: Some(strategies()),
        capital_share: Decimal::new(5000, 4),
        is_active: false,
        created_at: at(5),
        updated_at: at(5),
    }
}

fn strategies() -> Strategies {
    let params = serde_json::Map::from_iter([
        ("fast".to_owned(), json!(10)),
        ("slow".to_owned(), json!(20)),
    ]);
    let choice = StrategyChoice { strategy: "sma_cross".to_owned(), params };
    Strategies::from([("AAPL".to_owned(), choice)])
}

#[tokio::test]
async fn a_user_is_found_by_id_name_and_address_whatever_their_case() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    let inserted = insert_user(&mut connection, 1).await;
    assert_eq!(inserted.initial_capital, Decimal::new(1_000_000, 2));
    assert_eq!(inserted.risk_per_trade, Decimal::new(200, 4));
    assert!(inserted.is_active && inserted.paper_trading && !inserted.is_verified);
    for login in ["user1", "USER1", "user1@example.com", "User1@Example.Com"] {
        let found = users::by_username_or_email(&mut connection, login).await.unwrap().unwrap();
        assert_eq!(found.id, id(1), "{login}");
    }
    let found = users::by_id(&mut connection, id(1)).await.unwrap().unwrap();
    assert_eq!(found.password_hash.expose_secret(), inserted.password_hash.expose_secret());
    assert!(!format!("{found:?}").contains("argon2id"));
    assert!(users::by_id(&mut connection, id(2)).await.unwrap().is_none());
    assert!(users::by_username_or_email(&mut connection, "nobody").await.unwrap().is_none());
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_taken_name_or_address_and_each_bad_value_are_refused_by_name() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    let other = new_user(2);
    let rows = [
        (("USER1@example.com", "fresh"), "email_taken"),
        (("fresh@example.com", "User1"), "username_taken"),
        (("no address", "fresh"), "user_invalid"),
        (("a@b.c|", "fresh"), "user_invalid"),
        (("fresh@example.com", "a@b"), "user_invalid"),
        (("fresh@example.com", "ab"), "user_invalid"),
        (("fresh@example.com", "nul\0byte"), "user_invalid"),
    ];
    for ((email, username), code) in rows {
        let user = users::NewUser {
            email: email.to_owned(),
            username: username.to_owned(),
            ..other.clone()
        };
        let error = users::insert(&mut connection, &user).await.unwrap_err();
        assert_eq!(error.code(), code, "{email} {username}: {error}");
    }
    let too_long = users::NewUser { first_name: Some("x".repeat(101)), ..other };
    let error = users::insert(&mut connection, &too_long).await.unwrap_err();
    assert!(matches!(error, InsertUserError::Invalid { .. }), "{error}");
    assert_eq!(users::list(&mut connection, PageRequest::default()).await.unwrap().total, 1);
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_login_a_role_and_a_password_are_changed_and_a_missing_user_is_told() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    assert!(users::record_login(&mut connection, id(1), at(50)).await.unwrap());
    assert!(users::set_role(&mut connection, id(1), Role::Admin, at(60)).await.unwrap());
    let hash = "$argon2id$other".to_owned().into();
    assert!(users::set_password_hash(&mut connection, id(1), &hash, at(70)).await.unwrap());
    let user = users::by_id(&mut connection, id(1)).await.unwrap().unwrap();
    assert_eq!((user.last_login, user.role, user.updated_at), (Some(at(50)), Role::Admin, at(70)));
    assert_eq!(user.password_hash.expose_secret(), "$argon2id$other");
    let superuser: bool = sqlx::query_scalar("select is_superuser from users where id = $1")
        .bind(id(1))
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert!(superuser);
    assert!(!users::record_login(&mut connection, id(2), at(50)).await.unwrap());
    assert!(!users::set_role(&mut connection, id(2), Role::User, at(50)).await.unwrap());
    assert!(!users::set_password_hash(&mut connection, id(2), &hash, at(50)).await.unwrap());
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn users_are_listed_oldest_first_in_pages() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    for number in [3, 1, 2] {
        insert_user(&mut connection, number).await;
    }
    let page = PageRequest { limit: 2, offset: 1 };
    let page = users::list(&mut connection, page).await.unwrap();
    assert_eq!(page.total, 3);
    assert_eq!(page.items.iter().map(|user| user.id).collect::<Vec<_>>(), [id(2), id(3)]);
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_once_and_its_second_use_revokes_the_family() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    sessions::insert(&mut connection, &session(10, 'a')).await.unwrap();

    let next =
        sessions::rotate(&mut connection, &token_hash('a'), &successor(11, 'b'), at(10)).await;
    let next = next.unwrap();
    assert_eq!((next.user_id, next.family_id, next.created_at), (id(1), id(900), at(10)));
    let live = sessions::live(&mut connection, id(1), at(10)).await.unwrap();
    assert_eq!(live, [next]);

    let stolen =
        sessions::rotate(&mut connection, &token_hash('a'), &successor(12, 'c'), at(11)).await;
    let stolen = stolen.unwrap_err();
    assert_eq!(stolen.code(), "refresh_token_reused");
    assert!(
        matches!(stolen, RotateError::Reused { user_id, family_id } if user_id == id(1) && family_id == id(900))
    );
    assert!(sessions::live(&mut connection, id(1), at(11)).await.unwrap().is_empty());
    let victim =
        sessions::rotate(&mut connection, &token_hash('b'), &successor(13, 'd'), at(12)).await;
    assert_eq!(victim.unwrap_err().code(), "session_revoked");
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn of_two_exchanges_of_one_token_at_the_same_time_one_succeeds() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    sessions::insert(&mut connection, &session(10, 'a')).await.unwrap();
    let (mut one, mut two) =
        (test.pool().acquire().await.unwrap(), test.pool().acquire().await.unwrap());
    let (hash, first, second) = (token_hash('a'), successor(11, 'b'), successor(12, 'c'));
    let (first, second) = tokio::join!(
        sessions::rotate(&mut one, &hash, &first, at(10)),
        sessions::rotate(&mut two, &hash, &second, at(10)),
    );
    assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1);
    let refused = first.err().or(second.err()).unwrap();
    assert_eq!(refused.code(), "refresh_token_reused");
    drop((connection, one, two));
    test.drop_database().await;
}

#[tokio::test]
async fn unknown_expired_and_logged_out_tokens_are_told_apart() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    let next = successor(11, 'b');
    let unknown = sessions::rotate(&mut connection, &token_hash('f'), &next, at(10)).await;
    assert_eq!(unknown.unwrap_err().code(), "refresh_token_unknown");

    sessions::insert(&mut connection, &session(10, 'a')).await.unwrap();
    let expired = sessions::rotate(&mut connection, &token_hash('a'), &next, at(1000)).await;
    assert_eq!(expired.unwrap_err().code(), "refresh_token_expired");
    assert_eq!(sessions::revoke_family(&mut connection, id(900), at(20)).await.unwrap(), 1);
    let revoked = sessions::rotate(&mut connection, &token_hash('a'), &next, at(21)).await;
    assert_eq!(revoked.unwrap_err().code(), "session_revoked");
    let stored = sessions::by_token_hash(&mut connection, &token_hash('a')).await.unwrap().unwrap();
    assert_eq!(stored.revoked_at, Some(at(20)));
    assert_eq!(stored.ip_address, Some("203.0.113.7".parse().unwrap()));

    assert_eq!(sessions::purge_expired(&mut connection, at(999)).await.unwrap(), 0);
    assert_eq!(sessions::purge_expired(&mut connection, at(1000)).await.unwrap(), 1);
    assert!(sessions::by_token_hash(&mut connection, &token_hash('a')).await.unwrap().is_none());
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_users_sessions_are_revoked_together_and_deleted_one_by_one_by_their_owner_only() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    insert_user(&mut connection, 2).await;
    let second = NewSession { family_id: id(901), ..session(11, 'b') };
    sessions::insert(&mut connection, &session(10, 'a')).await.unwrap();
    sessions::insert(&mut connection, &second).await.unwrap();
    assert!(!sessions::delete(&mut connection, id(2), id(10)).await.unwrap());
    assert!(sessions::delete(&mut connection, id(1), id(10)).await.unwrap());
    assert_eq!(sessions::revoke_user(&mut connection, id(1), at(3)).await.unwrap(), 1);
    assert!(sessions::live(&mut connection, id(1), at(3)).await.unwrap().is_empty());
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_config_is_read_back_as_written_and_by_its_owner_only() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    insert_user(&mut connection, 2).await;
    let written = config(20, 1, "Mine");
    configs::insert(&mut connection, &written).await.unwrap();
    let read = configs::get(&mut connection, id(1), id(20)).await.unwrap();
    assert_eq!(read, Some(written.clone()));
    assert_eq!(configs::list(&mut connection, id(1)).await.unwrap(), [written]);
    assert_eq!(configs::get(&mut connection, id(2), id(20)).await.unwrap(), None);
    assert!(!configs::delete(&mut connection, id(2), id(20)).await.unwrap());
    let change = ConfigChange::default();
    let updated = configs::update(&mut connection, id(2), id(20), &change, at(9)).await.unwrap();
    assert_eq!(updated, None);
    let active = Activity::Active;
    let switched = configs::set_active(&mut connection, id(2), id(20), active, at(9)).await;
    assert_eq!(switched.unwrap(), None);
    assert!(configs::delete(&mut connection, id(1), id(20)).await.unwrap());
    assert!(configs::list(&mut connection, id(1)).await.unwrap().is_empty());
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_config_with_a_taken_name_or_a_bad_value_is_refused_by_name() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    configs::insert(&mut connection, &config(20, 1, "Mine")).await.unwrap();
    let good = config(21, 1, "Other");
    let mut nul_parameter = strategies();
    for choice in nul_parameter.values_mut() {
        choice.strategy.push('\0');
    }
    let rows = [
        (config(21, 1, "Mine"), "trading_configs_user_id_name_key"),
        (TradingConfig { tickers: vec![], ..good.clone() }, "valid_tickers"),
        (TradingConfig { check_interval: 0, ..good.clone() }, "valid_check_interval"),
        (TradingConfig { check_interval: 86_401, ..good.clone() }, "valid_check_interval"),
        (TradingConfig { check_interval: u32::MAX, ..good.clone() }, "valid_check_interval"),
        (TradingConfig { name: "  ".to_owned(), ..good.clone() }, "valid_name"),
        (TradingConfig { name: "x".repeat(101), ..good.clone() }, "value_does_not_fit"),
        (TradingConfig { strategies: Some(nul_parameter), ..good.clone() }, "value_does_not_fit"),
        (TradingConfig { capital_share: Decimal::ZERO, ..good.clone() }, "valid_capital_share"),
        (TradingConfig { capital_share: Decimal::TWO, ..good }, "valid_capital_share"),
    ];
    for (config, constraint) in rows {
        match configs::insert(&mut connection, &config).await.unwrap_err() {
            configs::ConfigError::NameTaken => {
                assert_eq!(constraint, "trading_configs_user_id_name_key");
            }
            configs::ConfigError::Invalid { constraint: broken } => assert_eq!(broken, constraint),
            error => panic!("{constraint}: {error}"),
        }
    }
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_change_sets_what_it_names_and_keeps_the_rest() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    let written = config(20, 1, "Mine");
    configs::insert(&mut connection, &written).await.unwrap();
    configs::insert(&mut connection, &config(21, 1, "Other")).await.unwrap();

    let change = ConfigChange { check_interval: Some(300), ..ConfigChange::default() };
    let changed = configs::update(&mut connection, id(1), id(20), &change, at(9)).await.unwrap();
    let expected = TradingConfig { check_interval: 300, updated_at: at(9), ..written };
    assert_eq!(changed, Some(expected.clone()));

    let change = ConfigChange {
        name: Some("Renamed".to_owned()),
        tickers: Some(vec!["IBM".to_owned()]),
        strategies: StrategiesChange::UseDefault,
        capital_share: Some(Decimal::ONE),
        ..ConfigChange::default()
    };
    let changed = configs::update(&mut connection, id(1), id(20), &change, at(10)).await.unwrap();
    let expected = TradingConfig {
        name: "Renamed".to_owned(),
        tickers: vec!["IBM".to_owned()],
        strategies: None,
        capital_share: Decimal::ONE,
        updated_at: at(10),
        ..expected
    };
    assert_eq!(changed, Some(expected.clone()));

    let change =
        ConfigChange { strategies: StrategiesChange::Set(strategies()), ..ConfigChange::default() };
    let changed = configs::update(&mut connection, id(1), id(20), &change, at(11)).await.unwrap();
    assert_eq!(changed.unwrap().strategies, Some(strategies()));

    let taken = ConfigChange { name: Some("Other".to_owned()), ..ConfigChange::default() };
    let error = configs::update(&mut connection, id(1), id(20), &taken, at(12)).await.unwrap_err();
    assert_eq!(error.code(), "config_name_taken");
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn only_active_configs_of_active_users_trade() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    for user in [1, 2] {
        insert_user(&mut connection, user).await;
        configs::insert(&mut connection, &config(20 + user, user, "On")).await.unwrap();
        configs::insert(&mut connection, &config(30 + user, user, "Off")).await.unwrap();
        let active = Activity::Active;
        configs::set_active(&mut connection, id(user), id(20 + user), active, at(9)).await.unwrap();
    }
    sqlx::query("update users set is_active = false where id = $1")
        .bind(id(2))
        .execute(&mut *connection)
        .await
        .unwrap();
    let active = configs::all_active(&mut connection).await.unwrap();
    assert_eq!(active.iter().map(|config| config.id).collect::<Vec<_>>(), [id(21)]);
    let off = Activity::Inactive;
    let config = configs::set_active(&mut connection, id(1), id(21), off, at(10)).await.unwrap();
    assert!(!config.unwrap().is_active);
    assert!(configs::all_active(&mut connection).await.unwrap().is_empty());
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_stored_value_nobody_understands_is_named_by_table_column_and_row() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    configs::insert(&mut connection, &config(20, 1, "Mine")).await.unwrap();
    sqlx::query(r#"update trading_configs set strategies = '{"AAPL": 7}'"#)
        .execute(&mut *connection)
        .await
        .unwrap();
    let error = configs::list(&mut connection, id(1)).await.unwrap_err();
    assert_eq!(error.code(), "row_inconsistent");
    let text = error.to_string();
    assert!(text.contains("trading_configs") && text.contains("strategies"), "{text}");
    assert!(text.contains(&id(20).to_string()), "{text}");
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_rotation_inside_a_transaction_of_the_caller_goes_with_it() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    sessions::insert(&mut connection, &session(10, 'a')).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    sessions::rotate(&mut transaction, &token_hash('a'), &successor(11, 'b'), at(10))
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    let stored = sessions::by_token_hash(&mut connection, &token_hash('a')).await.unwrap().unwrap();
    assert_eq!(stored.used_at, None);
    drop(connection);
    test.drop_database().await;
}

//! Connecting, migrating, and keeping a second engine out.

use std::time::Duration;

use secrecy::SecretString;
use storage::testing::TestDatabase;
use storage::{Database, DatabaseOptions, EngineLock};

fn options() -> DatabaseOptions {
    DatabaseOptions { acquire_timeout: Duration::from_secs(2), ..DatabaseOptions::default() }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let url = SecretString::from("postgres://ann:hunter2@127.0.0.1:1/shop".to_owned());
    let error = Database::connect(&url, options()).await.unwrap_err();
    assert_eq!(error.code(), "database_unreachable");
    let text = format!("{error} {error:?}");
    assert!(text.contains("127.0.0.1:1") && text.contains("shop"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn text_that_is_no_url_is_refused_without_being_shown() {
    let url = SecretString::from("hunter2 is my password".to_owned());
    let error = Database::connect(&url, options()).await.unwrap_err();
    assert_eq!(error.code(), "database_url_invalid");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn migrating_twice_changes_nothing_and_the_sessions_speak_utc() {
    let test = TestDatabase::create().await;
    test.database().migrate().await.unwrap();
    test.database().ping().await.unwrap();
    let zone: String = sqlx::query_scalar("show timezone").fetch_one(test.pool()).await.unwrap();
    assert_eq!(zone, "UTC");
    test.drop_database().await;
}

#[tokio::test]
async fn a_database_of_a_newer_engine_is_refused_with_a_way_out() {
    let test = TestDatabase::create().await;
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values (9999, 'from the future', true, '\\x00', 0)",
    )
    .execute(test.pool())
    .await
    .unwrap();
    let error = test.database().migrate().await.unwrap_err();
    assert_eq!(error.code(), "database_migrated_by_newer");
    assert!(error.to_string().contains("9999"), "{error}");
    test.drop_database().await;
}

#[tokio::test]
async fn every_column_says_what_it_means() {
    let test = TestDatabase::create().await;
    let silent: Vec<String> = sqlx::query_scalar(
        "select t.relname || '.' || c.attname \
         from pg_class t join pg_attribute c on c.attrelid = t.oid \
         where t.relnamespace = 'public'::regnamespace and t.relkind = 'r' \
         and t.relname <> '_sqlx_migrations' and c.attnum > 0 and not c.attisdropped \
         and col_description(t.oid, c.attnum) is null",
    )
    .fetch_all(test.pool())
    .await
    .unwrap();
    assert_eq!(silent, Vec::<String>::new());
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables \
         where table_schema = 'public' order by table_name",
    )
    .fetch_all(test.pool())
    .await
    .unwrap();
    let expected = "_sqlx_migrations audit_logs bars best_strategies evaluation_runs evaluation_tasks \
                    fills order_events orders positions price_data_cache signals \
                    strategy_evaluations trade_history trading_configs user_sessions users";
    assert_eq!(tables, expected.split_whitespace().collect::<Vec<_>>());
    test.drop_database().await;
}

#[tokio::test]
async fn a_second_engine_is_kept_out_until_the_first_lets_go() {
    let test = TestDatabase::create().await;
    let mut first = EngineLock::acquire(test.database(), Duration::ZERO).await.unwrap();
    first.check().await.unwrap();
    let second = EngineLock::acquire(test.database(), Duration::from_millis(120)).await;
    let error = second.unwrap_err();
    assert_eq!(error.code(), "engine_already_running");
    first.release().await.unwrap();
    let second = EngineLock::acquire(test.database(), Duration::from_secs(5)).await.unwrap();
    second.release().await.unwrap();
    test.drop_database().await;
}

#[tokio::test]
async fn an_engine_learns_that_its_lock_is_lost() {
    let test = TestDatabase::create().await;
    let mut lock = EngineLock::acquire(test.database(), Duration::ZERO).await.unwrap();
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_locks \
         where locktype = 'advisory' and database = \
         (select oid from pg_database where datname = current_database())",
    )
    .execute(test.pool())
    .await
    .unwrap();
    assert_eq!(lock.check().await.unwrap_err().code(), "engine_lock_lost");
    let again = EngineLock::acquire(test.database(), Duration::from_secs(5)).await.unwrap();
    again.release().await.unwrap();
    test.drop_database().await;
}

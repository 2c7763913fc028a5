//! What a database still lacks.

use storage::testing::TestDatabase;

#[tokio::test]
async fn only_migrations_that_were_not_applied_are_pending_in_their_order() {
    let test = TestDatabase::create().await;
    assert_eq!(test.database().pending_migrations().await.unwrap(), []);
    sqlx::query("delete from _sqlx_migrations where version > 1")
        .execute(test.pool())
        .await
        .unwrap();
    let pending = test.database().pending_migrations().await.unwrap();
    let versions: Vec<i64> = pending.iter().map(|migration| migration.version).collect();
    assert_eq!(versions.first(), Some(&2));
    assert!(versions.is_sorted(), "{versions:?}");
    sqlx::query("drop table _sqlx_migrations").execute(test.pool()).await.unwrap();
    let all = test.database().pending_migrations().await.unwrap();
    assert_eq!(all.len(), pending.len() + 1);
    test.drop_database().await;
}

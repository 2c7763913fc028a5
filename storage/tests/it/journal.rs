//! The journal: group commit, retry, fencing.

use std::time::Duration;

use chrono::TimeDelta;
use secrecy::SecretString;
use storage::journal::{self, BrokenCommit, Commit, JournalError};
use storage::positions::{self, Holding};
use storage::{Database, DatabaseOptions, Durability, EmbeddedPostgres};

use crate::support::{at, counts, event, filled_order, id, insert_user, order, with_users};

fn events_only(user: u128, seqs: std::ops::RangeInclusive<i64>) -> Commit {
    Commit {
        user_id: id(user),
        events: seqs.map(|seq| event(seq, "noted")).collect(),
        orders: vec![],
        fills: vec![],
        positions: vec![],
        trades: vec![],
    }
}

#[tokio::test]
async fn two_hundred_commits_of_fifty_users_are_one_transaction() {
    let test = with_users(50).await;
    let commits: Vec<Commit> =
        (1..=4).flat_map(|seq| (1..=50).map(move |user| filled_order(user, seq))).collect();
    let before: i64 =
        sqlx::query_scalar("select txid_current()").fetch_one(test.pool()).await.unwrap();
    journal::commit(test.pool(), &commits, at(100)).await.unwrap();
    let transactions: i64 = sqlx::query_scalar(
        "select count(distinct xmin::text) from order_events where xmin::text::bigint > $1",
    )
    .bind(before)
    .fetch_one(test.pool())
    .await
    .unwrap();
    assert_eq!(transactions, 1);
    assert_eq!(counts(test.pool()).await, [200, 200, 200, 50, 200]);

    let mut connection = test.pool().acquire().await.unwrap();
    assert_eq!(journal::users_with_events(&mut connection).await.unwrap().len(), 50);
    assert_eq!(journal::last_seq(&mut connection, id(7)).await.unwrap(), Some(4));
    assert_eq!(journal::last_seq(&mut connection, id(99)).await.unwrap(), None);
    // Of the four states of one position in the group, the last was kept.
    let held = positions::list(&mut connection, id(7), Holding::Open).await.unwrap();
    assert_eq!(held, filled_order(7, 4).positions);
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn events_come_back_as_they_went_in_and_in_order() {
    let test = with_users(1).await;
    let mut odd = event(3, "odd");
    odd.client_order_id = None;
    odd.config_id = None;
    odd.at = at(3) + TimeDelta::nanoseconds(1_999);
    let commit =
        Commit { events: vec![event(1, "a"), event(2, "b"), odd], ..events_only(1, 1..=1) };
    journal::commit(test.pool(), std::slice::from_ref(&commit), at(100)).await.unwrap();
    let mut connection = test.pool().acquire().await.unwrap();
    let all = journal::load(&mut connection, id(1), -1).await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(all.first().unwrap().event, commit.events[0]);
    assert_eq!(all.first().unwrap().recorded_at, at(100));
    // Times are kept to the microsecond.
    assert_eq!(all.last().unwrap().event.at, at(3) + TimeDelta::microseconds(1));
    let later = journal::load(&mut connection, id(1), 1).await.unwrap();
    assert_eq!(later.iter().map(|stored| stored.event.seq).collect::<Vec<_>>(), [2, 3]);
    // And the same commit, nanoseconds and all, is recognised as stored.
    journal::commit(test.pool(), &[commit], at(101)).await.unwrap();
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_retry_of_what_is_stored_changes_nothing_also_beside_what_is_new() {
    let test = with_users(2).await;
    let first = [filled_order(1, 1), filled_order(2, 1)];
    journal::commit(test.pool(), &first, at(100)).await.unwrap();
    journal::commit(test.pool(), &first, at(101)).await.unwrap();
    assert_eq!(counts(test.pool()).await, [2, 2, 2, 2, 2]);
    // User 1 went on meanwhile; a late retry must not turn the position back.
    journal::commit(test.pool(), &[filled_order(1, 2)], at(102)).await.unwrap();
    let [retried, _] = first;
    journal::commit(test.pool(), &[retried, filled_order(2, 2)], at(103)).await.unwrap();
    assert_eq!(counts(test.pool()).await, [4, 4, 4, 2, 4]);
    let mut connection = test.pool().acquire().await.unwrap();
    let held = positions::list(&mut connection, id(1), Holding::Open).await.unwrap();
    assert_eq!(held, filled_order(1, 2).positions);
    let stored = journal::load(&mut connection, id(1), -1).await.unwrap();
    assert_eq!(stored.first().unwrap().recorded_at, at(100));
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_fill_reported_twice_is_booked_once() {
    let test = with_users(1).await;
    let once = filled_order(1, 1);
    let mut again = filled_order(1, 2);
    again.fills.clone_from(&once.fills);
    again.trades[0].order_id.clone_from(&once.trades[0].order_id);
    journal::commit(test.pool(), &[once, again], at(100)).await.unwrap();
    assert_eq!(counts(test.pool()).await, [2, 2, 1, 1, 1]);
    test.drop_database().await;
}

#[tokio::test]
async fn another_writer_is_fenced_off_and_nothing_of_the_group_is_stored() {
    let test = with_users(2).await;
    journal::commit(test.pool(), &[events_only(1, 1..=3)], at(100)).await.unwrap();
    let mut different = events_only(1, 2..=3);
    different.events[1].payload = serde_json::json!({"price": "100.26"});
    let half_stored = events_only(1, 3..=5);
    let mut other_kind = events_only(1, 1..=1);
    other_kind.events[0].kind = "another".to_owned();
    for (commit, expected) in [(different, 3), (half_stored, 3), (other_kind, 1)] {
        let group = [filled_order(2, 1), commit];
        let error = journal::commit(test.pool(), &group, at(101)).await.unwrap_err();
        assert!(
            matches!(error, JournalError::Fenced { user_id, seq } if user_id == id(1) && seq == expected),
            "{error}"
        );
    }
    assert_eq!(counts(test.pool()).await, [3, 0, 0, 0, 0]);
    test.drop_database().await;
}

#[tokio::test]
async fn of_two_writers_at_the_same_time_one_wins_and_the_other_is_fenced() {
    let test = with_users(1).await;
    for round in 0..5 {
        let seq = round + 1;
        let (mut one, mut two) = (events_only(1, seq..=seq), events_only(1, seq..=seq));
        one.events[0].kind = "one".to_owned();
        two.events[0].kind = "two".to_owned();
        let (one, two) = ([one], [two]);
        let (first, second) = tokio::join!(
            journal::commit(test.pool(), &one, at(100)),
            journal::commit(test.pool(), &two, at(100)),
        );
        assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1);
        let error = first.err().or(second.err()).unwrap();
        assert_eq!(error.code(), "journal_fenced", "{error}");
    }
    assert_eq!(counts(test.pool()).await, [5, 0, 0, 0, 0]);
    test.drop_database().await;
}

#[tokio::test]
async fn a_commit_that_can_never_be_stored_says_why() {
    let test = with_users(2).await;
    journal::commit(test.pool(), &[events_only(1, 1..=2)], at(100)).await.unwrap();
    let no_event = Commit { events: vec![], ..filled_order(1, 3) };
    let gap_to_stored = events_only(1, 4..=4);
    let mut gap_inside = events_only(1, 3..=5);
    gap_inside.events.remove(1);
    let foreign = Commit { user_id: id(2), ..filled_order(1, 1) };
    let mut nothing_filled = filled_order(1, 3);
    nothing_filled.fills[0].quantity = rust_decimal::Decimal::ZERO;
    let unknown_user = events_only(77, 1..=1);
    let rows = [
        (no_event, "has no event"),
        (gap_to_stored, "event 3 should come next, 4 came"),
        (gap_inside, "event 4 should come next, 5 came"),
        (foreign, "of another user"),
        (nothing_filled, "valid_quantity"),
        (unknown_user, "order_events_user_id_fkey"),
    ];
    for (commit, reason) in rows {
        let error = journal::commit(test.pool(), &[commit], at(101)).await.unwrap_err();
        assert_eq!(error.code(), "journal_broken", "{error}");
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
    assert_eq!(counts(test.pool()).await, [2, 0, 0, 0, 0]);
    test.drop_database().await;
}

#[tokio::test]
async fn one_users_broken_commit_does_not_hold_up_the_others() {
    let test = with_users(3).await;
    let mut broken = filled_order(2, 1);
    broken.orders = vec![order(2, "", "new")];
    broken.orders[0].quantity = rust_decimal::Decimal::ZERO;
    let group = [filled_order(1, 1), broken, filled_order(3, 1), filled_order(1, 2)];
    let refusals = journal::commit_each(test.pool(), &group, at(100)).await.unwrap();
    assert_eq!(refusals.iter().map(|refusal| refusal.user_id).collect::<Vec<_>>(), [id(2)]);
    assert!(matches!(refusals[0].error, JournalError::Broken(BrokenCommit::Refused(_))));
    assert_eq!(counts(test.pool()).await, [3, 3, 3, 2, 3]);
    test.drop_database().await;
}

#[tokio::test]
async fn nothing_to_store_is_no_error() {
    let test = with_users(1).await;
    journal::commit(test.pool(), &[], at(100)).await.unwrap();
    let empty = Commit { events: vec![], ..events_only(1, 1..=1) };
    journal::commit(test.pool(), &[empty], at(100)).await.unwrap();
    assert_eq!(counts(test.pool()).await, [0, 0, 0, 0, 0]);
    test.drop_database().await;
}

#[tokio::test]
async fn a_server_that_was_away_takes_the_same_commit_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pg");
    let start = move || EmbeddedPostgres::start(&path, Durability::Test);
    let mut server = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
    let url = SecretString::from(server.url("postgres"));
    let options = DatabaseOptions {
        acquire_timeout: Duration::from_millis(500),
        ..DatabaseOptions::default()
    };
    let database = Database::connect(&url, options).await.unwrap();
    database.migrate().await.unwrap();
    let mut connection = database.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    drop(connection);
    journal::commit(database.pool(), &[filled_order(1, 1)], at(100)).await.unwrap();

    let mut server = tokio::task::spawn_blocking(move || {
        server.stop().unwrap();
        server
    })
    .await
    .unwrap();
    let error = journal::commit(database.pool(), &[filled_order(1, 2)], at(101)).await.unwrap_err();
    assert_eq!(error.code(), "journal_unavailable", "{error}");
    let error = journal::commit_each(database.pool(), &[filled_order(1, 2)], at(101)).await;
    assert_eq!(error.unwrap_err().code(), "journal_unavailable");

    let server = tokio::task::spawn_blocking(move || {
        server.restart().unwrap();
        server
    })
    .await
    .unwrap();
    let group = [filled_order(1, 1), filled_order(1, 2)];
    journal::commit(database.pool(), &group, at(102)).await.unwrap();
    assert_eq!(counts(database.pool()).await, [2, 2, 2, 1, 2]);
    database.close().await;
    drop(server);
}

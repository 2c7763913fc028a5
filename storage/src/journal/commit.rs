//! The transaction of the group commit.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::events::{self, Columns};
use super::{BrokenCommit, Commit, JournalError};
use crate::{fills, orders, positions, trades};

/// A commit that was left out of its group.
#[derive(Debug)]
pub struct Refusal {
    /// The account; none of its commits of this group is stored.
    pub user_id: Uuid,
    /// `Fenced` or `Broken`.
    pub error: JournalError,
}

/// Stores the commits of many accounts in one transaction, all or nothing.
///
/// Trying again is safe: a commit whose events are stored already is left alone. Several commits of
/// one account stand in the order of their events.
pub async fn commit(
    pool: &PgPool,
    commits: &[Commit],
    recorded_at: DateTime<Utc>,
) -> Result<(), JournalError> {
    check_rows(commits)?;
    // A server that hangs would hold up every account; the retry finds out what it did.
    tokio::time::timeout(COMMIT_PATIENCE, store(pool, commits, recorded_at))
        .await
        .unwrap_or(Err(JournalError::Unavailable(sqlx::Error::PoolTimedOut)))
}

/// Like [`commit`]; but a commit that is fenced or broken does not hold up the others: the group is
/// then stored account by account. Answers the accounts that were refused.
pub async fn commit_each(
    pool: &PgPool,
    commits: &[Commit],
    recorded_at: DateTime<Utc>,
) -> Result<Vec<Refusal>, JournalError> {
    match commit(pool, commits, recorded_at).await {
        Ok(()) => return Ok(Vec::new()),
        Err(error @ JournalError::Unavailable(_)) => return Err(error),
        Err(JournalError::Fenced { .. } | JournalError::Broken(_)) => {}
    }
    let mut by_user: BTreeMap<Uuid, Vec<Commit>> = BTreeMap::new();
    for commit in commits {
        by_user.entry(commit.user_id).or_default().push(commit.clone());
    }
    let mut refusals = Vec::new();
    for (user_id, commits) in by_user {
        match commit(pool, &commits, recorded_at).await {
            Ok(()) => {}
            Err(error @ JournalError::Unavailable(_)) => return Err(error),
            Err(error) => refusals.push(Refusal { user_id, error }),
        }
    }
    Ok(refusals)
}

/// Many times what a commit takes on a busy disk; far less than an order's deadline.
const COMMIT_PATIENCE: Duration = Duration::from_secs(10);

async fn store(
    pool: &PgPool,
    commits: &[Commit],
    recorded_at: DateTime<Utc>,
) -> Result<(), JournalError> {
    let mut transaction = pool.begin().await?;
    let mut user_ids: Vec<Uuid> = commits.iter().map(|commit| commit.user_id).collect();
    user_ids.sort_unstable();
    user_ids.dedup();
    let stored = events::last_seqs(&mut transaction, &user_ids).await?;
    let Sorted { fresh, fresh_events, known_events } = sort(commits, stored)?;
    if !known_events.is_empty()
        && let Some((user_id, seq)) =
            events::first_difference(&mut transaction, &known_events).await?
    {
        return Err(JournalError::Fenced { user_id, seq });
    }
    if !fresh.is_empty() {
        let taken = events::insert(&mut transaction, &fresh_events, recorded_at).await?;
        if let Some((user_id, seq)) = taken {
            return Err(JournalError::Fenced { user_id, seq });
        }
        let fresh = || fresh.iter();
        orders::upsert(&mut transaction, fresh().flat_map(|commit| &commit.orders)).await?;
        fills::insert_new(&mut transaction, fresh().flat_map(|commit| &commit.fills)).await?;
        positions::upsert(&mut transaction, fresh().flat_map(|commit| &commit.positions)).await?;
        trades::insert_new(&mut transaction, fresh().flat_map(|commit| &commit.trades)).await?;
    }
    Ok(transaction.commit().await?)
}

/// Commits told apart by what is stored.
#[derive(Default)]
struct Sorted<'a> {
    fresh: Vec<&'a Commit>,
    fresh_events: Columns<'a>,
    /// Events of commits that seem to be stored: the answer of an earlier try was lost, or another
    /// writer was here.
    known_events: Columns<'a>,
}

fn sort(commits: &[Commit], stored: Vec<(Uuid, i64)>) -> Result<Sorted<'_>, JournalError> {
    let stored: BTreeMap<Uuid, i64> = stored.into_iter().collect();
    let mut last = stored.clone();
    let mut sorted = Sorted::default();
    for commit in commits {
        let user_id = commit.user_id;
        let (Some(first), Some(end)) = (commit.events.first(), commit.events.last()) else {
            continue;
        };
        check_contiguous(commit)?;
        let is_known = stored.get(&user_id).is_some_and(|&stored| end.seq <= stored);
        let columns = if is_known { &mut sorted.known_events } else { &mut sorted.fresh_events };
        for event in &commit.events {
            columns.push(user_id, event);
        }
        if is_known {
            continue;
        }
        match last.insert(user_id, end.seq) {
            // Half of it is stored: commits are all or nothing, so somebody else's are.
            Some(last) if first.seq <= last => {
                return Err(JournalError::Fenced { user_id, seq: first.seq });
            }
            Some(last) if first.seq > last.saturating_add(1) => {
                let expected = last.saturating_add(1);
                return Err(BrokenCommit::Gap { user_id, expected, found: first.seq }.into());
            }
            Some(_) | None => sorted.fresh.push(commit),
        }
    }
    Ok(sorted)
}

fn check_contiguous(commit: &Commit) -> Result<(), BrokenCommit> {
    let user_id = commit.user_id;
    for pair in commit.events.windows(2) {
        if let [before, after] = pair
            && before.seq.checked_add(1) != Some(after.seq)
        {
            let expected = before.seq.saturating_add(1);
            return Err(BrokenCommit::Gap { user_id, expected, found: after.seq });
        }
    }
    Ok(())
}

/// Rows come with events, and are the account's own.
fn check_rows(commits: &[Commit]) -> Result<(), BrokenCommit> {
    for commit in commits {
        let user_id = commit.user_id;
        let has_rows = !(commit.orders.is_empty()
            && commit.fills.is_empty()
            && commit.positions.is_empty()
            && commit.trades.is_empty());
        if commit.events.is_empty() && has_rows {
            return Err(BrokenCommit::NoEvent { user_id });
        }
        let orders = commit.orders.iter().map(|row| (row.user_id, "order", &row.client_order_id));
        let fills = commit.fills.iter().map(|row| (row.user_id, "fill", &row.client_order_id));
        let positions = commit.positions.iter().map(|row| (row.user_id, "position", &row.ticker));
        let trades = commit.trades.iter().map(|row| (row.user_id, "trade", &row.ticker));
        let mut rows = orders.chain(fills).chain(positions).chain(trades);
        if let Some((_, kind, name)) = rows.find(|(owner, ..)| *owner != user_id) {
            return Err(BrokenCommit::ForeignRow { user_id, row: format!("{kind} {name}") });
        }
    }
    Ok(())
}

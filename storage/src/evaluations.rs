//! Tables `evaluation_tasks` and `evaluation_runs`: what was evaluated, and every run of it.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::constraint::can_be_stored;
use crate::error::StorageError;
use crate::page::{Page, PageRequest, count};

/// How far an evaluation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// Its runs are being made.
    Processing,
    /// All runs were made.
    Completed,
    /// Somebody stopped it; what was done by then is stored.
    Cancelled,
    /// It broke off; the task says why.
    Failed,
}

/// An evaluation that starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// Key, from the id source.
    pub id: Uuid,
    /// Who asks for it.
    pub user_id: Uuid,
    /// The config it is for; `None`: by hand, for no config.
    pub config_id: Option<Uuid>,
    /// Metric the runs are ranked by.
    pub metric_name: String,
    /// What is asked: tickers, ranges of time, strategies, costs.
    pub request: Value,
    /// Backtests it is made of.
    pub runs_total: u32,
    /// When it is asked for.
    pub created_at: DateTime<Utc>,
}

/// An evaluation as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What was asked for.
    pub asked: NewTask,
    /// How far it is.
    pub status: TaskStatus,
    /// Backtests that have ended.
    pub runs_done: u32,
    /// Why it failed, in words; `None`: it did not.
    pub error: Option<String>,
    /// When it ended; `None`: it still runs.
    pub finished_at: Option<DateTime<Utc>>,
}

/// How an evaluation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskEnd {
    /// Not [`TaskStatus::Processing`].
    pub status: TaskStatus,
    /// Backtests that have ended.
    pub runs_done: u32,
    /// Why it failed; `None`: it did not.
    pub error: Option<String>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
}

/// One backtest of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Place in the plan, from 0.
    pub number: u32,
    /// Symbol it ran on; of a pair both, with a comma between.
    pub ticker: String,
    /// Name in the strategy registry.
    pub strategy_name: String,
    /// All parameters by name.
    pub params: Value,
    /// Place among the task's runs on this ticker, 1 the best; `None`: it has no score.
    pub rank: Option<u32>,
    /// Value of the task's metric; `None`: not defined for this run.
    pub score: Option<f64>,
    /// All metrics by name; an empty object: it did not run.
    pub metrics: Value,
    /// Why it did not run; `None`: it did.
    pub refusal: Option<String>,
}

/// Stores an evaluation that starts.
pub async fn insert_task(
    connection: &mut PgConnection,
    task: &NewTask,
) -> Result<(), StorageError> {
    sqlx::query!(
        r#"
        insert into evaluation_tasks
            (id, user_id, config_id, status, metric_name, request, runs_total, runs_done,
             created_at)
        values ($1, $2, $3, $4, $5, $6, $7, 0, $8)
        "#,
        task.id,
        task.user_id,
        task.config_id,
        TaskStatus::Processing.as_str(),
        task.metric_name,
        task.request,
        sql_count(task.runs_total),
        task.created_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes how many runs have ended. Answers whether the evaluation still runs: one that was ended
/// meanwhile stays as it is.
pub async fn note_progress(
    connection: &mut PgConnection,
    id: Uuid,
    runs_done: u32,
) -> Result<bool, StorageError> {
    let done = sqlx::query!(
        r#"
        update evaluation_tasks
        set runs_done = least($2, runs_total)
        where id = $1 and status = 'processing'
        "#,
        id,
        sql_count(runs_done),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends an evaluation. Answers whether it was still running: it ends once.
pub async fn finish_task(
    connection: &mut PgConnection,
    id: Uuid,
    end: &TaskEnd,
) -> Result<bool, StorageError> {
    let done = sqlx::query!(
        r#"
        update evaluation_tasks
        set status = $2, runs_done = least($3, runs_total), error = $4, finished_at = $5
        where id = $1 and status = 'processing'
        "#,
        id,
        end.status.as_str(),
        sql_count(end.runs_done),
        end.error,
        end.finished_at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One of the user's evaluations; another user's is not there.
pub async fn task(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<Task>, StorageError> {
    sqlx::query_as!(
        TaskRow,
        r#"
        select
            id, user_id, config_id, status, metric_name, request, runs_total, runs_done, error,
            created_at, finished_at
        from evaluation_tasks
        where user_id = $1 and id = $2
        "#,
        user_id,
        id,
    )
    .fetch_optional(connection)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// The user's evaluations, newest first.
pub async fn tasks(
    connection: &mut PgConnection,
    user_id: Uuid,
    page: PageRequest,
) -> Result<Page<Task>, StorageError> {
    let total = sqlx::query_scalar!(
        r#"select count(*) as "count!" from evaluation_tasks where user_id = $1"#,
        user_id,
    )
    .fetch_one(&mut *connection)
    .await?;
    let rows = sqlx::query_as!(
        TaskRow,
        r#"
        select
            id, user_id, config_id, status, metric_name, request, runs_total, runs_done, error,
            created_at, finished_at
        from evaluation_tasks
        where user_id = $1
        order by created_at desc, id
        limit $2 offset $3
        "#,
        user_id,
        page.sql_limit(),
        page.sql_offset(),
    )
    .fetch_all(connection)
    .await?;
    let items = rows.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    Ok(Page { items, total: count(total) })
}

/// Stores runs of an evaluation; one that is stored already is left as it is. Answers how many
/// were new.
pub async fn insert_runs(
    connection: &mut PgConnection,
    task_id: Uuid,
    runs: &[RunRecord],
) -> Result<u64, StorageError> {
    if runs.is_empty() {
        return Ok(0);
    }
    let text = |of: fn(&RunRecord) -> &str| runs.iter().map(of).collect::<Vec<&str>>();
    let done = sqlx::query!(
        r#"
        insert into evaluation_runs
            (task_id, number, ticker, strategy_name, params, rank, score, metrics, refusal)
        select $1, *
        from unnest
            ($2::integer[], $3::text[], $4::text[], $5::jsonb[], $6::integer[],
             $7::double precision[], $8::jsonb[], $9::text[])
        on conflict (task_id, number) do nothing
        "#,
        task_id,
        &runs.iter().map(|run| sql_count(run.number)).collect::<Vec<_>>(),
        &text(|run| &run.ticker) as &[&str],
        &text(|run| &run.strategy_name) as &[&str],
        &runs.iter().map(|run| &run.params).collect::<Vec<_>>() as &[&Value],
        &runs.iter().map(|run| run.rank.map(sql_count)).collect::<Vec<_>>() as &[Option<i32>],
        &runs.iter().map(|run| run.score).collect::<Vec<_>>() as &[Option<f64>],
        &runs.iter().map(|run| &run.metrics).collect::<Vec<_>>() as &[&Value],
        &runs.iter().map(|run| run.refusal.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The runs of an evaluation by ticker, best first; those without a score last.
pub async fn runs(
    connection: &mut PgConnection,
    task_id: Uuid,
    ticker: Option<&str>,
    page: PageRequest,
) -> Result<Page<RunRecord>, StorageError> {
    if !ticker.is_none_or(can_be_stored) {
        return Ok(Page { items: Vec::new(), total: 0 });
    }
    let total = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from evaluation_runs
        where task_id = $1 and ($2::text is null or ticker = $2)
        "#,
        task_id,
        ticker,
    )
    .fetch_one(&mut *connection)
    .await?;
    let rows = sqlx::query_as!(
        RunRow,
        r#"
        select number, ticker, strategy_name, params, rank, score, metrics, refusal
        from evaluation_runs
        where task_id = $1 and ($2::text is null or ticker = $2)
        order by ticker, rank nulls last, number
        limit $3 offset $4
        "#,
        task_id,
        ticker,
        page.sql_limit(),
        page.sql_offset(),
    )
    .fetch_all(connection)
    .await?;
    Ok(Page { items: rows.into_iter().map(RunRecord::from).collect(), total: count(total) })
}

impl TaskStatus {
    /// Name in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for TaskStatus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Processing, Self::Completed, Self::Cancelled, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(())
    }
}

struct TaskRow {
    id: Uuid,
    user_id: Uuid,
    config_id: Option<Uuid>,
    status: String,
    metric_name: String,
    request: Value,
    runs_total: i32,
    runs_done: i32,
    error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<TaskRow> for Task {
    type Error = StorageError;

    fn try_from(row: TaskRow) -> Result<Self, StorageError> {
        let status = row.status.parse().map_err(|()| StorageError::Inconsistent {
            table: "evaluation_tasks",
            column: "status",
            row: row.id.to_string(),
            detail: row.status.clone(),
        })?;
        let asked = NewTask {
            id: row.id,
            user_id: row.user_id,
            config_id: row.config_id,
            metric_name: row.metric_name,
            request: row.request,
            runs_total: small_count(row.runs_total),
            created_at: row.created_at,
        };
        let runs_done = small_count(row.runs_done);
        Ok(Self { asked, status, runs_done, error: row.error, finished_at: row.finished_at })
    }
}

struct RunRow {
    number: i32,
    ticker: String,
    strategy_name: String,
    params: Value,
    rank: Option<i32>,
    score: Option<f64>,
    metrics: Value,
    refusal: Option<String>,
}

impl From<RunRow> for RunRecord {
    fn from(row: RunRow) -> Self {
        Self {
            number: small_count(row.number),
            ticker: row.ticker,
            strategy_name: row.strategy_name,
            params: row.params,
            rank: row.rank.map(small_count),
            score: row.score,
            metrics: row.metrics,
            refusal: row.refusal,
        }
    }
}

/// A count of ours in SQL; no evaluation has more runs than fit.
fn sql_count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A count from SQL; never negative.
fn small_count(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

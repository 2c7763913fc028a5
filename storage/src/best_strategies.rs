//! Tables `strategy_evaluations` and `best_strategies`: the newest score of each strategy on each
//! ticker, and the one chosen.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::constraint::can_be_stored;
use crate::error::StorageError;
use crate::page::{Page, PageRequest, count};

/// The newest score of one strategy on one ticker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationRecord {
    /// Key, from the id source; a row that is replaced keeps its own.
    pub id: Uuid,
    /// Who asked for the evaluation.
    pub user_id: Uuid,
    /// The config it was run for; `None`: by hand, for no config.
    pub config_id: Option<Uuid>,
    /// Symbol.
    pub ticker: String,
    /// Name in the strategy registry.
    pub strategy_name: String,
    /// The best parameters its grid had, by name.
    pub params: Value,
    /// All metrics of that run by name.
    pub metrics: Value,
    /// Value of the metric, rounded to eight decimals by the database.
    pub score: Decimal,
    /// Metric the score is taken from.
    pub metric_name: String,
    /// The evaluation that found it; `None`: that was deleted.
    pub task_id: Option<Uuid>,
    /// When the run ended.
    pub evaluated_at: DateTime<Utc>,
}

/// The strategy chosen for a ticker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BestStrategy {
    /// Key, from the id source; a row that is replaced keeps its own.
    pub id: Uuid,
    /// Whose choice.
    pub user_id: Uuid,
    /// Symbol.
    pub ticker: String,
    /// Name in the strategy registry.
    pub strategy_name: String,
    /// The parameters it won with, by name.
    pub params: Value,
    /// Score it won with, rounded to eight decimals by the database.
    pub score: Decimal,
    /// Metric the score is taken from.
    pub metric_name: String,
    /// The evaluation that chose it; `None`: that was deleted, or it was chosen by hand.
    pub task_id: Option<Uuid>,
    /// When it was chosen.
    pub selected_at: DateTime<Utc>,
}

/// Which evaluations are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvaluationFilter {
    /// `None`: any.
    pub ticker: Option<String>,
    /// `None`: of any config and of none.
    pub config_id: Option<Uuid>,
    /// `None`: any.
    pub metric_name: Option<String>,
}

/// Stores the newest score of a strategy on a ticker in place of the one before.
pub async fn upsert_evaluation(
    connection: &mut PgConnection,
    record: &EvaluationRecord,
) -> Result<(), StorageError> {
    sqlx::query!(
        r#"
        insert into strategy_evaluations
            (id, user_id, config_id, ticker, strategy_name, params, metrics, score, metric_name,
             task_id, evaluated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict on constraint strategy_evaluations_subject_key do update
        set params = excluded.params,
            metrics = excluded.metrics,
            score = excluded.score,
            task_id = excluded.task_id,
            evaluated_at = excluded.evaluated_at
        "#,
        record.id,
        record.user_id,
        record.config_id,
        record.ticker,
        record.strategy_name,
        record.params,
        record.metrics,
        record.score,
        record.metric_name,
        record.task_id,
        record.evaluated_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The user's newest scores by ticker and metric, the greatest first.
pub async fn evaluations(
    connection: &mut PgConnection,
    user_id: Uuid,
    filter: &EvaluationFilter,
    page: PageRequest,
) -> Result<Page<EvaluationRecord>, StorageError> {
    let texts = [&filter.ticker, &filter.metric_name];
    if !texts.iter().all(|text| text.as_deref().is_none_or(can_be_stored)) {
        return Ok(Page { items: Vec::new(), total: 0 });
    }
    let total = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from strategy_evaluations
        where user_id = $1
            and ($2::text is null or ticker = $2)
            and ($3::uuid is null or config_id = $3)
            and ($4::text is null or metric_name = $4)
        "#,
        user_id,
        filter.ticker,
        filter.config_id,
        filter.metric_name,
    )
    .fetch_one(&mut *connection)
    .await?;
    let items = sqlx::query_as!(
        EvaluationRecord,
        r#"
        select
            id, user_id, config_id, ticker, strategy_name, params, metrics, score, metric_name,
            task_id, evaluated_at
        from strategy_evaluations
        where user_id = $1
            and ($2::text is null or ticker = $2)
            and ($3::uuid is null or config_id = $3)
            and ($4::text is null or metric_name = $4)
        order by ticker, metric_name, score desc, strategy_name, id
        limit $5 offset $6
        "#,
        user_id,
        filter.ticker,
        filter.config_id,
        filter.metric_name,
        page.sql_limit(),
        page.sql_offset(),
    )
    .fetch_all(connection)
    .await?;
    Ok(Page { items, total: count(total) })
}

/// Chooses a strategy for a ticker in place of the one before.
pub async fn select_best(
    connection: &mut PgConnection,
    best: &BestStrategy,
) -> Result<(), StorageError> {
    sqlx::query!(
        r#"
        insert into best_strategies
            (id, user_id, ticker, strategy_name, params, score, metric_name, task_id, selected_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict on constraint best_strategies_user_id_ticker_key do update
        set strategy_name = excluded.strategy_name,
            params = excluded.params,
            score = excluded.score,
            metric_name = excluded.metric_name,
            task_id = excluded.task_id,
            selected_at = excluded.selected_at
        "#,
        best.id,
        best.user_id,
        best.ticker,
        best.strategy_name,
        best.params,
        best.score,
        best.metric_name,
        best.task_id,
        best.selected_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The user's choices by ticker.
pub async fn best(
    connection: &mut PgConnection,
    user_id: Uuid,
) -> Result<Vec<BestStrategy>, StorageError> {
    Ok(sqlx::query_as!(
        BestStrategy,
        r#"
        select
            id, user_id, ticker, strategy_name, params, score, metric_name, task_id, selected_at
        from best_strategies
        where user_id = $1
        order by ticker
        "#,
        user_id,
    )
    .fetch_all(connection)
    .await?)
}

/// The user's choice for one ticker; `None`: none was made.
pub async fn best_of_ticker(
    connection: &mut PgConnection,
    user_id: Uuid,
    ticker: &str,
) -> Result<Option<BestStrategy>, StorageError> {
    if !can_be_stored(ticker) {
        return Ok(None);
    }
    Ok(sqlx::query_as!(
        BestStrategy,
        r#"
        select
            id, user_id, ticker, strategy_name, params, score, metric_name, task_id, selected_at
        from best_strategies
        where user_id = $1 and ticker = $2
        "#,
        user_id,
        ticker,
    )
    .fetch_optional(connection)
    .await?)
}

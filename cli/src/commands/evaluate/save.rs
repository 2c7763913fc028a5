//! Keeping an evaluation: every run, the newest score of each strategy, the best of each ticker.

use std::collections::BTreeMap;

use anyhow::Context;
use config::{ResearchSettings, Settings};
use engine::evaluation::Score;
use engine::{Clock, IdSource, Ticker, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde_json::{Value, json};
use storage::best_strategies::{self, BestStrategy, EvaluationRecord};
use storage::evaluations::{self, NewTask, RunRecord, TaskEnd, TaskStatus};
use storage::page::PageRequest;
use storage::users;
use storage::{Database, PgConnection};
use uuid::Uuid;

use super::Findings;
use crate::args::EvaluateArgs;
use crate::bars::{Series, ticker_of};
use crate::database;
use crate::edge::{RandomIds, WallClock};

/// Runs of one statement.
const RUNS_PER_STATEMENT: usize = 1_000;

/// Refuses names that are not those of tickers: nobody could trade what was chosen for them.
pub(super) fn check_names(all: &[Series]) -> anyhow::Result<()> {
    match all.iter().find(|series| series.is_one_of_several) {
        Some(series) => anyhow::bail!(
            "{} is in several files of the folder: to save results keep one of them, or name one \
             with --data",
            ticker_of(&series.file)
        ),
        None => Ok(()),
    }
}

/// What was asked, to be kept with the results.
pub(super) fn request(all: &[Series], flags: &EvaluateArgs, research: &ResearchSettings) -> Value {
    let tickers: BTreeMap<&str, Value> = all
        .iter()
        .map(|series| {
            let range = json!({
                "timeframe": series.timeframe.to_string(),
                "bars": series.bars.len(),
                "from": series.bars.first().map(|bar| bar.at),
                "to": series.bars.last().map(|bar| bar.at),
            });
            (series.name.as_str(), range)
        })
        .collect();
    json!({
        "tickers": tickers,
        "strategies": flags.strategies,
        "grid": research.grid,
        "cash": research.cash,
        "commission": research.commission.to_string(),
        "slippage_bps": research.slippage_bps,
        "fill": format!("{:?}", research.fill),
        "fractional": research.fractional,
        "direction": format!("{:?}", research.direction),
    })
}

/// Keeps everything in one transaction. A stopped evaluation is kept too, but chooses nothing.
pub(super) async fn save(
    settings: &Settings,
    user: Option<&str>,
    findings: &Findings,
    request: Value,
) -> anyhow::Result<Uuid> {
    let open = database::open(&settings.storage).await?;
    let saved = saved(&open.database, user, findings, request).await;
    open.close().await?;
    saved.context("the results were not saved")
}

async fn saved(
    database: &Database,
    user: Option<&str>,
    findings: &Findings,
    request: Value,
) -> anyhow::Result<Uuid> {
    let pending = database.pending_migrations().await?.len();
    anyhow::ensure!(
        pending == 0,
        "the database lacks {pending} migrations: run troupe migrate first"
    );
    let mut transaction = database.pool().begin().await?;
    let owner = owner(&mut transaction, user).await?;
    let task = Task { id: RandomIds.uuid(), owner, now: WallClock.now(), findings };
    task.start(&mut transaction, request).await?;
    for runs in task.runs().chunks(RUNS_PER_STATEMENT) {
        evaluations::insert_runs(&mut transaction, task.id, runs).await?;
    }
    if !findings.canceled {
        task.choose(&mut transaction).await?;
    }
    task.finish(&mut transaction).await?;
    transaction.commit().await?;
    Ok(task.id)
}

/// Whose results they are: the user named, or the only one there is.
async fn owner(connection: &mut PgConnection, name: Option<&str>) -> anyhow::Result<Uuid> {
    if let Some(name) = name {
        let found = users::by_username_or_email(connection, name).await?;
        let user = found.with_context(|| {
            format!("there is no user {name}; troupe user list shows who there is")
        })?;
        return Ok(user.id);
    }
    let page = users::list(connection, PageRequest { limit: 2, offset: 0 }).await?;
    match page.items.as_slice() {
        [only] => Ok(only.id),
        [] => anyhow::bail!("there is no user yet; troupe user add makes one"),
        _ => anyhow::bail!("there are several users: say whose results they are with --user NAME"),
    }
}

/// An evaluation on its way into the database.
struct Task<'a> {
    id: Uuid,
    owner: Uuid,
    now: Timestamp,
    findings: &'a Findings,
}

impl Task<'_> {
    async fn start(&self, connection: &mut PgConnection, request: Value) -> anyhow::Result<()> {
        let task = NewTask {
            id: self.id,
            user_id: self.owner,
            config_id: None,
            metric_name: self.findings.metric.name().to_owned(),
            request,
            runs_total: u32::try_from(self.findings.runs)?,
            created_at: self.now,
        };
        Ok(evaluations::insert_task(connection, &task).await?)
    }

    /// Every run with its rank among those of its ticker.
    fn runs(&self) -> Vec<RunRecord> {
        let mut ranks: BTreeMap<String, u32> = BTreeMap::new();
        let scores = self.findings.scores.iter().map(|score| {
            let ticker = joined(&score.tickers);
            let value = score.metrics.get(self.findings.metric);
            let rank = value.is_some().then(|| {
                let rank = ranks.entry(ticker.clone()).or_default();
                *rank += 1;
                *rank
            });
            RunRecord {
                number: 0,
                ticker,
                strategy_name: score.strategy.clone(),
                params: json!(score.params),
                rank,
                score: value,
                metrics: json!(score.metrics),
                refusal: None,
            }
        });
        let mut runs: Vec<RunRecord> = scores.collect();
        runs.extend(self.findings.skipped.iter().map(|skipped| RunRecord {
            number: 0,
            ticker: joined(&skipped.tickers),
            strategy_name: skipped.strategy.clone(),
            params: json!(skipped.params),
            rank: None,
            score: None,
            metrics: json!({}),
            refusal: Some(skipped.reason.clone()),
        }));
        for (number, run) in (0..).zip(&mut runs) {
            run.number = number;
        }
        runs
    }

    /// The newest score of each strategy on each ticker, and the best of each ticker. Of pairs
    /// nothing is chosen: a config trades one ticker with one strategy.
    async fn choose(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let mut seen: Vec<(&Ticker, &str)> = Vec::new();
        let mut chosen: Vec<&Ticker> = Vec::new();
        for score in &self.findings.scores {
            let ([ticker], Some(value)) = (score.tickers.as_slice(), self.value(score)) else {
                continue;
            };
            // The best first: so the first of a kind is the best of it.
            if !seen.contains(&(ticker, score.strategy.as_str())) {
                seen.push((ticker, &score.strategy));
                let record = self.evaluation(ticker, score, value);
                best_strategies::upsert_evaluation(connection, &record).await?;
            }
            if !chosen.contains(&ticker) {
                chosen.push(ticker);
                let best = self.best(ticker, score, value);
                best_strategies::select_best(connection, &best).await?;
            }
        }
        Ok(())
    }

    fn value(&self, score: &Score) -> Option<Decimal> {
        score.metrics.get(self.findings.metric).and_then(Decimal::from_f64)
    }

    fn evaluation(&self, ticker: &Ticker, score: &Score, value: Decimal) -> EvaluationRecord {
        EvaluationRecord {
            id: RandomIds.uuid(),
            user_id: self.owner,
            config_id: None,
            ticker: ticker.to_string(),
            strategy_name: score.strategy.clone(),
            params: json!(score.params),
            metrics: json!(score.metrics),
            score: value,
            metric_name: self.findings.metric.name().to_owned(),
            task_id: Some(self.id),
            evaluated_at: self.now,
        }
    }

    fn best(&self, ticker: &Ticker, score: &Score, value: Decimal) -> BestStrategy {
        BestStrategy {
            id: RandomIds.uuid(),
            user_id: self.owner,
            ticker: ticker.to_string(),
            strategy_name: score.strategy.clone(),
            params: json!(score.params),
            score: value,
            metric_name: self.findings.metric.name().to_owned(),
            task_id: Some(self.id),
            selected_at: self.now,
        }
    }

    async fn finish(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let Findings { canceled, scores, skipped, .. } = self.findings;
        let end = TaskEnd {
            status: if *canceled { TaskStatus::Cancelled } else { TaskStatus::Completed },
            runs_done: u32::try_from(scores.len() + skipped.len())?,
            error: None,
            finished_at: self.now,
        };
        evaluations::finish_task(connection, self.id, &end).await?;
        Ok(())
    }
}

fn joined(tickers: &[Ticker]) -> String {
    tickers.iter().map(Ticker::as_str).collect::<Vec<_>>().join(",")
}

//! `troupe evaluate`: strategies on tickers with many parameters, on all cores, ranked.

mod candidates;
mod save;
mod table;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use anyhow::Context;
use config::Settings;
use engine::backtest::{Flow, Monitor, Outcome, RunError, Switch};
use engine::evaluation::{Plan, Score, Skipped, Worked, best_per_ticker, rank};
use engine::metrics::Metric;
use engine::strategy::{ParamError, Params, Strategy};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;

use crate::args::{EvaluateArgs, Format};
use crate::bars::Series;
use crate::{output, research};

/// What an evaluation found, as programs read it.
#[derive(Debug, Serialize)]
struct Document<'a> {
    /// What is ranked by.
    metric: Metric,
    /// Backtests planned.
    runs: usize,
    /// Whether it was stopped before all of them were made.
    canceled: bool,
    /// The evaluation in the database, when it was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<uuid::Uuid>,
    /// The best of each ticker; pairs under both names with a comma between.
    best: BTreeMap<String, Ranked<'a>>,
    /// All of them, the best first.
    results: Vec<Ranked<'a>>,
    /// What could not be run, with the reason.
    skipped: &'a [Skipped],
}

/// A run with its score.
#[derive(Debug, Serialize)]
struct Ranked<'a> {
    /// Value of the metric; `null` where it is not defined.
    score: Option<f64>,
    #[serde(flatten)]
    run: &'a Score,
}

/// Everything that was run.
#[derive(Debug)]
struct Findings {
    metric: Metric,
    /// Backtests planned.
    runs: usize,
    /// The best first.
    scores: Vec<Score>,
    skipped: Vec<Skipped>,
    canceled: bool,
}

/// Runs, ranks, keeps and shows; fails when it was stopped before the end.
pub(crate) async fn evaluate(
    settings: &Settings,
    flags: &EvaluateArgs,
    format: Format,
) -> anyhow::Result<()> {
    // What is cheap to refuse first: there may be many files.
    let research = &settings.research;
    let metric: Metric = research.metric.parse().context("--metric")?;
    let candidates = candidates::of(&flags.strategies, research.grid.as_deref())?;
    let all = research::read(&flags.bars)?;
    if flags.saves() {
        save::check_names(&all)?;
    }
    let request = save::request(&all, flags, research);
    let jobs = research.jobs;
    let plans = plans(all, &candidates, settings, flags)?;
    let runs = plans.iter().map(|(plan, _)| plan.runs()).sum();
    let total = u64::try_from(runs).unwrap_or(u64::MAX);
    let work = move |switch: &Switch| worked(&plans, jobs, switch);
    let made = research::watched(total, "backtests", work).await??;
    let findings = Findings::of(metric, runs, made);
    let task_id = if flags.saves() {
        Some(save::save(settings, flags.user.as_deref(), &findings, request).await?)
    } else {
        None
    };
    match format {
        Format::Json => output::compact_json(&findings.document(task_id))?,
        Format::Human => output::line(&table::of(&findings, flags.top, task_id))?,
    }
    anyhow::ensure!(
        !findings.canceled,
        "stopped after {} of {runs} backtests: the ranking is of those",
        findings.scores.len() + findings.skipped.len(),
    );
    Ok(())
}

type Work = (Plan, engine::backtest::Spec);

/// A plan for the markets that trade every day of the year, and one for the others: what is stated
/// per year differs.
fn plans(
    all: Vec<Series>,
    candidates: &[engine::evaluation::Candidate],
    settings: &Settings,
    flags: &EvaluateArgs,
) -> anyhow::Result<Vec<Work>> {
    let (every_day, weekdays): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| s.every_day);
    let mut plans = Vec::new();
    for group in [weekdays, every_day] {
        if group.is_empty() {
            continue;
        }
        let spec = research::spec(settings, &flags.trading, research::class_of(&group))?;
        let legs = group.into_iter().map(research::leg).collect::<anyhow::Result<_>>()?;
        plans.push((Plan::new(candidates.to_vec(), legs)?, spec));
    }
    Ok(plans)
}

/// Does all pieces of work, so many at once.
fn worked(plans: &[Work], jobs: usize, switch: &Switch) -> anyhow::Result<Vec<Worked>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
    let pieces: Vec<_> = plans
        .iter()
        .flat_map(|(plan, spec)| plan.items().iter().map(move |item| (plan, spec, item)))
        .collect();
    let build = |name: &str, params: &Params| -> Result<Box<dyn Strategy>, ParamError> {
        strategies::build(name, params)
    };
    let made: Result<Vec<Worked>, RunError> = pool.install(|| {
        pieces
            .par_iter()
            .map_init(Outcome::default, |scratch, (plan, spec, item)| {
                if switch.cancel.load(Ordering::Relaxed) {
                    return Ok(Worked { canceled: true, ..Worked::default() });
                }
                let worked = plan.work(item, spec, &build, &CancelOnly(switch), scratch)?;
                let done = worked.scores.len() + worked.skipped.len();
                let done = u64::try_from(done).unwrap_or(u64::MAX);
                switch.bars.fetch_add(done, Ordering::Relaxed);
                Ok(worked)
            })
            .collect()
    });
    Ok(made?)
}

/// Stops when the switch says so, and leaves its counter alone: here it counts backtests.
struct CancelOnly<'a>(&'a Switch);

impl Monitor for CancelOnly<'_> {
    fn advanced(&self, _bars: u64) -> Flow {
        if self.0.cancel.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue }
    }
}

impl Findings {
    fn of(metric: Metric, runs: usize, made: Vec<Worked>) -> Self {
        let mut findings =
            Self { metric, runs, scores: Vec::new(), skipped: Vec::new(), canceled: false };
        for worked in made {
            findings.scores.extend(worked.scores);
            findings.skipped.extend(worked.skipped);
            findings.canceled |= worked.canceled;
        }
        rank(&mut findings.scores, metric);
        findings
    }

    fn best(&self) -> BTreeMap<String, &Score> {
        best_per_ticker(&self.scores, self.metric)
    }

    fn ranked<'a>(&self, run: &'a Score) -> Ranked<'a> {
        Ranked { score: run.metrics.get(self.metric), run }
    }

    fn document(&self, task_id: Option<uuid::Uuid>) -> Document<'_> {
        Document {
            metric: self.metric,
            runs: self.runs,
            canceled: self.canceled,
            task_id,
            best: self.best().into_iter().map(|(name, run)| (name, self.ranked(run))).collect(),
            results: self.scores.iter().map(|run| self.ranked(run)).collect(),
            skipped: &self.skipped,
        }
    }
}

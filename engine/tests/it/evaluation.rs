//! An evaluation is the same backtests, whoever makes them in whatever order.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::desk::{ExactCross, Scripted, market};
use crate::support::{goog, wandering};
use engine::backtest::{DataError, Flow, Monitor, Outcome, RunOptions, Series, Spec, run};
use engine::bar::Bar;
use engine::evaluation::{
    Candidate, Grid, Plan, PlanError, RUNS_MAX, Score, Worked, best_per_ticker, rank,
};
use engine::metrics::{Metric, Metrics};
use engine::strategy::{Indicators, ParamError, Params, Stance, Strategy};
use engine::{AssetClass, Ticker};
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

/// Long when the first ticker is the dearer one.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Dearer;

impl Strategy for Dearer {
    fn on_bar(&mut self, _bar: &Bar) -> Option<Stance> {
        None
    }

    fn on_bars(&mut self, bars: &[Option<&Bar>], stances: &mut [Option<Stance>]) {
        if let [Some(first), Some(second)] = bars {
            let dearer = first.close > second.close;
            stances.fill(Some(if dearer { Stance::Long } else { Stance::Flat }));
        }
    }

    fn tickers(&self) -> usize {
        2
    }

    fn indicators(&self) -> Indicators {
        Indicators::new()
    }

    fn warmup_bars(&self) -> u32 {
        1
    }
}

fn build(name: &str, params: &Params) -> Result<Box<dyn Strategy>, ParamError> {
    match name {
        "cross" => Ok(Box::new(ExactCross::default())),
        "dearer" => Ok(Box::new(Dearer)),
        "long_after" => {
            let wait = params["bars"].to_usize().unwrap();
            let mut script = vec![None; wait];
            script.push(Some(Stance::Long));
            Ok(Box::new(Scripted::new(&script)))
        }
        other => Err(ParamError::UnknownStrategy { name: other.to_owned(), known: String::new() }),
    }
}

fn candidate(strategy: &str, tickers: usize, params: Vec<Params>) -> Candidate {
    Candidate { strategy: strategy.to_owned(), tickers, params }
}

fn waits(count: u32) -> Vec<Params> {
    let bars = (0..count).map(|bars| f64::from(bars * 3)).collect();
    Grid::new([("bars".to_owned(), bars)].into_iter().collect()).unwrap().combinations()
}

fn series(ticker: &str, bars: Vec<Bar>) -> Series {
    Series::new(Ticker::new(ticker).unwrap(), bars).unwrap()
}

fn walks() -> Vec<Series> {
    let walk = |seed: i32| {
        let step = |index: i32| i8::try_from((index * seed * 7919) % 61 - 28).unwrap();
        wandering(&(0..120).map(|index| (step(index), 7, 9)).collect::<Vec<_>>())
    };
    vec![series("A", walk(3)), series("B", walk(5)), series("C", walk(11))]
}

fn work(plan: &Plan, order: impl Iterator<Item = usize>) -> Worked {
    let (mut all, mut scratch) = (Worked::default(), Outcome::default());
    for index in order {
        let item = &plan.items()[index];
        let worked = plan.work(item, &Spec::default(), &build, &(), &mut scratch).unwrap();
        all.scores.extend(worked.scores);
        all.skipped.extend(worked.skipped);
    }
    all
}

fn plan() -> Plan {
    let one = vec![Params::new()];
    let candidates = vec![
        candidate("cross", 1, one.clone()),
        candidate("long_after", 1, waits(40)),
        candidate("dearer", 2, one),
    ];
    Plan::new(candidates, walks()).unwrap()
}

#[test]
fn every_strategy_meets_every_ticker_or_pair_with_every_set_of_parameters() {
    let plan = plan();
    assert_eq!(plan.runs(), 3 + 3 * 40 + 3);
    let worked = work(&plan, 0..plan.items().len());
    assert_eq!(worked.scores.len(), plan.runs());
    assert!(worked.skipped.is_empty());
    let pairs: Vec<String> = worked
        .scores
        .iter()
        .filter(|score| score.strategy == "dearer")
        .map(|score| score.tickers.iter().map(Ticker::as_str).collect())
        .collect();
    assert_eq!(pairs, ["AB", "AC", "BC"]);
}

#[test]
fn the_order_in_which_the_work_is_done_changes_nothing() {
    let plan = plan();
    let count = plan.items().len();
    let [mut forwards, mut backwards] =
        [work(&plan, 0..count), work(&plan, (0..count).rev())].map(|worked| worked.scores);
    rank(&mut forwards, Metric::SharpeRatio);
    rank(&mut backwards, Metric::SharpeRatio);
    assert_eq!(forwards, backwards);
    let best = best_per_ticker(&forwards, Metric::SharpeRatio);
    let names: Vec<_> = best.keys().map(String::as_str).collect();
    assert_eq!(names, ["A", "A,B", "A,C", "B", "B,C", "C"]);
    let first_of = |ticker: &str| -> &Score {
        forwards.iter().find(|score| score.tickers == [Ticker::new(ticker).unwrap()]).unwrap()
    };
    assert_eq!(best["B"], first_of("B"));
}

#[test]
fn a_score_is_the_metrics_of_that_one_backtest() {
    let plan =
        Plan::new(vec![candidate("cross", 1, vec![Params::new()])], vec![series("GOOG", goog())]);
    let worked = work(&plan.unwrap(), 0..1);
    let market = market(&[("GOOG", goog())]);
    let strategy = build("cross", &Params::new()).unwrap();
    let outcome = run(&market, &Spec::default(), vec![strategy], RunOptions::default()).unwrap();
    assert_eq!(worked.scores[0].metrics, Metrics::of(&outcome, &market, AssetClass::UsEquity));
}

#[test]
fn what_cannot_run_is_skipped_with_its_reason_and_the_rest_goes_on() {
    let short = series("A", wandering(&[(1, 1, 1); 5]));
    let other_length = series("D", goog());
    let one = vec![Params::new()];
    let candidates = vec![
        candidate("cross", 1, one.clone()),
        candidate("unheard_of", 1, one.clone()),
        candidate("dearer", 2, one),
    ];
    let plan = Plan::new(candidates, vec![short, other_length]).unwrap();
    let worked = work(&plan, 0..plan.items().len());
    let told: Vec<_> = worked
        .skipped
        .iter()
        .map(|skipped| (skipped.strategy.as_str(), skipped.tickers.len(), skipped.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("cross", 1, "A has 5 bars, the strategy needs 21 before its first opinion"),
            ("unheard_of", 1, "there is no strategy `unheard_of`; there are: "),
            ("unheard_of", 1, "there is no strategy `unheard_of`; there are: "),
            ("dearer", 2, "D has bars of 86400 s, A has bars of 3600 s"),
        ]
    );
    assert_eq!(worked.scores.len(), 1);
}

#[test]
fn a_plan_of_nothing_or_of_too_much_is_refused() {
    let nothing = |candidates, series| Plan::new(candidates, series).unwrap_err();
    let one = || vec![candidate("cross", 1, vec![Params::new()])];
    assert!(matches!(nothing(one(), vec![]), PlanError::Nothing { .. }));
    assert!(matches!(nothing(vec![], walks()), PlanError::Nothing { .. }));
    let pair = vec![candidate("dearer", 2, vec![Params::new()])];
    assert!(matches!(nothing(pair, walks().split_off(2)), PlanError::Nothing { .. }));
    let many = vec![candidate("cross", 1, vec![Params::new(); RUNS_MAX / 3 + 1])];
    assert!(matches!(nothing(many, walks()), PlanError::TooMany { .. }));
    let twice = [walks(), walks()].concat();
    assert!(matches!(nothing(one(), twice), PlanError::Data(DataError::TickerTwice { .. })));
}

/// Wants no more.
#[derive(Debug)]
struct Enough;

impl Monitor for Enough {
    fn advanced(&self, _bars: u64) -> Flow {
        Flow::Stop
    }
}

#[test]
fn a_run_that_was_canceled_has_no_score() {
    let plan = plan();
    let mut scratch = Outcome::default();
    let item = &plan.items()[0];
    let worked = plan.work(item, &Spec::default(), &build, &Enough, &mut scratch).unwrap();
    assert!(worked.canceled && worked.scores.is_empty());
}

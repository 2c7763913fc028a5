//! Evaluations, their runs, and what was chosen.

use rust_decimal::Decimal;
use serde_json::json;
use storage::best_strategies::{self, BestStrategy, EvaluationFilter, EvaluationRecord};
use storage::evaluations::{self, NewTask, RunRecord, TaskEnd, TaskStatus};
use storage::page::PageRequest;

use crate::support::{at, id, with_users};

fn task(number: u32, user: u128) -> NewTask {
    NewTask {
        id: id(900 + u128::from(number)),
        user_id: id(user),
        config_id: None,
        metric_name: "sharpe_ratio".to_owned(),
        request: json!({"tickers": ["AAPL", "MSFT"], "commission": 0.002}),
        runs_total: 4,
        created_at: at(i64::from(number)),
    }
}

fn run(number: u32, ticker: &str, rank: Option<u32>) -> RunRecord {
    let score = rank.map(|rank| 2.0 / f64::from(rank) + 0.1);
    RunRecord {
        number,
        ticker: ticker.to_owned(),
        strategy_name: "sma_cross".to_owned(),
        params: json!({"fast": number + 2, "slow": 20}),
        rank,
        score,
        metrics: json!({"sharpe_ratio": score, "profit_factor": null}),
        refusal: rank.is_none().then(|| "too few bars".to_owned()),
    }
}

fn evaluation(number: u128, strategy: &str, score: Decimal) -> EvaluationRecord {
    EvaluationRecord {
        id: id(number),
        user_id: id(1),
        config_id: None,
        ticker: "AAPL".to_owned(),
        strategy_name: strategy.to_owned(),
        params: json!({"fast": 5.0}),
        metrics: json!({"final_equity": 808_906_777.74}),
        score,
        metric_name: "final_equity".to_owned(),
        task_id: None,
        evaluated_at: at(5),
    }
}

#[tokio::test]
async fn a_task_runs_is_counted_ends_once_and_belongs_to_its_user() {
    let test = with_users(2).await;
    let mut connection = test.pool().acquire().await.unwrap();
    let (first, second) = (task(1, 1), task(2, 1));
    evaluations::insert_task(&mut connection, &first).await.unwrap();
    evaluations::insert_task(&mut connection, &second).await.unwrap();
    assert!(evaluations::note_progress(&mut connection, first.id, 3).await.unwrap());
    let stored = evaluations::task(&mut connection, id(1), first.id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.runs_done), (TaskStatus::Processing, 3));
    assert_eq!(stored.asked, first);
    let end = |status| TaskEnd { status, runs_done: 9, error: None, finished_at: at(7) };
    let cancelled = end(TaskStatus::Cancelled);
    assert!(evaluations::finish_task(&mut connection, first.id, &cancelled).await.unwrap());
    let late = end(TaskStatus::Completed);
    assert!(!evaluations::finish_task(&mut connection, first.id, &late).await.unwrap());
    assert!(!evaluations::note_progress(&mut connection, first.id, 4).await.unwrap());
    let stored = evaluations::task(&mut connection, id(1), first.id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.finished_at), (TaskStatus::Cancelled, Some(at(7))));
    assert_eq!(stored.runs_done, 4, "never more than there are");
    assert_eq!(evaluations::task(&mut connection, id(2), first.id).await.unwrap(), None);
    let one = PageRequest { limit: 1, offset: 0 };
    let page = evaluations::tasks(&mut connection, id(1), one).await.unwrap();
    assert_eq!((page.total, page.items[0].asked.id), (2, second.id), "the newest first");
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn runs_come_back_by_ticker_and_rank_those_without_a_score_last() {
    let test = with_users(1).await;
    let mut connection = test.pool().acquire().await.unwrap();
    let task = task(1, 1);
    evaluations::insert_task(&mut connection, &task).await.unwrap();
    let runs = [
        run(0, "MSFT", Some(1)),
        run(1, "AAPL", None),
        run(2, "AAPL", Some(2)),
        run(3, "AAPL", Some(1)),
    ];
    assert_eq!(evaluations::insert_runs(&mut connection, task.id, &[]).await.unwrap(), 0);
    assert_eq!(evaluations::insert_runs(&mut connection, task.id, &runs).await.unwrap(), 4);
    let again = evaluations::insert_runs(&mut connection, task.id, &runs[..2]).await.unwrap();
    assert_eq!(again, 0, "a run is stored once");
    let page = PageRequest::default();
    let all = evaluations::runs(&mut connection, task.id, None, page).await.unwrap();
    let [msft, none, second, best] = runs;
    assert_eq!(all.items, [best.clone(), second.clone(), none, msft]);
    let of_aapl = PageRequest { limit: 2, offset: 0 };
    let aapl = evaluations::runs(&mut connection, task.id, Some("AAPL"), of_aapl).await.unwrap();
    assert_eq!((aapl.total, aapl.items), (3, vec![best, second]));
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn the_newest_score_of_a_strategy_replaces_the_one_before() {
    let test = with_users(1).await;
    let mut connection = test.pool().acquire().await.unwrap();
    let task = task(1, 1);
    evaluations::insert_task(&mut connection, &task).await.unwrap();
    for record in [
        evaluation(10, "sma_cross", Decimal::new(120_005, 1)),
        evaluation(11, "rsi", Decimal::new(80_890_677_774, 2)),
        evaluation(12, "sma_cross", Decimal::new(11_000_123_456_789, 9)),
    ] {
        best_strategies::upsert_evaluation(&mut connection, &record).await.unwrap();
    }
    let other_metric = EvaluationRecord {
        metric_name: "sharpe_ratio".to_owned(),
        task_id: Some(task.id),
        ..evaluation(13, "sma_cross", Decimal::new(-15, 1))
    };
    best_strategies::upsert_evaluation(&mut connection, &other_metric).await.unwrap();
    let filter = EvaluationFilter {
        ticker: Some("AAPL".to_owned()),
        metric_name: Some("final_equity".to_owned()),
        ..EvaluationFilter::default()
    };
    let page = PageRequest::default();
    let found = best_strategies::evaluations(&mut connection, id(1), &filter, page).await.unwrap();
    let scores: Vec<_> = found.items.iter().map(|r| (r.id, r.score.normalize())).collect();
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    assert_eq!(
        scores,
        [(id(11), decimal("808906777.74")), (id(10), decimal("11000.12345679"))],
        "greatest first, the replaced row under its own key, to eight decimals"
    );
    let all = EvaluationFilter::default();
    let found = best_strategies::evaluations(&mut connection, id(1), &all, page).await.unwrap();
    assert_eq!((found.total, found.items[2].task_id), (3, Some(task.id)));
    let odd = EvaluationFilter { ticker: Some("A\0".to_owned()), ..EvaluationFilter::default() };
    let found = best_strategies::evaluations(&mut connection, id(1), &odd, page).await.unwrap();
    assert_eq!(found.total, 0);
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn one_strategy_is_chosen_per_ticker_with_its_parameters() {
    let test = with_users(2).await;
    let mut connection = test.pool().acquire().await.unwrap();
    let choice = |number: u128, user: u128, ticker: &str, strategy: &str| BestStrategy {
        id: id(number),
        user_id: id(user),
        ticker: ticker.to_owned(),
        strategy_name: strategy.to_owned(),
        params: json!({"period": 14.0}),
        score: Decimal::ONE,
        metric_name: "sharpe_ratio".to_owned(),
        task_id: None,
        selected_at: at(3),
    };
    for best in [
        choice(1, 1, "MSFT", "rsi"),
        choice(2, 1, "AAPL", "rsi"),
        choice(3, 1, "AAPL", "macd"),
        choice(4, 2, "AAPL", "adx"),
    ] {
        best_strategies::select_best(&mut connection, &best).await.unwrap();
    }
    let best = best_strategies::best(&mut connection, id(1)).await.unwrap();
    let chosen: Vec<_> =
        best.iter().map(|b| (b.ticker.as_str(), b.strategy_name.as_str())).collect();
    assert_eq!(chosen, [("AAPL", "macd"), ("MSFT", "rsi")]);
    assert_eq!(best[0].id, id(2), "the row keeps its key");
    assert_eq!(best[0].params, json!({"period": 14.0}));
    let of = best_strategies::best_of_ticker(&mut connection, id(2), "AAPL").await.unwrap();
    assert_eq!(of.map(|best| best.strategy_name), Some("adx".to_owned()));
    let none = best_strategies::best_of_ticker(&mut connection, id(2), "MSFT").await.unwrap();
    assert_eq!(none, None);
    drop(connection);
    test.drop_database().await;
}

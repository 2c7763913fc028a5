//! Backtests and evaluations: bars a second on one core, a grid, and every strategy on many tickers.

use benches::history::{invented, series};
use criterion::{Criterion, Throughput};
use engine::backtest::{Costs, Direction, Market, Outcome, RunOptions, Spec, run};
use engine::evaluation::{Candidate, Grid, Plan};
use engine::metrics::Metrics;
use engine::strategy::{Params, Strategy};
use engine::{AssetClass, Usd};
use rayon::prelude::*;
use rust_decimal::Decimal;
use std::hint::black_box;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Minutes of the series that the peers were measured with.
const MINUTES: usize = 130_708;

/// Days of the series that the peers' grid was measured with.
const DAYS: usize = 2_148;

/// Ten years of trading days.
const TEN_YEARS: usize = 2_520;

const TICKERS: u64 = 30;

const MINUTE: u32 = 60;
const DAY: u32 = 86_400;

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    one_core(&mut criterion)?;
    grid(&mut criterion)?;
    everything(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// The 10/20 cross, long and short, on minutes: strategy, fills, books, trades and all metrics.
fn one_core(criterion: &mut Criterion) -> anyhow::Result<()> {
    let market = Market::new(vec![series("BTCUSDT_1m.csv.gz", MINUTE, MINUTES)?])?;
    let cash = Usd::new(Decimal::from(1_000_000_000));
    let free = Spec { cash, direction: Direction::LongShort, ..Spec::default() };
    let costs = Costs::commission(Decimal::new(1, 4));
    let charged = Spec { costs, ..free.clone() };
    let mut group = criterion.benchmark_group("research");
    group.throughput(Throughput::Elements(u64::try_from(market.bars())?));
    for (name, spec) in [("sma_cross, minutes", free), ("sma_cross, minutes, commission", charged)]
    {
        let trades = backtest(&market, &spec, Outcome::default())?.trades.len();
        group.bench_function(format!("{name}, {trades} trades"), |bencher| {
            let mut reuse = Outcome::default();
            bencher.iter(|| {
                let outcome = backtest(&market, &spec, std::mem::take(&mut reuse));
                let outcome = outcome.unwrap_or_default();
                black_box(Metrics::of(&outcome, &market, AssetClass::Crypto));
                reuse = outcome;
            });
        });
    }
    group.finish();
    Ok(())
}

fn backtest(market: &Market, spec: &Spec, reuse: Outcome) -> anyhow::Result<Outcome> {
    let strategy = strategies::build("sma_cross", &Params::new())?;
    Ok(run(market, spec, vec![strategy], RunOptions { reuse, ..RunOptions::default() })?)
}

/// 500 points of the cross on days, all metrics of each, on one core and on all.
fn grid(criterion: &mut Criterion) -> anyhow::Result<()> {
    let days = series("GOOG_1d_bt.csv", DAY, DAYS)?;
    let axes = [
        ("fast".to_owned(), Grid::range(2.0, 40.0, 2.0)?),
        ("slow".to_owned(), Grid::range(45.0, 165.0, 5.0)?),
    ];
    let params = Grid::new(axes.into_iter().collect())?.combinations();
    let candidate = Candidate { strategy: "sma_cross".to_owned(), tickers: 1, params };
    let plan = Plan::new(vec![candidate], vec![days])?;
    let costs = Costs::commission(Decimal::new(2, 3));
    let spec = Spec { costs, direction: Direction::LongShort, ..Spec::default() };
    let mut group = criterion.benchmark_group("research");
    group.throughput(Throughput::Elements(u64::try_from(plan.runs() * DAYS)?));
    for (name, threads) in [("grid of 500, one core", 1), ("grid of 500, all cores", 0)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        group.bench_function(name, |bencher| bencher.iter(|| pool.install(|| work(&plan, &spec))));
    }
    group.finish();
    Ok(())
}

/// Every strategy with its default grid on many tickers of ten years, on all cores.
fn everything(criterion: &mut Criterion) -> anyhow::Result<()> {
    let candidates = strategies::catalogue().iter().map(|definition| {
        let grid = Grid::default_of(definition.name, definition.params).combinations();
        let complete = |params: &Params| strategies::complete(definition.name, params).ok();
        let params = grid.iter().filter_map(complete).collect();
        Candidate { strategy: definition.name.to_owned(), tickers: definition.tickers, params }
    });
    let tickers = (0..TICKERS).map(|number| invented(number, DAY, TEN_YEARS));
    let plan = Plan::new(candidates.collect(), tickers.collect::<Result<_, _>>()?)?;
    let spec = Spec { costs: Costs::commission(Decimal::new(2, 3)), ..Spec::default() };
    let mut group = criterion.benchmark_group("research");
    group.sample_size(10).measurement_time(Duration::from_secs(30));
    group.throughput(Throughput::Elements(u64::try_from(plan.runs())?));
    group.bench_function(format!("everything, {} runs, all cores", plan.runs()), |bencher| {
        bencher.iter(|| work(&plan, &spec));
    });
    group.finish();
    Ok(())
}

/// Does a plan on the threads of the pool it is called in; how many runs have a score.
fn work(plan: &Plan, spec: &Spec) -> usize {
    let build = |name: &str, params: &Params| -> Result<Box<dyn Strategy>, _> {
        strategies::build(name, params)
    };
    let items = plan.items().par_iter();
    let worked = items.map_init(Outcome::default, |scratch, item| {
        plan.work(item, spec, &build, &(), scratch).map_or(0, |worked| worked.scores.len())
    });
    worked.sum()
}

//! The parts of the line by themselves: reading frames, building bars, deciding.

use actors::bench::FrameReader;
use benches::tape::{Tape, asset, instance_key};
use benches::world::StandingClock;
use chrono::TimeDelta;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use engine::account::{Account, Event, Report, SignalContext, Terms, decide_report, decide_signal};
use engine::bar::{Bar, BarBuilder, Step};
use engine::instance::{Instance, Signal};
use engine::market::{PricePoint, Trade};
use engine::order::Status;
use engine::risk::Limits;
use engine::strategy::Stance;
use engine::{ConfigId, SignalId, Ticker, Timestamp, Usd, UserId};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Prints of one ticker in each second.
const PRINTS_PER_SECOND: u64 = 100;

/// Seconds of the tape that are built into bars.
const SECONDS: u64 = 100;

/// The one config.
const CONFIG: ConfigId = ConfigId::new(Uuid::from_u128(1));

/// Ended orders that an account remembers: none, and as many as it ever does.
const CLOSED_ORDERS: [i64; 2] = [0, 1_000];

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    frames(&mut criterion)?;
    bars(&mut criterion)?;
    decisions(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// Bytes of a frame into events.
fn frames(criterion: &mut Criterion) -> anyhow::Result<()> {
    let reader = FrameReader::new(Arc::new(StandingClock(Tape::start())));
    let mut group = criterion.benchmark_group("frame to events");
    for prints in [1, 100] {
        let frame = Tape::new(1, PRINTS_PER_SECOND)?.wire(1, prints)?.swap_remove(0);
        anyhow::ensure!(reader.read(&frame).is_some(), "the frame is not readable");
        group.throughput(Throughput::Elements(prints));
        group.bench_function(BenchmarkId::from_parameter(prints), |bencher| {
            bencher.iter(|| reader.read(black_box(&frame)));
        });
    }
    group.finish();
    Ok(())
}

/// Prints into bars, bars into signals.
fn bars(criterion: &mut Criterion) -> anyhow::Result<()> {
    let trades = Tape::new(1, PRINTS_PER_SECOND)?.frames(SECONDS, 1).concat();
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(SECONDS * PRINTS_PER_SECOND));
    group.bench_function("bar builder, prints", |bencher| {
        bencher.iter(|| closed_bars(black_box(&trades)).len());
    });
    let bars = closed_bars(&trades);
    let key = instance_key(&Ticker::new("AAPL")?);
    group.throughput(Throughput::Elements(u64::try_from(bars.len())?));
    let strategy = strategies::build(&key.strategy, &key.params)?;
    let mut instance = Instance::new(key, strategy);
    group.bench_function("sma_cross, bars, a signal every other", |bencher| {
        bencher.iter(|| bars.iter().filter_map(|bar| instance.on_bar(black_box(bar))).count());
    });
    group.finish();
    Ok(())
}

fn closed_bars(trades: &[Trade]) -> Vec<Bar> {
    let mut builder = BarBuilder::new(1);
    let steps = trades.iter().map(|trade| builder.on_trade(trade.at, trade.price, trade.size));
    let closed = steps.filter_map(|step| match step {
        Step::Closed(bar) => Some(bar),
        Step::Took | Step::Late => None,
    });
    closed.collect()
}

/// A signal into an approved order, applied to the account.
fn decisions(criterion: &mut Criterion) -> anyhow::Result<()> {
    let mut group = criterion.benchmark_group("account");
    for closed in CLOSED_ORDERS {
        let mut account = account()?;
        for number in 0..closed {
            trade_and_cancel(&mut account, number)?;
        }
        let signal = signal(closed)?;
        let events = decide(&account, &signal);
        anyhow::ensure!(matches!(events[..], [Event::OrderInitialized { .. }]), "{events:?}");
        group.bench_function(BenchmarkId::new("decide, ended orders", closed), |bencher| {
            bencher.iter(|| decide(black_box(&account), black_box(&signal)));
        });
        group.bench_function(BenchmarkId::new("apply, ended orders", closed), |bencher| {
            let apply =
                |account: &mut Account| events.iter().try_for_each(|event| account.apply(event));
            bencher.iter_batched_ref(|| account.clone(), apply, BatchSize::SmallInput);
        });
    }
    group.finish();
    Ok(())
}

fn account() -> anyhow::Result<Account> {
    let mut account = Account::new(UserId::new(Uuid::from_u128(7)));
    let capital = Usd::new(Decimal::from(10_000));
    let (ignores_until, at) = (None, Tape::start());
    account.apply(&Event::BookOpened { config_id: CONFIG, capital, ignores_until, at })?;
    Ok(account)
}

/// Signals ten milliseconds apart: a thousand of them fall into the window of the order rate.
fn time(number: i64) -> Timestamp {
    Tape::start() + TimeDelta::milliseconds(10 * number)
}

fn signal(number: i64) -> anyhow::Result<Signal> {
    let key = instance_key(&Ticker::new("AAPL")?);
    let (instance, at) = (key.id(), time(number));
    Ok(Signal {
        id: SignalId::of(&instance, at, Stance::Long),
        instance,
        strategy: key.strategy,
        ticker: key.ticker,
        seconds: key.seconds,
        stance: Stance::Long,
        at,
        reference: PricePoint { price: 100.0, at },
        indicators: BTreeMap::from([("sma_fast".to_owned(), 100.5)]),
    })
}

fn decide(account: &Account, signal: &Signal) -> Vec<Event> {
    let terms = Terms {
        config_id: CONFIG,
        tickers: 1,
        risk_per_trade: Decimal::new(2, 2),
        stop_fraction: Decimal::new(10, 2),
    };
    let limits = Limits {
        order_notional_max: Usd::new(Decimal::from(25_000)),
        orders_per_minute_max: u32::MAX,
        open_orders_max: 100,
        positions_max: 5,
        price_age_max_bars: 2,
        price_age_min_s: 30,
    };
    let asset = asset(&signal.ticker);
    let context = SignalContext { terms: &terms, asset: &asset, limits: &limits, now: signal.at };
    decide_signal(account, signal, &context)
}

/// An order that ends without a fill.
fn trade_and_cancel(account: &mut Account, number: i64) -> anyhow::Result<()> {
    let events = decide(account, &signal(number)?);
    for event in &events {
        account.apply(event)?;
        let Some(id) = event.client_order_id() else { continue };
        let client_order_id = id.clone();
        let (status, reason, at) = (Status::Canceled, None, time(number));
        for event in
            decide_report(account, &Report::Closed { client_order_id, status, reason, at })?
        {
            account.apply(&event)?;
        }
    }
    Ok(())
}

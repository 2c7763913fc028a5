//! Tick → ticker → strategy → signal: prints a second, and how long a signal takes.

use actors::bench::{FrameReader, MarketBench, MarketBenchParts, SignalProbe};
use benches::samples::Samples;
use benches::signal_count::SignalCount;
use benches::tape::Tape;
use benches::world::{RandomIds, StandingClock, instant, is_wanted, pause, runtime, say};
use criterion::{BenchmarkId, Criterion, Throughput};
use engine::instance::Signal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tickers of the throughput and latency runs.
const TICKERS: usize = 10;

/// Prints of all tickers in a second of the tape: 100 in each bar.
const PRINTS_PER_SECOND: u64 = 1_000;

/// Seconds of the tape in one round of the throughput run.
const ROUND_SECONDS: u64 = 200;

/// Prints in a frame, busy and quiet.
const FRAME_PRINTS: [u64; 2] = [100, 1];

/// Seconds in which strategies warm up.
const WARM_UP_SECONDS: u64 = 8;

/// Time between two frames of 100 prints at 100 000 prints a second.
const FRAME_INTERVAL: Duration = Duration::from_millis(1);

/// Seconds of the tape in a latency run; each takes 10 ms at that pace.
const LATENCY_SECONDS: u64 = 1_000;

/// Prints in each bar of the run with many subscribers: its signals are as rare as minutes' are.
const PRINTS_PER_LONG_BAR: u64 = 20_000;

/// Seconds of the tape in a round of that run.
const LONG_SECONDS: u64 = 10;

/// Rounds of that run, one after the other for each number of subscribers.
const SUBSCRIBER_ROUNDS: usize = 9;

fn main() -> anyhow::Result<()> {
    let runtime = runtime()?;
    let mut criterion = Criterion::default().configure_from_args();
    throughput(&mut criterion, &runtime)?;
    criterion.final_summary();
    if is_wanted("latency") {
        runtime.block_on(latency())?;
    }
    if is_wanted("subscribers") {
        runtime.block_on(subscribers())?;
    }
    Ok(())
}

async fn market(
    tape: &Tape,
    subscribers: usize,
    probe: Arc<dyn SignalProbe>,
) -> anyhow::Result<MarketBench> {
    let parts = MarketBenchParts {
        clock: Arc::new(StandingClock(Tape::start())),
        ids: Arc::new(RandomIds),
        instances: tape.instances(),
        subscribers,
        probe,
    };
    Ok(MarketBench::start(&parts).await?)
}

fn reader() -> FrameReader {
    FrameReader::new(Arc::new(StandingClock(Tape::start())))
}

/// Prints a second from the feed to the account, the frames parsed before or on the way.
fn throughput(criterion: &mut Criterion, runtime: &Runtime) -> anyhow::Result<()> {
    let mut group = criterion.benchmark_group("tick_to_signal");
    group.throughput(Throughput::Elements(ROUND_SECONDS * PRINTS_PER_SECOND));
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    for frame_prints in FRAME_PRINTS {
        let count = Arc::new(SignalCount::default());
        let probe: Arc<dyn SignalProbe> = Arc::<SignalCount>::clone(&count);
        let mut tape = Tape::new(TICKERS, PRINTS_PER_SECOND)?;
        let market = runtime.block_on(market(&tape, 1, probe))?;
        runtime.block_on(run_in(&market, &mut tape));
        let line = Line { market: &market, count: &count, frame_prints };
        let name = format!("{frame_prints} prints a frame");
        group.bench_function(BenchmarkId::new("feed to account", &name), |bencher| {
            bencher.iter_custom(|rounds| runtime.block_on(line.rounds(&mut tape, rounds)));
        });
        group.bench_function(BenchmarkId::new("frame to account", &name), |bencher| {
            bencher.iter_custom(|rounds| runtime.block_on(line.rounds_of_bytes(&mut tape, rounds)));
        });
        let counters = market.counters();
        anyhow::ensure!(counters.late_trades == 0 && counters.feed_errors == 0, "{counters:?}");
        runtime.block_on(market.stop());
    }
    group.finish();
    Ok(())
}

/// Has the strategies see as many bars as they need.
async fn run_in(market: &MarketBench, tape: &mut Tape) {
    for events in tape.events(WARM_UP_SECONDS, tape.prints_per_second()) {
        market.feed(events);
    }
    market.settled().await;
}

/// One way from the feed to the accounts.
struct Line<'a> {
    market: &'a MarketBench,
    count: &'a SignalCount,
    frame_prints: u64,
}

impl Line<'_> {
    /// Time of so many rounds, from the first frame in until the last signal is out.
    async fn rounds(&self, tape: &mut Tape, rounds: u64) -> Duration {
        let mut spent = Duration::ZERO;
        for _ in 0..rounds {
            let frames = tape.events(ROUND_SECONDS, self.frame_prints);
            let last = self.count.get() + tape.signals_in(ROUND_SECONDS);
            let start = instant();
            for events in frames {
                self.market.feed(events);
            }
            self.count.reaches(last).await;
            spent += start.elapsed();
            self.market.settled().await;
        }
        spent
    }

    /// The same with the frames read on the way.
    async fn rounds_of_bytes(&self, tape: &mut Tape, rounds: u64) -> Duration {
        let mut spent = Duration::ZERO;
        let reader = reader();
        for _ in 0..rounds {
            let frames = tape.wire(ROUND_SECONDS, self.frame_prints).unwrap_or_default();
            let last = self.count.get() + tape.signals_in(ROUND_SECONDS);
            let start = instant();
            for frame in frames {
                if let Some(events) = reader.read(&frame) {
                    self.market.feed(events);
                }
            }
            self.count.reaches(last).await;
            spent += start.elapsed();
            self.market.settled().await;
        }
        spent
    }
}

/// When the first frame of each second of the tape was there, and how long its signals took.
#[derive(Debug)]
struct Stamps {
    start: Instant,
    /// Nanoseconds since the start at which the frame was handed in, and at which it was due.
    frames: Vec<[AtomicU64; 2]>,
    samples: Mutex<Vec<[Duration; 2]>>,
}

impl SignalProbe for Stamps {
    fn told(&self, _subscriber: usize, signal: &Signal) {
        let now = self.start.elapsed();
        // The bar ended at the start of the second whose first print closed it.
        let Some(frame) = self.frames.get(Tape::second_of(signal.at)) else { return };
        let took = frame
            .each_ref()
            .map(|stamp| now.saturating_sub(Duration::from_nanos(stamp.load(Ordering::Acquire))));
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).push(took);
    }
}

/// From the print that closes a bar to the account, at 100 000 prints a second.
async fn latency() -> anyhow::Result<()> {
    let mut tape = Tape::new(TICKERS, PRINTS_PER_SECOND)?;
    let seconds = usize::try_from(WARM_UP_SECONDS + LATENCY_SECONDS)?;
    let frames = (0..=seconds).map(|_| [AtomicU64::new(0), AtomicU64::new(0)]).collect();
    let stamps = Stamps { start: instant(), frames, samples: Mutex::default() };
    let stamps = Arc::new(stamps);
    let probe: Arc<dyn SignalProbe> = Arc::<Stamps>::clone(&stamps);
    let market = Arc::new(market(&tape, 1, probe).await?);
    run_in(&market, &mut tape).await;
    stamps.samples.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let frames = tape.wire(LATENCY_SECONDS, FRAME_PRINTS[0])?;
    let (sender, of_sender) = (Arc::clone(&market), Arc::clone(&stamps));
    let thread = std::thread::spawn(move || offer(&sender, &of_sender, &frames));
    let lateness = tokio::task::spawn_blocking(move || thread.join()).await?;
    let (lateness, length) = lateness.map_err(|_panic| anyhow::anyhow!("the sender panicked"))?;
    market.settled().await;
    let samples = stamps.samples.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let expected = tape.signals_in(LATENCY_SECONDS);
    anyhow::ensure!(samples.len() == usize::try_from(expected)?, "{} signals", samples.len());
    let prints = LATENCY_SECONDS * PRINTS_PER_SECOND;
    say(&format!("latency: {prints} prints offered in {length:.2?}, 100 a frame, 10 tickers"));
    let of = |index: usize| samples.iter().map(move |took| took[index]).collect::<Samples>();
    say(&format!("latency: frame in hand -> account      {}", of(0)));
    say(&format!("latency: frame due -> account          {}", of(1)));
    say(&format!("latency: how late the sender itself was {lateness}"));
    if let Some(market) = Arc::into_inner(market) {
        market.stop().await;
    }
    Ok(())
}

/// Reads and hands in a frame at each interval, never waiting for anybody; says how late it was.
fn offer(market: &MarketBench, stamps: &Stamps, frames: &[Vec<u8>]) -> (Samples, Duration) {
    let reader = reader();
    let per_second = usize::try_from(PRINTS_PER_SECOND / FRAME_PRINTS[0]).unwrap_or(1);
    let first_second = usize::try_from(WARM_UP_SECONDS).unwrap_or(0);
    let start = stamps.start.elapsed();
    let mut due = start;
    let mut lateness = Vec::with_capacity(frames.len());
    for (number, frame) in frames.iter().enumerate() {
        if let Some(early) = due.checked_sub(stamps.start.elapsed()) {
            pause(early);
        }
        let now = stamps.start.elapsed();
        if number % per_second == 0 {
            let nanoseconds = [now, due].map(|at| u64::try_from(at.as_nanos()).unwrap_or(0));
            if let Some(stamp) = stamps.frames.get(first_second + number / per_second) {
                stamp[0].store(nanoseconds[0], Ordering::Release);
                stamp[1].store(nanoseconds[1], Ordering::Release);
            }
        }
        if let Some(events) = reader.read(frame) {
            market.feed(events);
        }
        lateness.push(now.saturating_sub(due));
        due += FRAME_INTERVAL;
    }
    (lateness.into_iter().collect(), stamps.start.elapsed().saturating_sub(start))
}

/// What a print costs the feed and the ticker, and a signal the strategy, when one user runs the
/// instance and when ten thousand do.
async fn subscribers() -> anyhow::Result<()> {
    let numbers = [1, 10_000];
    let mut costs: [Vec<Cost>; 2] = [Vec::new(), Vec::new()];
    let mut worlds = Vec::new();
    for number in numbers {
        let count = Arc::new(SignalCount::default());
        let probe: Arc<dyn SignalProbe> = Arc::<SignalCount>::clone(&count);
        let mut tape = Tape::new(1, PRINTS_PER_LONG_BAR)?;
        let market = market(&tape, number, probe).await?;
        run_in(&market, &mut tape).await;
        worlds.push((market, tape, count));
    }
    for _ in 0..SUBSCRIBER_ROUNDS {
        for ((market, tape, count), costs) in worlds.iter_mut().zip(&mut costs) {
            costs.push(cost_of_round(market, tape, count).await?);
        }
    }
    for (number, costs) in numbers.iter().zip(&costs) {
        let median =
            |part: fn(&Cost) -> Duration| costs.iter().map(part).collect::<Samples>().quantile(500);
        let (feed, ticker) = (median(|cost| cost.feed_print), median(|cost| cost.ticker_print));
        let (close, strategy) = (median(|cost| cost.ticker_close), median(|cost| cost.signal));
        say(&format!(
            "subscribers: {number:>6}: feed {feed:.1?} and ticker {ticker:.1?} a print, ticker {close:.1?} a closing frame, strategy {strategy:.1?} a signal"
        ));
    }
    for (market, ..) in worlds {
        market.stop().await;
    }
    Ok(())
}

/// Time at work, from one round.
#[derive(Debug)]
struct Cost {
    /// The feed's, for each print that closes no bar.
    feed_print: Duration,
    /// The ticker's, for each print that closes no bar.
    ticker_print: Duration,
    /// The ticker's, for each frame that closes a bar.
    ticker_close: Duration,
    /// The strategy's, for each signal.
    signal: Duration,
}

/// Bars of one round, each closed by a frame of its own: what the accounts do with a signal must not
/// be measured as the ticker's work, on two cores.
async fn cost_of_round(
    market: &MarketBench,
    tape: &mut Tape,
    count: &SignalCount,
) -> anyhow::Result<Cost> {
    let (mut feed_us, mut ticker_us, mut close_us, mut strategy_us) = (0, 0, 0, 0);
    let told = count.get();
    for _ in 0..LONG_SECONDS {
        let mut frames = tape.events(1, FRAME_PRINTS[0]).into_iter();
        let before = busy(market);
        frames.next().into_iter().for_each(|events| market.feed(events));
        market.settled().await;
        let closed = busy(market);
        frames.for_each(|events| market.feed(events));
        market.settled().await;
        let after = busy(market);
        close_us += closed[1] - before[1];
        strategy_us += closed[2] - before[2];
        feed_us += after[0] - closed[0];
        ticker_us += after[1] - closed[1];
    }
    anyhow::ensure!(count.get() > told, "no signal came");
    let (seconds, prints) = (u32::try_from(LONG_SECONDS)?, u32::try_from(PRINTS_PER_LONG_BAR)?);
    let quiet_prints = seconds * (prints - u32::try_from(FRAME_PRINTS[0])?);
    Ok(Cost {
        feed_print: Duration::from_micros(feed_us) / quiet_prints,
        ticker_print: Duration::from_micros(ticker_us) / quiet_prints,
        ticker_close: Duration::from_micros(close_us) / seconds,
        signal: Duration::from_micros(strategy_us) / (seconds / 2),
    })
}

/// Microseconds that feed, ticker and strategy have been at work.
fn busy(market: &MarketBench) -> [u64; 3] {
    let busy = [market.feed_busy(), market.tickers_busy(), market.strategies_busy()];
    busy.map(|busy| busy.busy_us)
}

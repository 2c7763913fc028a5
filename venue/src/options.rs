//! What a venue is started with.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use secrecy::SecretString;

use crate::error::VenueError;
use crate::faults::FaultPlan;
use crate::fills::fees;
use crate::random;
use crate::rules::Rules;

/// Letters of a token that nobody chose.
const ADMIN_TOKEN_LENGTH: usize = 40;

/// Everything a venue is started with; `Default` is a synthetic market with the demo account.
#[derive(Clone, Debug)]
pub struct VenueOptions {
    /// Where HTTP and WebSocket are served; port 0 takes any free one. Loopback by default.
    pub listen: SocketAddr,
    /// Where the books are kept.
    pub store: Store,
    /// Where prices come from.
    pub source: Source,
    /// How prices and orders become executions.
    pub fills: FillOptions,
    /// What executions cost; `None` charges nothing, as Alpaca's documents say of paper trading.
    pub fees: Option<FeeRates>,
    /// Key ids of accounts that may not sell short, whatever their margin.
    pub long_only: BTreeSet<String>,
    /// The accounts that may trade. An account whose key id is already in the books keeps its cash
    /// and positions; only its secret is taken from here.
    pub accounts: Vec<AccountSpec>,
    /// Requests that an account may make in any 60 seconds, on the trading and the data API
    /// each.
    pub requests_per_minute: u32,
    /// What the accounts may see of the market data.
    pub data_plan: DataPlan,
    /// How long a client of a stream may take to authenticate.
    pub auth_timeout: Duration,
    /// The admin port; none when left out.
    pub admin: Option<AdminOptions>,
    /// Faults that are armed from the start.
    pub faults: FaultPlan,
    /// Which of two readings of Alpaca's behaviour is taken, where the sources disagree.
    pub rules: Rules,
    /// Asked between two steps of a replay at full speed.
    pub pacer: Arc<dyn Pacer>,
}

/// The admin port.
#[derive(Clone, Debug)]
pub struct AdminOptions {
    /// Where it listens: an address of this machine only; port 0 takes any free one.
    pub listen: SocketAddr,
    /// What a caller has to present, 16 characters or more.
    pub token: SecretString,
}

/// Where the books are kept.
#[derive(Clone, Debug)]
pub enum Store {
    /// In memory; gone when the venue stops.
    Ephemeral,
    /// In this directory; a restart, or a kill, finds the same orders, positions and cash.
    Directory(PathBuf),
}

/// Where prices come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// An invented market, round the clock or in sessions.
    Synthetic(SyntheticOptions),
    /// Recorded bars, trades and quotes.
    Replay(ReplayOptions),
}

/// How the invented market behaves.
#[derive(Clone, Debug)]
pub struct SyntheticOptions {
    /// Prices are a pure function of the seed, the symbol and the time.
    pub seed: u64,
    /// Stocks trade round the clock, not only in NYSE sessions.
    pub always_open: bool,
    /// Stocks have prices from 04:00 to 20:00 New York time, for orders in extended hours; else
    /// from 09:30 to 16:00. Daily bars then hold the whole of that.
    pub extended_hours: bool,
    /// Trades per second and symbol, 1 to 100.
    pub trades_per_second: u32,
    /// How much livelier than a real market the prices are over seconds; 1 is realistic, at which
    /// a stock moves by about one tick a second. The motion over hours and days is not changed.
    pub liveliness: f64,
    /// Where the clock starts; the machine's time when left out. A clock with a start of its own
    /// can be moved forward.
    pub start: Option<DateTime<Utc>>,
    /// Seconds of the venue per second, with a start of its own only.
    pub speed: f64,
    /// The chance that an order which may fill gets only a part, as Alpaca's paper trading does.
    pub partial_fill_chance: f64,
}

/// Which recording is played, and how fast.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// A directory of CSV files, `.gz` or plain.
    pub dir: PathBuf,
    /// How fast the tape runs.
    pub speed: Speed,
    /// Hold the tape until a client has subscribed to market data.
    pub wait_for_subscriber: bool,
}

/// How fast a tape runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// This many seconds of tape per second.
    Times(f64),
    /// As fast as the clients follow: step by step.
    Max,
}

/// One trading account.
#[derive(Clone, Debug)]
pub struct AccountSpec {
    /// The public half of the key.
    pub key_id: String,
    /// The secret half.
    pub secret: SecretString,
    /// Cash at the opening, in USD.
    pub cash: Decimal,
    /// Buying power per dollar of equity in stocks: 1 (cash account), 2 (margin) or 4 (within
    /// the day).
    pub multiplier: u8,
}

/// What an account may see of the market data, and how much of it at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPlan {
    /// Whether consolidated (SIP) data of the last 15 minutes may be read.
    pub recent_sip: bool,
    /// Whether the SIP stream may be subscribed; if not, error 409.
    pub sip_stream: bool,
    /// Symbols that one connection may name on trades and quotes together; more is error 405, and
    /// so is `*` where there is a bound.
    pub stream_symbols_max: usize,
    /// Connections of one account to one stream; a further one is error 406.
    pub stream_connections_max: usize,
    /// Requests to the data API in any 60 seconds; `None`: as many as to the trading API.
    pub requests_per_minute: Option<u32>,
}

/// Says when the clients of a replay at full speed have dealt with everything they were sent.
pub trait Pacer: Debug + Send + Sync {
    /// Completes once nothing is under way: mailboxes, journal and broker are idle.
    fn settled(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The pacer of clients that the venue cannot see into: it never holds the tape.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unpaced;

impl Pacer for Unpaced {
    fn settled(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

/// How prices and orders become executions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FillOptions {
    /// As Alpaca's paper trading: at the quote, sizes not looked at, sometimes only in part. A
    /// recording fills in full on what was recorded.
    Alpaca,
    /// Against an order book, with queues, sizes, latency and impact.
    Realistic(RealisticOptions),
}

/// What the realistic model is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RealisticOptions {
    /// Latencies and the depth behind the touch are pure functions of it.
    pub seed: u64,
    /// How long orders and cancels travel to the book. Not on a tape of bars, which is coarser.
    pub latency: Latency,
    /// By how much a taker's price worsens when it takes as much as the touch displays, in basis
    /// points; it grows with the square root of what is taken.
    pub impact_bps: f64,
    /// The half spread that is assumed where nothing is quoted, in basis points.
    pub unquoted_slippage_bps: f64,
    /// How much of a recorded bar's volume the users' orders may have, 0 to 1.
    pub bar_volume_share: Decimal,
}

impl Default for RealisticOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            latency: Latency { minimum_us: 2_000, median_us: 12_000, spread: 0.6 },
            impact_bps: 1.0,
            unquoted_slippage_bps: 1.0,
            bar_volume_share: Decimal::from_parts(1, 0, 0, false, 1),
        }
    }
}

impl RealisticOptions {
    /// What is expected instead of these values, if they make no sense.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let Self { latency, impact_bps, unquoted_slippage_bps, bar_volume_share, .. } = self;
        let bps = 0.0..=10_000.0;
        if !(0..=latency.median_us).contains(&latency.minimum_us) {
            return Some("a least latency from 0 to the median one");
        }
        if !(0.0..=5.0).contains(&latency.spread) {
            return Some("a spread of latencies from 0 to 5");
        }
        if !bps.contains(impact_bps) || !bps.contains(unquoted_slippage_bps) {
            return Some("impact and slippage from 0 to 10000 basis points");
        }
        let share_makes_sense = (Decimal::ZERO..=Decimal::ONE).contains(bar_volume_share);
        (!share_makes_sense).then_some("a share of a bar's volume from 0 to 1")
    }
}

/// How long messages travel between the venue's door and the book: a shifted log-normal
/// distribution, seeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// No trip is shorter, in microseconds.
    pub minimum_us: i64,
    /// Half of the trips are shorter, in microseconds.
    pub median_us: i64,
    /// Standard deviation of the logarithm of the part above the minimum; 0 is a constant time.
    pub spread: f64,
}

/// Rates of fees; `Default` has the real ones of 2026.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeRates {
    /// SEC fee on sales of stock, per dollar.
    pub sec_per_dollar: Decimal,
    /// FINRA's trading activity fee on sales of stock, per share.
    pub taf_per_share: Decimal,
    /// The most that FINRA takes of one trade, in USD.
    pub taf_per_trade_max: Decimal,
    /// Consolidated audit trail on stock, per share.
    pub cat_per_share: Decimal,
    /// Share of the received coins or dollars for who rested in the book.
    pub crypto_maker: Decimal,
    /// Share of the received coins or dollars for who took from the book.
    pub crypto_taker: Decimal,
}

impl Default for FeeRates {
    fn default() -> Self {
        Self {
            sec_per_dollar: fees::SEC_PER_DOLLAR,
            taf_per_share: fees::TAF_PER_SHARE,
            taf_per_trade_max: fees::TAF_PER_TRADE_MAX,
            cat_per_share: fees::CAT_PER_SHARE,
            crypto_maker: fees::CRYPTO_MAKER,
            crypto_taker: fees::CRYPTO_TAKER,
        }
    }
}

impl Default for VenueOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            store: Store::Ephemeral,
            source: Source::Synthetic(SyntheticOptions::default()),
            fills: FillOptions::Alpaca,
            fees: None,
            accounts: vec![AccountSpec::demo()],
            long_only: BTreeSet::new(),
            requests_per_minute: 200,
            data_plan: DataPlan::unlimited(),
            auth_timeout: Duration::from_secs(10),
            admin: None,
            faults: FaultPlan::default(),
            rules: Rules::default(),
            pacer: Arc::new(Unpaced),
        }
    }
}

impl DataPlan {
    /// Everything, as Alpaca's paid plan has it, and without its bounds on connections.
    pub fn unlimited() -> Self {
        Self {
            recent_sip: true,
            sip_stream: true,
            stream_symbols_max: usize::MAX,
            stream_connections_max: usize::MAX,
            requests_per_minute: None,
        }
    }

    /// Alpaca's free plan: IEX on the stream, 30 symbols, one connection per stream, and SIP data
    /// when it is 15 minutes old.
    pub fn basic() -> Self {
        Self {
            recent_sip: false,
            sip_stream: false,
            stream_symbols_max: 30,
            stream_connections_max: 1,
            requests_per_minute: Some(200),
        }
    }
}

impl Default for SyntheticOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            always_open: false,
            extended_hours: false,
            trades_per_second: 4,
            liveliness: 4.0,
            start: None,
            speed: 1.0,
            partial_fill_chance: 0.1,
        }
    }
}

impl AdminOptions {
    /// An admin port with a random token.
    pub fn with_new_token(listen: SocketAddr) -> Result<Self, VenueError> {
        let token = random::letters(ADMIN_TOKEN_LENGTH).map_err(|error| VenueError::Option {
            option: "admin_token",
            value: error.to_string(),
            expected: "random bytes from the system; give a token of your own",
        })?;
        Ok(Self { listen, token })
    }
}

impl Store {
    /// Where the books are kept for one kind of prices.
    pub(crate) fn directory(&self, prices: &str) -> Option<PathBuf> {
        match self {
            Self::Ephemeral => None,
            Self::Directory(directory) => Some(directory.join(prices)),
        }
    }
}

impl ReplayOptions {
    /// The tape in `dir` at full speed, held until somebody listens.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), speed: Speed::Max, wait_for_subscriber: true }
    }
}

impl AccountSpec {
    /// The account that every venue starts with: key id `PKVENUEDEMO`, 100 000 USD.
    pub fn demo() -> Self {
        Self {
            key_id: "PKVENUEDEMO".to_owned(),
            secret: SecretString::from("venue-demo-secret"),
            cash: Decimal::from(100_000),
            multiplier: 2,
        }
    }
}

//! What backtests and evaluations share: bars into markets, settings into rules, long work that
//! shows how far it is and can be stopped.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use config::{Commission, FillMoment, Settings, Sides};
use engine::backtest::{
    Costs, Direction, FRACTION_STEP, Fees, FillAt, Market, Protection, Sizing, Spec, Switch,
};
use engine::{AssetClass, Ticker, Usd};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rust_decimal::Decimal;

use crate::args::{BarArgs, SizingName, TradingArgs};
use crate::bars::{self, Series};
use crate::signals::StopSignal;

/// Risk per trade of a user who has changed nothing, a fraction; `users.risk_per_trade`'s default.
const LIVE_RISK_PER_TRADE: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

/// How often the progress is drawn.
const REDRAW: Duration = Duration::from_millis(100);

/// Reads the bars that the flags name: one series of a file, all or some of a folder.
pub(crate) fn read(flags: &BarArgs) -> anyhow::Result<Vec<Series>> {
    for ticker in &flags.ticker {
        Ticker::new(ticker).context("--ticker")?;
    }
    let selection = flags.selection();
    if flags.data.is_dir() {
        return bars::read_folder(&flags.data, &flags.ticker, &selection);
    }
    let ticker = match flags.ticker.as_slice() {
        [] => None,
        [ticker] => Some(ticker.as_str()),
        _ => anyhow::bail!("--ticker names one symbol for one file; name a folder for several"),
    };
    Ok(vec![bars::read_file(&flags.data, ticker, &selection)?])
}

/// Puts series on one line of time, checked once more as the engine wants them.
pub(crate) fn market(all: Vec<Series>) -> anyhow::Result<Market> {
    let legs = all.into_iter().map(leg).collect::<anyhow::Result<_>>()?;
    Ok(Market::new(legs)?)
}

/// A series as the engine takes it.
pub(crate) fn leg(series: Series) -> anyhow::Result<engine::backtest::Series> {
    let file = series.file.display().to_string();
    let ticker =
        series.ticker().with_context(|| format!("{file}: name its symbol with --ticker"))?;
    engine::backtest::Series::new(ticker, series.bars).context(file)
}

/// What kind of year the series has: of 365 days when all of them trade every day.
pub(crate) fn class_of(all: &[Series]) -> AssetClass {
    let every_day = !all.is_empty() && all.iter().all(|series| series.every_day);
    if every_day { AssetClass::Crypto } else { AssetClass::UsEquity }
}

/// How a backtest trades, from settings and flags.
pub(crate) fn spec(
    settings: &Settings,
    flags: &TradingArgs,
    class: AssetClass,
) -> anyhow::Result<Spec> {
    let research = &settings.research;
    let fees = match (research.commission, class) {
        (Commission::Rate(rate), _) => Fees::Rate { rate },
        (Commission::Alpaca, AssetClass::UsEquity) => Fees::ALPACA_EQUITY,
        (Commission::Alpaca, AssetClass::Crypto) => Fees::ALPACA_CRYPTO,
    };
    let sizing = match flags.sizing {
        SizingName::Equity => Sizing::Equity { fraction: Decimal::ONE },
        SizingName::Live => Sizing::Live {
            risk_per_trade: LIVE_RISK_PER_TRADE,
            stop_fraction: settings.desk.stop_fraction,
        },
    };
    let spec = Spec {
        cash: Usd::new(research.cash),
        costs: Costs { fees, slippage_bps: research.slippage_bps },
        fill: match research.fill {
            FillMoment::NextOpen => FillAt::NextOpen,
            FillMoment::SameClose => FillAt::SameClose,
        },
        direction: match research.direction {
            Sides::Long => Direction::Long,
            Sides::LongShort => Direction::LongShort,
        },
        quantity_step: if research.fractional { FRACTION_STEP } else { Decimal::ONE },
        sizing,
        protection: Protection {
            stop_loss: flags.stop_loss,
            take_profit: flags.take_profit,
            trailing_stop: flags.trailing_stop,
        },
        limits: None,
        class,
    };
    spec.check()?;
    Ok(spec)
}

/// Does long work on a thread of its own: shows on a terminal how many of `total` are done, by the
/// switch's counter, and tells the work to stop at the first Ctrl-C. The work ends by itself, with
/// what it has.
pub(crate) async fn watched<T: Send + 'static>(
    total: u64,
    unit: &str,
    work: impl FnOnce(&Switch) -> T + Send + 'static,
) -> anyhow::Result<T> {
    let mut stop = StopSignal::listen().context("signals cannot be listened to")?;
    tracing::debug!("{total} {unit} to do");
    let switch = Arc::new(Switch::default());
    let progress = progress_bar(total, unit);
    let working = {
        let switch = Arc::clone(&switch);
        tokio::task::spawn_blocking(move || work(&switch))
    };
    tokio::pin!(working);
    let mut redraw = tokio::time::interval(REDRAW);
    let done = loop {
        tokio::select! {
            done = &mut working => break done,
            received = stop.received() => {
                received?;
                switch.cancel.store(true, Ordering::Relaxed);
            }
            _ = redraw.tick() => progress.set_position(switch.bars.load(Ordering::Relaxed)),
        }
    };
    progress.finish_and_clear();
    done.context("the work broke off")
}

fn progress_bar(total: u64, unit: &str) -> ProgressBar {
    let hidden = !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let template =
        format!("{{percent:>3}}% {{bar:40}} {{human_pos}} of {{human_len}} {unit}, {{eta}} left");
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style),
        // Only a fault of ours could be in it, and a plain bar is no reason to fail.
        Err(_) => bar,
    }
}

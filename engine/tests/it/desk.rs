//! What the backtest tests share: strategies that follow a script, markets, specs.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use engine::backtest::{
    Desk, Direction, Market, OrderRequest, Outcome, RunError, RunOptions, Series, Spec, Tactic,
    run, run_tactic,
};
use engine::bar::Bar;
use engine::strategy::{Indicators, Stance, Strategy};
use engine::{Ticker, Usd};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Says what it was told to say, bar by bar; the last word stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Scripted {
    pub(crate) stances: Vec<Option<Stance>>,
    at: usize,
}

/// Crosses of two moving averages, over whole millionths of a dollar: no rounding decides.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ExactCross {
    closes: Vec<i64>,
    before: Option<i64>,
    stance: Option<Stance>,
}

/// Places orders at the close of given bars.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    pub(crate) at: Vec<(usize, OrderRequest)>,
    step: usize,
}

impl Scripted {
    pub(crate) fn new(stances: &[Option<Stance>]) -> Self {
        Self { stances: stances.to_vec(), at: 0 }
    }
}

impl Orders {
    pub(crate) fn new(at: &[(usize, OrderRequest)]) -> Self {
        Self { at: at.to_vec(), step: 0 }
    }
}

impl Strategy for Scripted {
    fn on_bar(&mut self, _bar: &Bar) -> Option<Stance> {
        let stance = self.stances.get(self.at).or(self.stances.last()).copied().flatten();
        self.at += 1;
        stance
    }

    fn indicators(&self) -> Indicators {
        Indicators::new()
    }

    fn warmup_bars(&self) -> u32 {
        0
    }
}

impl ExactCross {
    const FAST: usize = 10;
    const SLOW: usize = 20;

    fn sum(&self, bars: usize) -> i64 {
        self.closes.iter().rev().take(bars).sum()
    }
}

impl Strategy for ExactCross {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        #[expect(clippy::cast_possible_truncation, reason = "millionths of a share price")]
        self.closes.push((bar.close * 1e6).round() as i64);
        let (fast, slow) = (Self::FAST, Self::SLOW);
        if self.closes.len() < slow {
            return None;
        }
        let scale = i64::try_from(slow / fast).unwrap();
        let gap = self.sum(fast) * scale - self.sum(slow);
        match self.before.replace(gap) {
            Some(before) if before < 0 && gap > 0 => self.stance = Some(Stance::Long),
            Some(before) if before > 0 && gap < 0 => self.stance = Some(Stance::Short),
            _ => {}
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        Indicators::new()
    }

    fn warmup_bars(&self) -> u32 {
        21
    }
}

impl Tactic for Orders {
    fn on_close(&mut self, desk: &mut Desk<'_>) -> Result<(), RunError> {
        for (_, request) in self.at.iter().filter(|(step, _)| *step == self.step) {
            desk.submit(*request)?;
        }
        self.step += 1;
        Ok(())
    }
}

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn market(legs: &[(&str, Vec<Bar>)]) -> Market {
    let series = legs
        .iter()
        .map(|(ticker, bars)| Series::new(Ticker::new(ticker).unwrap(), bars.clone()).unwrap());
    Market::new(series.collect()).unwrap()
}

/// A million dollars, both sides of the market, everything else as the command line has it.
pub(crate) fn rich() -> Spec {
    Spec {
        cash: Usd::new(Decimal::from(1_000_000)),
        direction: Direction::LongShort,
        ..Spec::default()
    }
}

/// Runs a script with every order written down.
pub(crate) fn follow(market: &Market, spec: &Spec, scripts: &[Scripted]) -> Outcome {
    let strategies = scripts.iter().map(|script| Box::new(script.clone()) as Box<dyn Strategy>);
    run(market, spec, strategies.collect(), with_orders()).unwrap()
}

pub(crate) fn place(market: &Market, spec: &Spec, orders: &[(usize, OrderRequest)]) -> Outcome {
    run_tactic(market, spec, &mut Orders::new(orders), with_orders()).unwrap()
}

pub(crate) fn with_orders<'a>() -> RunOptions<'a> {
    RunOptions { journal: engine::backtest::Journal::Orders, ..RunOptions::default() }
}

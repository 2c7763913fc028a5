//! The port of TA-Lib as something to compare with.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use engine::bar::Bar;
use engine::params::{Params, number, whole};
use ta_lib::{Core, MAType, OutRange, RetCode};

/// A column of an indicator: its name, and a value per bar.
type Column = (&'static str, Vec<Option<f64>>);

struct Oracle<'a> {
    core: Core,
    params: &'a Params,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    volume: Vec<f64>,
}

/// What TA-Lib's batch functions make of `bars`; `None` where TA-Lib has no such indicator.
pub(crate) fn columns(name: &str, params: &Params, bars: &[Bar]) -> Option<Vec<Column>> {
    let series = |of: fn(&Bar) -> f64| bars.iter().map(of).collect::<Vec<_>>();
    let oracle = Oracle {
        core: Core::new(),
        params,
        high: series(|bar| bar.high),
        low: series(|bar| bar.low),
        close: series(|bar| bar.close),
        volume: series(|bar| bar.volume),
    };
    oracle.of_one_line(name).or_else(|| oracle.of_bands(name)).or_else(|| oracle.of_others(name))
}

impl Oracle<'_> {
    fn of_one_line(&self, name: &str) -> Option<Vec<Column>> {
        let Self { core, high, low, close, volume, .. } = self;
        let (last, period) = (self.last(), self.whole("period"));
        Some(match name {
            "sma" => self.line("sma", |out| core.sma(0, last, close, period, out)),
            "ema" => self.line("ema", |out| core.ema(0, last, close, period, out)),
            "wma" => self.line("wma", |out| core.wma(0, last, close, period, out)),
            "rsi" => self.line("rsi", |out| core.rsi(0, last, close, period, out)),
            "roc" => self.line("roc", |out| core.roc(0, last, close, period, out)),
            "stddev" => self.line("stddev", |out| core.stddev(0, last, close, period, 1.0, out)),
            "atr" => self.line("atr", |out| core.atr(0, last, high, low, close, period, out)),
            "cci" => self.line("cci", |out| core.cci(0, last, high, low, close, period, out)),
            "williams_r" => {
                self.line("williams_r", |out| core.willr(0, last, high, low, close, period, out))
            }
            "obv" => self.line("obv", |out| core.obv(0, last, close, volume, out)),
            "mfi" => {
                self.line("mfi", |out| core.mfi(0, last, high, low, close, volume, period, out))
            }
            "parabolic_sar" => self.line("parabolic_sar", |out| {
                core.sar(0, last, high, low, self.number("step"), self.number("max"), out)
            }),
            _ => return None,
        })
    }

    fn of_bands(&self, name: &str) -> Option<Vec<Column>> {
        let Self { core, high, low, close, .. } = self;
        let (last, period) = (self.last(), self.whole("period"));
        let channel = ["upper", "middle", "lower"];
        Some(match name {
            "bollinger" => self.lines(channel, |[upper, middle, lower]| {
                let (reach, sma) = (self.number("deviations"), MAType::SMA);
                core.bbands(0, last, close, period, reach, reach, sma, upper, middle, lower)
            }),
            "donchian" => self.lines(channel, |[upper, middle, lower]| {
                core.donchian(0, last, high, low, period, upper, middle, lower)
            }),
            "keltner" => self.lines(channel, |[upper, middle, lower]| {
                let (ranges, reach) = (self.whole("atr_period"), self.number("multiplier"));
                core.kc(0, last, high, low, close, period, ranges, reach, upper, middle, lower)
            }),
            "macd" => self.lines(["macd", "signal", "histogram"], |[macd, signal, histogram]| {
                let [fast, slow, average] = ["fast", "slow", "signal"].map(|name| self.whole(name));
                core.macd(0, last, close, fast, slow, average, macd, signal, histogram)
            }),
            _ => return None,
        })
    }

    fn of_others(&self, name: &str) -> Option<Vec<Column>> {
        let Self { core, high, low, close, .. } = self;
        let (last, period) = (self.last(), self.whole("period"));
        Some(match name {
            "stochastic" => self.lines(["k", "d"], |[slow_k, slow_d]| {
                let [bars, smooth, average] = ["k", "smooth", "d"].map(|name| self.whole(name));
                let sma = MAType::SMA;
                core.stoch(
                    0, last, high, low, close, bars, smooth, sma, average, sma, slow_k, slow_d,
                )
            }),
            "aroon" => self.lines(["down", "up"], |[down, up]| {
                core.aroon(0, last, high, low, period, down, up)
            }),
            "supertrend" => self.lines(["supertrend", "direction"], |[line, direction]| {
                let mut trend = vec![0; close.len()];
                let reach = self.number("multiplier");
                let range =
                    core.supertrend(0, last, high, low, close, period, reach, line, &mut trend);
                direction.iter_mut().zip(trend).for_each(|(to, from)| *to = f64::from(from));
                range
            }),
            "adx" => [
                self.line("adx", |out| core.adx(0, last, high, low, close, period, out)),
                self.line("plus_di", |out| core.plus_di(0, last, high, low, close, period, out)),
                self.line("minus_di", |out| core.minus_di(0, last, high, low, close, period, out)),
            ]
            .concat(),
            "ichimoku" => [("tenkan", "tenkan"), ("kijun", "kijun"), ("senkou", "span_b")]
                .into_iter()
                .flat_map(|(period, column)| {
                    let period = self.whole(period);
                    self.line(column, |out| core.midprice(0, last, high, low, period, out))
                })
                .collect(),
            _ => return None,
        })
    }

    fn line(
        &self,
        column: &'static str,
        run: impl Fn(&mut [f64]) -> Result<OutRange, RetCode>,
    ) -> Vec<Column> {
        self.lines([column], |[out]| run(out))
    }

    fn lines<const N: usize>(
        &self,
        columns: [&'static str; N],
        run: impl Fn([&mut [f64]; N]) -> Result<OutRange, RetCode>,
    ) -> Vec<Column> {
        let mut out: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; self.close.len()]);
        let OutRange { beg_idx: first, count } =
            run(out.each_mut().map(Vec::as_mut_slice)).unwrap();
        let placed = |out: Vec<f64>| {
            let before = vec![None; first.min(self.close.len() - count)];
            let values = out.into_iter().take(count).map(Some);
            let mut placed: Vec<_> = before.into_iter().chain(values).collect();
            placed.resize(self.close.len(), None);
            placed
        };
        columns.into_iter().zip(out.map(placed)).collect()
    }

    fn last(&self) -> usize {
        self.close.len() - 1
    }

    fn whole(&self, name: &str) -> i32 {
        i32::from(whole(self.params, name))
    }

    fn number(&self, name: &str) -> f64 {
        number(self.params, name)
    }
}

//! An indicator by its name: fed with bars, it gives a row of columns for each.

use super::catalogue::{Definition, find};
use super::{
    Adx, Aroon, Atr, Bands, Bollinger, Cci, Donchian, Ema, Ichimoku, Keltner, Macd, Mfi, Obv,
    ParabolicSar, Roc, Rsi, Sma, StdDev, Stochastic, SuperTrend, Vwap, WilliamsR, Wma, ZScore,
};
use crate::bar::Bar;
use crate::params::{ParamError, Params};
use serde::{Deserialize, Serialize};

/// Most columns of one indicator.
pub const COLUMNS_MAX: usize = 4;

/// An indicator at work. Its serialised form is a snapshot: what comes back goes on bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    name: String,
    columns: usize,
    row: [Option<f64>; COLUMNS_MAX],
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Sma(Sma),
    Ema(Ema),
    Wma(Wma),
    Rsi(Rsi),
    Macd(Macd),
    Bollinger(Bollinger),
    Atr(Atr),
    Adx(Adx),
    Stochastic(Stochastic),
    Cci(Cci),
    Obv(Obv),
    WilliamsR(WilliamsR),
    Roc(Roc),
    Mfi(Mfi),
    Donchian(Donchian),
    Keltner(Keltner),
    SuperTrend(SuperTrend),
    Vwap(Vwap),
    ParabolicSar(ParabolicSar),
    Aroon(Aroon),
    Ichimoku(Ichimoku),
    StdDev(StdDev),
    ZScore(ZScore),
}

impl Stream {
    /// The indicator `name`, defaults filled in for what `given` leaves out.
    pub fn new(name: &str, given: &Params) -> Result<Self, ParamError> {
        let definition = find(name)?;
        let params = definition.complete(given)?;
        Ok(Self {
            name: definition.name.to_owned(),
            columns: definition.columns.len().min(COLUMNS_MAX),
            row: [None; COLUMNS_MAX],
            kind: (definition.build)(&params),
        })
    }

    /// The catalogue's entry.
    pub fn definition(&self) -> Result<&'static Definition, ParamError> {
        find(&self.name)
    }

    /// Takes a bar; a value per column of the definition, `None` before its first valid one.
    pub fn next(&mut self, bar: &Bar) -> &[Option<f64>] {
        self.row = self.kind.next(bar);
        self.row()
    }

    /// The row of the newest bar.
    pub fn row(&self) -> &[Option<f64>] {
        self.row.get(..self.columns).unwrap_or_default()
    }
}

impl Kind {
    fn next(&mut self, bar: &Bar) -> [Option<f64>; COLUMNS_MAX] {
        let close = bar.close;
        match self {
            Self::Sma(sma) => one(sma.next(close)),
            Self::Ema(ema) => one(ema.next(close)),
            Self::Wma(wma) => one(wma.next(close)),
            Self::Rsi(rsi) => one(rsi.next(close)),
            Self::Macd(macd) => {
                many(macd.next(close), |of| [of.macd, of.signal, of.histogram()].map(Some))
            }
            Self::Bollinger(bollinger) => bands(bollinger.next(close)),
            Self::Atr(atr) => one(atr.next(bar)),
            Self::Adx(adx) => many(adx.next(bar), |of| [of.adx, Some(of.plus), Some(of.minus)]),
            Self::Stochastic(stochastic) => {
                many(stochastic.next(bar), |of| [Some(of.k), Some(of.d), None])
            }
            Self::Cci(cci) => one(cci.next(bar)),
            Self::Obv(obv) => one(Some(obv.next(bar))),
            Self::WilliamsR(williams) => one(williams.next(bar)),
            Self::Roc(roc) => one(roc.next(close)),
            Self::Mfi(mfi) => one(mfi.next(bar)),
            Self::Donchian(donchian) => bands(donchian.next(bar)),
            Self::Keltner(keltner) => bands(keltner.next(bar)),
            Self::SuperTrend(line) => many(line.next(bar), |of| {
                [Some(of.value), Some(if of.rising { 1.0 } else { -1.0 }), None]
            }),
            Self::Vwap(vwap) => one(vwap.next(bar).map(|of| of.vwap)),
            Self::ParabolicSar(sar) => one(sar.next(bar)),
            Self::Aroon(aroon) => many(aroon.next(bar), |of| [Some(of.up), Some(of.down), None]),
            Self::Ichimoku(ichimoku) => {
                let of = ichimoku.next(bar);
                [of.tenkan, of.kijun, of.span_a, of.span_b]
            }
            Self::StdDev(deviation) => one(deviation.next(close).map(|(_, deviation)| deviation)),
            Self::ZScore(score) => one(score.next(close)),
        }
    }
}

fn one(value: Option<f64>) -> [Option<f64>; COLUMNS_MAX] {
    [value, None, None, None]
}

fn many<Lines>(
    lines: Option<Lines>,
    columns: impl Fn(Lines) -> [Option<f64>; 3],
) -> [Option<f64>; COLUMNS_MAX] {
    let [first, second, third] = lines.map(columns).unwrap_or_default();
    [first, second, third, None]
}

fn bands(bands: Option<Bands>) -> [Option<f64>; COLUMNS_MAX] {
    many(bands, |of| [of.upper, of.middle, of.lower].map(Some))
}

"""Writes strategies/tests/fixtures/goog_1d_stances.csv: every bar at which a strategy changes its mind.

The rules are written over whole series and their indicators are TA-Lib's C library, so nothing here shares
a line with what it is compared to. Long and short entries and exits are found first; the stance follows.

Run:  python3 -m venv v && v/bin/pip install TA-Lib==0.8.2 && v/bin/python scripts/reference/strategies.py
"""

import csv
import pathlib
import sys

import numpy as np
import talib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BARS = ROOT / "engine/tests/fixtures/goog_1d.csv"
OUT = ROOT / "strategies/tests/fixtures/goog_1d_stances.csv"


def read(path):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    return [np.array([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume")]


def shift(series, by):
    return np.concatenate([np.full(by, np.nan), series[:-by]])


def crosses(a, b):
    """True where a was below b and is above now; anything unknown is no cross."""
    return (shift(a, 1) < shift(b, 1)) & (a > b)


def highest(series, period):
    return shift(talib.MAX(series, period), 1)


def lowest(series, period):
    return shift(talib.MIN(series, period), 1)


def rules(o, h, l, c, v):
    """(enter long, exit long, enter short, exit short) of each strategy, defaults."""
    never = np.zeros(len(c), bool)

    def turns(up, down):
        return up, down, down, up

    def cross(a, b):
        return turns(crosses(a, b), crosses(b, a))

    rsi = talib.RSI(c, 14)
    upper, middle, lower = talib.BBANDS(c, 20, 2, 2, 0)
    width = (upper - lower) / middle
    tightest = talib.MIN(width[19:], 125)
    tightest = np.concatenate([np.full(19, np.nan), tightest])
    squeezed = np.array([any(width[j] <= tightest[j] for j in range(max(i - 4, 0), i + 1)) for i in range(len(c))])
    macd, signal, _ = talib.MACD(c, 12, 26, 9)
    roc = talib.ROC(c, 20)
    z = (c - talib.SMA(c, 20)) / talib.STDDEV(c, 20, 1)
    k, d = talib.STOCH(h, l, c, 14, 3, 0, 3, 0)
    adx, plus, minus = talib.ADX(h, l, c, 14), talib.PLUS_DI(h, l, c, 14), talib.MINUS_DI(h, l, c, 14)
    line, trend = talib.SUPERTREND(h, l, c, 10, 3.0)
    trend = np.where(np.isnan(line), np.nan, trend)
    typical = talib.TYPPRICE(h, l, c)
    vwap = talib.SUM(typical * v, 20) / talib.SUM(v, 20)
    tenkan, kijun, span_b = (talib.MIDPRICE(h, l, p) for p in (9, 26, 52))
    cloud = shift((tenkan + kijun) / 2, 26), shift(span_b, 26)
    top, bottom = np.maximum(*cloud), np.minimum(*cloud)
    sar = talib.SAR(h, l, 0.02, 0.2)
    yield "sma_cross", cross(talib.SMA(c, 10), talib.SMA(c, 20))
    yield "ema_cross", cross(talib.EMA(c, 12), talib.EMA(c, 26))
    yield "macd", cross(macd, signal)
    yield "rsi", turns(rsi < 30, rsi > 70)
    yield "bollinger_reversion", (c < lower, c > middle, c > upper, c < middle)
    yield "bollinger_squeeze", ((c > upper) & squeezed, c < middle, (c < lower) & squeezed, c > middle)
    yield "donchian", (c > highest(h, 20), c < lowest(l, 10), c < lowest(l, 20), c > highest(h, 10))
    yield "momentum", turns(roc > 0, roc < 0)
    yield "zscore", (z < -2, z > -0.5, z > 2, z < 0.5)
    yield "stochastic", turns(crosses(k, d) & (k < 20), crosses(d, k) & (k > 80))
    yield "adx", ((adx > 25) & (plus > minus), plus < minus, (adx > 25) & (minus > plus), minus < plus)
    yield "supertrend", turns((trend > 0) & (shift(trend, 1) < 0), (trend < 0) & (shift(trend, 1) > 0))
    yield "vwap_reversion", (c < vwap * 0.98, c >= vwap, c > vwap * 1.02, c <= vwap)
    yield "ichimoku", ((c > top) & (tenkan > kijun), (c < bottom) | (tenkan < kijun),
                       (c < bottom) & (tenkan < kijun), (c > top) | (tenkan > kijun))
    yield "parabolic_sar", turns(sar < c, sar > c)
    yield "buy_and_hold", (np.arange(len(c)) > 0, never, never, never)


def stances(enter_long, exit_long, enter_short, exit_short):
    """The stance after each bar: "" until something happens."""
    stance = ""
    for bar in range(len(enter_long)):
        if enter_long[bar]:
            stance = "long"
        elif enter_short[bar]:
            stance = "short"
        elif (stance == "long" and exit_long[bar]) or (stance == "short" and exit_short[bar]):
            stance = "flat"
        yield stance


if __name__ == "__main__":
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with open(OUT, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["strategy", "bar", "stance"])
        for name, signals in rules(*read(BARS)):
            before = ""
            for bar, stance in enumerate(stances(*signals)):
                if stance != before:
                    out.writerow([name, bar, stance])
                    before = stance

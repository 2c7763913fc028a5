"""Writes engine/tests/fixtures/goog_1d_indicators.csv: values of TA-Lib's C library, to compare with.

Run:  python3 -m venv v && v/bin/pip install TA-Lib==0.8.2 && v/bin/python scripts/reference/indicators.py
"""

import csv
import math
import pathlib

import numpy as np
import talib

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "engine/tests/fixtures"
# Beside the first valid bar, the one before it and the two after it.
BARS = [50, 100, 250, 500, 1000, 1500, 2147]

with open(FIXTURES / "goog_1d.csv") as file:
    rows = list(csv.DictReader(file))
o, h, l, c, v = (np.array([float(row[name]) for row in rows])
                 for name in ("open", "high", "low", "close", "volume"))


def zscore(period):
    return (c - talib.SMA(c, period)) / talib.STDDEV(c, period, 1)


def of(name, columns, parameters, values):
    values = values if isinstance(values, tuple) else (values,)
    text = " ".join(f"{key}={value}" for key, value in parameters.items())
    return [(name, column, text, series.astype(float)) for column, series in zip(columns, values, strict=True)]


def every():
    for p in (20, 5):
        yield of("sma", ["sma"], {"period": p}, talib.SMA(c, p))
        yield of("ema", ["ema"], {"period": p}, talib.EMA(c, p))
        yield of("wma", ["wma"], {"period": p}, talib.WMA(c, p))
        yield of("bollinger", ["upper", "middle", "lower"], {"period": p, "deviations": 2.5},
                 talib.BBANDS(c, p, 2.5, 2.5, 0))
        yield of("cci", ["cci"], {"period": p}, talib.CCI(h, l, c, p))
        yield of("donchian", ["upper", "middle", "lower"], {"period": p}, talib.DONCHIAN(h, l, p))
        yield of("keltner", ["upper", "middle", "lower"], {"period": p, "atr_period": 10, "multiplier": 2},
                 talib.KC(h, l, c, p, 10, 2.0))
        yield of("stddev", ["stddev"], {"period": p}, talib.STDDEV(c, p, 1))
        yield of("zscore", ["zscore"], {"period": p}, zscore(p))
    for p in (14, 3):
        yield of("rsi", ["rsi"], {"period": p}, talib.RSI(c, p))
        yield of("atr", ["atr"], {"period": p}, talib.ATR(h, l, c, p))
        yield of("adx", ["adx", "plus_di", "minus_di"], {"period": p},
                 (talib.ADX(h, l, c, p), talib.PLUS_DI(h, l, c, p), talib.MINUS_DI(h, l, c, p)))
        yield of("williams_r", ["williams_r"], {"period": p}, talib.WILLR(h, l, c, p))
        yield of("roc", ["roc"], {"period": p}, talib.ROC(c, p))
        yield of("mfi", ["mfi"], {"period": p}, talib.MFI(h, l, c, v, p))
        down, up = talib.AROON(h, l, p)
        yield of("aroon", ["up", "down"], {"period": p}, (up, down))
    for fast, slow, signal in ((12, 26, 9), (3, 8, 4)):
        yield of("macd", ["macd", "signal", "histogram"], {"fast": fast, "slow": slow, "signal": signal},
                 talib.MACD(c, fast, slow, signal))
    for k, smooth, d in ((14, 3, 3), (5, 1, 2)):
        yield of("stochastic", ["k", "d"], {"k": k, "smooth": smooth, "d": d},
                 talib.STOCH(h, l, c, k, smooth, 0, d, 0))
    for period, multiplier in ((10, 3.0), (7, 1.5)):
        yield of("supertrend", ["supertrend", "direction"], {"period": period, "multiplier": multiplier},
                 direction(*talib.SUPERTREND(h, l, c, period, multiplier)))
    for step, most in ((0.02, 0.2), (0.05, 0.3)):
        yield of("parabolic_sar", ["parabolic_sar"], {"step": step, "max": most}, talib.SAR(h, l, step, most))
    for t, k, s in ((9, 26, 52), (5, 10, 20)):
        yield of("ichimoku", ["tenkan", "kijun", "span_a", "span_b"], {"tenkan": t, "kijun": k, "senkou": s},
                 ichimoku(t, k, s))
    yield of("obv", ["obv"], {}, talib.OBV(c, v))
    # TA-Lib has no session; on daily bars a session's average is the typical price.
    yield of("vwap", ["vwap"], {}, talib.TYPPRICE(h, l, c))


def direction(line, trend):
    return line, np.where(np.isnan(line), np.nan, trend)


def ichimoku(tenkan, kijun, senkou):
    # Each line from where its own window is full; TA-Lib's ICHIMOKU waits for the longest.
    middle = lambda p: talib.MIDPRICE(h, l, p)
    t, k = middle(tenkan), middle(kijun)
    return t, k, (t + k) / 2, middle(senkou)


with open(FIXTURES / "goog_1d_indicators.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["indicator", "params", "column", "bar", "value"])
    for name, column, parameters, series in (row for rows in every() for row in rows):
        first = int(np.argmax(~np.isnan(series)))
        assert not np.isnan(series[first:]).any(), (name, column)
        for bar in sorted({max(first - 1, 0), first, first + 1, first + 2, *(b for b in BARS if b > first)}):
            value = series[bar]
            out.writerow([name, parameters, column, bar, "" if math.isnan(value) else repr(float(value))])

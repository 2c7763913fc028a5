"""Writes engine/tests/fixtures/goog_1d_backtests.csv: trades, equity and metrics by a broker written from the rules alone.

One ticker, one position, decimal money, the moving averages as exact sums. It shares no line and no structure with
the engine: it walks bar by bar with one position and its exits in hand, where the engine keeps a table of orders.

Run:  python3 scripts/reference/backtests.py      (the standard library is enough)
"""

import csv
import itertools
import math
import pathlib
import statistics
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, getcontext

getcontext().prec = 40
FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "engine/tests/fixtures"
NINE = Decimal("1e-9")

with open(FIXTURES / "goog_1d.csv") as file:
    BARS = [{key: value if key == "timestamp" else Decimal(value) for key, value in row.items()}
            for row in csv.DictReader(file)]

CASES = {
    "long": {},
    "long_commission": {"commission": "0.002"},
    "both": {"both": True},
    "both_commission": {"both": True, "commission": "0.002"},
    "long_fractional": {"commission": "0.002", "step": "1e-9"},
    "both_same_close": {"both": True, "commission": "0.002", "same_close": True},
    "both_slippage": {"both": True, "commission": "0.001", "slippage_bps": "5"},
    "both_stop_and_target": {"both": True, "commission": "0.002", "stop": "0.05", "target": "0.12"},
    "long_trailing": {"commission": "0.002", "trail": "0.08"},
}


def stances(fast=10, slow=20):
    """The wish after each close: +1, -1, or 0 before the first cross. Sums, so that no rounding decides a cross."""
    closes = [bar["close"] for bar in BARS]
    wish, before, wishes = 0, None, []
    for i in range(len(closes)):
        gap = None
        if i + 1 >= slow:
            gap = sum(closes[i + 1 - fast:i + 1]) * slow - sum(closes[i + 1 - slow:i + 1]) * fast
            if before is not None and before < 0 < gap:
                wish = 1
            elif before is not None and before > 0 > gap:
                wish = -1
        before = gap
        wishes.append(wish)
    return wishes


class Broker:
    def __init__(self, both=False, commission="0", step="1", same_close=False, slippage_bps="0", stop=None, target=None,
                 trail=None):
        self.both, self.same_close = both, same_close
        self.rate, self.step, self.slip = Decimal(commission), Decimal(step), Decimal(slippage_bps) / 10_000
        self.stop, self.target, self.trail = (x and Decimal(x) for x in (stop, target, trail))
        self.cash, self.size, self.trades, self.traded, self.held = Decimal(10_000), Decimal(0), [], Decimal(0), 0

    def market(self, buys, price):
        return price * (1 + self.slip if buys else 1 - self.slip)

    def enter(self, way, price, when):
        price = self.market(way > 0, price)
        shares = (self.cash / (price * (1 + self.rate)) / self.step).to_integral_value(ROUND_DOWN) * self.step
        if shares == 0:
            return
        fee = shares * price * self.rate
        self.cash -= way * shares * price + fee
        self.traded += shares * price
        self.size, self.price, self.when, self.fee = way * shares, price, when, fee
        nine = lambda x: x.quantize(NINE, ROUND_HALF_EVEN)
        self.stop_at = self.stop and nine(price * (1 - way * self.stop))
        self.target_at = self.target and nine(price * (1 + way * self.target))
        self.best = price

    def leave(self, price, when, slips=True):
        way = 1 if self.size > 0 else -1
        price = self.market(way < 0, price) if slips else price
        fee = abs(self.size) * price * self.rate
        self.cash += self.size * price - fee
        self.traded += abs(self.size) * price
        profit = self.size * (price - self.price) - fee - self.fee
        self.trades.append(["long" if way > 0 else "short", abs(self.size), self.when, self.price, when, price, fee + self.fee,
                            profit])
        self.size = Decimal(0)

    def trail_at(self):
        return self.best * (1 - self.trail if self.size > 0 else 1 + self.trail)

    def exits(self, bar):
        """The exits of the position that is there at the open meet the bar."""
        way, when, opening = (1 if self.size > 0 else -1), bar["timestamp"], bar["open"]
        worst, best = (bar["low"], bar["high"]) if way > 0 else (bar["high"], bar["low"])
        behind = lambda price, level: price <= level if way > 0 else price >= level
        further = max if way > 0 else min
        if self.stop and behind(opening, self.stop_at):
            return self.leave(opening, when)
        if self.trail:
            if behind(opening, self.trail_at()):
                return self.leave(opening, when)
            self.best = further(self.best, opening)
        if self.target and behind(self.target_at, opening):
            return self.leave(opening, when, slips=False)
        if self.stop and behind(worst, self.stop_at):
            return self.leave(self.stop_at, when)
        if self.trail and behind(worst, self.trail_at()):
            return self.leave(self.trail_at(), when)
        if self.target and behind(self.target_at, best):
            return self.leave(self.target_at, when, slips=False)
        if self.trail:
            self.best = further(self.best, best)
            if behind(bar["close"], self.trail_at()):
                return self.leave(self.trail_at(), when)

    def turn(self, wish, price, when):
        if self.size:
            self.leave(price, when)
        if wish > 0 or (wish < 0 and self.both):
            self.enter(wish, price, when)

    def run(self):
        equity, waiting, told = [], None, 0
        for bar, wish in zip(BARS, stances(), strict=True):
            if waiting is not None:
                # A turn away from a position takes the open whatever its exits say there: the price is the same.
                self.turn(waiting, bar["open"], bar["timestamp"])
                waiting = None
            if self.size:
                self.exits(bar)
            if wish != told:
                told = wish
                if self.same_close:
                    self.turn(wish, bar["close"], bar["timestamp"])
                else:
                    waiting = wish
            equity.append(self.cash + self.size * bar["close"])
            self.held += self.size != 0
        return equity


def short(number):
    return f"{number.quantize(Decimal('1e-12')).normalize():f}"


def moves(values):
    return [after / before - 1 for before, after in itertools.pairwise(values)]


def metrics(broker, equity):
    """docs/metrics.md in Python, over floats."""
    equity = [float(value) for value in equity]
    returns, market = moves(equity), moves([float(bar["close"]) for bar in BARS])
    mean, root = statistics.fmean(returns), math.sqrt(252)
    peaks = list(itertools.accumulate([10_000.0, *equity], max))[1:]
    below = [value < peak for value, peak in zip(equity, peaks)]
    deepest = min(value / peak - 1 for value, peak in zip(equity, peaks))
    total = equity[-1] / 10_000 - 1
    annual = (1 + total) ** (252 / len(returns)) - 1
    var = statistics.quantiles(returns, n=100, method="inclusive")[4]
    profits = [float(trade[7]) for trade in broker.trades]
    fractions = [float(trade[7] / (trade[1] * trade[3])) for trade in broker.trades]
    wins, losses = [p for p in profits if p > 0], [-p for p in profits if p < 0]
    beta, intercept = statistics.linear_regression(market, returns)
    return {
        "final_equity": equity[-1],
        "total_return": total,
        "annual_return": annual,
        "annual_volatility": statistics.stdev(returns) * root,
        "sharpe_ratio": mean / statistics.stdev(returns) * root,
        "sortino_ratio": mean * root / math.sqrt(statistics.fmean(min(r, 0) ** 2 for r in returns)),
        "calmar_ratio": annual / -deepest,
        "omega_ratio": sum(r for r in returns if r > 0) / -sum(r for r in returns if r < 0),
        "max_drawdown": deepest,
        "max_drawdown_days": max(len(list(run)) for is_below, run in itertools.groupby(below) if is_below),
        "var_95": var,
        "cvar_95": statistics.fmean(r for r in returns if r <= var),
        "win_rate": len(wins) / len(profits),
        "profit_factor": sum(wins) / sum(losses),
        "expectancy": statistics.fmean(profits),
        "payoff_ratio": statistics.fmean(wins) / statistics.fmean(losses),
        "trades": len(profits),
        "exposure": broker.held / len(BARS),
        "turnover": float(broker.traded) / statistics.fmean(equity) / (len(returns) / 252),
        "best_trade": max(fractions),
        "worst_trade": min(fractions),
        "alpha": intercept * 252,
        "beta": beta,
    }


with open(FIXTURES / "goog_1d_backtests.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow("case side quantity entry_time entry_price exit_time exit_price commission pnl".split())
    for name, settings in CASES.items():
        broker = Broker(**settings)
        equity = broker.run()
        for side, size, entered, price, left, exit_price, fee, profit in broker.trades:
            out.writerow([name, side, short(size), entered[:10], short(price), left[:10], short(exit_price), short(fee),
                          short(profit)])
        for index in [*range(200, len(BARS) - 1, 400), len(BARS) - 1]:
            out.writerow([name, "equity", index, "", "", "", "", "", short(equity[index])])
        for metric, value in metrics(broker, equity).items():
            out.writerow([name, "metric", metric, "", "", "", "", "", repr(value)])
        print(name, len(broker.trades), short(equity[-1]))

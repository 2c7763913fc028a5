"""Writes engine/tests/fixtures/goog_1d_backtests.csv: trades and equity of a broker written from the rules alone.

One ticker, one position, decimal money, the moving averages as exact sums. It shares no line and no structure with
the engine: it walks bar by bar with one position and its exits in hand, where the engine keeps a table of orders.

Run:  python3 scripts/reference/backtests.py      (the standard library is enough)
"""

import csv
import pathlib
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
        self.cash, self.size, self.trades = Decimal(10_000), Decimal(0), []

    def market(self, buys, price):
        return price * (1 + self.slip if buys else 1 - self.slip)

    def enter(self, way, price, when):
        price = self.market(way > 0, price)
        shares = (self.cash / (price * (1 + self.rate)) / self.step).to_integral_value(ROUND_DOWN) * self.step
        if shares == 0:
            return
        fee = shares * price * self.rate
        self.cash -= way * shares * price + fee
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
        return equity


def short(number):
    text = f"{number.quantize(Decimal('1e-12')).normalize():f}"
    return text


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
        print(name, len(broker.trades), short(equity[-1]))

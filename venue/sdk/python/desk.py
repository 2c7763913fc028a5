"""What one user of alpaca-py has on the desk: a client, a trade stream, and books of their own."""

import threading
from collections import defaultdict
from decimal import Decimal

from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import GetOrdersRequest, LimitOrderRequest
from alpaca.trading.stream import TradingStream

from agreement import assert_agrees
from exchange import Books, eventually


def decimal(value):
    """The exact decimal that a number of an SDK stands for."""
    return Decimal(str(value))


def plain(value):
    """A number without its trailing zeros, as the venue writes it."""
    return format(Decimal(str(value)).normalize(), "f")


class Desk:
    """A user with an account, who keeps a ledger from nothing but the trade stream."""

    def __init__(self, exchange, account=None):
        self.exchange = exchange
        self.account = account or exchange.account()
        keys = (self.account.key_id, self.account.secret_key)
        self.client = TradingClient(*keys, paper=True, url_override=exchange.url)
        self.books = Books(exchange, self.account)
        self.updates = []
        self._stream = TradingStream(*keys, url_override=f"{exchange.stream_url}/stream")

    def open(self):
        """Starts the trade stream and waits until it is heard."""

        async def record(update):
            self.updates.append(update)

        self._stream.subscribe_trade_updates(record)
        threading.Thread(target=self._stream.run, daemon=True).start()
        eventually(lambda: self._stream._running, "the trade stream is up")
        # Nothing says that the venue has taken the subscription, so an order that cannot fill asks.
        while not self._hears_an_order():
            pass
        return self

    def close(self):
        """Stops the stream; alpaca-py notices within five seconds, which nobody waits for."""
        self._stream.stop()

    def _hears_an_order(self):
        probe = self.client.submit_order(
            LimitOrderRequest(
                symbol="AAPL", qty=1, side=OrderSide.BUY, limit_price=1, time_in_force=TimeInForce.GTC
            )
        )
        self.client.cancel_order_by_id(probe.id)
        try:
            self.heard(probe.id, "canceled", deadline_seconds=2)
        except AssertionError:
            return False
        return True

    def events(self, order_id):
        """The events heard of an order, in their order."""
        return [update.event for update in list(self.updates) if update.order.id == order_id]

    def heard(self, order_id, event, **deadline):
        """Waits for an event of an order and answers the update."""

        def found():
            for update in list(self.updates):
                if update.order.id == order_id and update.event == event:
                    return update
            return None

        def told():
            return f"{event} of {order_id}; heard {self.events(order_id)}"

        return eventually(found, told, **deadline)

    def done(self, order, event="fill"):
        """Waits until an order is done and answers it as REST shows it."""
        self.heard(order.id, event)
        return self.client.get_order_by_id(order.id)

    def executions(self):
        """Each execution that was heard, once: the stream may repeat itself."""
        seen = {}
        for update in list(self.updates):
            if update.event in ("fill", "partial_fill"):
                seen.setdefault(update.execution_id, update)
        return list(seen.values())

    def position(self, symbol):
        """The quantity held, zero when there is none."""
        for position in self.client.get_all_positions():
            if position.symbol == symbol.replace("/", ""):
                return decimal(position.qty)
        return Decimal(0)

    def assert_books_agree(self):
        """Stream, orders, activities, positions and cash all tell the same story."""
        (executions,) = eventually(self._executions_booked, "every booked fill is heard")
        self._assert_orders(executions)
        charges = self._charges()
        held, cash = defaultdict(Decimal), decimal(self.account.opening_cash)
        for update in executions:
            sign = 1 if update.order.side == OrderSide.BUY else -1
            held[update.order.symbol.replace("/", "")] += sign * decimal(update.qty)
            cash -= sign * decimal(update.qty) * decimal(update.price)
        for symbol, quantity in charges.items():
            if symbol == "":
                cash += quantity
            else:
                held[symbol] += quantity
        positions = {p.symbol: decimal(p.qty) for p in self.client.get_all_positions()}
        assert positions == {symbol: qty for symbol, qty in held.items() if qty != 0}
        account = self.client.get_account()
        assert decimal(account.cash) == cash, f"cash {account.cash}, from the stream {cash}"
        # Regulators' fees of the day are owed until its end.
        values = (account.cash, account.long_market_value, account.short_market_value)
        assert decimal(account.equity) == sum(map(decimal, values)) - decimal(
            account.accrued_fees
        )

    def _executions_booked(self):
        """The executions in a tuple of one, once as many are heard as the activities list."""
        executions = self.executions()
        fills = self.books.activities("FILL")
        if len(executions) != len(fills):
            return None
        heard = sorted(
            (str(u.order.id), plain(u.price), plain(u.qty), u.event) for u in executions
        )
        booked = sorted(
            (f["order_id"], plain(f["price"]), plain(f["qty"]), f["type"]) for f in fills
        )
        assert heard == booked
        return (executions,)

    def _assert_orders(self, executions):
        """Filled quantity and average price of each order are those of its executions."""
        by_order = defaultdict(list)
        for update in executions:
            by_order[update.order.id].append((decimal(update.qty), decimal(update.price)))
        for order in self.all_orders():
            slices = by_order.pop(order.id, [])
            filled = sum((qty for qty, _ in slices), Decimal(0))
            assert decimal(order.filled_qty) == filled, order
            if filled:
                average = sum(qty * price for qty, price in slices) / filled
                assert abs(decimal(order.filled_avg_price) - average) <= Decimal("0.000000001")
            if order.qty is not None:
                assert filled <= decimal(order.qty)
        assert not by_order, f"executions of orders that the venue does not list: {by_order}"

    def all_orders(self):
        """Every order of the account as alpaca-py reads it, checked against the JSON."""
        request = GetOrdersRequest(status=QueryOrderStatus.ALL, limit=500)
        parsed = self.client.get_orders(request)
        said = {o["id"]: o for o in self.books.get("/v2/orders", status="all", limit=500)}
        assert len(parsed) == len(said) < 500
        for order in parsed:
            if order.status.value in ("filled", "canceled", "expired", "replaced", "rejected"):
                assert_agrees(order, said[str(order.id)])
        return parsed

    def _charges(self):
        """What fees took: cash under the empty name, coins under theirs."""
        charges = defaultdict(Decimal)
        for activity in self.books.activities():
            if activity["activity_type"] == "FILL":
                continue
            symbol = (activity.get("symbol") or "").replace("/", "")
            if activity["activity_type"] == "CFEE" and decimal(activity.get("qty") or 0) != 0:
                charges[symbol] += decimal(activity["qty"])
            else:
                charges[""] += decimal(activity["net_amount"])
        return charges

"""A whole trading day with alpaca-py: before the open, the open, trading, the close, the evening.

The venue's clock starts on Monday 2 March 2026 at 9:20 in New York and runs ten times as fast as the
machine's; the test jumps over the quiet hours.
"""

import threading
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from alpaca.data.enums import MarketType, MostActivesBy
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.historical.screener import ScreenerClient
from alpaca.data.live import StockDataStream
from alpaca.data.requests import MarketMoversRequest, MostActivesRequest, StockBarsRequest
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.enums import OrderStatus, TimeInForce
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetCalendarRequest,
    GetPortfolioHistoryRequest,
    ReplaceOrderRequest,
)

from desk import Desk, decimal
from exchange import Exchange, eventually
from orders import BUY, DAY, GTC, SELL, last_price, limit, market, refusal

OPG, CLS = TimeInForce.OPG, TimeInForce.CLS


def at(hour, minute, second=0):
    """A time of the day, UTC; the session is from 14:30 to 21:00."""
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=timezone.utc)


@pytest.fixture
def day():
    """A venue ten minutes before the open."""
    venue = Exchange(["--start", "2026-03-02T14:20:00Z", "--speed", "10", "--seed", "7"])
    yield venue
    assert venue.stop() == 0


def test_a_whole_trading_day(day):
    desk = Desk(day)
    before_the_open(desk)
    opening = orders_for_the_open(desk)
    stream, bars = bars_of_the_day(day, desk)
    day.advance_to(at(14, 29, 50))
    at_the_open(desk, opening)
    trading(desk)
    active_stocks_and_movers(desk)
    stay, end, auction = orders_for_the_close(desk)
    eventually(lambda: len(bars) >= 2, "two minute bars")
    stream.stop()
    day.advance_to(at(20, 59, 50))
    at_the_close(desk, stay, end, auction)
    in_the_evening(desk)
    desk.close()


def before_the_open(desk):
    clock = desk.client.get_clock()
    assert not clock.is_open
    assert clock.next_open == at(14, 30) and clock.next_close == at(21, 0)
    days = desk.client.get_calendar(GetCalendarRequest(start="2026-03-02", end="2026-03-08"))
    assert [day.date.day for day in days] == [2, 3, 4, 5, 6]
    desk.open()


def orders_for_the_open(desk):
    """What is sent before the open waits for it."""
    waiting = desk.client.submit_order(market("AAPL", BUY, 10))
    auction = desk.client.submit_order(market("MSFT", BUY, 5, time_in_force=OPG))
    for order in (waiting, auction):
        assert order.status == OrderStatus.ACCEPTED
        desk.heard(order.id, "accepted")
        assert decimal(desk.client.get_order_by_id(order.id).filled_qty) == 0
    return waiting, auction


def bars_of_the_day(day, desk):
    """Listens to the bars of a symbol."""
    keys = (desk.account.key_id, desk.account.secret_key)
    stream = StockDataStream(*keys, url_override=f"{day.stream_url}/v2/iex")
    bars = []

    async def keep(bar):
        bars.append(bar)

    stream.subscribe_bars(keep, "AAPL")
    threading.Thread(target=stream.run, daemon=True).start()
    return stream, bars


def session_bar(desk, symbol):
    """The day's bar of a symbol."""
    keys = (desk.account.key_id, desk.account.secret_key)
    client = StockHistoricalDataClient(*keys, url_override=desk.exchange.url)
    request = StockBarsRequest(symbol_or_symbols=symbol, timeframe=TimeFrame.Day, start=at(0, 0))
    (bar,) = client.get_stock_bars(request).data[symbol]
    return bar


def at_the_open(desk, opening):
    waiting, auction = opening
    assert desk.done(waiting).filled_at >= at(14, 30)
    filled = desk.done(auction)
    assert decimal(filled.filled_avg_price) == decimal(session_bar(desk, "MSFT").open)
    assert desk.client.get_clock().is_open
    desk.assert_books_agree()


def trading(desk):
    """Buys, changes its mind, closes a part and then some."""
    price = last_price(desk, "JPM")
    order = desk.client.submit_order(limit("JPM", BUY, 6, round(price * 0.9, 2)))
    desk.heard(order.id, "new")
    change = ReplaceOrderRequest(limit_price=round(price * 1.05, 2))
    replaced = desk.client.replace_order_by_id(order.id, change)
    assert decimal(desk.done(replaced).filled_qty) == 6
    half = desk.client.close_position("JPM", ClosePositionRequest(percentage="50"))
    desk.done(half)
    assert desk.position("JPM") == 3
    late = refusal(desk.client.submit_order, market("MSFT", SELL, 1, time_in_force=OPG))
    assert late[:2] == (403, 40310000) and late[2].startswith("opg orders must be submitted")
    desk.assert_books_agree()


def active_stocks_and_movers(desk):
    """What the screener says of the day so far."""
    keys = (desk.account.key_id, desk.account.secret_key)
    screener = ScreenerClient(*keys, url_override=desk.exchange.url)
    request = MostActivesRequest(by=MostActivesBy.VOLUME, top=5)
    volumes = [stock.volume for stock in screener.get_most_actives(request).most_actives]
    assert len(volumes) == 5 and volumes == sorted(volumes, reverse=True)
    for market_type in (MarketType.STOCKS, MarketType.CRYPTO):
        request = MarketMoversRequest(top=3, market_type=market_type)
        movers = screener.get_market_movers(request)
        assert movers.market_type == market_type
        gains = [mover.percent_change for mover in movers.gainers]
        losses = [mover.percent_change for mover in movers.losers]
        assert gains == sorted(gains, reverse=True) and losses == sorted(losses)


def orders_for_the_close(desk):
    """One that outlives the day, one that ends with it, one for the closing auction."""
    far = round(last_price(desk, "NVDA") * 0.5, 2)
    stay = desk.client.submit_order(limit("NVDA", BUY, 1, far, time_in_force=GTC))
    end = desk.client.submit_order(limit("IBM", BUY, 1, 100, time_in_force=DAY))
    auction = desk.client.submit_order(market("AAPL", SELL, 10, time_in_force=CLS))
    for order in (stay, end):
        desk.heard(order.id, "new")
    assert end.expires_at == at(21, 0) and stay.expires_at > at(21, 0)
    return stay, end, auction


def at_the_close(desk, stay, end, auction):
    expired = desk.done(end, "expired")
    assert expired.status == OrderStatus.EXPIRED and expired.expired_at >= at(21, 0)
    filled = desk.done(auction)
    assert decimal(filled.filled_avg_price) == decimal(session_bar(desk, "AAPL").close)
    assert desk.client.get_order_by_id(stay.id).status == OrderStatus.NEW
    assert desk.position("AAPL") == 0
    desk.assert_books_agree()


def in_the_evening(desk):
    clock = desk.client.get_clock()
    assert not clock.is_open
    assert clock.next_open == datetime(2026, 3, 3, 14, 30, tzinfo=timezone.utc)
    tomorrow = desk.client.submit_order(market("AAPL", BUY, 1))
    assert tomorrow.status == OrderStatus.ACCEPTED
    answers = desk.client.cancel_orders()
    assert len(answers) == 2 and {answer.status for answer in answers} == {200}
    desk.done(tomorrow, "canceled")
    history = desk.client.get_portfolio_history(
        GetPortfolioHistoryRequest(period="1D", timeframe="15Min")
    )
    # A point every quarter of an hour of the session, from its open on.
    assert len(history.timestamp) >= 20
    assert history.base_value == Decimal(desk.account.opening_cash)
    desk.assert_books_agree()

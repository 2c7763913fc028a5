"""alpaca-py's TradingClient and TradingStream: what a user does to an account every day."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from alpaca.trading.enums import (
    AssetClass,
    AssetStatus,
    OrderSide,
    OrderStatus,
    PositionSide,
    QueryOrderStatus,
)
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    MarketOrderRequest,
)

from agreement import assert_agrees
from desk import decimal
from orders import BUY, DAY, FOK, GTC, IOC, SELL, last_price, limit, market, refusal


def test_a_new_account_is_read_with_every_figure(desk):
    account = desk.client.get_account()
    assert_agrees(account, desk.books.get("/v2/account"))
    assert account.cash == desk.account.opening_cash
    assert account.status.value == "ACTIVE" and not account.trading_blocked
    assert account.account_number


def test_settings_of_the_account_are_changed_and_obeyed(desk):
    settings = desk.client.get_account_configurations()
    assert_agrees(settings, desk.books.get("/v2/account/configurations"))
    settings.suspend_trade = True
    assert desk.client.set_account_configurations(settings).suspend_trade
    refused = refusal(desk.client.submit_order, market("AAPL", BUY, 1))
    assert refused == (403, 40310000, "new orders are rejected by user request")
    settings.suspend_trade = False
    assert not desk.client.set_account_configurations(settings).suspend_trade
    desk.done(desk.client.submit_order(market("AAPL", BUY, 1)))
    assert_agrees(
        desk.client.get_account_configurations(), desk.books.get("/v2/account/configurations")
    )


def test_assets_clock_and_calendar_are_read_whole(desk):
    for asset_class, count in ((AssetClass.US_EQUITY, 20), (AssetClass.CRYPTO, 8)):
        request = GetAssetsRequest(status=AssetStatus.ACTIVE, asset_class=asset_class)
        assets = desk.client.get_all_assets(request)
        said = desk.books.get("/v2/assets", status="active", asset_class=asset_class.value)
        assert len(assets) >= count
        assert_agrees(assets, said)
    for name in ("AAPL", "BTC/USD", "BTCUSD"):
        asset = desk.client.get_asset(name)
        assert_agrees(asset, desk.books.get(f"/v2/assets/{asset.id}"))
    assert refusal(desk.client.get_asset, "NOSUCH")[:2] == (404, 40410000)
    assert desk.client.get_clock().is_open
    days = desk.client.get_calendar(GetCalendarRequest(start="2026-11-23", end="2026-11-25"))
    said = desk.books.get("/v2/calendar", start="2026-11-23", end="2026-11-25")
    assert [day.date.isoformat() for day in days] == [day["date"] for day in said]
    assert [f"{day.open:%H:%M}" for day in days] == [day["open"] for day in said]


def test_a_market_order_is_filled_and_everything_agrees(desk):
    order = desk.client.submit_order(market("AAPL", BUY, 10, client_order_id="desk 1/a+b"))
    filled = desk.done(order)
    assert filled.status == OrderStatus.FILLED and decimal(filled.filled_qty) == 10
    events = desk.events(order.id)
    assert events[0] == "pending_new" and events[1] == "new" and events[-1] == "fill"
    by_client_id = desk.client.get_order_by_client_id("desk 1/a+b")
    assert by_client_id.id == order.id
    position = desk.client.get_open_position("AAPL")
    said = desk.books.get("/v2/positions/AAPL")
    steady = ("asset_id", "symbol", "exchange", "asset_class", "asset_marginable", "qty", "side")
    steady += ("avg_entry_price", "cost_basis", "qty_available")
    assert_agrees(position, {key: said[key] for key in steady})
    assert position.side == PositionSide.LONG
    assert decimal(position.market_value) == 10 * decimal(position.current_price)
    desk.assert_books_agree()


def test_orders_for_now_or_never_fill_or_end_at_once(desk):
    price = last_price(desk, "NVDA")
    for time_in_force in (IOC, FOK):
        taken = limit("NVDA", BUY, 1, round(price * 1.05, 2), time_in_force=time_in_force)
        desk.done(desk.client.submit_order(taken))
        missed = limit("NVDA", BUY, 1, round(price * 0.8, 2), time_in_force=time_in_force)
        order = desk.client.submit_order(missed)
        assert desk.done(order, "canceled").status == OrderStatus.CANCELED
    desk.assert_books_agree()


def test_partial_fills_add_up(desk):
    """One execution in ten is partial, so some order of a few dozen is."""
    for _ in range(200):
        order = desk.client.submit_order(market("INTC", BUY, 20))
        desk.done(order)
        if "partial_fill" in desk.events(order.id):
            break
        desk.done(desk.client.submit_order(market("INTC", SELL, 20)))
    slices = [u for u in desk.executions() if u.order.id == order.id]
    assert len(slices) >= 2, "no partial fill in 200 orders"
    assert sum(decimal(update.qty) for update in slices) == 20
    assert decimal(slices[0].order.filled_qty) == decimal(slices[0].qty) < 20
    assert slices[0].order.status == OrderStatus.PARTIALLY_FILLED
    desk.assert_books_agree()


def test_money_and_fractions_buy_parts_of_a_share(desk):
    spend = MarketOrderRequest(symbol="GOOG", side=BUY, notional=250.5, time_in_force=DAY)
    order = desk.done(desk.client.submit_order(spend))
    assert order.qty is None and decimal(order.notional) == Decimal("250.5")
    spent = decimal(order.filled_qty) * decimal(order.filled_avg_price)
    assert abs(spent - Decimal("250.5")) < Decimal("0.01")
    desk.done(desk.client.submit_order(market("GOOG", BUY, 0.125)))
    held = desk.position("GOOG")
    assert held == decimal(order.filled_qty) + Decimal("0.125")
    desk.assert_books_agree()


def test_coins_trade_round_the_clock(desk):
    order = desk.done(desk.client.submit_order(market("BTC/USD", BUY, 0.015, time_in_force=GTC)))
    assert order.symbol == "BTC/USD"
    spend = MarketOrderRequest(symbol="ETH/USD", side=BUY, notional=500, time_in_force=IOC)
    desk.done(desk.client.submit_order(spend))
    symbols = {position.symbol for position in desk.client.get_all_positions()}
    assert symbols == {"BTCUSD", "ETHUSD"}
    assert desk.client.get_open_position("BTC/USD").symbol == "BTCUSD"
    rest = limit("BTC/USD", BUY, 0.001, 1000, time_in_force=GTC)
    resting = desk.client.submit_order(rest)
    desk.client.cancel_order_by_id(resting.id)
    desk.done(resting, "canceled")
    refused = refusal(desk.client.submit_order, market("BTC/USD", BUY, 0.01))
    assert refused == (422, 42210000, "invalid crypto time_in_force")
    sold = desk.client.close_position("BTCUSD")
    desk.done(sold)
    assert desk.position("BTCUSD") == 0
    desk.assert_books_agree()


def test_all_open_orders_are_canceled_at_once(desk):
    assert desk.client.cancel_orders() == []
    orders = [
        desk.client.submit_order(limit(symbol, BUY, 1, 1.5, time_in_force=GTC))
        for symbol in ("AAPL", "MSFT", "SPY")
    ]
    answers = desk.client.cancel_orders()
    assert {answer.id for answer in answers} == {order.id for order in orders}
    assert {answer.status for answer in answers} == {200}
    for order in orders:
        assert desk.done(order, "canceled").status == OrderStatus.CANCELED
    desk.assert_books_agree()


def test_orders_are_listed_by_state_symbol_side_and_time(desk):
    resting = desk.client.submit_order(limit("SPY", BUY, 1, 2, time_in_force=GTC))
    submitted_at = desk.client.get_order_by_id(resting.id).submitted_at
    # alpaca-py knows microseconds, the venue nanoseconds.
    between = submitted_at + timedelta(microseconds=1)
    done = desk.done(desk.client.submit_order(market("QQQ", BUY, 1)))

    def ids(**query):
        return [order.id for order in desk.client.get_orders(GetOrdersRequest(**query))]

    assert ids(status=QueryOrderStatus.OPEN) == [resting.id]
    assert done.id in ids(status=QueryOrderStatus.CLOSED)
    everything = ids(status=QueryOrderStatus.ALL, nested=True)
    assert everything[:2] == [done.id, resting.id]
    assert ids(status=QueryOrderStatus.ALL, symbols=["QQQ", "SPY"], direction="asc") == [
        resting.id,
        done.id,
    ]
    assert ids(status=QueryOrderStatus.ALL, side=SELL) == []
    assert ids(status=QueryOrderStatus.ALL, after=between, limit=5) == [done.id]
    assert resting.id not in ids(status=QueryOrderStatus.ALL, until=submitted_at)
    desk.client.cancel_orders()


def test_positions_are_closed_by_quantity_by_percentage_and_all_at_once(desk):
    for symbol in ("AAPL", "MSFT", "AMZN"):
        desk.done(desk.client.submit_order(market(symbol, BUY, 8)))
    desk.done(desk.client.close_position("AAPL", ClosePositionRequest(qty="3")))
    assert desk.position("AAPL") == 5
    desk.done(desk.client.close_position("MSFT", ClosePositionRequest(percentage="50")))
    assert desk.position("MSFT") == 4
    # A sell order holds shares, so closing must cancel it first.
    price = last_price(desk, "AMZN")
    held = desk.client.submit_order(limit("AMZN", SELL, 8, round(price * 1.3, 2)))
    desk.heard(held.id, "new")
    answers = desk.client.close_all_positions(cancel_orders=True)
    assert {answer.symbol: answer.status for answer in answers} == {
        "AAPL": 200,
        "MSFT": 200,
        "AMZN": 200,
    }
    for answer in answers:
        assert answer.body.side == SELL
        desk.done(answer.body)
    assert desk.done(held, "canceled").status == OrderStatus.CANCELED
    assert desk.client.get_all_positions() == []
    assert refusal(desk.client.get_open_position, "AAPL") == (
        404,
        40410000,
        "position does not exist",
    )
    desk.assert_books_agree()


def test_refusals_have_alpacas_status_code_and_words(desk):
    desk.client.submit_order(limit("AAPL", BUY, 1, 1, client_order_id="twice", time_in_force=GTC))
    cases = [
        (limit("AAPL", BUY, 1, 1, client_order_id="twice"), 422, 40010001, "client_order_id must be unique"),
        (limit("AAPL", BUY, 1, 290.123), 422, 42210000, "sub-penny increment"),
        (market("NOSUCH", BUY, 1), 422, 42210000, 'asset "NOSUCH" not found'),
        (limit("MSFT", BUY, 100_000, 400), 403, 40310000, "insufficient buying power"),
        (market("AAPL", SELL, 1), 403, 40310000, "potential wash trade detected"),
        (market("MSFT", BUY, 0.5, time_in_force=GTC), 422, 42210000, "fractional orders must be DAY orders"),
    ]
    for request, status, code, words in cases:
        found = refusal(desk.client.submit_order, request)
        assert found[:2] == (status, code) and words in found[2], found
    unknown = uuid4()
    assert refusal(desk.client.get_order_by_id, unknown) == (
        404,
        40410000,
        f"order not found for {unknown}",
    )
    desk.client.cancel_orders()


def test_fills_are_listed_page_by_page(desk):
    orders = [desk.done(desk.client.submit_order(market("DIS", BUY, 1))) for _ in range(5)]
    found, token = [], None
    while True:
        query = {"page_size": 2, **({"page_token": token} if token else {})}
        page = desk.client.get("/account/activities/FILL", query)
        found.extend(page)
        if len(page) < 2:
            break
        token = page[-1]["id"]
    assert len(found) >= 5 and [a["id"] for a in found] == sorted((a["id"] for a in found), reverse=True)
    assert {a["order_id"] for a in found} == {str(order.id) for order in orders}
    desk.assert_books_agree()

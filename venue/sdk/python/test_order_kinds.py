"""alpaca-py: stops, trailing stops, brackets and their kin, replacing, selling short."""

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, PositionSide
from alpaca.trading.requests import (
    GetOrderByIdRequest,
    LimitOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

from agreement import assert_agrees
from desk import decimal
from exchange import eventually
from orders import BUY, DAY, GTC, SELL, last_price, limit, market, refusal

RESTING = {
    "limit": lambda price: limit("MSFT", BUY, 2, round(price * 0.8, 2)),
    "limit gtc": lambda price: limit("MSFT", BUY, 2, round(price * 0.8, 2), time_in_force=GTC),
    "stop": lambda price: StopOrderRequest(
        symbol="MSFT", side=BUY, qty=2, stop_price=round(price * 1.2, 2), time_in_force=DAY
    ),
    "stop limit": lambda price: StopLimitOrderRequest(
        symbol="MSFT",
        side=BUY,
        qty=2,
        stop_price=round(price * 1.2, 2),
        limit_price=round(price * 1.21, 2),
        time_in_force=GTC,
    ),
    "trailing by dollars": lambda price: TrailingStopOrderRequest(
        symbol="MSFT", side=BUY, qty=2, trail_price=round(price * 0.2, 2), time_in_force=GTC
    ),
    "trailing by percent": lambda price: TrailingStopOrderRequest(
        symbol="MSFT", side=BUY, qty=2, trail_percent=20, time_in_force=DAY
    ),
}


@pytest.mark.parametrize("kind", RESTING)
def test_an_order_that_rests_is_read_back_and_canceled(desk, kind):
    request = RESTING[kind](last_price(desk, "MSFT"))
    order = desk.client.submit_order(request)
    desk.heard(order.id, "new")
    resting = desk.client.get_order_by_id(order.id)
    assert resting.status == OrderStatus.NEW
    assert (resting.type, resting.time_in_force) == (request.type, request.time_in_force)
    for price in ("limit_price", "stop_price", "trail_price", "trail_percent"):
        asked = getattr(request, price, None)
        if asked is not None:
            assert decimal(getattr(resting, price)) == decimal(asked), price
    if resting.type.value == "trailing_stop":
        assert resting.hwm is not None and resting.stop_price is not None
    else:
        assert_agrees(resting, desk.books.order(order.id))
    assert [o.id for o in desk.client.get_orders()] == [order.id]
    desk.client.cancel_order_by_id(order.id)
    canceled = desk.done(order, "canceled")
    assert canceled.status == OrderStatus.CANCELED and canceled.canceled_at
    assert desk.client.get_orders() == []
    assert refusal(desk.client.cancel_order_by_id, order.id)[:2] == (422, 42210000)
    desk.assert_books_agree()


def test_an_order_is_replaced_by_a_new_one(desk):
    price = last_price(desk, "JPM")
    first = desk.client.submit_order(limit("JPM", BUY, 2, round(price * 0.8, 2)))
    desk.heard(first.id, "new")
    change = ReplaceOrderRequest(qty=3, limit_price=round(price * 0.81, 2), time_in_force=GTC)
    second = desk.client.replace_order_by_id(first.id, change)
    assert second.id != first.id and second.replaces == first.id
    old = desk.done(first, "replaced")
    assert old.status == OrderStatus.REPLACED and old.replaced_by == second.id and old.replaced_at
    desk.heard(second.id, "new")
    new = desk.client.get_order_by_id(second.id)
    assert_agrees(new, desk.books.order(second.id))
    assert (decimal(new.qty), new.time_in_force) == (3, GTC)
    # Raised over the market, it fills.
    third = desk.client.replace_order_by_id(
        second.id, ReplaceOrderRequest(limit_price=round(price * 1.1, 2))
    )
    assert decimal(desk.done(third).filled_qty) == 3
    again = refusal(desk.client.replace_order_by_id, first.id, ReplaceOrderRequest(qty=9))
    assert again[:2] == (422, 42210000)
    desk.assert_books_agree()


def test_shares_that_are_not_owned_are_sold_short_and_bought_back(desk):
    desk.done(desk.client.submit_order(market("KO", SELL, 5)))
    position = desk.client.get_open_position("KO")
    assert position.side == PositionSide.SHORT and decimal(position.qty) == -5
    assert decimal(position.market_value) < 0
    desk.assert_books_agree()
    desk.done(desk.client.close_position("KO"))
    assert desk.position("KO") == 0
    desk.assert_books_agree()


def test_a_bracket_takes_its_profit_and_drops_its_stop(desk):
    price = last_price(desk, "TSLA")
    entry = desk.client.submit_order(
        limit(
            "TSLA",
            BUY,
            2,
            round(price * 1.02, 2),
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=round(price * 1.3, 2)),
            stop_loss=StopLossRequest(stop_price=round(price * 0.7, 2)),
        )
    )
    profit, stop = entry.legs
    assert {profit.status, stop.status} == {OrderStatus.HELD}
    desk.done(entry)
    desk.heard(profit.id, "new")
    nested = desk.client.get_order_by_id(entry.id, GetOrderByIdRequest(nested=True))
    assert [leg.id for leg in nested.legs] == [profit.id, stop.id]
    # Brought down to the market, the profit is taken.
    taken = desk.client.replace_order_by_id(
        profit.id, ReplaceOrderRequest(limit_price=round(last_price(desk, "TSLA") * 0.95, 2))
    )
    desk.done(taken)
    assert desk.done(stop, "canceled").status == OrderStatus.CANCELED
    assert desk.position("TSLA") == 0
    desk.assert_books_agree()


def test_one_of_two_exits_cancels_the_other(desk):
    desk.done(desk.client.submit_order(market("IBM", BUY, 4)))
    price = last_price(desk, "IBM")
    profit = desk.client.submit_order(
        LimitOrderRequest(
            symbol="IBM",
            side=SELL,
            qty=4,
            time_in_force=GTC,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=round(price * 1.3, 2)),
            stop_loss=StopLossRequest(
                stop_price=round(price * 0.7, 2), limit_price=round(price * 0.69, 2)
            ),
        )
    )
    (stop,) = profit.legs
    assert decimal(profit.limit_price) == decimal(round(price * 1.3, 2))
    assert stop.type.value == "stop_limit"
    desk.client.cancel_order_by_id(profit.id)
    desk.done(profit, "canceled")
    assert desk.done(stop, "canceled").status == OrderStatus.CANCELED
    assert decimal(desk.client.get_open_position("IBM").qty_available) == 4
    desk.assert_books_agree()


def test_one_order_triggers_another(desk):
    price = last_price(desk, "META")
    entry = desk.client.submit_order(
        market(
            "META",
            BUY,
            1,
            order_class=OrderClass.OTO,
            stop_loss=StopLossRequest(stop_price=round(price * 0.7, 2)),
        )
    )
    (stop,) = entry.legs
    desk.done(entry)
    desk.heard(stop.id, "new")
    assert desk.client.get_order_by_id(stop.id).status == OrderStatus.NEW
    desk.client.cancel_orders()
    desk.done(stop, "canceled")
    desk.assert_books_agree()


def just_below(price):
    return round(price - 0.01, 2)


NEAR = {
    "stop": lambda price: StopOrderRequest(
        symbol="AMZN", side=SELL, qty=1, stop_price=just_below(price), time_in_force=DAY
    ),
    "stop limit": lambda price: StopLimitOrderRequest(
        symbol="AMZN",
        side=SELL,
        qty=1,
        stop_price=just_below(price),
        limit_price=round(price * 0.9, 2),
        time_in_force=DAY,
    ),
    "trailing stop": lambda price: TrailingStopOrderRequest(
        symbol="AMZN", side=SELL, qty=1, trail_price=0.01, time_in_force=DAY
    ),
}


@pytest.mark.parametrize("kind", NEAR)
def test_a_stop_at_the_market_is_elected_and_filled(desk, kind):
    """Prices move many times a second; a stop that they ran away from is moved after them."""
    desk.done(desk.client.submit_order(market("AMZN", BUY, 1)))
    order = None

    def filled():
        nonlocal order
        try:
            if order is None:
                order = desk.client.submit_order(NEAR[kind](last_price(desk, "AMZN")))
            elif kind != "trailing stop":
                change = ReplaceOrderRequest(stop_price=just_below(last_price(desk, "AMZN")))
                order = desk.client.replace_order_by_id(order.id, change)
        except APIError as error:
            # The price was faster, or the order is filled by now.
            assert error.status_code == 422, error
        try:
            return order and desk.heard(order.id, "fill", deadline_seconds=1)
        except AssertionError:
            return None

    eventually(filled, f"a {kind} at the market fills")
    assert desk.position("AMZN") == 0
    desk.assert_books_agree()

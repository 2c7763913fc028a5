"""What the tests of alpaca-py's TradingClient say in one line."""

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest

BUY, SELL = OrderSide.BUY, OrderSide.SELL
DAY, GTC, IOC, FOK = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK


def market(symbol, side, qty, **more):
    return MarketOrderRequest(
        symbol=symbol, side=side, qty=qty, **{"time_in_force": DAY, **more}
    )


def limit(symbol, side, qty, price, **more):
    return LimitOrderRequest(
        symbol=symbol, side=side, qty=qty, limit_price=price, **{"time_in_force": DAY, **more}
    )


def last_price(desk, symbol):
    """The price of the newest trade."""
    return desk.books.get(f"/v2/stocks/{symbol}/trades/latest")["trade"]["p"]


def refusal(call, *arguments):
    """Status, code and message of a request that must be refused."""
    with pytest.raises(APIError) as caught:
        call(*arguments)
    return caught.value.status_code, caught.value.code, caught.value.message

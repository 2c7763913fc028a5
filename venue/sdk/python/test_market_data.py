"""alpaca-py's historical clients: bars, trades, quotes, latest and snapshots, page by page."""

from datetime import datetime, timedelta, timezone

import pytest
from alpaca.common.enums import Sort
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoQuoteRequest,
    CryptoTradesRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

from exchange import Books
from quotes import assert_prices_agree

#: A Friday's session, hours away from now, so that nothing is added while it is read.
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=timezone.utc)


def text(time):
    """A time as a query says it."""
    return time.isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
def account(exchange):
    return exchange.account()


@pytest.fixture(scope="module")
def books(exchange, account):
    return Books(exchange, account)


@pytest.fixture(scope="module")
def stocks(exchange, account):
    return StockHistoricalDataClient(
        account.key_id, account.secret_key, url_override=exchange.url
    )


@pytest.fixture(scope="module")
def coins(exchange):
    """Crypto prices need no keys."""
    return CryptoHistoricalDataClient(url_override=exchange.url)


TIMEFRAMES = {
    "1Min": (TimeFrame.Minute, timedelta(hours=3)),
    "15Min": (TimeFrame(15, TimeFrameUnit.Minute), timedelta(hours=6)),
    "1Hour": (TimeFrame.Hour, timedelta(hours=30)),
    "1Day": (TimeFrame.Day, timedelta(days=3)),
}


@pytest.mark.parametrize("name", TIMEFRAMES)
def test_bars_of_every_length_are_those_of_the_venue(stocks, books, name):
    timeframe, span = TIMEFRAMES[name]
    end = OPEN.replace(hour=0, minute=0) - timedelta(seconds=1)
    request = StockBarsRequest(
        symbol_or_symbols=["AAPL", "MSFT"],
        timeframe=timeframe,
        start=end - span,
        end=end,
        adjustment=Adjustment.RAW,
        feed=DataFeed.IEX,
    )
    found = stocks.get_stock_bars(request)
    query = {"start": text(end - span), "end": text(end), "limit": 7, "feed": "iex"}
    said = books.pages("/v2/stocks/bars", "bars", symbols="AAPL,MSFT", timeframe=name, **query)
    assert set(found.data) == {"AAPL", "MSFT"}
    for symbol, bars in found.data.items():
        assert_prices_agree("bar", symbol, bars, said[symbol])
    frame = found.df
    assert list(frame.loc["AAPL"]["close"]) == [bar.close for bar in found.data["AAPL"]]


def test_more_than_a_page_holds_comes_whole(stocks, books):
    """alpaca-py asks for 10 000 rows and follows the tokens."""
    start = OPEN - timedelta(minutes=20)
    request = StockTradesRequest(symbol_or_symbols=["SPY", "QQQ", "IBM"], start=start, end=OPEN)
    trades = stocks.get_stock_trades(request).data
    assert sum(map(len, trades.values())) > 10_000
    query = {"symbols": "SPY,QQQ,IBM", "start": text(start), "end": text(OPEN)}
    said = books.pages("/v2/stocks/trades", "trades", limit=3_001, **query)
    for symbol in ("SPY", "QQQ", "IBM"):
        assert_prices_agree("trade", symbol, trades[symbol], said[symbol])
    limited = request.model_copy(update={"limit": 42, "sort": Sort.DESC})
    newest_first = stocks.get_stock_trades(limited).data
    assert sum(map(len, newest_first.values())) == 42
    times = [trade.timestamp for trade in next(iter(newest_first.values()))]
    assert times == sorted(times, reverse=True)


def test_trades_and_quotes_are_those_of_the_venue(stocks, books):
    span = {"start": OPEN - timedelta(minutes=2), "end": OPEN}
    query = {"start": text(span["start"]), "end": text(span["end"]), "symbols": "AAPL,TSLA"}
    trades = stocks.get_stock_trades(
        StockTradesRequest(symbol_or_symbols=["AAPL", "TSLA"], **span)
    )
    said = books.pages("/v2/stocks/trades", "trades", limit=99, **query)
    for symbol in ("AAPL", "TSLA"):
        assert_prices_agree("trade", symbol, trades.data[symbol], said[symbol])
    quotes = stocks.get_stock_quotes(
        StockQuotesRequest(symbol_or_symbols=["AAPL", "TSLA"], **span)
    )
    said = books.pages("/v2/stocks/quotes", "quotes", limit=99, **query)
    for symbol in ("AAPL", "TSLA"):
        assert_prices_agree("quote", symbol, quotes.data[symbol], said[symbol])


def newest(read, said):
    """What an SDK read of something that moves, and the venue's words of the same moment."""
    for _ in range(200):
        before, parsed, after = said(), read(), said()
        if before == after:
            return parsed, before
    raise AssertionError("the newest price never stood still for three requests")


def test_the_newest_prices_are_those_of_the_venue(stocks, books):
    for kind, call, request in (
        ("trade", stocks.get_stock_latest_trade, StockLatestTradeRequest),
        ("quote", stocks.get_stock_latest_quote, StockLatestQuoteRequest),
        ("bar", stocks.get_stock_latest_bar, StockLatestBarRequest),
    ):
        asked = request(symbol_or_symbols="AAPL")
        parsed, said = newest(
            lambda: call(asked),
            lambda: books.get(f"/v2/stocks/{kind}s/latest", symbols="AAPL")[f"{kind}s"],
        )
        assert_prices_agree(kind, "AAPL", parsed["AAPL"], said["AAPL"])


def test_a_snapshot_holds_trade_quote_and_three_bars(stocks, books):
    request = StockSnapshotRequest(symbol_or_symbols=["AAPL"])
    parsed, said = newest(
        lambda: stocks.get_stock_snapshot(request)["AAPL"],
        lambda: books.get("/v2/stocks/snapshots", symbols="AAPL")["AAPL"],
    )
    for kind, name, letter_name in (
        ("trade", "latest_trade", "latestTrade"),
        ("quote", "latest_quote", "latestQuote"),
        ("bar", "minute_bar", "minuteBar"),
        ("bar", "daily_bar", "dailyBar"),
        ("bar", "previous_daily_bar", "prevDailyBar"),
    ):
        assert_prices_agree(kind, "AAPL", getattr(parsed, name), said[letter_name])


def test_coins_have_bars_trades_quotes_and_newest_prices(coins, books):
    span = {"start": OPEN - timedelta(minutes=2), "end": OPEN}
    path, query = "/v1beta3/crypto/us", {"start": text(span["start"]), "end": text(span["end"])}
    query["symbols"] = "BTC/USD,ETH/USD"
    pair = {"symbol_or_symbols": ["BTC/USD", "ETH/USD"]}
    bars = coins.get_crypto_bars(CryptoBarsRequest(timeframe=TimeFrame.Minute, **pair, **span))
    trades = coins.get_crypto_trades(CryptoTradesRequest(**pair, **span))
    quotes = coins.get_crypto_quotes(CryptoQuoteRequest(**pair, **span))
    for kind, found, more in (
        ("bar", bars, {"timeframe": "1Min"}),
        ("trade", trades, {}),
        ("quote", quotes, {}),
    ):
        said = books.pages(f"{path}/{kind}s", f"{kind}s", limit=50, **query, **more)
        for symbol in ("BTC/USD", "ETH/USD"):
            assert_prices_agree(kind, symbol, found.data[symbol], said[symbol])
    for kind, call, request in (
        ("trade", coins.get_crypto_latest_trade, CryptoLatestTradeRequest),
        ("quote", coins.get_crypto_latest_quote, CryptoLatestQuoteRequest),
        ("bar", coins.get_crypto_latest_bar, CryptoLatestBarRequest),
    ):
        parsed, said = newest(
            lambda: call(request(symbol_or_symbols="BTC/USD")),
            lambda: books.get(f"{path}/latest/{kind}s", symbols="BTC/USD")[f"{kind}s"],
        )
        assert_prices_agree(kind, "BTC/USD", parsed["BTC/USD"], said["BTC/USD"])


def test_refusals_of_market_data_are_alpacas(stocks, exchange, account):
    request = StockBarsRequest(symbol_or_symbols="AA PL!", timeframe=TimeFrame.Minute, start=OPEN)
    with pytest.raises(APIError) as caught:
        stocks.get_stock_bars(request)
    assert caught.value.status_code == 400 and "invalid symbol" in caught.value.message
    stranger = StockHistoricalDataClient(account.key_id, "wrong", url_override=exchange.url)
    with pytest.raises(APIError) as caught:
        stranger.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))
    assert caught.value.status_code == 401

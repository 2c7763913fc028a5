"""alpaca-py's data streams over msgpack: what they hear is what the history says."""

import threading
from datetime import timedelta

import pytest
from alpaca.data.enums import DataFeed
from alpaca.data.live import CryptoDataStream, NewsDataStream, StockDataStream

from agreement import assert_agrees
from exchange import Books, Exchange, eventually
from quotes import assert_prices_agree


@pytest.fixture
def account(exchange):
    return exchange.account()


class Ear:
    """A running stream and what it heard, per kind."""

    def __init__(self, stream):
        self.stream = stream
        self.heard = {}

    def handler(self, kind):
        """A handler that keeps what it is given."""
        kept = self.heard.setdefault(kind, [])

        async def keep(message):
            kept.append(message)

        return keep

    def start(self):
        threading.Thread(target=self.stream.run, daemon=True).start()
        return self

    def has(self, kind, count):
        """Waits until so many of a kind are heard."""
        kept = self.heard[kind]
        eventually(lambda: len(kept) >= count, lambda: f"{count} of {kind}: {len(kept)}", 150)
        return list(kept)


def texts(first, last):
    """A span of time as a query says it, a microsecond wider at both ends."""
    wider = timedelta(microseconds=1)
    return {
        "start": (first.timestamp - wider).isoformat(),
        "end": (last.timestamp + wider).isoformat(),
    }


def assert_heard_what_history_says(books, path, kind, symbol, heard):
    """Every message between the first and the last is in the history, and no other is."""
    one = [message for message in heard if message.symbol == symbol]
    assert len(one) >= 3
    said = books.pages(
        f"{path}/{kind}s", f"{kind}s", symbols=symbol, limit=1_000, **texts(one[0], one[-1])
    )
    assert_prices_agree(kind, symbol, one, said[symbol])


def test_stock_trades_quotes_and_bars_are_heard_as_history_tells_them(exchange, account):
    stream = StockDataStream(
        account.key_id,
        account.secret_key,
        feed=DataFeed.IEX,
        url_override=f"{exchange.stream_url}/v2/iex",
    )
    ear = Ear(stream)
    stream.subscribe_trades(ear.handler("trade"), "AAPL", "MSFT")
    stream.subscribe_quotes(ear.handler("quote"), "AAPL")
    stream.subscribe_bars(ear.handler("bar"), "*")
    stream.subscribe_daily_bars(ear.handler("daily"), "AAPL")
    ear.start()
    trades, quotes = ear.has("trade", 20), ear.has("quote", 10)
    books = Books(exchange, account)
    for symbol in ("AAPL", "MSFT"):
        assert_heard_what_history_says(books, "/v2/stocks", "trade", symbol, trades)
    assert_heard_what_history_says(books, "/v2/stocks", "quote", "AAPL", quotes)
    # A bar comes with the end of its minute.
    bars = ear.has("bar", 20)
    assert len({bar.symbol for bar in bars}) >= 20
    bar = next(bar for bar in bars if bar.symbol == "AAPL")
    end = bar.timestamp + timedelta(seconds=59)
    query = {"timeframe": "1Min", "start": bar.timestamp.isoformat(), "end": end.isoformat()}
    said = books.pages("/v2/stocks/bars", "bars", symbols="AAPL", limit=10, **query)
    assert_prices_agree("bar", "AAPL", [bar], said["AAPL"])
    assert ear.has("daily", 1)[0].symbol == "AAPL"
    stream.stop()


def test_what_is_unsubscribed_falls_silent(exchange, account):
    stream = StockDataStream(
        account.key_id, account.secret_key, url_override=f"{exchange.stream_url}/v2/iex"
    )
    ear = Ear(stream)
    stream.subscribe_trades(ear.handler("AAPL"), "AAPL")
    ear.start()
    ear.has("AAPL", 2)
    stream.subscribe_trades(ear.handler("IBM"), "IBM")
    ear.has("IBM", 2)
    # Its handler stays until the venue was told; a message on its way may still come.
    kept = ear.heard["AAPL"]
    stream.unsubscribe_trades("AAPL")
    count = len(kept)
    ear.has("IBM", len(ear.heard["IBM"]) + 20)
    assert len(kept) <= count + 1
    stream.stop()


def test_coins_are_heard_as_history_tells_them(exchange, account):
    stream = CryptoDataStream(
        account.key_id,
        account.secret_key,
        url_override=f"{exchange.stream_url}/v1beta3/crypto/us",
    )
    ear = Ear(stream)
    stream.subscribe_trades(ear.handler("trade"), "BTC/USD")
    stream.subscribe_quotes(ear.handler("quote"), "BTC/USD", "ETH/USD")
    ear.start()
    trades, quotes = ear.has("trade", 10), ear.has("quote", 20)
    books = Books(exchange, account)
    path = "/v1beta3/crypto/us"
    assert_heard_what_history_says(books, path, "trade", "BTC/USD", trades)
    for symbol in ("BTC/USD", "ETH/USD"):
        assert_heard_what_history_says(books, path, "quote", symbol, quotes)
    stream.stop()


def test_the_test_symbol_is_always_traded(exchange, account):
    stream = StockDataStream(
        account.key_id, account.secret_key, url_override=f"{exchange.stream_url}/v2/test"
    )
    ear = Ear(stream)
    stream.subscribe_trades(ear.handler("trade"), "FAKEPACA")
    stream.subscribe_quotes(ear.handler("quote"), "FAKEPACA")
    ear.start()
    assert {trade.symbol for trade in ear.has("trade", 3)} == {"FAKEPACA"}
    assert ear.has("quote", 3)[0].ask_price > 0
    stream.stop()


def test_news_and_the_halt_of_a_stock_are_heard():
    """Minutes pass like seconds here: news is rare."""
    venue = Exchange(["--start", "2026-03-02T15:00:00Z", "--speed", "60", "--seed", "9"])
    user = venue.account()
    keys = (user.key_id, user.secret_key)
    news = Ear(NewsDataStream(*keys, url_override=f"{venue.stream_url}/v1beta1/news"))
    news.stream.subscribe_news(news.handler("news"), "*")
    news.start()
    stocks = Ear(StockDataStream(*keys, url_override=f"{venue.stream_url}/v2/iex"))
    stocks.stream.subscribe_trading_statuses(stocks.handler("status"), "*")
    stocks.stream.subscribe_bars(stocks.handler("bar"), "AAPL")
    stocks.start()
    stocks.has("bar", 1)
    venue.halt("AAPL")
    (halted, *_) = stocks.has("status", 1)
    assert (halted.symbol, halted.status_code) == ("AAPL", "H")
    (article, *_) = news.has("news", 1)
    (said,) = [
        one
        for one in Books(venue, user).get("/v1beta1/news", limit=50)["news"]
        if one["id"] == article.id
    ]
    assert_agrees(article, said, ignore=("images", "content"))
    news.stream.stop()
    stocks.stream.stop()
    assert venue.stop() == 0

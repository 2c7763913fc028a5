"""alpaca-py: news, order books of coins, corporate actions."""

from datetime import date, datetime, timedelta, timezone

import pytest
from alpaca.data.historical import CryptoHistoricalDataClient, NewsClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.requests import (
    CorporateActionsRequest,
    CryptoLatestOrderbookRequest,
    CryptoSnapshotRequest,
    NewsRequest,
)

from agreement import assert_agrees
from exchange import Books


@pytest.fixture(scope="module")
def account(exchange):
    return exchange.account()


@pytest.fixture(scope="module")
def books(exchange, account):
    return Books(exchange, account)


def client(kind, exchange, account):
    return kind(account.key_id, account.secret_key, url_override=exchange.url)


def test_news_is_read_page_by_page(exchange, account, books):
    end = datetime(2026, 11, 20, tzinfo=timezone.utc)
    start = end - timedelta(days=10)
    request = NewsRequest(symbols="AAPL,BTCUSD", start=start, end=end, include_content=True)
    articles = client(NewsClient, exchange, account).get_news(request).data["news"]
    said, token = [], None
    while True:
        query = {"symbols": "AAPL,BTCUSD", "start": start.isoformat(), "end": end.isoformat()}
        query |= {"limit": 3, "include_content": "true"}
        page = books.get("/v1beta1/news", **query, **({"page_token": token} if token else {}))
        said += page["news"]
        token = page["next_page_token"]
        if token is None:
            break
    assert len(articles) > 3
    assert_agrees(articles, said)
    for article in articles:
        assert {"AAPL", "BTCUSD"} & set(article.symbols)


def test_books_and_snapshots_of_coins_are_read(exchange, books):
    coins = CryptoHistoricalDataClient(url_override=exchange.url)
    request = CryptoLatestOrderbookRequest(symbol_or_symbols=["BTC/USD", "ETH/USD"])
    found = coins.get_crypto_latest_orderbook(request)
    assert set(found) == {"BTC/USD", "ETH/USD"}
    for book in found.values():
        bids, asks = [b.price for b in book.bids], [a.price for a in book.asks]
        assert bids == sorted(bids, reverse=True) and asks == sorted(asks)
        assert bids[0] < asks[0]
    snapshot = coins.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols="BTC/USD"))
    newest = snapshot["BTC/USD"]
    assert newest.latest_trade.price > 0 and newest.latest_quote.ask_price > 0
    assert newest.daily_bar.volume > 0 and newest.previous_daily_bar.close > 0


def test_corporate_actions_are_read(exchange, account, books):
    request = CorporateActionsRequest(
        symbols=["AAPL"], start=date(2026, 1, 1), end=date(2026, 11, 1)
    )
    found = client(CorporateActionsClient, exchange, account).get_corporate_actions(request).data
    said = books.get(
        "/v1/corporate-actions", symbols="AAPL", start="2026-01-01", end="2026-11-01"
    )["corporate_actions"]
    assert {kind: len(rows) for kind, rows in found.items() if rows} == {
        kind: len(rows) for kind, rows in said.items() if rows
    }

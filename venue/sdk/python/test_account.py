"""alpaca-py: watchlists and the equity curve of an account."""

from decimal import Decimal

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.requests import (
    CreateWatchlistRequest,
    GetPortfolioHistoryRequest,
    UpdateWatchlistRequest,
)

from agreement import assert_agrees
from desk import decimal
from orders import BUY, market, refusal


def test_watchlists_are_made_changed_and_thrown_away(desk):
    made = desk.client.create_watchlist(
        CreateWatchlistRequest(name="tech", symbols=["AAPL", "MSFT"])
    )
    path = f"/v2/watchlists/{made.id}"
    assert_agrees(made, desk.books.get(path))
    assert [asset.symbol for asset in made.assets] == ["AAPL", "MSFT"]
    again = refusal(
        desk.client.create_watchlist, CreateWatchlistRequest(name="tech", symbols=["IBM"])
    )
    assert again[0] == 422
    grown = desk.client.add_asset_to_watchlist_by_id(made.id, "NVDA")
    assert [asset.symbol for asset in grown.assets] == ["AAPL", "MSFT", "NVDA"]
    shrunk = desk.client.remove_asset_from_watchlist_by_id(made.id, "MSFT")
    assert [asset.symbol for asset in shrunk.assets] == ["AAPL", "NVDA"]
    renamed = desk.client.update_watchlist_by_id(
        made.id, UpdateWatchlistRequest(name="mixed", symbols=["JPM", "BTC/USD"])
    )
    assert (renamed.name, [asset.symbol for asset in renamed.assets]) == (
        "mixed",
        ["JPM", "BTC/USD"],
    )
    assert_agrees(desk.client.get_watchlist_by_id(made.id), desk.books.get(path))
    assert [(one.id, one.name) for one in desk.client.get_watchlists()] == [(made.id, "mixed")]
    desk.client.delete_watchlist_by_id(made.id)
    assert desk.client.get_watchlists() == []
    assert refusal(desk.client.get_watchlist_by_id, made.id)[:2] == (404, 40410000)


def test_the_equity_curve_begins_with_the_opening_cash_and_ends_with_todays(desk):
    desk.done(desk.client.submit_order(market("AAPL", BUY, 100)))
    request = GetPortfolioHistoryRequest(period="1D", timeframe="1Min", extended_hours=True)
    history = desk.client.get_portfolio_history(request)
    said = desk.books.get(
        "/v2/account/portfolio/history", period="1D", timeframe="1Min", extended_hours="True"
    )
    assert history.timeframe == said["timeframe"] == "1Min"
    assert Decimal(str(history.base_value)) == Decimal(desk.account.opening_cash)
    lengths = {len(history.timestamp), len(history.equity), len(history.profit_loss)}
    assert len(lengths) == 1 and len(history.profit_loss_pct) in lengths
    assert history.timestamp == sorted(set(history.timestamp))
    for equity, profit in zip(history.equity, history.profit_loss):
        assert abs(equity - profit - history.base_value) < 0.01
    account = desk.client.get_account()
    # The newest point is of this minute, in which prices move by parts of a percent.
    assert abs(history.equity[-1] / float(account.equity) - 1) < 0.02
    with pytest.raises(APIError) as caught:
        desk.client.get_portfolio_history(GetPortfolioHistoryRequest(timeframe="7Min"))
    assert caught.value.status_code in (400, 422)
    assert decimal(account.cash) < decimal(desk.account.opening_cash)

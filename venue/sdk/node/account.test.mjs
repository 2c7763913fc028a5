// The Node SDK: watchlists and the equity curve of an account.

import assert from "node:assert/strict";

import { assertAgrees } from "./agreement.mjs";
import { desksOf, refusal } from "./desk.mjs";

const onDesk = desksOf(["--always-open", "--seed", "45"]);

const symbols = (list) => list.assets.map(({ symbol }) => symbol);

onDesk("watchlists are made, changed and thrown away, by id and by name", async (desk) => {
  const { watchlists } = desk.trading;
  const made = await watchlists.postWatchlist({
    createWatchlistRequest: { name: "tech", symbols: ["AAPL", "MSFT"] },
  });
  assertAgrees(made, await desk.books.get(`/v2/watchlists/${made.id}`));
  assert.deepEqual(symbols(made), ["AAPL", "MSFT"]);
  const id = { watchlistId: made.id };
  const nvda = { addAssetToWatchlistRequest: { symbol: "NVDA" } };
  const grown = await watchlists.addAssetToWatchlist({ ...id, ...nvda });
  assert.deepEqual(symbols(grown), ["AAPL", "MSFT", "NVDA"]);
  const shrunk = await watchlists.removeAssetFromWatchlist({ ...id, symbol: "AAPL" });
  assert.deepEqual(symbols(shrunk), ["MSFT", "NVDA"]);
  const changed = await watchlists.updateWatchlistByName({
    name: "tech",
    updateWatchlistRequest: { name: "mixed", symbols: ["JPM"] },
  });
  assert.deepEqual([changed.name, symbols(changed)], ["mixed", ["JPM"]]);
  const byName = await watchlists.getWatchlistByName({ name: "mixed" });
  assert.equal(byName.id, made.id);
  assert.deepEqual((await watchlists.getWatchlists()).map(({ name }) => name), ["mixed"]);
  await watchlists.deleteWatchlistByName({ name: "mixed" });
  assert.deepEqual(await watchlists.getWatchlists(), []);
  const gone = await refusal(watchlists.getWatchlistById(id));
  assert.deepEqual(gone.slice(0, 2), [404, 40410000]);
});

onDesk("the equity curve is read with every point", async (desk) => {
  await desk.done(await desk.trading.orders.market({ symbol: "AAPL", side: "buy", qty: 100 }));
  const history = await desk.trading.portfolioHistory.getAccountPortfolioHistory({
    period: "1D",
    timeframe: "1Min",
    extendedHours: "true",
  });
  assert.equal(history.timeframe, "1Min");
  assert.equal(history.baseValue, 100000);
  assert.ok(history.timestamp.length > 0);
  for (const series of [history.equity, history.profitLoss, history.profitLossPct]) {
    assert.equal(series.length, history.timestamp.length);
  }
  history.equity.forEach((equity, index) => {
    assert.ok(Math.abs(equity - history.profitLoss[index] - history.baseValue) < 0.01);
  });
});

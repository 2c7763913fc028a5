// A whole trading day with the Node SDK: before the open, the open, trading, the close, the evening.
//
// The venue's clock starts on Monday 2 March 2026 at 9:20 in New York and runs ten times as fast as
// the machine's; the test jumps over the quiet hours.

import assert from "node:assert/strict";

import { exact } from "./agreement.mjs";
import { cents, desksOf, refusal } from "./desk.mjs";
import { eventually } from "./exchange.mjs";

const onDesk = desksOf(["--start", "2026-03-02T14:20:00Z", "--speed", "10", "--seed", "8"]);

const OPEN = new Date("2026-03-02T14:30:00Z");
const CLOSE = new Date("2026-03-02T21:00:00Z");

onDesk("a whole trading day", async (desk) => {
  const opening = await beforeTheOpen(desk);
  const stream = desk.alpaca.marketData.stockStream({ url: `${desk.exchange.streamUrl}/v2/iex` });
  const bars = [];
  stream.onBar((bar) => bars.push(bar));
  stream.onConnect(() => stream.subscribeForBars(["AAPL"]));
  stream.connect();
  await desk.exchange.advanceTo("2026-03-02T14:29:50Z");
  await atTheOpen(desk, opening);
  await trading(desk);
  await screening(desk);
  const closing = await ordersForTheClose(desk);
  await eventually(
    () => bars.length >= 2,
    () => "two minute bars",
  );
  stream.disconnect();
  assert.ok(bars.every(({ symbol, timestamp }) => symbol === "AAPL" && timestamp >= OPEN));
  await desk.exchange.advanceTo("2026-03-02T20:59:50Z");
  await atTheClose(desk, closing);
  await inTheEvening(desk);
});

// What is sent before the open waits for it.
async function beforeTheOpen(desk) {
  const { clock, orders } = desk.trading;
  const now = await clock.legacyClock();
  assert.equal(now.isOpen, false);
  assert.deepEqual([now.nextOpen, now.nextClose], [OPEN, CLOSE]);
  const waiting = await orders.market({ symbol: "AAPL", side: "buy", qty: 10 });
  const opg = { symbol: "MSFT", side: "buy", qty: 5, timeInForce: "opg" };
  const auction = await orders.market(opg);
  for (const order of [waiting, auction]) {
    assert.equal(order.status, "accepted");
    await desk.heard(order.id, "accepted");
  }
  return { waiting, auction };
}

// The day's bar of a symbol.
async function sessionBar(desk, symbol) {
  const span = { start: new Date("2026-03-02T00:00:00Z"), timeframe: "1Day" };
  const bars = await desk.alpaca.marketData.getStockBarsFor(symbol, span);
  assert.equal(bars.length, 1);
  return bars[0];
}

async function atTheOpen(desk, { waiting, auction }) {
  assert.ok((await desk.done(waiting)).filledAt >= OPEN);
  const filled = await desk.done(auction);
  assert.equal(exact(filled.filledAvgPrice), exact((await sessionBar(desk, "MSFT")).open));
  assert.equal((await desk.trading.clock.legacyClock()).isOpen, true);
  await desk.assertBooksAgree();
}

// Buys, changes its mind, closes a part.
async function trading(desk) {
  const { orders, positions } = desk.trading;
  const price = await desk.lastPrice("JPM");
  const order = await orders.limit({
    symbol: "JPM",
    side: "buy",
    qty: 6,
    limitPrice: cents(price * 0.9),
  });
  await desk.heard(order.id, "new");
  const replaced = await orders.patchOrderByOrderId({
    orderId: order.id,
    patchOrderRequest: { limitPrice: cents(price * 1.05) },
  });
  assert.equal((await desk.done(replaced)).filledQty, "6");
  await desk.done(await positions.deleteOpenPosition({ symbolOrAssetId: "JPM", percentage: 50 }));
  assert.equal((await positions.getOpenPosition({ symbolOrAssetId: "JPM" })).qty, "3");
  const late = { symbol: "MSFT", side: "sell", qty: 1, timeInForce: "opg" };
  assert.deepEqual((await refusal(orders.market(late))).slice(0, 2), [403, 40310000]);
  await desk.assertBooksAgree();
}

// What the screener, the auctions and the news say of the day so far.
async function screening(desk) {
  const { screener, stocks, news } = desk.alpaca.marketData;
  const { mostActives } = await screener.mostActives({ by: "volume", top: 5 });
  assert.equal(mostActives.length, 5);
  const movers = await screener.movers({ marketType: "stocks", top: 3 });
  assert.ok(movers.gainers[0].percentChange >= movers.losers[0].percentChange);
  const { auctions } = await stocks.stockAuctions({
    symbols: "MSFT",
    start: new Date("2026-03-02T00:00:00Z"),
  });
  const [opening] = auctions.MSFT[0].o;
  assert.equal(opening.p, (await sessionBar(desk, "MSFT")).open);
  const article = (await news.news({ limit: 1 })).news[0];
  assert.ok(article.headline && article.createdAt instanceof Date);
}

// One that outlives the day, one that ends with it, one for the closing auction.
async function ordersForTheClose(desk) {
  const { orders } = desk.trading;
  const far = { side: "buy", qty: 1 };
  const limitPrice = cents((await desk.lastPrice("NVDA")) * 0.5);
  const stay = await orders.limit({ symbol: "NVDA", ...far, limitPrice, timeInForce: "gtc" });
  const end = await orders.limit({ symbol: "IBM", ...far, limitPrice: 100 });
  const cls = { symbol: "AAPL", side: "sell", qty: 10, timeInForce: "cls" };
  const auction = await orders.market(cls);
  await desk.heard(stay.id, "new");
  await desk.heard(end.id, "new");
  assert.deepEqual(end.expiresAt, CLOSE);
  return { stay, end, auction };
}

async function atTheClose(desk, { stay, end, auction }) {
  const expired = await desk.done(end, "expired");
  assert.equal(expired.status, "expired");
  assert.ok(expired.expiredAt >= CLOSE);
  const filled = await desk.done(auction);
  assert.equal(exact(filled.filledAvgPrice), exact((await sessionBar(desk, "AAPL")).close));
  const stays = await desk.trading.orders.getOrderByOrderID({ orderId: stay.id });
  assert.equal(stays.status, "new");
  await desk.assertBooksAgree();
}

async function inTheEvening(desk) {
  const { clock, orders, portfolioHistory } = desk.trading;
  const now = await clock.legacyClock();
  assert.equal(now.isOpen, false);
  assert.deepEqual(now.nextOpen, new Date("2026-03-03T14:30:00Z"));
  const tomorrow = await orders.market({ symbol: "AAPL", side: "buy", qty: 1 });
  assert.equal(tomorrow.status, "accepted");
  assert.equal((await orders.deleteAllOrders()).length, 2);
  await desk.done(tomorrow, "canceled");
  const asked = { period: "1D", timeframe: "15Min" };
  const history = await portfolioHistory.getAccountPortfolioHistory(asked);
  assert.ok(history.timestamp.length >= 20);
  assert.equal(history.baseValue, 100000);
  await desk.assertBooksAgree();
}

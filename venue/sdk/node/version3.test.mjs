// Version 3 of the Node SDK, which many programs still use: REST, and the trade stream. Its data
// streams insist on TLS, which the venue leaves to a proxy.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";

import Alpaca from "alpaca-trade-api-v3";

import { exact } from "./agreement.mjs";
import { cents } from "./desk.mjs";
import { Books, Exchange, eventually } from "./exchange.mjs";

let exchange;
let alpaca;
let books;
const updates = [];
before(async () => {
  exchange = await Exchange.start(["--always-open", "--seed", "47"]);
  const account = exchange.account();
  books = new Books(exchange, account);
  alpaca = new Alpaca({
    keyId: account.keyId,
    secretKey: account.secret,
    baseUrl: exchange.url,
    dataBaseUrl: exchange.url,
  });
  alpaca.trade_ws.onOrderUpdate((update) => updates.push(update));
  const connected = new Promise((resolve) => alpaca.trade_ws.onConnect(resolve));
  alpaca.trade_ws.connect();
  await connected;
  const acknowledged = once(alpaca.trade_ws.conn, "message");
  alpaca.trade_ws.subscribe(["trade_updates"]);
  await acknowledged;
});
after(async () => {
  alpaca.trade_ws.disconnect();
  assert.equal(await exchange.stop(), 0);
});

function heard(id, event) {
  return eventually(
    () => updates.find((update) => update.order.id === id && update.event === event),
    () => `${event} of ${id}`,
  );
}

test("the account, its settings, assets, clock and calendar are read", async () => {
  assert.deepEqual(Object.keys(await alpaca.getAccount()), Object.keys(await books.get("/v2/account")));
  assert.deepEqual(
    await alpaca.getAccountConfigurations(),
    await books.get("/v2/account/configurations"),
  );
  assert.ok((await alpaca.getAssets({ status: "active" })).length >= 30);
  assert.equal((await alpaca.getAsset("AAPL")).symbol, "AAPL");
  assert.equal((await alpaca.getClock()).is_open, true);
  assert.equal((await alpaca.getCalendar({ start: "2026-11-23", end: "2026-11-24" })).length, 2);
});

test("orders are filled, listed and canceled, positions closed", async () => {
  const order = await alpaca.createOrder({
    symbol: "AAPL",
    qty: 3,
    side: "buy",
    type: "market",
    time_in_force: "day",
  });
  const { order: filled } = await heard(order.id, "fill");
  assert.deepEqual(await alpaca.getOrder(order.id), await books.get(`/v2/orders/${order.id}`));
  assert.equal(filled.filled_qty, "3");
  assert.equal((await alpaca.getPosition("AAPL")).qty, "3");
  const { Price: price } = await alpaca.getLatestTrade("MSFT");
  const resting = await alpaca.createOrder({
    symbol: "MSFT",
    qty: "1",
    side: "buy",
    type: "limit",
    limit_price: cents(price * 0.8),
    time_in_force: "gtc",
  });
  await heard(resting.id, "new");
  const open = await alpaca.getOrders({ status: "open" });
  assert.deepEqual(open.map(({ id }) => id), [resting.id]);
  await alpaca.cancelOrder(resting.id);
  await heard(resting.id, "canceled");
  const closing = await alpaca.closePosition("AAPL");
  await heard(closing.id, "fill");
  assert.deepEqual(await alpaca.getPositions(), []);
  const fills = await alpaca.getAccountActivities({ activityTypes: "FILL" });
  const spent = fills.reduce((sum, { side, price, qty }) => {
    const value = (exact(price) * exact(qty)) / 10n ** 18n;
    return side === "buy" ? sum - value : sum + value;
  }, exact("100000"));
  const charges = (await books.activities())
    .filter(({ activity_type: kind }) => kind !== "FILL")
    .reduce((sum, { net_amount: amount }) => sum + exact(amount), 0n);
  assert.equal(exact((await alpaca.getAccount()).cash), spent + charges);
});

test("history is read over pages, of stocks and of coins", async () => {
  const span = { start: "2026-11-20T14:00:00Z", end: "2026-11-20T14:30:00Z" };
  const bars = [];
  const asked = { ...span, timeframe: alpaca.newTimeframe(1, alpaca.timeframeUnit.MIN) };
  for await (const bar of alpaca.getBarsV2("AAPL", { ...asked, pageLimit: 7 })) {
    bars.push(bar);
  }
  const said = await books.get("/v2/stocks/AAPL/bars", { ...span, timeframe: "1Min" });
  assert.deepEqual(
    bars.map(({ Timestamp, ClosePrice, Volume }) => [Timestamp, ClosePrice, Volume]),
    said.bars.map(({ t, c, v }) => [t, c, v]),
  );
  const coins = await alpaca.getCryptoTrades(["BTC/USD"], { ...span, limit: 50 });
  assert.equal(coins.get("BTC/USD").length, 50);
  assert.ok((await alpaca.getSnapshot("AAPL")).LatestTrade.Price > 0);
});

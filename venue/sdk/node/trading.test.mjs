// The Node SDK's trading client and trade stream: what a user does to an account every day.

import assert from "node:assert/strict";

import { assertAgrees, exact } from "./agreement.mjs";
import { cents, desksOf, refusal } from "./desk.mjs";

const onDesk = desksOf(["--always-open", "--seed", "43"]);

onDesk("a new account is read with every figure", async (desk) => {
  const check = await desk.trading.validateConnection();
  assert.equal(check.ok, true);
  assertAgrees(check.account, await desk.books.get("/v2/account"));
  assert.equal(check.account.cash, "100000");
  assert.ok(check.account.createdAt instanceof Date);
});

onDesk("settings of the account are changed and obeyed", async (desk) => {
  const settings = desk.trading.accountConfigurations;
  assertAgrees(
    await settings.getAccountConfig(),
    await desk.books.get("/v2/account/configurations"),
  );
  const suspended = await settings.patchAccountConfig({
    accountConfigurations: { suspendTrade: true },
  });
  assert.equal(suspended.suspendTrade, true);
  const order = { symbol: "AAPL", side: "buy", qty: 1 };
  const refused = await refusal(desk.trading.orders.market(order));
  assert.deepEqual(refused.slice(0, 2), [403, 40310000]);
  await settings.patchAccountConfig({ accountConfigurations: { suspendTrade: false } });
  await desk.done(await desk.trading.orders.market(order));
});

onDesk("assets, clock and calendar are read whole", async (desk) => {
  const assets = await desk.trading.assets.getV2Assets({
    status: "active",
    assetClass: "us_equity",
  });
  const said = await desk.books.get("/v2/assets", { status: "active", asset_class: "us_equity" });
  assert.ok(assets.length >= 20);
  assertAgrees(assets, said);
  for (const symbol of ["AAPL", "BTC/USD"]) {
    const asset = await desk.trading.assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: symbol });
    assert.equal(asset.symbol, symbol);
  }
  assert.equal((await desk.trading.clock.legacyClock()).isOpen, true);
  const days = await desk.trading.calendar.legacyCalendar({
    start: new Date("2026-11-23"),
    end: new Date("2026-11-25"),
  });
  assertAgrees(
    days,
    await desk.books.get("/v2/calendar", { start: "2026-11-23", end: "2026-11-25" }),
  );
});

onDesk("a market order is filled and everything agrees", async (desk) => {
  const filled = await desk.trading.submitAndWait(
    { symbol: "AAPL", side: "buy", qty: 10, type: "market", clientOrderId: "node 1/a+b" },
    { stream: desk.stream },
  );
  assert.deepEqual([filled.status, filled.filledQty], ["filled", "10"]);
  const found = await desk.trading.orders.getOrderByClientOrderId({ clientOrderId: "node 1/a+b" });
  assert.equal(found.id, filled.id);
  const [first, second] = desk.events(filled.id);
  assert.deepEqual([first, second], ["pending_new", "new"]);
  const position = await desk.trading.positions.getOpenPosition({ symbolOrAssetId: "AAPL" });
  assert.deepEqual([position.qty, position.side], ["10", "long"]);
  await desk.assertBooksAgree();
});

onDesk("orders that rest are read back and canceled", async (desk) => {
  const { orders } = desk.trading;
  const price = await desk.lastPrice("MSFT");
  for (const timeInForce of ["day", "gtc"]) {
    const limitPrice = cents(price * 0.8);
    const order = await orders.limit({
      symbol: "MSFT",
      side: "buy",
      qty: "2",
      limitPrice,
      timeInForce,
    });
    await desk.heard(order.id, "new");
    const resting = await orders.getOrderByOrderID({ orderId: order.id });
    assert.deepEqual([resting.status, resting.timeInForce], ["new", timeInForce]);
    assert.equal(exact(resting.limitPrice), exact(limitPrice));
    await orders.deleteOrderByOrderID({ orderId: order.id });
    assert.equal((await desk.done(order, "canceled")).status, "canceled");
    const again = await refusal(orders.deleteOrderByOrderID({ orderId: order.id }));
    assert.deepEqual(again.slice(0, 2), [422, 42210000]);
  }
  await desk.assertBooksAgree();
});

onDesk("all open orders are canceled at once", async (desk) => {
  const { orders } = desk.trading;
  assert.deepEqual(await orders.deleteAllOrders(), []);
  const placed = [];
  for (const symbol of ["AAPL", "MSFT", "SPY"]) {
    placed.push(
      await orders.limit({ symbol, side: "buy", qty: 1, limitPrice: 1.5, timeInForce: "gtc" }),
    );
  }
  const answers = await orders.deleteAllOrders();
  assert.deepEqual(answers.map(({ id }) => id).sort(), placed.map(({ id }) => id).sort());
  assert.ok(answers.every(({ status }) => status === 200));
  for (const order of placed) {
    await desk.done(order, "canceled");
  }
  await desk.assertBooksAgree();
});

onDesk("partial fills add up", async (desk) => {
  // One execution in ten is partial, so some order of a few dozen is.
  let order;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const side = attempt % 2 === 0 ? "buy" : "sell";
    order = await desk.trading.orders.market({ symbol: "INTC", side, qty: 20 });
    await desk.done(order);
    if (desk.events(order.id).includes("partial_fill")) {
      break;
    }
  }
  const slices = desk.executions().filter((update) => update.order.id === order.id);
  assert.ok(slices.length >= 2, "no partial fill in 200 orders");
  const sum = slices.reduce((total, update) => total + exact(update.qty), 0n);
  assert.equal(sum, exact("20"));
  assert.equal(slices[0].order.status, "partially_filled");
  await desk.assertBooksAgree();
});

onDesk("money, fractions and coins", async (desk) => {
  const { orders } = desk.trading;
  const spent = await desk.done(
    await orders.market({ symbol: "GOOG", side: "buy", notional: "250.5" }),
  );
  assert.equal(exact(spent.notional), exact("250.5"));
  await desk.done(await orders.market({ symbol: "GOOG", side: "buy", qty: 0.125 }));
  const coin = { symbol: "BTC/USD", side: "buy", qty: "0.015", timeInForce: "gtc" };
  assert.equal((await desk.done(await orders.market(coin))).symbol, "BTC/USD");
  const held = await desk.trading.positions.getOpenPosition({ symbolOrAssetId: "BTC/USD" });
  assert.equal(held.symbol, "BTCUSD");
  await desk.assertBooksAgree();
});

onDesk("positions are closed by quantity, by percentage and all at once", async (desk) => {
  const { orders, positions } = desk.trading;
  for (const symbol of ["AAPL", "MSFT", "AMZN"]) {
    await desk.done(await orders.market({ symbol, side: "buy", qty: 8 }));
  }
  await desk.done(await positions.deleteOpenPosition({ symbolOrAssetId: "AAPL", qty: 3 }));
  await desk.done(await positions.deleteOpenPosition({ symbolOrAssetId: "MSFT", percentage: 50 }));
  const left = await positions.getAllOpenPositions();
  assert.deepEqual(Object.fromEntries(left.map(({ symbol, qty }) => [symbol, qty])), {
    AAPL: "5",
    AMZN: "8",
    MSFT: "4",
  });
  const limitPrice = cents((await desk.lastPrice("AMZN")) * 1.3);
  const held = await orders.limit({ symbol: "AMZN", side: "sell", qty: 8, limitPrice });
  await desk.heard(held.id, "new");
  const answers = await desk.trading.closeAllPositions({ cancelOrders: true });
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
  for (const { body } of answers) {
    await desk.done(body);
  }
  assert.equal((await desk.done(held, "canceled")).status, "canceled");
  assert.deepEqual(await positions.getAllOpenPositions(), []);
  await desk.assertBooksAgree();
});

onDesk("activities are read over pages", async (desk) => {
  for (let count = 0; count < 5; count += 1) {
    await desk.done(await desk.trading.orders.market({ symbol: "DIS", side: "buy", qty: 1 }));
  }
  const paged = await desk.trading.collectActivitiesByType({ activityType: "FILL", pageSize: 2 });
  const said = (await desk.books.activities()).filter(({ activity_type: kind }) => kind === "FILL");
  assert.deepEqual(paged.map(({ id }) => id), said.map(({ id }) => id).reverse());
  await desk.assertBooksAgree();
});

onDesk("refusals have Alpaca's status, code and words", async (desk) => {
  const { orders } = desk.trading;
  const cases = [
    [{ symbol: "AAPL", side: "buy", qty: 1, limitPrice: "290.123" }, 422, 42210000, "sub-penny"],
    [{ symbol: "NOSUCH", side: "buy", qty: 1, limitPrice: 1 }, 422, 42210000, "not found"],
    [{ symbol: "MSFT", side: "buy", qty: 1e5, limitPrice: 400 }, 403, 40310000, "buying power"],
  ];
  for (const [order, status, code, words] of cases) {
    const found = await refusal(orders.limit(order));
    assert.deepEqual(found.slice(0, 2), [status, code]);
    assert.ok(found[2].includes(words), found[2]);
  }
  const unknown = await refusal(
    orders.getOrderByOrderID({ orderId: "00000000-0000-4000-8000-000000000000" }),
  );
  assert.deepEqual(unknown.slice(0, 2), [404, 40410000]);
});

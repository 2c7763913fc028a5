// The Node SDK's order builders: stops, trailing stops, brackets and their kin, replacing, shorting.

import assert from "node:assert/strict";

import { exact } from "./agreement.mjs";
import { cents, desksOf, refusal } from "./desk.mjs";

const onDesk = desksOf(["--always-open", "--seed", "46"]);

onDesk("stops and trailing stops rest as they were asked for", async (desk) => {
  const { orders } = desk.trading;
  const price = await desk.lastPrice("MSFT");
  const common = { symbol: "MSFT", side: "buy", qty: 2, timeInForce: "gtc" };
  const stopPrice = cents(price * 1.2);
  const limitPrice = cents(price * 1.21);
  const placed = [
    ["stop", await orders.stop({ ...common, stopPrice }), { stopPrice }],
    [
      "stop_limit",
      await orders.stopLimit({ ...common, stopPrice, limitPrice }),
      { stopPrice, limitPrice },
    ],
    ["trailing_stop", await orders.trailingStop({ ...common, trailPercent: 20 }), {}],
    ["trailing_stop", await orders.trailingStop({ ...common, trailPrice: cents(price / 5) }), {}],
  ];
  for (const [type, order, prices] of placed) {
    await desk.heard(order.id, "new");
    const resting = await orders.getOrderByOrderID({ orderId: order.id });
    assert.deepEqual([resting.type, resting.status], [type, "new"]);
    for (const [name, asked] of Object.entries(prices)) {
      assert.equal(exact(resting[name]), exact(asked));
    }
    if (type === "trailing_stop") {
      assert.ok(exact(resting.stopPrice) > exact(resting.hwm));
    }
  }
  assert.equal((await orders.deleteAllOrders()).length, placed.length);
  for (const [, order] of placed) {
    assert.equal((await desk.done(order, "canceled")).status, "canceled");
  }
  await desk.assertBooksAgree();
});

onDesk("an order is replaced by a new one", async (desk) => {
  const { orders } = desk.trading;
  const price = await desk.lastPrice("JPM");
  const first = await orders.limit({
    symbol: "JPM",
    side: "buy",
    qty: 2,
    limitPrice: cents(price * 0.8),
  });
  await desk.heard(first.id, "new");
  const second = await orders.patchOrderByOrderId({
    orderId: first.id,
    patchOrderRequest: { qty: "3", limitPrice: cents(price * 1.1) },
  });
  assert.equal(second.replaces, first.id);
  const old = await desk.done(first, "replaced");
  assert.deepEqual([old.status, old.replacedBy], ["replaced", second.id]);
  assert.equal((await desk.done(second)).filledQty, "3");
  await desk.assertBooksAgree();
});

onDesk("a bracket takes its profit and drops its stop", async (desk) => {
  const { orders } = desk.trading;
  const price = await desk.lastPrice("TSLA");
  const entry = await orders.bracket({
    symbol: "TSLA",
    side: "buy",
    qty: 2,
    takeProfit: { limitPrice: cents(price * 1.3) },
    stopLoss: { stopPrice: cents(price * 0.7) },
  });
  const [profit, stop] = entry.legs;
  assert.deepEqual([profit.status, stop.status], ["held", "held"]);
  await desk.done(entry);
  await desk.heard(profit.id, "new");
  const nested = await orders.getOrderByOrderID({ orderId: entry.id, nested: true });
  assert.deepEqual(nested.legs.map(({ id }) => id), [profit.id, stop.id]);
  const taken = await orders.patchOrderByOrderId({
    orderId: profit.id,
    patchOrderRequest: { limitPrice: cents((await desk.lastPrice("TSLA")) * 0.95) },
  });
  await desk.done(taken);
  assert.equal((await desk.done(stop, "canceled")).status, "canceled");
  assert.deepEqual(await desk.trading.positions.getAllOpenPositions(), []);
  await desk.assertBooksAgree();
});

onDesk("one of two exits cancels the other, and one order triggers another", async (desk) => {
  const { orders } = desk.trading;
  await desk.done(await orders.market({ symbol: "IBM", side: "buy", qty: 4 }));
  const price = await desk.lastPrice("IBM");
  const profit = await orders.oco({
    symbol: "IBM",
    side: "sell",
    qty: 4,
    timeInForce: "gtc",
    takeProfit: { limitPrice: cents(price * 1.3) },
    stopLoss: { stopPrice: cents(price * 0.7) },
  });
  await orders.deleteOrderByOrderID({ orderId: profit.id });
  await desk.done(profit, "canceled");
  await desk.done(profit.legs[0], "canceled");
  const entry = await orders.oto({
    symbol: "META",
    side: "buy",
    qty: 1,
    stopLoss: { stopPrice: cents((await desk.lastPrice("META")) * 0.7) },
  });
  await desk.done(entry);
  await desk.heard(entry.legs[0].id, "new");
  await orders.deleteAllOrders();
  await desk.done(entry.legs[0], "canceled");
  await desk.assertBooksAgree();
});

onDesk("shares that are not owned are sold short and bought back", async (desk) => {
  const { orders, positions } = desk.trading;
  await desk.done(await orders.market({ symbol: "KO", side: "sell", qty: 5 }));
  const short = await positions.getOpenPosition({ symbolOrAssetId: "KO" });
  assert.deepEqual([short.side, short.qty], ["short", "-5"]);
  await desk.assertBooksAgree();
  await desk.done(await positions.deleteOpenPosition({ symbolOrAssetId: "KO" }));
  const gone = await refusal(positions.getOpenPosition({ symbolOrAssetId: "KO" }));
  assert.deepEqual(gone.slice(0, 2), [404, 40410000]);
  await desk.assertBooksAgree();
});

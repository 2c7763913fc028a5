// What one user of the Node SDK has on the desk: a client, a trade stream, and a ledger.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Alpaca } from "@alpacahq/alpaca-trade-api";

import { assertAgrees, exact, times } from "./agreement.mjs";
import { Books, Exchange, eventually } from "./exchange.mjs";

// The SDK has no option for its hosts, but takes a fetch: this one asks the venue instead.
export function client(exchange, account) {
  return new Alpaca({
    keyId: account.keyId,
    secret: account.secret,
    rateLimit: false,
    // Its timer outlives an answer without a body, and would hold the process for half a minute.
    timeoutMs: 0,
    fetchApi: (url, init) => {
      const { pathname, search } = new URL(url);
      return fetch(exchange.url + pathname + search, init);
    },
  });
}

export class Desk {
  updates = [];

  static async open(exchange) {
    const desk = new Desk();
    desk.exchange = exchange;
    desk.account = exchange.account();
    desk.alpaca = client(exchange, desk.account);
    desk.trading = desk.alpaca.trading;
    desk.books = new Books(exchange, desk.account);
    desk.stream = desk.trading.stream({ url: `${exchange.streamUrl}/stream` });
    desk.stream.onTradeUpdate((update) => desk.updates.push(update));
    const listening = new Promise((resolve) => desk.stream.once("subscription", resolve));
    desk.stream.subscribeTradeUpdates();
    desk.stream.connect();
    assert.deepEqual(await listening, ["trade_updates"]);
    return desk;
  }

  close() {
    this.stream.disconnect();
  }

  events(orderId) {
    return this.updates.filter((u) => u.order.id === orderId).map((update) => update.event);
  }

  // Waits for an event of an order and answers the update.
  heard(orderId, event) {
    return eventually(
      () => this.updates.find((update) => update.order.id === orderId && update.event === event),
      () => `${event} of ${orderId}; heard ${this.events(orderId)}`,
    );
  }

  // Waits until an order is done and answers it as REST shows it.
  async done(order, event = "fill") {
    await this.heard(order.id, event);
    return this.trading.orders.getOrderByOrderID({ orderId: order.id });
  }

  // Each execution that was heard, once: the stream may repeat itself.
  executions() {
    const seen = new Map();
    for (const update of this.updates) {
      if (update.event === "fill" || update.event === "partial_fill") {
        seen.set(update.executionId, seen.get(update.executionId) ?? update);
      }
    }
    return [...seen.values()];
  }

  async lastPrice(symbol) {
    return (await this.books.get(`/v2/stocks/${symbol}/trades/latest`)).trade.p;
  }

  // Stream, orders, activities, positions and cash all tell the same story.
  async assertBooksAgree() {
    const activities = await this.#everyFillHeard();
    const held = new Map();
    const hold = (symbol, quantity) => {
      const name = symbol.replace("/", "");
      held.set(name, (held.get(name) ?? 0n) + quantity);
    };
    let cash = exact(this.account.openingCash);
    for (const { order, qty, price } of this.executions()) {
      const signed = order.side === "buy" ? exact(qty) : -exact(qty);
      hold(order.symbol, signed);
      cash -= times(signed, exact(price));
    }
    for (const { activity_type: kind, symbol, qty, net_amount: amount } of activities) {
      if (kind === "CFEE" && qty && exact(qty) !== 0n) {
        hold(symbol, exact(qty));
      } else if (kind !== "FILL") {
        cash += exact(amount);
      }
    }
    const positions = await this.trading.positions.getAllOpenPositions();
    assert.deepEqual(
      new Map(positions.map(({ symbol, qty }) => [symbol, exact(qty)]).sort()),
      new Map([...held].filter(([, quantity]) => quantity !== 0n).sort()),
    );
    const account = await this.trading.account.getAccount();
    assert.equal(exact(account.cash), cash);
    const values = [account.cash, account.longMarketValue, account.shortMarketValue];
    // Regulators' fees of the day are owed until its end.
    assert.equal(
      exact(account.equity),
      values.map(exact).reduce((sum, value) => sum + value) - exact(account.accruedFees),
    );
    await this.#assertOrdersAgree();
  }

  // The activities, once every fill among them was heard, and none else.
  async #everyFillHeard() {
    const activities = await eventually(
      async () => {
        const found = await this.books.activities();
        const fills = found.filter((activity) => activity.activity_type === "FILL");
        return fills.length === this.executions().length && found;
      },
      () => "every booked fill is heard",
    );
    const text = (parts) => parts.join(" ");
    const booked = activities
      .filter((activity) => activity.activity_type === "FILL")
      .map((fill) => text([fill.order_id, fill.price, fill.qty, fill.type]));
    const heard = this.executions().map((update) =>
      text([update.order.id, update.price, update.qty, update.event]),
    );
    assert.deepEqual(heard.sort(), booked.sort());
    return activities;
  }

  async #assertOrdersAgree() {
    const parsed = await this.trading.orders.getAllOrders({ status: "all", limit: 500 });
    const said = await this.books.get("/v2/orders", { status: "all", limit: "500" });
    const byId = new Map(said.map((order) => [order.id, order]));
    assert.equal(parsed.length, said.length);
    for (const order of parsed) {
      if (["filled", "canceled", "expired", "replaced", "rejected"].includes(order.status)) {
        assertAgrees(order, byId.get(order.id));
      }
      const slices = this.executions().filter((update) => update.order.id === order.id);
      const filled = slices.reduce((sum, update) => sum + exact(update.qty), 0n);
      assert.equal(exact(order.filledQty), filled);
    }
  }
}

// Starts a venue for the tests of a file; answers how to declare one that has a desk of its own.
export function desksOf(args) {
  let exchange;
  before(async () => {
    exchange = await Exchange.start(args);
  });
  after(async () => {
    assert.equal(await exchange.stop(), 0);
  });
  return (name, body) => {
    test(name, async () => {
      const desk = await Desk.open(exchange);
      try {
        await body(desk);
      } finally {
        desk.close();
      }
    });
  };
}

export const cents = (price) => price.toFixed(2);

// Status, code and message of a request that must be refused.
export async function refusal(promise) {
  const error = await promise.then(
    () => assert.fail("it was not refused"),
    (caught) => caught,
  );
  return [error.status, error.code, error.message];
}

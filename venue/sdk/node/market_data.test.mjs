// The Node SDK's market data, by REST and by msgpack streams: the streams say what history says.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { client } from "./desk.mjs";
import { Books, Exchange, eventually } from "./exchange.mjs";

let exchange;
let account;
let alpaca;
let books;
before(async () => {
  exchange = await Exchange.start(["--always-open", "--seed", "44"]);
  account = exchange.account();
  alpaca = client(exchange, account);
  books = new Books(exchange, account);
});
after(async () => {
  assert.equal(await exchange.stop(), 0);
});

const START = "2026-11-20T14:00:00Z";
const END = "2026-11-20T14:30:00Z";

const NAMES = {
  bars: { o: "open", h: "high", l: "low", c: "close", v: "volume", vw: "vwap", n: "tradeCount" },
  trades: { p: "price", s: "size", i: "id" },
  quotes: { bp: "bidPrice", bs: "bidSize", ap: "askPrice", as: "askSize" },
};

// Compares bars, trades or quotes with the letters of the wire.
function assertPricesAgree(kind, parsed, said) {
  assert.equal(parsed.length, said.length);
  assert.ok(parsed.length > 0);
  parsed.forEach((one, index) => {
    const wire = said[index];
    assert.equal(one.timestamp.getTime(), Math.floor(Date.parse(wire.t)));
    for (const [letter, name] of Object.entries(NAMES[kind])) {
      assert.equal(one[name], wire[letter], `${kind} ${index} ${name}`);
    }
  });
}

test("history of stocks and coins is the venue's, page by page", async () => {
  const span = { start: new Date(START), end: new Date(END), limit: 500 };
  const query = { start: START, end: END, limit: "777" };
  const stocks = { symbols: ["AAPL", "MSFT"], ...span };
  const coins = { symbols: ["BTC/USD"], loc: "us", ...span };
  const data = alpaca.marketData;
  const found = [
    ["bars", "/v2/stocks", await data.getStockBars({ ...stocks, timeframe: "1Min" })],
    ["trades", "/v2/stocks", await data.getStockTrades(stocks)],
    ["quotes", "/v2/stocks", await data.getStockQuotes(stocks)],
    ["bars", "/v1beta3/crypto/us", await data.getCryptoBars({ ...coins, timeframe: "1Min" })],
    ["trades", "/v1beta3/crypto/us", await data.getCryptoTrades(coins)],
    ["quotes", "/v1beta3/crypto/us", await data.getCryptoQuotes(coins)],
  ];
  for (const [kind, path, bySymbol] of found) {
    const said = await books.pages(`${path}/${kind}`, kind, {
      ...query,
      symbols: Object.keys(bySymbol).join(","),
      ...(kind === "bars" && { timeframe: "1Min" }),
    });
    for (const [symbol, rows] of Object.entries(bySymbol)) {
      assertPricesAgree(kind, rows, said[symbol]);
    }
  }
});

test("newest prices and snapshots are read", async () => {
  const { stocks, crypto } = alpaca.marketData;
  assert.ok((await alpaca.marketData.getLatestPrice("AAPL")) > 0);
  const { quotes } = await stocks.stockLatestQuotes({ symbols: "AAPL,MSFT" });
  assert.ok(quotes.AAPL.bp < quotes.AAPL.ap);
  const snapshot = await stocks.stockSnapshotSingle({ symbol: "AAPL" });
  assert.ok(snapshot.latestTrade.p > 0 && snapshot.dailyBar.v > 0);
  assert.ok(snapshot.minuteBar.t instanceof Date && snapshot.prevDailyBar.c > 0);
  const latest = await crypto.cryptoLatestTrades({ loc: "us", symbols: "BTC/USD" });
  assert.ok(latest.trades["BTC/USD"].p > 0);
});

// Opens a stream, waits until it has heard enough, and closes it.
async function hear(stream, subscribe, isEnough) {
  const heard = { trades: [], quotes: [], bars: [] };
  const errors = [];
  stream.onTrade((trade) => heard.trades.push(trade));
  stream.onQuote((quote) => heard.quotes.push(quote));
  stream.onBar((bar) => heard.bars.push(bar));
  stream.onError((error) => errors.push(error));
  stream.onConnect(() => subscribe(stream));
  stream.connect();
  await eventually(
    () => isEnough(heard),
    () => `enough of ${JSON.stringify(heard)} ${errors}`,
    150_000,
  );
  stream.disconnect();
  assert.deepEqual(errors, []);
  return heard;
}

// Every message between the first and the last is in the history, and no other is.
async function assertHistorySays(path, kind, symbol, heard) {
  const one = heard[kind].filter((message) => message.symbol === symbol);
  assert.ok(one.length >= 3);
  const said = await books.pages(`${path}/${kind}`, kind, {
    symbols: symbol,
    start: one[0].timestampRaw,
    end: one.at(-1).timestampRaw,
    limit: "1000",
  });
  assertPricesAgree(kind, one, said[symbol]);
}

test("stocks are heard as history tells them", async () => {
  const stream = alpaca.marketData.stockStream({ url: `${exchange.streamUrl}/v2/iex` });
  const subscribe = () => {
    stream.subscribeForTrades(["AAPL", "MSFT"]);
    stream.subscribeForQuotes(["AAPL"]);
    stream.subscribeForBars(["*"]);
  };
  const heard = await hear(stream, subscribe, ({ trades, bars }) => {
    return trades.length >= 20 && bars.length >= 20;
  });
  await assertHistorySays("/v2/stocks", "trades", "AAPL", heard);
  await assertHistorySays("/v2/stocks", "trades", "MSFT", heard);
  await assertHistorySays("/v2/stocks", "quotes", "AAPL", heard);
  const bar = heard.bars.find(({ symbol }) => symbol === "AAPL");
  const end = new Date(bar.timestamp.getTime() + 59_000).toISOString();
  const said = await books.pages("/v2/stocks/bars", "bars", {
    symbols: "AAPL",
    timeframe: "1Min",
    start: bar.timestamp.toISOString(),
    end,
  });
  assertPricesAgree("bars", [bar], said.AAPL);
});

test("coins are heard as history tells them", async () => {
  const path = "/v1beta3/crypto/us";
  const stream = alpaca.marketData.cryptoStream({ url: exchange.streamUrl + path });
  const subscribe = () => {
    stream.subscribeForTrades(["BTC/USD"]);
    stream.subscribeForQuotes(["BTC/USD"]);
  };
  const heard = await hear(stream, subscribe, ({ trades }) => trades.length >= 10);
  await assertHistorySays(path, "trades", "BTC/USD", heard);
  await assertHistorySays(path, "quotes", "BTC/USD", heard);
});

test("wrong keys end a stream with the venue's words", async () => {
  const wrong = client(exchange, { ...account, secret: "wrong" });
  const stream = wrong.marketData.stockStream({ url: `${exchange.streamUrl}/v2/iex` });
  stream.onError(() => {});
  stream.connect();
  const result = await stream.waitForAuthenticationResult(60_000);
  assert.deepEqual([result.authenticated, result.code], [false, 402]);
  stream.disconnect();
});

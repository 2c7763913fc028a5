// A running `troupe venue`, and its books read without any SDK.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

// Generous, because the machine may be busy; reaching it is a failure.
const DEADLINE_MS = 60_000;

export class Exchange {
  #process;
  #folder;
  #accounts = [];
  #taken = 0;
  #adminUrl;
  #token = randomBytes(24).toString("hex");

  // Starts a venue on a free port, with fresh books and many accounts.
  static async start(args = []) {
    const exchange = new Exchange();
    await exchange.#open(args);
    return exchange;
  }

  async #open(args) {
    const binary = process.env.TROUPE_BINARY;
    if (!binary) {
      throw new Error("TROUPE_BINARY names no troupe binary; start these tests with ./test sdk");
    }
    this.#folder = mkdtempSync(join(tmpdir(), "troupe-sdk-"));
    for (let number = 0; number < 40; number += 1) {
      this.#accounts.push({
        keyId: `PKSDKNODE${String(number).padStart(4, "0")}`,
        secret: `sdk-test-secret-${number}`,
        openingCash: "100000",
      });
    }
    const entries = this.#accounts.map((account) => ({
      key_id: account.keyId,
      secret_key: account.secret,
      cash: account.openingCash,
    }));
    const file = join(this.#folder, "accounts.json");
    writeFileSync(file, JSON.stringify(entries));
    const tokenFile = join(this.#folder, "admin-token");
    writeFileSync(tokenFile, this.#token, { mode: 0o600 });
    const admin = ["--admin-listen", "127.0.0.1:0", "--admin-token-file", tokenFile];
    const books = ["--ephemeral", "--accounts", file];
    const log = openSync(join(this.#folder, "venue.log"), "w");
    this.#process = spawn(
      binary,
      ["venue", "--format", "json", "--listen", "127.0.0.1:0", ...books, ...admin, ...args],
      {
        cwd: this.#folder,
        stdio: ["ignore", "pipe", log],
        env: { ...process.env, TROUPE__VENUE__REQUESTS_PER_MINUTE: "100000" },
      },
    );
    let text = "";
    for await (const line of createInterface({ input: this.#process.stdout })) {
      text += line;
      if (line.startsWith("}")) {
        break;
      }
    }
    if (!text.endsWith("}")) {
      throw new Error(`the venue did not start: ${this.log()}`);
    }
    const started = JSON.parse(text);
    this.url = started.url;
    this.streamUrl = this.url.replace("http", "ws");
    this.#adminUrl = started.admin_url;
    // Whatever it says later must not fill the pipe.
    this.#process.stdout.resume();
  }

  // Moves the venue's clock forward; it must have been started with one of its own.
  async advanceTo(time) {
    const answer = await fetch(`${this.#adminUrl}/clock`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}` },
      body: JSON.stringify({ advance_to: time }),
    });
    if (answer.status !== 200) {
      throw new Error(`the clock stays: ${await answer.text()}`);
    }
  }

  // An account that no other test has.
  account() {
    this.#taken += 1;
    return this.#accounts[this.#taken - 1];
  }

  log() {
    return readFileSync(join(this.#folder, "venue.log"), "utf8");
  }

  // Asks the venue to stop, as a service manager does; answers its exit status.
  async stop() {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    const status = await ended;
    rmSync(this.#folder, { recursive: true, force: true });
    return status;
  }
}

// The venue's own answers about one account, as JSON, through no SDK.
export class Books {
  #url;
  #headers;

  constructor(exchange, account) {
    this.#url = exchange.url;
    this.#headers = { "APCA-API-KEY-ID": account.keyId, "APCA-API-SECRET-KEY": account.secret };
  }

  async get(path, query = {}) {
    const parameters = new URLSearchParams(query).toString();
    const answer = await fetch(`${this.#url}${path}${parameters && `?${parameters}`}`, {
      headers: this.#headers,
    });
    const text = await answer.text();
    if (answer.status !== 200) {
      throw new Error(`GET ${path}?${parameters}: ${answer.status} ${text}`);
    }
    return JSON.parse(text);
  }

  // All pages of a market data answer, merged per symbol.
  async pages(path, member, query) {
    const merged = {};
    let token = null;
    do {
      const page = await this.get(path, { ...query, ...(token && { page_token: token }) });
      for (const [symbol, rows] of Object.entries(page[member] ?? {})) {
        (merged[symbol] ??= []).push(...rows);
      }
      token = page.next_page_token;
    } while (token !== null);
    return merged;
  }

  // All activities, oldest first, over as many pages as it takes.
  async activities() {
    const found = [];
    const query = { direction: "asc", page_size: "100" };
    for (;;) {
      const page = await this.get("/v2/account/activities", query);
      found.push(...page);
      if (page.length < 100) {
        return found;
      }
      query.page_token = page.at(-1).id;
    }
  }
}

// Waits until the condition holds and answers what it answered.
export async function eventually(condition, what, deadlineMs = DEADLINE_MS) {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await condition();
    if (found) {
      return found;
    }
    if (performance.now() > end) {
      throw new Error(`not within ${deadlineMs} ms: ${what()}`);
    }
    await pause(20);
  }
}

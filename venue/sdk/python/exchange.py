"""A running `troupe venue`, and its books read without any SDK."""

import json
import os
import secrets
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

#: Generous, because the machine may be busy; reaching it is a failure.
DEADLINE_SECONDS = float(os.environ.get("SDK_DEADLINE_SECONDS", "60"))


class Account:
    """One of the venue's accounts: its keys and what it started with."""

    def __init__(self, number):
        self.key_id = f"PKSDKTEST{number:04}"
        self.secret_key = f"sdk-test-secret-{number:04}"
        self.opening_cash = "100000"

    def entry(self):
        return {
            "key_id": self.key_id,
            "secret_key": self.secret_key,
            "cash": self.opening_cash,
        }


class Admin:
    """The venue's admin port, which moves its clock and its prices."""

    def __init__(self, token_file):
        self._token = secrets.token_urlsafe(24)
        token_file.write_text(self._token)
        token_file.chmod(0o600)
        self.url = None
        self.arguments = ["--admin-listen", "127.0.0.1:0", "--admin-token-file", str(token_file)]

    def post(self, path, body):
        """Sends a request that must succeed."""
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
            return json.load(answer)


class Exchange:
    """A `troupe venue` on a free port of this machine, with fresh books and many accounts."""

    def __init__(self, arguments=(), accounts=40):
        binary = os.environ.get("TROUPE_BINARY")
        if not binary:
            raise RuntimeError("TROUPE_BINARY names no troupe binary; start these tests with ./test sdk")
        self._folder = tempfile.TemporaryDirectory(prefix="troupe-sdk-")
        self._accounts = [Account(number) for number in range(accounts)]
        self._taken = 0
        accounts_file = Path(self._folder.name) / "accounts.json"
        accounts_file.write_text(json.dumps([account.entry() for account in self._accounts]))
        self._log = (Path(self._folder.name) / "venue.log").open("w+")
        self._admin = Admin(Path(self._folder.name) / "admin-token")
        self._process = subprocess.Popen(
            [binary, "venue", "--format", "json", "--listen", "127.0.0.1:0", "--ephemeral"]
            + ["--accounts", str(accounts_file), *self._admin.arguments, *arguments],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=self._folder.name,
            env={**os.environ, "TROUPE__VENUE__REQUESTS_PER_MINUTE": "100000"},
        )
        started = self._started()
        self._admin.url = started["admin_url"]
        self.url = started["url"]
        self.stream_url = "ws://" + self.url.removeprefix("http://")
        # Whatever it says later must not fill the pipe.
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def _started(self):
        """The JSON that the venue prints once it serves."""
        text = ""
        for line in self._process.stdout:
            text += line
            if line.startswith("}"):
                return json.loads(text)
        self.stop()
        raise RuntimeError(f"the venue did not start: {self.log()}")

    def advance_to(self, time):
        """Moves the venue's clock forward; it must have been started with one of its own."""
        self._admin.post("/clock", {"advance_to": time.isoformat()})

    def halt(self, symbol):
        """Stops the trading of a symbol."""
        self._admin.post("/halt", {"symbol": symbol})

    def account(self):
        """An account that no other test has."""
        account = self._accounts[self._taken]
        self._taken += 1
        return account

    def log(self):
        """What the venue logged so far."""
        self._log.flush()
        self._log.seek(0)
        return self._log.read()

    def stop(self):
        """Asks the venue to stop, as a service manager does; answers its exit status."""
        self._process.terminate()
        try:
            status = self._process.wait(timeout=DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return status


class Books:
    """The venue's own answers about one account, as JSON, through no SDK."""

    def __init__(self, exchange, account):
        self._url = exchange.url
        self._headers = {
            "APCA-API-KEY-ID": account.key_id,
            "APCA-API-SECRET-KEY": account.secret_key,
        }

    def get(self, path, **query):
        """The JSON of a GET that must succeed."""
        text = f"?{urllib.parse.urlencode(query)}" if query else ""
        status, body = self.send("GET", path + text)
        assert status == 200, f"GET {path}{text}: {status} {body}"
        return body

    def send(self, method, path, body=None):
        """Status and JSON of any request."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._url + path, data=data, headers=self._headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            status, text = refusal.code, refusal.read()
        return status, json.loads(text) if text else None

    def order(self, order_id):
        return self.get(f"/v2/orders/{order_id}")

    def pages(self, path, member, **query):
        """All pages of a market data answer, merged per symbol."""
        merged, token = {}, None
        while True:
            page = self.get(path, **query, **({"page_token": token} if token else {}))
            for symbol, rows in (page[member] or {}).items():
                merged.setdefault(symbol, []).extend(rows)
            token = page["next_page_token"]
            if token is None:
                return merged

    def activities(self, kind=None):
        """All activities, oldest first, over as many pages as it takes."""
        path = "/v2/account/activities" + (f"/{kind}" if kind else "")
        found, query = [], {"direction": "asc", "page_size": 100}
        while True:
            page = self.get(path, **query)
            found.extend(page)
            if len(page) < 100:
                return found
            query["page_token"] = page[-1]["id"]


def eventually(condition, what, deadline_seconds=DEADLINE_SECONDS):
    """Waits until the condition holds and answers what it answered; `what` may be made late."""
    end = time.monotonic() + deadline_seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            told = what() if callable(what) else what
            raise AssertionError(f"not within {deadline_seconds} s: {told}")
        time.sleep(0.02)

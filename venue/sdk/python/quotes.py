"""Prices as alpaca-py reads them, against the letters of the wire."""

from agreement import assert_agrees

NAMES = {
    "bar": {
        "t": "timestamp",
        "o": "open",
        "h": "high",
        "l": "low",
        "c": "close",
        "v": "volume",
        "n": "trade_count",
        "vw": "vwap",
    },
    "trade": {
        "t": "timestamp",
        "p": "price",
        "s": "size",
        "x": "exchange",
        "i": "id",
        "c": "conditions",
        "z": "tape",
    },
    "quote": {
        "t": "timestamp",
        "ap": "ask_price",
        "as": "ask_size",
        "ax": "ask_exchange",
        "bp": "bid_price",
        "bs": "bid_size",
        "bx": "bid_exchange",
        "c": "conditions",
        "z": "tape",
    },
}


def assert_prices_agree(kind, symbol, parsed, said):
    """Compares bars, trades or quotes of a symbol, one or a list, with the venue's JSON."""
    if isinstance(parsed, list):
        assert len(parsed) == len(said) > 0
        for one, other in zip(parsed, said):
            assert_prices_agree(kind, symbol, one, other)
        return
    assert parsed.symbol == symbol
    named = {NAMES[kind][letter]: value for letter, value in said.items() if letter in NAMES[kind]}
    assert {"timestamp"} < named.keys()
    assert_agrees(parsed, named, path=f"{kind} {symbol}")

//! Pages of history: the limit counts over all symbols, symbols come one after the other, and the
//! token says where to go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::assets::Asset;
use crate::clock::nanoseconds;
use crate::history::{Direction, History, Portions, Range, Timed};
use crate::refusal::Refusal;

/// Seconds of invented market that one page may make; a page that would need more ends early, and
/// its token goes on.
const SECONDS_MAX: i64 = 1_500_000;

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What a page is asked for.
#[derive(Debug)]
pub(super) struct PageQuery {
    /// In the order of their symbols.
    pub(super) assets: Vec<Arc<Asset>>,
    pub(super) range: Range,
    pub(super) limit: usize,
    pub(super) token: Option<Token>,
}

/// One page.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) by_symbol: BTreeMap<String, Vec<Value>>,
    pub(super) next: Option<String>,
}

/// Where the next page starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    symbol: String,
    at: DateTime<Utc>,
    /// Items at that time that earlier pages have already brought.
    skip: usize,
}

/// What the pages consist of: how an asset's items are read, which are shown, and how each is
/// written.
pub(super) struct Items<'a, T> {
    pub(super) read: &'a dyn Fn(&'a History, &'a Asset, Range) -> Portions<'a, T>,
    /// Whether an item is on the feed that is asked for.
    pub(super) keep: &'a dyn Fn(&T) -> bool,
    pub(super) write: &'a dyn Fn(&Asset, &T) -> Value,
}

impl PageQuery {
    /// Reads one page.
    pub(super) fn read<'a, T: Timed + 'a>(
        &'a self,
        history: &'a History,
        items: &Items<'a, T>,
    ) -> Page {
        let mut page = Page::default();
        let mut count = 0;
        let mut seconds = 0;
        for asset in &self.assets {
            let Some((range, mut skip)) = self.rest_of(asset) else { continue };
            let mut last: Option<(DateTime<Utc>, usize)> = None;
            for portion in (items.read)(history, asset, range) {
                for item in portion.items.into_iter().filter(|item| (items.keep)(item)) {
                    let repeated = match last {
                        Some((at, repeated)) if at == item.at() => repeated + 1,
                        _ => 0,
                    };
                    last = Some((item.at(), repeated));
                    if skip > 0 {
                        skip -= 1;
                        continue;
                    }
                    if count >= self.limit {
                        page.next = Some(Token::new(asset, item.at(), repeated).text());
                        return page;
                    }
                    count += 1;
                    let written = (items.write)(asset, &item);
                    page.by_symbol.entry(asset.symbol.clone()).or_default().push(written);
                }
                seconds += portion.seconds;
                if seconds > SECONDS_MAX {
                    page.next = Some(Token::new(asset, portion.next, 0).text());
                    return page;
                }
            }
        }
        page
    }

    /// What is left of an asset's range after the token, and how many items to pass over.
    fn rest_of(&self, asset: &Asset) -> Option<(Range, usize)> {
        let Some(token) = &self.token else { return Some((self.range, 0)) };
        if asset.symbol < token.symbol {
            return None;
        }
        if asset.symbol > token.symbol {
            return Some((self.range, 0));
        }
        let range = match self.range.direction {
            Direction::Ascending => Range { from: token.at, ..self.range },
            Direction::Descending => Range { until: token.at, ..self.range },
        };
        Some((range, token.skip))
    }
}

impl Token {
    fn new(asset: &Asset, at: DateTime<Utc>, skip: usize) -> Self {
        Self { symbol: asset.symbol.clone(), at, skip }
    }

    /// The token as clients hand it back: opaque to them.
    fn text(&self) -> String {
        let plain = format!("{}|{}|{}", self.symbol, nanoseconds(self.at), self.skip);
        let digits = |byte: u8| [byte >> 4, byte & 15].map(|half| HEX_DIGITS[usize::from(half)]);
        plain.bytes().flat_map(digits).map(char::from).collect()
    }

    /// Reads a token that this venue gave out.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let refusal = || Refusal::bad_request("invalid page_token: use the one of the page before");
        let bytes: Option<Vec<u8>> = text
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let plain = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refusal)?;
        let mut parts = plain.split('|');
        let (Some(symbol), Some(at), Some(skip), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(refusal());
        };
        let at: i64 = at.parse().map_err(|_invalid| refusal())?;
        let skip = skip.parse().map_err(|_invalid| refusal())?;
        Ok(Self { symbol: symbol.to_owned(), at: DateTime::from_timestamp_nanos(at), skip })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_it_was_and_nonsense_is_refused() {
        let token = Token {
            symbol: "BTC/USD".to_owned(),
            at: DateTime::from_timestamp_nanos(1_772_461_860_000_000_001),
            skip: 3,
        };
        assert_eq!(Token::parse(&token.text()).unwrap(), token);
        for text in ["zz", "41", "\u{e9}\u{e9}", "417c317c327c33"] {
            assert!(Token::parse(text).is_err(), "{text}");
        }
    }
}

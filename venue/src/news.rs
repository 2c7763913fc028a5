//! Invented news: a pure function of the seed and the time, about moves that really happened in
//! the invented market.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use crate::assets::AssetTable;
use crate::data_wire::{self, Codec, Stamp};
use crate::hash;
use crate::synthetic::Synthetic;

/// Articles are drawn per stretch of this many seconds.
const SLOT_SECONDS: i64 = 300;
/// Articles that a stretch may have; their numbers leave room for it.
const ARTICLES_PER_SLOT: u64 = 2;
/// The chance of each of them.
const CHANCE: f64 = 0.2;
/// The move that an article tells of is the one of a day.
const DAY_SECONDS: i64 = 86_400;
/// Stretches that one look passes; a page that has not found enough by then ends early.
const SLOTS_MAX: i64 = 400_000;
const AUTHOR: &str = "Troupe Newsroom";
const SOURCE: &str = "troupe";
/// 2015-01-01: nothing is older.
pub(crate) const EARLIEST_SECOND: i64 = 1_420_070_400;

/// Whoever writes about the assets of a venue.
#[derive(Debug)]
pub(crate) struct Newsroom {
    seed: u64,
    subjects: Vec<Subject>,
    /// Where the moves are read from; a tape's future is not known, so its news have no figures.
    market: Option<Arc<Synthetic>>,
}

#[derive(Debug)]
struct Subject {
    /// The asset's symbol.
    symbol: String,
    /// As news name it: without the slash of a pair.
    tag: String,
    name: String,
}

/// One article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Article {
    pub(crate) id: u64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) headline: String,
    pub(crate) summary: String,
    pub(crate) content: String,
    /// Pairs without their slash.
    pub(crate) symbols: Vec<String>,
}

/// Which articles are looked for.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
    pub(crate) newest_first: bool,
    /// Empty means all.
    pub(crate) symbols: Vec<String>,
    /// The id to go on from, itself included.
    pub(crate) start_at: Option<u64>,
    pub(crate) limit: usize,
}

impl Article {
    /// As the API has it; the stream has neither images nor an optional content.
    pub(crate) fn json(&self, include_content: bool) -> Value {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        json!({
            "id": self.id,
            "headline": self.headline,
            "author": AUTHOR,
            "created_at": at,
            "updated_at": at,
            "summary": self.summary,
            "content": if include_content { self.content.as_str() } else { "" },
            "url": null,
            "images": [],
            "symbols": self.symbols,
            "source": SOURCE,
        })
    }

    /// One stream message, without the array around it.
    pub(crate) fn encode(&self, codec: Codec) -> Vec<u8> {
        let at = Stamp { at: self.at, codec };
        let message = WireArticle {
            kind: "n",
            id: self.id,
            headline: &self.headline,
            summary: &self.summary,
            author: AUTHOR,
            created_at: at,
            updated_at: at,
            url: None,
            content: &self.content,
            symbols: &self.symbols,
            source: SOURCE,
        };
        data_wire::bytes(&message, codec)
    }
}

/// An article on the stream.
#[derive(Serialize)]
struct WireArticle<'a> {
    #[serde(rename = "T")]
    kind: &'static str,
    id: u64,
    headline: &'a str,
    summary: &'a str,
    author: &'static str,
    created_at: Stamp,
    updated_at: Stamp,
    url: Option<&'a str>,
    content: &'a str,
    symbols: &'a [String],
    source: &'static str,
}

impl Newsroom {
    pub(crate) fn new(seed: u64, assets: &AssetTable, market: Option<Arc<Synthetic>>) -> Self {
        let subjects = assets
            .iter()
            .filter(|asset| !asset.test_only)
            .map(|asset| Subject {
                symbol: asset.symbol.clone(),
                tag: asset.position_symbol(),
                name: asset.name.clone(),
            })
            .collect();
        Self { seed: hash::of_text(seed, "news"), subjects, market }
    }

    /// The articles of a search, and the id at which the next page starts.
    pub(crate) fn search(&self, search: &Search) -> (Vec<Article>, Option<u64>) {
        let mut found = Vec::new();
        let first = search.from.timestamp().max(EARLIEST_SECOND).div_euclid(SLOT_SECONDS);
        let last = search.until.timestamp().div_euclid(SLOT_SECONDS);
        let start = match (search.start_at.map(slot_of), search.newest_first) {
            (Some(slot), true) => slot.min(last),
            (Some(slot), false) => slot.max(first),
            (None, true) => last,
            (None, false) => first,
        };
        let mut slot = start;
        while (first..=last).contains(&slot) {
            if (slot - start).abs() >= SLOTS_MAX {
                return (found, Some(id_of(slot, 0)));
            }
            let mut numbers: Vec<u64> = (0..ARTICLES_PER_SLOT).collect();
            if search.newest_first {
                numbers.reverse();
            }
            for number in numbers {
                let id = id_of(slot, number);
                let passed = search
                    .start_at
                    .is_some_and(|start| if search.newest_first { id > start } else { id < start });
                let Some((at, subject)) = self.draft(slot, number).filter(|_| !passed) else {
                    continue;
                };
                if at < search.from || at > search.until || !search.wants(subject) {
                    continue;
                }
                if found.len() >= search.limit {
                    return (found, Some(id));
                }
                found.push(self.write(id, at, subject));
            }
            slot += if search.newest_first { -1 } else { 1 };
        }
        (found, None)
    }

    /// When an article appears and whom it is about, if there is one.
    fn draft(&self, slot: i64, number: u64) -> Option<(DateTime<Utc>, &Subject)> {
        let word = hash::mix(self.seed, id_of(slot, number));
        if hash::unit(word) >= CHANCE || self.subjects.is_empty() {
            return None;
        }
        let share = SLOT_SECONDS / ARTICLES_PER_SLOT.cast_signed();
        let offset = number.cast_signed() * share + (word % share.unsigned_abs()).cast_signed();
        let at = DateTime::from_timestamp(slot * SLOT_SECONDS + offset, 0)?;
        let count = u64::try_from(self.subjects.len()).ok()?;
        let index = usize::try_from(hash::mix(word, 1) % count).ok()?;
        Some((at, self.subjects.get(index)?))
    }

    fn write(&self, id: u64, at: DateTime<Utc>, subject: &Subject) -> Article {
        let name = &subject.name;
        let word = hash::mix(self.seed, id);
        let (headline, summary) = match self.day_change(subject, at.timestamp()) {
            Some((price, percent)) => {
                let verb = verb(percent, word);
                let size = percent.abs();
                (
                    format!("{name} {verb} {size:.2} percent within a day"),
                    format!(
                        "{name} ({}) was last at {price:.2} dollars, {percent:+.2} percent from \
                         a day before.",
                        subject.tag
                    ),
                )
            }
            None => (
                format!("What traders watch in {name} today"),
                format!("{name} ({}) is among the most discussed names today.", subject.tag),
            ),
        };
        let content = format!(
            "<p>{summary}</p><p>This article was written by a machine about an invented market.</p>"
        );
        let symbols = vec![subject.tag.clone()];
        Article { id, at, headline, summary, content, symbols }
    }

    /// A price and what it changed by within a day, in percent.
    fn day_change(&self, subject: &Subject, second: i64) -> Option<(f64, f64)> {
        let market = self.market.as_ref()?;
        let listing = market.listing(&subject.symbol)?;
        let mut walker = market.walker(listing);
        let before = walker.price_at(second - DAY_SECONDS);
        let price = walker.price_at(second);
        Some((price, (price / before - 1.0) * 100.0))
    }
}

impl Search {
    fn wants(&self, subject: &Subject) -> bool {
        self.symbols.is_empty()
            || self.symbols.iter().any(|one| *one == subject.tag || *one == subject.symbol)
    }
}

fn verb(percent: f64, word: u64) -> &'static str {
    let words = if percent >= 0.0 {
        ["gains", "rises", "climbs", "adds"]
    } else {
        ["loses", "falls", "slips", "drops"]
    };
    words[usize::try_from(hash::mix(word, 2) % 4).unwrap_or(0)]
}

fn id_of(slot: i64, number: u64) -> u64 {
    slot.unsigned_abs() * ARTICLES_PER_SLOT + number
}

fn slot_of(id: u64) -> i64 {
    i64::try_from(id / ARTICLES_PER_SLOT).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SyntheticOptions;
    use crate::universe;

    fn newsroom() -> Newsroom {
        let assets = AssetTable::new(universe::assets());
        let market = Arc::new(Synthetic::new(SyntheticOptions::default(), &assets));
        Newsroom::new(1, &assets, Some(market))
    }

    fn search(newest_first: bool) -> Search {
        Search {
            from: "2026-11-20T00:00:00Z".parse().unwrap(),
            until: "2026-11-21T00:00:00Z".parse().unwrap(),
            newest_first,
            symbols: Vec::new(),
            start_at: None,
            limit: 1_000,
        }
    }

    #[test]
    fn pages_join_to_the_whole_in_both_directions_and_one_is_the_reverse_of_the_other() {
        let newsroom = newsroom();
        let mut wholes = Vec::new();
        for newest_first in [true, false] {
            let (whole, next) = newsroom.search(&search(newest_first));
            assert_eq!(next, None);
            assert!(whole.len() > 50, "{} articles in a day", whole.len());
            let mut joined = Vec::new();
            let mut page = Search { limit: 7, ..search(newest_first) };
            loop {
                let (found, next) = newsroom.search(&page);
                joined.extend(found);
                page.start_at = next;
                if next.is_none() {
                    break;
                }
            }
            assert_eq!(joined, whole);
            wholes.push(whole);
        }
        wholes[1].reverse();
        assert_eq!(wholes[0], wholes[1]);
    }

    #[test]
    fn a_search_by_symbol_finds_that_symbol_only_under_either_name() {
        let newsroom = newsroom();
        let week = Search {
            from: "2026-11-01T00:00:00Z".parse().unwrap(),
            symbols: vec!["BTCUSD".to_owned()],
            ..search(true)
        };
        let (found, _) = newsroom.search(&week);
        assert!(!found.is_empty());
        assert!(found.iter().all(|article| article.symbols == ["BTCUSD"]));
        let slash = Search { symbols: vec!["BTC/USD".to_owned()], ..week };
        assert_eq!(newsroom.search(&slash).0, found);
    }
}

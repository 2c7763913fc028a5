//! Watchlists: named lists of assets that an account keeps with the venue.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::books::Change;
use crate::exchange::{Exchange, Step};
use crate::refusal::Refusal;

/// The longest name.
pub(crate) const NAME_LENGTH_MAX: usize = 64;
/// Lists of one account, and symbols on one list.
const LISTS_MAX: usize = 200;
const SYMBOLS_MAX: usize = 1_000;

/// One list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watchlist {
    pub(crate) id: Uuid,
    pub(crate) account_id: Uuid,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) name: String,
    /// Symbols as the assets have them, in the order they were put in; none twice.
    pub(crate) symbols: Vec<String>,
}

/// How a request names a list.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    Id(Uuid),
    Name(String),
}

/// Every account's lists.
#[derive(Debug, Default)]
pub(crate) struct Watchlists {
    /// By account, in the order of creation.
    lists: BTreeMap<Uuid, Vec<Watchlist>>,
}

impl Watchlist {
    /// Puts a symbol at the end.
    pub(crate) fn add(&mut self, symbol: String) -> Result<(), Refusal> {
        if self.symbols.contains(&symbol) {
            return Err(Refusal::invalid(format!("{symbol} is on the watchlist already")));
        }
        self.symbols.push(symbol);
        Ok(())
    }

    /// Takes a symbol off.
    pub(crate) fn remove(&mut self, symbol: &str) -> Result<(), Refusal> {
        let place = self
            .symbols
            .iter()
            .position(|one| one == symbol)
            .ok_or_else(|| Refusal::not_found(format!("{symbol} is not on the watchlist")))?;
        self.symbols.remove(place);
        Ok(())
    }
}

impl Watchlists {
    pub(crate) fn of(&self, account_id: Uuid) -> &[Watchlist] {
        self.lists.get(&account_id).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn find(&self, account_id: Uuid, which: &Which) -> Result<&Watchlist, Refusal> {
        self.of(account_id)
            .iter()
            .find(|list| match which {
                Which::Id(id) => list.id == *id,
                Which::Name(name) => list.name == *name,
            })
            .ok_or_else(|| match which {
                Which::Id(id) => Refusal::not_found(format!("watchlist not found for {id}")),
                Which::Name(name) => Refusal::not_found(format!("watchlist not found for {name}")),
            })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Watchlist> {
        self.lists.values().flatten()
    }

    pub(crate) fn put(&mut self, list: Watchlist) {
        let lists = self.lists.entry(list.account_id).or_default();
        match lists.iter_mut().find(|known| known.id == list.id) {
            Some(known) => *known = list,
            None => lists.push(list),
        }
    }

    /// Drops every list of an account.
    pub(crate) fn forget(&mut self, account_id: Uuid) {
        self.lists.remove(&account_id);
    }

    pub(crate) fn remove(&mut self, account_id: Uuid, id: Uuid) {
        if let Some(lists) = self.lists.get_mut(&account_id) {
            lists.retain(|list| list.id != id);
        }
    }
}

impl Exchange {
    /// Keeps a new list.
    pub(crate) fn create_watchlist(
        &self,
        account_id: Uuid,
        name: String,
        symbols: Vec<String>,
    ) -> Result<Watchlist, Refusal> {
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let list = Watchlist {
            id: inner.ids.next(),
            account_id,
            created_at: now,
            updated_at: now,
            name,
            symbols,
        };
        let lists = inner.books.watchlists.of(account_id);
        if lists.len() >= LISTS_MAX {
            let message = format!("an account may have at most {LISTS_MAX} watchlists");
            return Err(Refusal::invalid(message));
        }
        check(lists, &list)?;
        let change = Change::Watchlist { watchlist: list.clone() };
        self.commit(inner, vec![Step { change, update: None }])?;
        Ok(list)
    }

    /// Changes a list, and returns it as it is then.
    pub(crate) fn edit_watchlist(
        &self,
        account_id: Uuid,
        which: &Which,
        edit: impl FnOnce(&mut Watchlist) -> Result<(), Refusal>,
    ) -> Result<Watchlist, Refusal> {
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let mut list = inner.books.watchlists.find(account_id, which)?.clone();
        edit(&mut list)?;
        list.updated_at = now;
        check(inner.books.watchlists.of(account_id), &list)?;
        let change = Change::Watchlist { watchlist: list.clone() };
        self.commit(inner, vec![Step { change, update: None }])?;
        Ok(list)
    }

    /// Forgets a list.
    pub(crate) fn delete_watchlist(&self, account_id: Uuid, which: &Which) -> Result<(), Refusal> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let id = inner.books.watchlists.find(account_id, which)?.id;
        let change = Change::WatchlistDeleted { account_id, id };
        self.commit(inner, vec![Step { change, update: None }])
    }
}

fn check(lists: &[Watchlist], list: &Watchlist) -> Result<(), Refusal> {
    let length = list.name.chars().count();
    if length == 0 || length > NAME_LENGTH_MAX {
        let message = format!("watchlist name must have 1 to {NAME_LENGTH_MAX} characters");
        return Err(Refusal::invalid(message));
    }
    if lists.iter().any(|other| other.id != list.id && other.name == list.name) {
        return Err(Refusal::invalid("watchlist name must be unique"));
    }
    if list.symbols.len() > SYMBOLS_MAX {
        let message = format!("a watchlist may have at most {SYMBOLS_MAX} symbols");
        return Err(Refusal::invalid(message));
    }
    Ok(())
}

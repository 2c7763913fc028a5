//! The realistic model: what paper trading leaves out.
//!
//! Every symbol has an order book of its own. An order travels to it, takes no more than what is
//! there, queues behind what came before it, and moves the price against itself the more it takes.
//! Everything random is drawn from the seed and the order's number, so a tape gives one sequence of
//! fills.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::depth::Depth;
use super::latency::Trip;
use super::listing::Listing;
use super::{Due, Fill, FillModel, Occasion, Scene, Travels};
use crate::assets::Asset;
use crate::hash;
use crate::options::RealisticOptions;
use crate::orders::{Order, OrderStatus};

/// The model and its books.
#[derive(Debug)]
pub(crate) struct Realistic {
    options: RealisticOptions,
    listings: HashMap<String, Listing>,
    /// Orders that this model knows, and until when they travel.
    known: HashMap<u64, Known>,
    /// What travels, by the time of its arrival.
    travelling: BTreeSet<(DateTime<Utc>, u64, Trip)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    order_due: Option<DateTime<Utc>>,
    cancel_due: Option<DateTime<Utc>>,
}

impl Realistic {
    pub(crate) fn new(options: RealisticOptions) -> Self {
        Self {
            options,
            listings: HashMap::new(),
            known: HashMap::new(),
            travelling: BTreeSet::new(),
        }
    }

    /// A new order starts its way to the book.
    fn set_off(&mut self, order: &Order, asset: &Asset) -> Known {
        let due = if self.travels(asset) == Travels::ForSomeTime {
            self.send(order, order.created_at, Trip::Order)
        } else {
            self.travelling.insert((order.created_at, order.sequence, Trip::Order));
            order.created_at
        };
        Known { order_due: Some(due), cancel_due: None }
    }

    /// A message travels for a time that the seed and the order's number decide.
    fn send(&mut self, order: &Order, from: DateTime<Utc>, trip: Trip) -> DateTime<Utc> {
        let due = from + self.options.latency.of(self.options.seed, order.sequence, trip);
        self.travelling.insert((due, order.sequence, trip));
        due
    }

    fn forget(&mut self, order: &Order) {
        if let Some(known) = self.known.remove(&order.sequence) {
            let trips = [(known.order_due, Trip::Order), (known.cancel_due, Trip::Cancel)];
            for (due, trip) in trips {
                if let Some(due) = due {
                    self.travelling.remove(&(due, order.sequence, trip));
                }
            }
        }
        if let Some(listing) = self.listings.get_mut(&order.symbol) {
            listing.remove(order.sequence);
        }
    }

    /// The order has arrived, however that came about.
    fn has_arrived(&mut self, sequence: u64) {
        if let Some(due) = self.known.get_mut(&sequence).and_then(|known| known.order_due.take()) {
            self.travelling.remove(&(due, sequence, Trip::Order));
        }
    }
}

impl FillModel for Realistic {
    fn fills(&mut self, scene: Scene<'_>, occasion: Occasion<'_>) -> Vec<Fill> {
        if let Occasion::Arrival(order) | Occasion::Begun { order, .. } = occasion {
            self.has_arrived(order.sequence);
        }
        let Some(listing) = self.listings.get_mut(scene.symbol) else { return Vec::new() };
        match occasion {
            Occasion::Event(event) => listing.happened(&self.options, scene, &event.what),
            Occasion::Arrival(order) => listing.arrived(&self.options, scene, order),
            Occasion::Begun { order, by } => listing.begun(&self.options, scene, order, &by.what),
        }
    }

    fn note(&mut self, order: &Order, asset: &Asset) {
        let Some(working) = order.working() else { return self.forget(order) };
        if !self.listings.contains_key(&order.symbol) {
            let depth = Depth {
                key: hash::of_text(self.options.seed, &order.symbol),
                price_increment: asset.price_increment,
                lot: asset.lot(),
            };
            self.listings.insert(order.symbol.clone(), Listing::new(depth));
        }
        let sequence = order.sequence;
        let mut known = match self.known.get(&sequence) {
            Some(known) => *known,
            None => self.set_off(order, asset),
        };
        if order.status == OrderStatus::PendingCancel && known.cancel_due.is_none() {
            known.cancel_due = Some(self.send(order, order.updated_at, Trip::Cancel));
        }
        if let Some(listing) = self.listings.get_mut(&order.symbol) {
            listing.note(&working);
            // It lost its place: its price was changed, or a fill of it could not be booked.
            if known.order_due.is_none() && !listing.holds(sequence) {
                self.travelling.insert((order.updated_at, sequence, Trip::Order));
                known.order_due = Some(order.updated_at);
            }
        }
        self.known.insert(sequence, known);
    }

    fn next_due(&mut self, now: DateTime<Utc>) -> Option<Due> {
        let first = self.travelling.first().copied().filter(|(at, _, _)| *at <= now)?;
        self.travelling.remove(&first);
        let (at, sequence, trip) = first;
        if let Some(known) = self.known.get_mut(&sequence) {
            match trip {
                Trip::Order => known.order_due = None,
                Trip::Cancel => known.cancel_due = None,
            }
        }
        Some(Due { at, sequence, trip })
    }

    /// A bar is coarser than any latency: between two bars nothing can be seen of it.
    fn travels(&self, asset: &Asset) -> Travels {
        if asset.bar_seconds.is_none() { Travels::ForSomeTime } else { Travels::AtOnce }
    }

    fn follows(&self, symbol: &str) -> bool {
        self.listings.contains_key(symbol)
    }
}

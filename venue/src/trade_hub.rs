//! Who listens to which account's orders.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::ws::Message;
use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calendar;
use crate::faults::{Delivery, Faults, Post};
use crate::link::Link;
use crate::number;
use crate::order_wire::{self, Place};
use crate::orders::Order;

/// One execution inside a trade update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Execution {
    pub(crate) price: Decimal,
    pub(crate) qty: Decimal,
    /// The position after it.
    pub(crate) position_qty: Decimal,
}

/// News about an order.
#[derive(Clone, Debug)]
pub(crate) struct TradeUpdate {
    pub(crate) event: &'static str,
    pub(crate) event_id: String,
    /// Absent on `pending_new`, as on the real stream.
    pub(crate) execution_id: Option<Uuid>,
    pub(crate) execution: Option<Execution>,
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
}

/// A client of `/stream`.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) account_id: Uuid,
    pub(crate) frames: Frames,
    pub(crate) link: Arc<Link>,
}

/// How updates are framed: binary JSON as the paper service does, text, or msgpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frames {
    Binary,
    Text,
    MessagePack,
}

/// Every client of `/stream` that listens now.
#[derive(Debug, Default)]
pub(crate) struct TradeHub {
    listeners: Mutex<Vec<Arc<Listener>>>,
    post: Post,
}

impl Frames {
    /// One message in this framing.
    pub(crate) fn encode(self, value: &Value) -> Message {
        match self {
            Self::Binary => Message::Binary(value.to_string().into_bytes().into()),
            Self::Text => Message::Text(value.to_string().into()),
            Self::MessagePack => match rmp_serde::to_vec_named(value) {
                Ok(bytes) => Message::Binary(bytes.into()),
                Err(error) => {
                    tracing::error!(%error, "a trade update cannot be written as msgpack");
                    Message::Binary(Vec::new().into())
                }
            },
        }
    }
}

impl TradeHub {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { listeners: Mutex::default(), post: Post::new(faults) }
    }

    pub(crate) fn add(&self, listener: Arc<Listener>) {
        self.lock().push(listener);
    }

    pub(crate) fn remove(&self, link: &Arc<Link>) {
        self.lock().retain(|listener| !Arc::ptr_eq(&listener.link, link));
    }

    /// Tells the account's listeners. Called while the books are locked, so that the order of
    /// updates is the order of changes.
    pub(crate) fn publish(&self, order: &Order, update: &TradeUpdate) {
        let delivery = self.post.delivery(order.account_id, &order.symbol, update.event, update.at);
        let listeners = self.lock();
        if !listeners.iter().any(|one| one.account_id == order.account_id) {
            return;
        }
        let value = update.json(order);
        for (value, delivery) in Post::messages(value, delivery) {
            self.tell(&listeners, &value, &delivery);
        }
    }

    fn tell(&self, listeners: &[Arc<Listener>], value: &Value, delivery: &Delivery) {
        let account_id = delivery.account_id;
        let mut encoded: Vec<(Frames, Message)> = Vec::new();
        for listener in listeners.iter().filter(|one| one.account_id == account_id) {
            let known = encoded.iter().find(|(frames, _)| *frames == listener.frames);
            let message = if let Some((_, message)) = known {
                message.clone()
            } else {
                let message = listener.frames.encode(value);
                encoded.push((listener.frames, message.clone()));
                message
            };
            if self.post.send(delivery, &listener.link, &message).is_err() {
                tracing::warn!(account.id = %account_id, "a trade stream is too slow, closing it");
            }
        }
        self.post.overtaken(delivery);
    }

    /// The links of everybody who listens.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.lock().iter().map(|listener| Arc::clone(&listener.link)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TradeUpdate {
    fn json(&self, order: &Order) -> Value {
        let mut data = json!({
            "at": self.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "event_id": self.event_id,
            "event": self.event,
            "timestamp": order_wire::timestamp(self.at),
            "order": order_wire::json(order, Place::Stream),
        });
        if let Some(id) = self.execution_id {
            data["execution_id"] = id.to_string().into();
        }
        if let Some(execution) = self.execution {
            data["price"] = number::text(execution.price).into();
            data["qty"] = number::text(execution.qty).into();
            data["position_qty"] = number::text(execution.position_qty).into();
            data["swap_rate"] = "1".into();
            let date = calendar::new_york_date(self.at);
            data["settle_date"] = calendar::settlement_date(date).to_string().into();
        }
        json!({"stream": "trade_updates", "data": data})
    }
}

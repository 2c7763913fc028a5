//! Alpaca's words for what an order is and where it stands.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub(crate) enum $name {
            $(#[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Alpaca's word.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

        }
    };
}

words!(
    /// Which way the order trades.
    Side { Buy => "buy", Sell => "sell" }
);
words!(
    /// How the price is set.
    OrderType {
        Market => "market",
        Limit => "limit",
        Stop => "stop",
        StopLimit => "stop_limit",
        TrailingStop => "trailing_stop",
    }
);
words!(
    /// How long the order works.
    TimeInForce {
        Day => "day",
        Gtc => "gtc",
        Opg => "opg",
        Cls => "cls",
        Ioc => "ioc",
        Fok => "fok",
    }
);
words!(
    /// Whether the order stands alone or in a group.
    OrderClass { Simple => "simple", Bracket => "bracket", Oco => "oco", Oto => "oto" }
);
words!(
    /// What the order does to the position.
    PositionIntent {
        BuyToOpen => "buy_to_open",
        BuyToClose => "buy_to_close",
        SellToOpen => "sell_to_open",
        SellToClose => "sell_to_close",
    }
);
words!(
    /// Where the order stands. The rare ones are never given by this venue itself; clients know the
    /// names, and books that were written elsewhere may hold them.
    OrderStatus {
        PendingNew => "pending_new",
        Accepted => "accepted",
        AcceptedForBidding => "accepted_for_bidding",
        New => "new",
        Held => "held",
        PartiallyFilled => "partially_filled",
        PendingCancel => "pending_cancel",
        PendingReplace => "pending_replace",
        Stopped => "stopped",
        Suspended => "suspended",
        Calculated => "calculated",
        DoneForDay => "done_for_day",
        Filled => "filled",
        Canceled => "canceled",
        Expired => "expired",
        Replaced => "replaced",
        Rejected => "rejected",
    }
);

impl Side {
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// A quantity as the position counts it: below zero for a sell.
    pub(crate) fn signed<N: std::ops::Neg<Output = N>>(self, qty: N) -> N {
        match self {
            Self::Buy => qty,
            Self::Sell => -qty,
        }
    }
}

impl OrderType {
    /// Whether the order waits for a stop price first.
    pub(crate) fn has_stop(self) -> bool {
        match self {
            Self::Stop | Self::StopLimit | Self::TrailingStop => true,
            Self::Market | Self::Limit => false,
        }
    }
}

impl TimeInForce {
    /// Whether what does not trade at once is canceled.
    pub(crate) fn is_immediate(self) -> bool {
        matches!(self, Self::Ioc | Self::Fok)
    }

    /// Whether the order trades in an auction only.
    pub(crate) fn is_auction(self) -> bool {
        matches!(self, Self::Opg | Self::Cls)
    }
}

impl PositionIntent {
    pub(crate) fn opening(side: Side) -> Self {
        match side {
            Side::Buy => Self::BuyToOpen,
            Side::Sell => Self::SellToOpen,
        }
    }

    pub(crate) fn closing(side: Side) -> Self {
        match side {
            Side::Buy => Self::BuyToClose,
            Side::Sell => Self::SellToClose,
        }
    }

    /// Whether the position grows.
    pub(crate) fn opens(self) -> bool {
        matches!(self, Self::BuyToOpen | Self::SellToOpen)
    }
}

impl OrderStatus {
    /// Whether the order may still trade, now or later.
    pub(crate) fn is_open(self) -> bool {
        match self {
            Self::PendingNew
            | Self::Accepted
            | Self::AcceptedForBidding
            | Self::New
            | Self::Held
            | Self::PartiallyFilled
            | Self::PendingCancel
            | Self::PendingReplace
            | Self::Stopped
            | Self::Suspended
            | Self::Calculated
            | Self::DoneForDay => true,
            Self::Filled | Self::Canceled | Self::Expired | Self::Replaced | Self::Rejected => {
                false
            }
        }
    }

    /// Whether the order is in the market now.
    pub(crate) fn is_working(self) -> bool {
        matches!(
            self,
            Self::New | Self::PartiallyFilled | Self::PendingCancel | Self::PendingReplace
        )
    }
}

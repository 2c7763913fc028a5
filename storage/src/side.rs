//! Buy or sell, as the tables write it.

/// Which way an order, a fill or a trade goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Into a long position, or out of a short one.
    Buy,
    /// Out of a long position, or into a short one.
    Sell,
}

impl Side {
    /// `buy` or `sell`, as orders and fills have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }

    /// `BUY` or `SELL`, as the trade history has it.
    pub fn action(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }

    /// Reads either form.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Buy, Self::Sell]
            .into_iter()
            .find(|side| side.as_str() == name || side.action() == name)
    }
}

//! A part of a long list.

/// Rows of one page, and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows asked for, in the order the query names.
    pub items: Vec<T>,
    /// Rows that match the filter, on all pages.
    pub total: u64,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Most rows to return; more than [`PageRequest::LIMIT_MAX`] is cut to it.
    pub limit: u32,
    /// Rows to skip.
    pub offset: u64,
}

impl PageRequest {
    /// Most rows of one page.
    pub const LIMIT_MAX: u32 = 1000;

    pub(crate) fn sql_limit(self) -> i64 {
        i64::from(self.limit.min(Self::LIMIT_MAX))
    }

    pub(crate) fn sql_offset(self) -> i64 {
        i64::try_from(self.offset).unwrap_or(i64::MAX)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { limit: 100, offset: 0 }
    }
}

/// A count from SQL; never negative.
pub(crate) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

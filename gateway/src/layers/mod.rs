//! What every request passes on its way in and out, from the outside to the inside.

pub(crate) mod csrf;
pub(crate) mod deadline;
pub(crate) mod finish;
pub(crate) mod identify;
pub(crate) mod rate;

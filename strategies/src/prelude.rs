//! What a strategy's file needs: `use crate::prelude::*`.

pub(crate) use crate::registry::Definition;
pub(crate) use crate::rule::{Crossing, Turn, after, consistent};
pub(crate) use engine::bar::Bar;
pub(crate) use engine::params::{ParamSpec, number, whole};
pub(crate) use engine::strategy::{Indicators, Stance, Strategy};
pub(crate) use serde::{Deserialize, Serialize};

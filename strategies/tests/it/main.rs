//! All strategies from outside.

mod laws;
mod reference;
mod support;

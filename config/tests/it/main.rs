//! What a person sees when the settings are right, and when they are not.

mod defaults;
mod mistakes;
mod precedence;
mod secrets;
mod support;

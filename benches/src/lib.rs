//! What the benches share: time, samples, an invented market, a desk's surroundings.
//!
//! The measurements are in `benches/`, their figures and how they were taken in `README.md`.

pub mod desk_world;
pub mod history;
pub mod order_door;
pub mod samples;
pub mod signal_count;
pub mod tape;
pub mod world;

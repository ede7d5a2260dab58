//! The consensus rules alone as wasm.

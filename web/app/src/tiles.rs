//! Vector tiles (Mapbox Vector Tile 2.1) made of the hexes the verifier has spoken about.
//!
//! Two layers: `hex` with one polygon per cell, `area` with one point per group of cells for low zoom.
//! The only properties are `s`, the proof state as a number, and `n`, how many hexes a point stands
//! for. Pure: cells in, bytes out.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tile coordinates: a float to integer cast saturates, and a corner far outside the tile is cut by the map anyway"
)]

use std::collections::BTreeMap;

use h3o::Resolution;
use heliotrope_wasm::protocol::HexState;

use crate::{
    cells::{Cells, least_proven},
    geo,
};

/// Values of `s`: the states, by their number.
const STATES: u64 = HexState::ALL.len() as u64;
const EXTENT: f64 = 4096.0;
/// Share of a tile drawn beyond its edges, so that outlines meet.
const MARGIN: f64 = 0.02;
/// Below this zoom a hex is smaller than three pixels.
const HEX_MIN_ZOOM: u8 = 6;
/// Up to this zoom, groups are res-2 cells; above, res-4 cells.
const COARSE_MAX_ZOOM: u8 = 2;
/// Points are drawn up to this zoom.
const AREA_MAX_ZOOM: u8 = 8;

/// The tile's square in the map's square.
#[derive(Debug, Clone, Copy)]
struct Window {
    x0: f64,
    y0: f64,
    side: f64,
}

impl Window {
    fn new(z: u8, x: u32, y: u32) -> Self {
        let side = 0.5_f64.powi(i32::from(z));
        Self { x0: f64::from(x) * side, y0: f64::from(y) * side, side }
    }

    fn touches(&self, min: (f64, f64), max: (f64, f64)) -> bool {
        let margin = self.side * MARGIN;
        max.0 >= self.x0 - margin
            && min.0 <= self.x0 + self.side + margin
            && max.1 >= self.y0 - margin
            && min.1 <= self.y0 + self.side + margin
    }

    fn project(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (
            ((x - self.x0) / self.side * EXTENT).round() as i32,
            ((y - self.y0) / self.side * EXTENT).round() as i32,
        )
    }
}

/// One tile; empty where there is nothing.
pub(crate) fn encode(cells: &Cells, z: u8, x: u32, y: u32) -> Vec<u8> {
    let window = Window::new(z, x, y);
    let mut tile = Vec::new();
    if z >= HEX_MIN_ZOOM {
        let layer = hex_layer(cells, window);
        put_bytes(&mut tile, 3, &layer);
    }
    if z <= AREA_MAX_ZOOM {
        let coarse = z <= COARSE_MAX_ZOOM;
        let layer = area_layer(cells, window, coarse);
        put_bytes(&mut tile, 3, &layer);
    }
    tile
}

fn hex_layer(cells: &Cells, window: Window) -> Vec<u8> {
    let mut layer = layer_head("hex");
    for (_, area) in cells.areas().filter(|(_, area)| window.touches(area.min, area.max)) {
        let entries = area.cells.iter().filter_map(|cell| cells.get(*cell));
        for entry in entries.filter(|entry| window.touches(entry.shape.min, entry.shape.max)) {
            let ring: Vec<(i32, i32)> =
                entry.shape.ring.iter().map(|corner| window.project(*corner)).collect();
            let mut feature = Vec::new();
            put_packed(&mut feature, 2, &[0, u64::from(entry.hex.state as u8)]);
            put_varint_field(&mut feature, 3, 3);
            put_packed(&mut feature, 4, &polygon(&ring));
            put_bytes(&mut layer, 2, &feature);
        }
    }
    put_bytes(&mut layer, 3, b"s");
    for state in 0..STATES {
        put_uint_value(&mut layer, state);
    }
    put_varint_field(&mut layer, 5, EXTENT as u64);
    layer
}

/// A group of cells at low zoom.
#[derive(Debug, Default)]
struct Group {
    states: Vec<HexState>,
    sum: (f64, f64),
}

fn area_layer(cells: &Cells, window: Window, coarse: bool) -> Vec<u8> {
    let mut groups: BTreeMap<u64, Group> = BTreeMap::new();
    for (parent, area) in cells.areas() {
        let key = if coarse { geo::parent(parent, Resolution::Two) } else { parent };
        let group = groups.entry(key).or_default();
        for entry in area.cells.iter().filter_map(|cell| cells.get(*cell)) {
            group.states.push(entry.hex.state);
            group.sum.0 += entry.shape.centre.0;
            group.sum.1 += entry.shape.centre.1;
        }
    }
    let mut layer = layer_head("area");
    let mut sizes: Vec<u64> = Vec::new();
    for group in groups.values().filter(|group| !group.states.is_empty()) {
        let n = group.states.len() as f64;
        let middle = (group.sum.0 / n, group.sum.1 / n);
        if !window.touches(middle, middle) {
            continue;
        }
        let state = least_proven(group.states.iter().copied());
        let size_index = STATES.saturating_add(sizes.len() as u64);
        sizes.push(group.states.len() as u64);
        let (px, py) = window.project(middle);
        let mut feature = Vec::new();
        put_packed(&mut feature, 2, &[0, u64::from(state as u8), 1, size_index]);
        put_varint_field(&mut feature, 3, 1);
        put_packed(&mut feature, 4, &[command(1, 1), zigzag(px), zigzag(py)]);
        put_bytes(&mut layer, 2, &feature);
    }
    put_bytes(&mut layer, 3, b"s");
    put_bytes(&mut layer, 3, b"n");
    for value in (0..STATES).chain(sizes) {
        put_uint_value(&mut layer, value);
    }
    put_varint_field(&mut layer, 5, EXTENT as u64);
    layer
}

fn layer_head(name: &str) -> Vec<u8> {
    let mut layer = Vec::new();
    put_varint_field(&mut layer, 15, 2);
    put_bytes(&mut layer, 1, name.as_bytes());
    layer
}

/// Geometry commands of one ring, turned so that it counts as an outer ring.
fn polygon(ring: &[(i32, i32)]) -> Vec<u64> {
    let mut area = 0_i64;
    for ((ax, ay), (bx, by)) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        let cross = i64::from(*ax)
            .saturating_mul(i64::from(*by))
            .saturating_sub(i64::from(*bx).saturating_mul(i64::from(*ay)));
        area = area.saturating_add(cross);
    }
    let ordered: Vec<(i32, i32)> =
        if area < 0 { ring.iter().rev().copied().collect() } else { ring.to_vec() };
    let mut out = Vec::new();
    let mut at = (0_i32, 0_i32);
    for (i, point) in ordered.iter().enumerate() {
        match i {
            0 => out.push(command(1, 1)),
            1 => out.push(command(2, (ordered.len() as u64).saturating_sub(1))),
            _ => {}
        }
        out.push(zigzag(point.0.saturating_sub(at.0)));
        out.push(zigzag(point.1.saturating_sub(at.1)));
        at = *point;
    }
    out.push(command(7, 1));
    out
}

const fn command(id: u64, count: u64) -> u64 {
    (count << 3) | id
}

fn zigzag(value: i32) -> u64 {
    u64::from(((value << 1) ^ (value >> 31)).cast_unsigned())
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_varint_field(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 3);
    put_varint(out, value);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, (field << 3) | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_packed(out: &mut Vec<u8>, field: u64, values: &[u64]) {
    let mut packed = Vec::new();
    for value in values {
        put_varint(&mut packed, *value);
    }
    put_bytes(out, field, &packed);
}

fn put_uint_value(layer: &mut Vec<u8>, value: u64) {
    let mut bytes = Vec::new();
    put_varint_field(&mut bytes, 5, value);
    put_bytes(layer, 4, &bytes);
}

#[cfg(test)]
mod tests {
    use heliotrope_wasm::protocol::Hex;

    use super::*;

    #[test]
    fn a_tile_holds_the_hexes_that_touch_it_and_no_others() {
        let mut cells = Cells::default();
        let cell = geo::cell_at(48.8566, 2.3522).unwrap();
        cells.upsert(vec![Hex {
            cell: format!("{cell:x}"),
            state: HexState::Verified,
            beacons: 1,
            passed: 1,
            failed: 0,
            indeterminate: 0,
            witnesses_selected: 0,
            witnesses_rejected: 0,
        }]);
        let (cx, cy) = geo::shape(cell).unwrap().centre;
        let (x, y) = ((cx * 1024.0) as u32, (cy * 1024.0) as u32);
        let here = encode(&cells, 10, x, y);
        let elsewhere = encode(&cells, 10, x + 40, y);
        assert!(here.len() > elsewhere.len() + 20);
    }

    #[test]
    fn outer_rings_run_clockwise_on_screen() {
        let square = [(0, 0), (0, 10), (10, 10), (10, 0)];
        // The second point is (10, 0) after turning: first a move to (10, 0), then to (10, 10).
        assert_eq!(polygon(&square)[..3], [command(1, 1), zigzag(10), 0]);
    }
}

//! Where a cell lies: outlines and centres of H3 cells in degrees and in the map's square.
//!
//! The map's square is web Mercator scaled to 0..1, x to the east, y to the south. Pure.

use h3o::{CellIndex, LatLng, Resolution};

/// Outline and centre of one cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    /// Latitude of the centre in degrees.
    pub(crate) lat: f64,
    /// Longitude of the centre in degrees.
    pub(crate) lng: f64,
    /// Centre in the map's square.
    pub(crate) centre: (f64, f64),
    /// Corners in the map's square, unwrapped around the centre.
    pub(crate) ring: Vec<(f64, f64)>,
    /// North-west corner of the rectangle around it in the map's square.
    pub(crate) min: (f64, f64),
    /// South-east corner of it.
    pub(crate) max: (f64, f64),
}

/// Degrees to the map's square.
fn mercator(lat: f64, lng: f64) -> (f64, f64) {
    let sin = lat.to_radians().sin().clamp(-0.9999, 0.9999);
    let y = 0.5 - ((1.0 + sin) / (1.0 - sin)).ln() / (4.0 * std::f64::consts::PI);
    (lng / 360.0 + 0.5, y)
}

/// The shape of a cell; `None` when the number is not an H3 cell.
pub(crate) fn shape(cell: u64) -> Option<Shape> {
    let index = CellIndex::try_from(cell).ok()?;
    let at = LatLng::from(index);
    let centre = mercator(at.lat(), at.lng());
    let ring: Vec<(f64, f64)> = index
        .boundary()
        .iter()
        .map(|corner| {
            let (x, y) = mercator(corner.lat(), corner.lng());
            // A corner on the far side of the antimeridian is drawn beside its centre.
            let x = if x - centre.0 > 0.5 {
                x - 1.0
            } else if centre.0 - x > 0.5 {
                x + 1.0
            } else {
                x
            };
            (x, y)
        })
        .collect();
    let min = ring.iter().fold(centre, |min, at| (min.0.min(at.0), min.1.min(at.1)));
    let max = ring.iter().fold(centre, |max, at| (max.0.max(at.0), max.1.max(at.1)));
    Some(Shape { lat: at.lat(), lng: at.lng(), centre, ring, min, max })
}

/// Corners as lng, lat, lng, lat … in degrees.
pub(crate) fn ring_degrees(cell: u64) -> Vec<f64> {
    CellIndex::try_from(cell).map_or_else(
        |_| Vec::new(),
        |index| index.boundary().iter().flat_map(|corner| [corner.lng(), corner.lat()]).collect(),
    )
}

/// The res-8 cell at a place given in degrees.
pub(crate) fn cell_at(lat: f64, lng: f64) -> Option<u64> {
    // The map repeats to both sides: bring the longitude home.
    let lng = (lng + 180.0).rem_euclid(360.0) - 180.0;
    LatLng::new(lat, lng).ok().map(|at| at.to_cell(Resolution::Eight).into())
}

/// The ancestor of a cell; the cell itself when it has none of that resolution.
pub(crate) fn parent(cell: u64, resolution: Resolution) -> u64 {
    CellIndex::try_from(cell)
        .ok()
        .and_then(|index| index.parent(resolution))
        .map_or(cell, u64::from)
}

/// The res-4 cell at a place and its neighbours.
pub(crate) fn parents_near(lat: f64, lng: f64) -> Vec<u64> {
    let Some(cell) = cell_at(lat, lng) else { return Vec::new() };
    CellIndex::try_from(parent(cell, Resolution::Four)).map_or_else(
        |_| Vec::new(),
        |centre| centre.grid_disk::<Vec<CellIndex>>(1).into_iter().map(u64::from).collect(),
    )
}

/// `48.86° N, 2.35° E`.
pub(crate) fn place_name(lat: f64, lng: f64) -> String {
    let ns = if lat < 0.0 { 'S' } else { 'N' };
    let ew = if lng < 0.0 { 'W' } else { 'E' };
    format!("{:.2}° {ns}, {:.2}° {ew}", lat.abs(), lng.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_found_at_its_own_centre() {
        let cell = cell_at(48.8566, 2.3522).unwrap();
        let shape = shape(cell).unwrap();
        assert_eq!(cell_at(shape.lat, shape.lng), Some(cell));
        assert_eq!(cell_at(shape.lat, shape.lng + 360.0), Some(cell));
        assert_eq!(ring_degrees(cell).len(), shape.ring.len() * 2);
    }
}

//! Cases that upstream's own tests publish, as scenes: `helium/oracles`, `coverage_point_calculator`
//! (`tests/coverage_point_calculator.rs`), by their names. Only the figures are theirs.
//!
//! Those tests are of the years when a hex outdoors was worth 16, 8 and 4 points; the points are parameters here.

use super::scene::{START_S, Scene, Station};
use heliotrope_device_proofs::wire::mobile::signal_level::{HIGH, LOW, MEDIUM};

/// A case: its name, the scene, and what each radio is due, in thousandths of a point.
pub type Published = (&'static str, Scene, Vec<u64>);

const POWER: i32 = 42;

fn outdoors(stations: Vec<Station>) -> Scene {
    let mut scene = Scene::new(stations);
    scene.params.outdoor_points = [16, 8, 4];
    scene
}

/// A radio that covers hexes of the area, each by its place in it and its signal level.
fn station(key: u8, indoor: bool, hexes: &[(usize, i32)]) -> Station {
    let area = Scene::new(Vec::new());
    let hexes: Vec<_> =
        hexes.iter().map(|(place, level)| (area.cell(*place), *level, POWER)).collect();
    Station::new(key, indoor, &hexes)
}

/// Six radios with the same hexes, each a day younger than the one before; with the backhaul of upstream's case.
fn six(indoor: bool, hexes: &[(usize, i32)], backhaul: [u32; 6]) -> Scene {
    let radios = (1..).zip(backhaul).map(|(key, percent)| {
        let days = 7_u64.saturating_sub(u64::from(key));
        let since_s = START_S.saturating_sub(days.saturating_mul(86_400));
        station(key, indoor, hexes).with_backhaul(percent).since(since_s)
    });
    outdoors(radios.collect())
}

/// Every case.
#[must_use]
pub fn cases() -> Vec<Published> {
    let older = START_S.saturating_sub(9 * 86_400);
    vec![
        (
            "base_radio_coverage_points-indoor",
            outdoors(vec![station(1, true, &[(0, HIGH)])]),
            vec![400_000],
        ),
        (
            "base_radio_coverage_points-outdoor",
            outdoors(vec![station(1, false, &[(0, HIGH)])]),
            vec![16_000],
        ),
        (
            "radios_with_coverage",
            outdoors(vec![station(1, false, &(0..25).map(|n| (n, HIGH)).collect::<Vec<_>>())]),
            vec![400_000],
        ),
        (
            "outdoor_wifi_with_mixed_signal_level_coverage",
            outdoors(vec![station(
                1,
                false,
                &[(0, HIGH), (1, MEDIUM), (2, MEDIUM), (3, LOW), (4, LOW)],
            )]),
            vec![40_000],
        ),
        (
            "wifi_outdoor_with_mixed_signal_level_coverage",
            outdoors(vec![station(
                1,
                false,
                &[(0, HIGH), (1, HIGH), (2, MEDIUM), (3, MEDIUM), (4, MEDIUM), (5, LOW), (6, LOW)],
            )]),
            vec![64_000],
        ),
        (
            "outdoor_wifi_with_partially_overlapping_coverage_and_differing_speedtests",
            outdoors(vec![
                station(1, false, &[(0, HIGH), (1, MEDIUM), (2, MEDIUM), (3, LOW), (4, LOW)])
                    .with_backhaul(50),
                station(2, false, &[(5, HIGH), (1, MEDIUM), (6, MEDIUM), (7, LOW), (8, LOW)])
                    .since(older),
            ]),
            vec![18_000, 40_000],
        ),
        (
            "outdoor_wifi_with_wholly_overlapping_coverage_and_differing_speedtests",
            six(false, &[(0, HIGH), (1, HIGH), (2, MEDIUM), (3, LOW)], [100, 75, 50, 100, 0, 100]),
            vec![44_000, 16_500, 5_500, 0, 0, 0],
        ),
        (
            "wifi_outdoor_with_single_overlapping_coverage",
            outdoors(vec![
                station(1, false, &[(0, HIGH), (1, MEDIUM), (2, LOW)])
                    .with_backhaul(50)
                    .since(older),
                station(2, false, &[(3, HIGH), (1, MEDIUM), (4, LOW)]),
            ]),
            vec![14_000, 24_000],
        ),
        (
            "indoor_wifi_with_wholly_overlapping_coverage_and_no_failing_speedtests",
            six(true, &[(0, HIGH)], [100; 6]),
            vec![400_000, 0, 0, 0, 0, 0],
        ),
    ]
}

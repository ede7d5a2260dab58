//! Where the gateways of a fleet stand and what they are.
#![expect(clippy::expect_used, reason = "a simulation that cannot be built is a bug in it")]

use super::{CITIES, City, FleetConfig, GatewayKey, KeyType};
use h3o::{LatLng, Resolution};
use heliotrope_checks::coverage_radio::{cell_distance, distance_m};
use heliotrope_device_proofs::registry::{self, Radio, STATUS_ACTIVE};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng as _};
use std::f64::consts::TAU;

/// Fewest gateways of a city: too few would not hear each other.
const CITY_MIN: u32 = 14;
/// Metres in a degree of latitude.
const DEGREE_M: f64 = 111_320.0;
/// Spread of the gateways around the centre of their city, in metres.
const SPREAD_M: f64 = 7000.0;

/// What a gateway does in the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends beacons and says what it hears.
    Honest,
    /// Stands beside the first gateway of its city and vouches for it. Sends no beacons.
    Sybil,
    /// Asserts a place more than 101 km away. Sends no beacons.
    Remote,
}

/// A simulated gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Its secret key.
    pub key: GatewayKey,
    /// Its id in the registry.
    pub device_id: [u8; 32],
    /// Index of its city in [`CITIES`].
    pub city: usize,
    /// Asserted place: H3 cell of resolution 12.
    pub cell: u64,
    /// Antenna gain in tenths of dBi.
    pub gain_ddbi: i16,
    /// Elevation above ground in metres.
    pub elevation_m: i16,
    /// Region number.
    pub region: u8,
    /// What it does.
    pub role: Role,
}

impl Gateway {
    /// Its radio word in the registry.
    #[must_use]
    pub const fn radio(&self, since: u64) -> Radio {
        Radio {
            cell: self.cell,
            gain_ddbi: self.gain_ddbi,
            elevation_m: self.elevation_m,
            region: self.region,
            status: STATUS_ACTIVE,
            since,
        }
    }
}

/// A number in `[0, 1)`.
pub(super) fn unit(rng: &mut impl RngCore) -> f64 {
    f64::from(rng.next_u32()) / 4_294_967_296.0
}

/// A number in `[0, limit)`.
pub(super) fn below(rng: &mut impl RngCore, limit: usize) -> usize {
    (rng.next_u64() % (limit.max(1) as u64)) as usize
}

/// A number of the standard normal distribution.
pub(super) fn normal(rng: &mut impl RngCore) -> f64 {
    (-2.0 * (1.0 - unit(rng)).ln()).sqrt() * (TAU * unit(rng)).cos()
}

/// The random numbers of one thing, independent of all others.
pub(super) fn rng(seed: u64, what: &str, index: u64) -> ChaCha12Rng {
    let text = [what.as_bytes(), &seed.to_le_bytes(), &index.to_le_bytes()].concat();
    ChaCha12Rng::from_seed(heliotrope_device_proofs::sha256(&text))
}

/// The gateways, city by city; the last two of a city are its fraudsters.
pub(super) fn generate(config: &FleetConfig) -> Vec<Gateway> {
    let cities = (config.gateways / CITY_MIN).clamp(1, CITIES.len() as u32);
    let mut gateways: Vec<Gateway> = Vec::new();
    for city in 0..cities {
        let count = config.gateways / cities + u32::from(city < config.gateways % cities);
        let first = gateways.len();
        for place in 0..count {
            let role = match count - place {
                1 => Role::Remote,
                2 => Role::Sybil,
                _ => Role::Honest,
            };
            let index = gateways.len();
            let beside = gateways.get(first).map(|gateway| gateway.cell);
            gateways.push(gateway(config, index, city as usize, role, beside));
        }
    }
    gateways
}

fn gateway(
    config: &FleetConfig,
    index: usize,
    city: usize,
    role: Role,
    beside: Option<u64>,
) -> Gateway {
    let mut rng = rng(config.seed, "gateway", index as u64);
    let kind = match index {
        _ if index % 32 == 21 => KeyType::Secp256k1,
        _ if index % 16 == 5 => KeyType::EccCompact,
        _ => KeyType::Ed25519,
    };
    let key = GatewayKey::derive(kind, &rng.next_u64().to_le_bytes());
    let cell = match (role, beside) {
        (Role::Sybil, Some(first)) => sybil(first),
        (Role::Remote, Some(first)) => remote(&CITIES[city], first),
        _ => {
            let (distance, bearing) = ((normal(&mut rng) * SPREAD_M).abs() + 300.0, unit(&mut rng));
            cell_at(&CITIES[city], distance, bearing * TAU)
        }
    };
    Gateway {
        device_id: registry::device_id(key.public()),
        key,
        city,
        cell,
        gain_ddbi: [12, 26, 30, 40, 58, 60, 80][below(&mut rng, 7)],
        elevation_m: [2, 5, 9, 14, 22, 35][below(&mut rng, 6)],
        region: CITIES[city].region,
        role,
    }
}

/// The cell at a distance and bearing from the centre of a city.
fn cell_at(city: &City, distance_m: f64, bearing_rad: f64) -> u64 {
    let lat = city.lat_deg + distance_m * bearing_rad.cos() / DEGREE_M;
    let scale = DEGREE_M * city.lat_deg.to_radians().cos();
    let lon = city.lon_deg + distance_m * bearing_rad.sin() / scale;
    let place = LatLng::new(lat, lon).expect("a city is not at a pole");
    u64::from(place.to_cell(Resolution::Twelve))
}

/// A cell beside another one, nearer than the rules allow.
fn sybil(first: u64) -> u64 {
    let cell = h3o::CellIndex::try_from(first).expect("a cell of this fleet");
    let near = cell.grid_ring::<Vec<_>>(5).into_iter().map(u64::from);
    near.into_iter().find(|near| cell_distance(first, *near).is_ok_and(|d| d < 8)).unwrap_or(first)
}

/// A place that is too far from the city, where H3 can still count the cells between.
fn remote(city: &City, first: u64) -> u64 {
    let bearings = (0..64).map(|n| f64::from(n) * TAU / 64.0);
    let places = bearings.map(|bearing| cell_at(city, 135_000.0, bearing));
    let far = |cell: &u64| {
        cell_distance(first, *cell).is_ok() && distance_m(first, *cell).is_ok_and(|d| d > 110_000)
    };
    places.into_iter().find(far).expect("some direction from a city has no pentagon or edge")
}

//! The cities of the fleet: name, country, centre in degrees, and the `LoRa` region that applies.

use heliotrope_device_proofs::wire::region::{AS923_1, AU915, EU868, IN865, KR920, US915};

/// A city.
#[derive(Clone, Copy, Debug)]
pub struct City {
    /// Its name.
    pub name: &'static str,
    /// ISO 3166-1 code of its country.
    pub country: &'static str,
    /// Latitude in degrees.
    pub lat_deg: f64,
    /// Longitude in degrees.
    pub lon_deg: f64,
    /// Region number.
    pub region: u8,
}

const fn city(
    name: &'static str,
    country: &'static str,
    lat_deg: f64,
    lon_deg: f64,
    region: u8,
) -> City {
    City { name, country, lat_deg, lon_deg, region }
}

/// All of them; a small fleet uses the first ones.
pub const CITIES: [City; 40] = [
    city("Berlin", "DE", 52.520, 13.405, EU868),
    city("London", "GB", 51.507, -0.128, EU868),
    city("New York", "US", 40.713, -74.006, US915),
    city("Singapore", "SG", 1.352, 103.820, AS923_1),
    city("São Paulo", "BR", -23.551, -46.633, AU915),
    city("Nairobi", "KE", -1.286, 36.817, EU868),
    city("Paris", "FR", 48.857, 2.352, EU868),
    city("Madrid", "ES", 40.417, -3.704, EU868),
    city("Sydney", "AU", -33.869, 151.209, AU915),
    city("San Francisco", "US", 37.775, -122.419, US915),
    city("Seoul", "KR", 37.566, 126.978, KR920),
    city("Mumbai", "IN", 19.076, 72.878, IN865),
    city("Rome", "IT", 41.903, 12.496, EU868),
    city("Lisbon", "PT", 38.722, -9.139, EU868),
    city("Amsterdam", "NL", 52.368, 4.904, EU868),
    city("Vienna", "AT", 48.208, 16.373, EU868),
    city("Warsaw", "PL", 52.230, 21.012, EU868),
    city("Prague", "CZ", 50.076, 14.437, EU868),
    city("Stockholm", "SE", 59.329, 18.069, EU868),
    city("Athens", "GR", 37.984, 23.728, EU868),
    city("Zurich", "CH", 47.377, 8.541, EU868),
    city("Dublin", "IE", 53.350, -6.260, EU868),
    city("Istanbul", "TR", 41.008, 28.978, EU868),
    city("Cairo", "EG", 30.044, 31.236, EU868),
    city("Johannesburg", "ZA", -26.204, 28.047, EU868),
    city("Los Angeles", "US", 34.052, -118.244, US915),
    city("Chicago", "US", 41.878, -87.630, US915),
    city("Houston", "US", 29.760, -95.370, US915),
    city("Toronto", "CA", 43.653, -79.383, US915),
    city("Vancouver", "CA", 49.283, -123.121, US915),
    city("Mexico City", "MX", 19.433, -99.133, US915),
    city("Buenos Aires", "AR", -34.604, -58.382, AU915),
    city("Santiago", "CL", -33.449, -70.669, AU915),
    city("Bogotá", "CO", 4.711, -74.072, AU915),
    city("Melbourne", "AU", -37.814, 144.963, AU915),
    city("Auckland", "NZ", -36.848, 174.763, AU915),
    city("Tokyo", "JP", 35.676, 139.650, AS923_1),
    city("Bangkok", "TH", 13.756, 100.502, AS923_1),
    city("Jakarta", "ID", -6.209, 106.846, AS923_1),
    city("Bengaluru", "IN", 12.972, 77.595, IN865),
];

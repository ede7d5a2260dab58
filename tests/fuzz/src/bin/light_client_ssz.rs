//! SSZ of every light client container in every fork: what decodes is the one encoding of its value.
#![no_main]

use heliotrope_fuzz::{choice, shape};
use heliotrope_verifier::chains::ethereum::{
    LightClientBootstrap, LightClientFinalityUpdate, LightClientHeader,
    LightClientOptimisticUpdate, LightClientSsz, LightClientUpdate,
};
use libfuzzer_sys::fuzz_target;

fn canonical<T: LightClientSsz>(data: &[u8]) {
    let Some((fork, preset, bytes)) = shape(data) else { return };
    if let Ok(value) = T::decode(fork, preset, bytes) {
        assert_eq!(value.encode(fork, preset).as_deref(), Ok(bytes), "two encodings of one value");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    match kind {
        0 => canonical::<LightClientHeader>(rest),
        1 => canonical::<LightClientBootstrap>(rest),
        2 => canonical::<LightClientUpdate>(rest),
        3 => canonical::<LightClientFinalityUpdate>(rest),
        4 => canonical::<LightClientOptimisticUpdate>(rest),
        _ => {}
    }
});

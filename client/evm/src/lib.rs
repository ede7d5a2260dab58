//! eth_call and gas estimates on proven state.

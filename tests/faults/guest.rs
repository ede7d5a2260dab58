//! A module that follows check ABI v1, as text with parts to replace.

/// The parts.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) head: String,
    pub(crate) memory: String,
    pub(crate) abi: String,
    pub(crate) alloc: String,
    pub(crate) describe: String,
    pub(crate) check: String,
    pub(crate) tail: String,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            head: String::new(),
            memory: r#"(memory (export "memory") 1 4)"#.into(),
            abi: "i32.const 1".into(),
            alloc: "i32.const 1024".into(),
            describe: "i64.const 0".into(),
            check: "i64.const 0".into(),
            tail: String::new(),
        }
    }
}

impl Guest {
    /// A module whose check does this.
    pub(crate) fn check(body: &str) -> Self {
        Self { check: body.into(), ..Self::default() }
    }

    /// A harmless module with something more in it.
    pub(crate) fn tail(text: &str) -> Self {
        Self { tail: text.into(), ..Self::default() }
    }

    /// A module with this memory.
    pub(crate) fn memory(text: &str) -> Self {
        Self { memory: text.into(), ..Self::default() }
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        let Self { head, memory, abi, alloc, describe, check, tail } = self;
        format!(
            r#"(module {head} {memory} (global $g (mut i32) (i32.const 0))
              (func $abi (export "hc_abi_v1") (result i32) {abi})
              (func $alloc (export "hc_alloc") (param i32) (result i32) {alloc})
              (func $describe (export "hc_describe") (result i64) {describe})
              (func $plan (export "hc_plan") (param i32 i32 i32 i32) (result i64) i64.const 0)
              (func $check (export "hc_check") (param i32 i32) (result i64) {check})
              {tail})"#
        )
    }

    /// The bytes.
    pub(crate) fn wasm(&self) -> Vec<u8> {
        assemble(&self.text())
    }
}

/// The bytes of a module's text.
pub(crate) fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

//! What the inner cargo builds for.
//!
//! Few toolchains come with the libraries of either: the ladder decides where to take
//! them from.

/// A target.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name to rustc.
    pub triple: &'static str,
    /// The profile in the workspace's `Cargo.toml`.
    pub profile: &'static str,
    /// The library that there must be.
    pub library: &'static str,
    /// What it is built from, where it has to be.
    pub(super) parts: &'static str,
    /// What rustc is told about code for it.
    pub(super) flags: &'static [&'static str],
    /// The language of LLVM's linker.
    pub(super) linker: Flavor,
}

/// A language of LLVM's linker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    /// As GNU's.
    Elf,
    /// For WebAssembly.
    Wasm,
}

/// The guest: i586 code has neither SSE nor CMOV. Fixed addresses, frame pointers for
/// backtraces.
pub const GUEST: Target = Target {
    triple: "i586-unknown-linux-gnu",
    profile: "guest",
    library: "core",
    parts: "core,alloc,compiler_builtins",
    flags: &[
        "-Crelocation-model=static",
        "-Cforce-frame-pointers=yes",
        "-Cpanic=abort",
    ],
    linker: Flavor::Elf,
};

/// The machine for a browser.
pub const PAGE: Target = Target {
    triple: "wasm32-unknown-unknown",
    profile: "page",
    library: "std",
    parts: "std,panic_abort",
    flags: &[],
    linker: Flavor::Wasm,
};

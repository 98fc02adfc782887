//! Hands the linker script to the linker.
//!
//! By absolute path, because the linker runs in the workspace's folder; and from
//! here rather than from a cargo configuration, so that it applies to this crate
//! only: programs have a script of their own.

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    println!("cargo:rustc-link-arg-bins=-T{here}/kernel.ld");
    println!("cargo:rerun-if-changed=kernel.ld");
    println!("cargo:rerun-if-changed=build.rs");
}

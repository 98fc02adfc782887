//! Gives every program the layout of `user/program.ld`.
//!
//! The one hard thing: options of a library crate do not reach the link of its
//! users, so they stand here.

use std::path::Path;

fn main() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("user")
        .join("program.ld");
    println!("cargo:rerun-if-changed={}", script.display());
    println!("cargo:rustc-link-arg-bins=-T{}", script.display());
    // No tables at the end of a page that the loader makes read-only later:
    // JOS's loaders know nothing of them.
    println!("cargo:rustc-link-arg-bins=-znorelro");
}

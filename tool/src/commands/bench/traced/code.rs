//! The code of a kernel and of a program: its bytes, and whose it is.
//!
//! The hard thing is a function that the compiler calls where others would be folded in:
//! what it does, its caller does.

use std::path::Path;

use super::image::{Image, KERNBASE};
use crate::symbols::{Function, Names};

/// Such functions, by their symbols.
const HELPERS: [&str; 7] = [
    "bcmp",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "__udivdi3",
    "__umoddi3",
];

/// Both files.
pub struct Code {
    /// Their bytes.
    pub image: Image,
    kernel: Names,
    program: Names,
}

impl Code {
    /// Reads both; source paths are shown from `root`.
    pub fn read(root: &Path, kernel: &Path, program: &Path) -> anyhow::Result<Self> {
        let names = |file| Names::read(vec![root.to_path_buf()], file);
        let mut code = Self {
            image: Image::default(),
            kernel: names(kernel),
            program: names(program),
        };
        code.image.load(kernel)?;
        code.image.find_lock(kernel)?;
        code.image.load(program)?;
        for names in [&code.kernel, &code.program] {
            let helpers = HELPERS.iter().filter_map(|name| names.extent(name));
            helpers.for_each(|extent| code.image.add_helper(extent));
        }
        Ok(code)
    }

    /// The functions whose code is at an address, innermost first.
    pub fn functions(&self, at: u32) -> Vec<Function> {
        let names = if at < KERNBASE {
            &self.program
        } else {
            &self.kernel
        };
        names.functions(at)
    }
}

//! This kernel's symbols, where and how a grader looks for them.
//!
//! A grader stops the machine at the address of `readline`, or in 2014 of
//! `cons_getc`: where the student's kernel, with nothing left to run, asks for a
//! command. It reads the address from the list that `nm -n` made of that kernel.
//! This kernel has the first name only, and the other is a second one for it.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use elf::ElfBytes;
use elf::endian::LittleEndian;

const LIST: &str = "obj/kern/kernel.sym";
/// Where a run is over.
const END: &str = "readline";
/// What that was called in 2014.
const END_OF_2014: &str = "cons_getc";

/// Writes the list into the course's folder.
pub fn write(kernel: &Path, course: &Path) -> anyhow::Result<()> {
    let image = std::fs::read(kernel).with_context(|| kernel.display().to_string())?;
    let text = list(&image).with_context(|| kernel.display().to_string())?;
    let path = course.join(LIST);
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}

fn list(image: &[u8]) -> anyhow::Result<String> {
    let file = ElfBytes::<LittleEndian>::minimal_parse(image)?;
    let (symbols, strings) = file.symbol_table()?.context("no symbols")?;
    let mut named = Vec::new();
    for symbol in symbols.iter().filter(|symbol| !symbol.is_undefined()) {
        match strings.get(usize::try_from(symbol.st_name)?)? {
            "" => {}
            END => named.extend([(symbol.st_value, END), (symbol.st_value, END_OF_2014)]),
            name => named.push((symbol.st_value, name)),
        }
    }
    named.sort();
    let mut text = String::new();
    for (address, name) in named {
        // Writing to a String cannot fail. Graders do not look at the letter.
        let _ = writeln!(text, "{address:08x} T {name}");
    }
    Ok(text)
}

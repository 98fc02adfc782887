//! Memory, as the monitor shows it: by address, by page table, by mapping.
//!
//! The hard thing is that nothing here may fault, whatever address a person
//! types and whatever the tables say. So no address is used directly: this code
//! translates it by reading page tables, a word at a time, and reads a word of
//! physical memory only if the kernel's own page tables, which are in its image,
//! map it as RAM. Device registers are never read.

use crate::machine::Machine;
use crate::session::{Complaint, Done, Session, Then, hexadecimal, say};
use abi::Perm;
use abi::layout::{DIRECT_MAP_SIZE, KERNBASE, PGSHIFT, PGSIZE, PTSIZE, pdx, ptx};
use core::fmt;
use kcore::PhysMem;
use kcore::paging::{Pte, Space};
use witness::trace::Traced;

/// How many words are shown by default, and at most.
const FEW: u32 = 16;
const MANY: u32 = 4096;
/// Words in a line.
const COLUMNS: u32 = 4;

/// The address that every command here begins with, and how many words.
fn range(arguments: &[&str]) -> Result<(u32, u32), Complaint> {
    let address = hexadecimal(arguments.first().ok_or("Which address?")?)?;
    let count = match arguments.get(1) {
        Some(count) => count.parse().map_err(|_| "Not a number")?,
        None => FEW,
    };
    Ok((address & !3, count.min(MANY)))
}

/// The word at an aligned physical address, if the kernel maps RAM there.
fn physical_word<M: PhysMem>(kernel: &Traced<'_, M>, pa: u32) -> Option<u32> {
    let memory = kernel.memory();
    let own = Space {
        pgdir: kernel.config().kernel_pgdir,
    };
    let va = KERNBASE.checked_add(pa).filter(|_| pa < DIRECT_MAP_SIZE)?;
    let directory = own.directory_entry(memory, va);
    let large = directory.grants(Perm::P | Perm::PS);
    let mapped = large || {
        directory.is_present()
            && Pte(memory.read(directory.frame().address() + ptx(va) * 4)).is_present()
    };
    mapped.then(|| memory.read(pa))
}

/// What the page tables say about an address, level by level.
struct Walk {
    directory: Pte,
    table: Option<Pte>,
    /// The physical address, if the page is mapped.
    physical: Option<u32>,
}

impl Walk {
    fn of<M: PhysMem>(kernel: &Traced<'_, M>, space: Space, va: u32) -> Walk {
        let directory = space.directory_entry(kernel.memory(), va);
        if directory.grants(Perm::P | Perm::PS) {
            let start = directory.0 & !(PTSIZE - 1);
            return Walk {
                directory,
                table: None,
                physical: Some(start + va % PTSIZE),
            };
        }
        let table = directory
            .is_present()
            .then(|| directory.frame().address() + ptx(va) * 4)
            .and_then(|place| physical_word(kernel, place))
            .map(Pte);
        let physical = table
            .filter(|entry| entry.is_present())
            .map(|entry| entry.frame().address() + va % PGSIZE);
        Walk {
            directory,
            table,
            physical,
        }
    }
}

/// The aligned word at a virtual address, if it can be read without harm.
pub fn word<M: PhysMem>(kernel: &Traced<'_, M>, space: Space, va: u32) -> Option<u32> {
    let pa = Walk::of(kernel, space, va).physical?;
    (va.is_multiple_of(4)).then(|| physical_word(kernel, pa))?
}

/// Words in hexadecimal, four in a line; dashes where there is nothing to read.
fn dump(
    machine: &mut dyn Machine,
    address: u32,
    count: u32,
    word: impl Fn(u32) -> Option<u32>,
) -> Done {
    for line in (0..count).step_by(COLUMNS as usize) {
        let start = address.wrapping_add(line * 4);
        let _ = write!(machine, "{start:08x}:");
        for column in 0..COLUMNS.min(count - line) {
            let _ = match word(start.wrapping_add(column * 4)) {
                Some(word) => write!(machine, " {word:08x}"),
                None => write!(machine, " --------"),
            };
        }
        say!(machine, "");
    }
    Ok(Then::Prompt)
}

/// `memory ADDR [N]`: memory of the stopped environment, or of the kernel.
pub fn show<M: PhysMem>(session: &mut Session<'_, M>, arguments: &[&str]) -> Done {
    let (address, count) = range(arguments)?;
    let space = session.space(None)?;
    let kernel = session.kernel;
    dump(session.machine, address, count, |va| {
        word(kernel, space, va)
    })
}

/// `physical ADDR [N]`: memory by physical address.
pub fn show_physical<M: PhysMem>(session: &mut Session<'_, M>, arguments: &[&str]) -> Done {
    let (address, count) = range(arguments)?;
    let kernel = session.kernel;
    dump(session.machine, address, count, |pa| {
        physical_word(kernel, pa)
    })
}

/// `walk ADDR [ID]`: the page-table entries that translate an address.
pub fn walk<M: PhysMem>(session: &mut Session<'_, M>, arguments: &[&str]) -> Done {
    let va = hexadecimal(arguments.first().ok_or("Which address?")?)?;
    let space = session.space(arguments.get(1))?;
    let Walk {
        directory,
        table,
        physical,
    } = Walk::of(session.kernel, space, va);
    let index = pdx(va);
    say!(
        session.machine,
        "directory[{index:03x}]  {:08x}  {}",
        directory.0,
        Flags(directory, true)
    );
    if let Some(entry) = table {
        let index = ptx(va);
        say!(
            session.machine,
            "table[{index:03x}]      {:08x}  {}",
            entry.0,
            Flags(entry, false)
        );
    }
    match physical {
        Some(pa) => say!(session.machine, "{va:08x} is at physical {pa:08x}"),
        None => say!(session.machine, "{va:08x} is not mapped"),
    }
    Ok(Then::Prompt)
}

/// `mappings [ID]`: what is mapped below UTOP, in ranges with equal
/// permissions and successive frames.
pub fn mappings<M: PhysMem>(session: &mut Session<'_, M>, arguments: &[&str]) -> Done {
    let space = session.space(arguments.first())?;
    let mut range: Option<Range> = None;
    for (va, entry) in space.mappings(session.kernel.memory()) {
        let entry = entry.without_usage();
        match &mut range {
            Some(range) if range.goes_on_with(va, entry) => range.pages += 1,
            _ => {
                if let Some(range) = range {
                    range.say(session.machine);
                }
                range = Some(Range {
                    va,
                    entry,
                    pages: 1,
                });
            }
        }
    }
    if let Some(range) = range {
        range.say(session.machine);
    }
    Ok(Then::Prompt)
}

/// Successive pages that map successive frames.
#[derive(Clone, Copy)]
struct Range {
    va: u32,
    /// The first page's entry.
    entry: Pte,
    pages: u32,
}

impl Range {
    fn goes_on_with(&self, va: u32, entry: Pte) -> bool {
        let bytes = self.pages << PGSHIFT;
        va == self.va + bytes && entry.0 == self.entry.0.wrapping_add(bytes)
    }

    fn say(&self, machine: &mut dyn Machine) {
        let bytes = self.pages << PGSHIFT;
        let frame = self.entry.frame().address();
        say!(
            machine,
            "{:08x}-{:08x}  physical {frame:08x}-{:08x}  {}",
            self.va,
            self.va + bytes - 1,
            frame + bytes - 1,
            Flags(self.entry, false)
        );
    }
}

/// The flags of an entry, spelt out; and whether it is a page directory's.
struct Flags(Pte, bool);

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flags(entry, of_directory) = *self;
        if !entry.is_present() {
            return f.write_str("not present");
        }
        let seventh = if of_directory { "4 MiB" } else { "PAT" };
        let names = [
            (Perm::P, "present"),
            (Perm::W, "writeable"),
            (Perm::U, "user"),
            (Perm::PWT, "write-through"),
            (Perm::PCD, "uncached"),
            (Perm::A, "accessed"),
            (Perm::D, "dirty"),
            (Perm::PS, seventh),
            (Perm::G, "global"),
            (Perm::SHARE, "share"),
            (Perm::COW, "copy-on-write"),
        ];
        let mut between = "";
        for (bit, name) in names {
            if entry.grants(bit) {
                write!(f, "{between}{name}")?;
                between = ", ";
            }
        }
        Ok(())
    }
}

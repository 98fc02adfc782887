//! The kernel's own address space, from UTOP up; every environment gets a copy
//! of its page-directory entries.
//!
//! ```text
//! KERNBASE   physical memory: global, in 4 MiB pages where RAM fills them
//! KSTACKTOP  the CPUs' stacks, with gaps
//! MMIOBASE   local APIC and I/O APIC, uncached; a page to look at tables through;
//!            each log device's first page, and a page for each CPU to write it by
//! UVPT       left empty: differs in every environment
//! UPAGES     the public table of frames, read-only for users
//! UENVS      the public table of environments, likewise
//! ```
//!
//! The hard thing is that a large page must not cover what is not RAM: the
//! processor might read ahead into device registers, and caches what it reads.
//! So only a stretch of 4 MiB that is RAM throughout becomes a large page
//! ([`firmware::stretches`]); a mixed one gets a page table that maps its RAM and
//! nothing else. Kernel text and constants are mapped read-only, which CR0.WP makes
//! binding.

pub mod temporary;

use crate::machine::x86;
use abi::Perm;
use abi::layout::{
    KERNBASE, KSTACKTOP, MMIOBASE, PGSHIFT, PGSIZE, UENVS, UPAGES, kernel_stack_top, pdx, ptx,
};
use core::cell::UnsafeCell;
use core::ops::Range;
use firmware::stretches::{self, Stretch};
use firmware::{PhysRange, RangeSet};
use kcore::ids::MAX_CPUS;
use kcore::{CpuId, Outbox, Pfn};
use witness::log_memory::Purpose;

/// A page table or page directory in the kernel's image.
#[repr(C, align(4096))]
pub struct PageTable(UnsafeCell<[u32; 1024]>);

// SAFETY: (1) entries are stored as single words: by CPU 0 before any environment
// exists, and later by the holder of the big lock.
unsafe impl Sync for PageTable {}

impl PageTable {
    /// A table that maps nothing.
    pub const fn empty() -> PageTable {
        PageTable(UnsafeCell::new([0; 1024]))
    }

    fn set(&self, index: u32, value: u32) {
        let place = self.0.get().cast::<u32>();
        // SAFETY: (2) the index is in range by the remainder; others (the MMU)
        // only ever read whole words.
        unsafe { place.add(index as usize % 1024).write_volatile(value) };
    }

    /// Maps frames, given by their physical addresses, from this entry on.
    fn map(&self, first: u32, frames: Range<u32>, perm: Perm) {
        for (index, pa) in (first..).zip(frames.step_by(PGSIZE as usize)) {
            self.set(index, pa | perm.bits());
        }
    }

    /// The table's physical address.
    pub fn address(&self) -> u32 {
        physical(self.0.get() as u32)
    }

    /// The page-directory entry that points here.
    fn entry(&self, perm: Perm) -> u32 {
        self.address() | perm.bits()
    }
}

/// The page directory on which every CPU's entry code runs: RAM at 0 and at
/// KERNBASE. Kept for a CPU that comes up late.
pub static BOOT: PageTable = PageTable::empty();
/// The kernel's own page directory.
static KERNEL: PageTable = PageTable::empty();
/// Maps the 4 MiB below KSTACKTOP.
pub static STACKS: PageTable = PageTable::empty();
/// Maps the 4 MiB from MMIOBASE.
static DEVICES: PageTable = PageTable::empty();
/// Maps the 4 MiB from UPAGES.
static PAGES: PageTable = PageTable::empty();
/// Maps the 4 MiB from UENVS.
static ENVS: PageTable = PageTable::empty();
/// For stretches of the direct map that are not RAM throughout.
static MIXED: [PageTable; 8] = [const { PageTable::empty() }; 8];

const KERNEL_PAGE: Perm = Perm::P.union(Perm::W).union(Perm::G);
const KERNEL_CONSTANT: Perm = Perm::P.union(Perm::G);
const DEVICE_PAGE: Perm = Perm::P
    .union(Perm::W)
    .union(Perm::G)
    .union(Perm::PCD)
    .union(Perm::PWT);
const TABLE: Perm = Perm::P.union(Perm::W);
const USER_TABLE: Perm = Perm::P.union(Perm::U);
const USER_PAGE: Perm = Perm::P.union(Perm::U).union(Perm::G);

unsafe extern "C" {
    static etext: u8;
    static erodata: u8;
    static edata: u8;
    static end: u8;
    static entry: u8;
}

/// Where the kernel lies: virtual addresses.
pub fn image() -> monitor::Image {
    monitor::Image {
        entry: &raw const entry as u32,
        text: &raw const etext as u32,
        data: &raw const edata as u32,
        end: &raw const end as u32,
    }
}

/// Virtual address of the kernel image's first byte.
const IMAGE_START: u32 = KERNBASE + 0x10_0000;

/// The physical memory that the kernel image occupies.
pub fn image_range() -> PhysRange {
    PhysRange {
        start: physical(IMAGE_START).into(),
        end: physical(image().end).into(),
    }
}

/// Physical address of a direct-mapped virtual one.
pub const fn physical(va: u32) -> u32 {
    va.wrapping_sub(KERNBASE)
}

/// The kernel's own page directory.
pub fn kernel_pgdir() -> Pfn {
    Pfn::containing(KERNEL.address())
}

/// Opens the device window: gives the page directory in use its table, and maps the
/// local APIC's registers, which are at physical address `apic`.
pub fn open_device_window(apic: u32) {
    DEVICES.set(0, apic & !(PGSIZE - 1) | DEVICE_PAGE.bits());
    BOOT.set(pdx(MMIOBASE), DEVICES.entry(TABLE));
}

/// Makes a page of the device window show what `word` says. No other CPU uses the page,
/// so none has its old translation.
fn show(page: u32, word: u32) {
    DEVICES.set(ptx(page), word);
    x86::invlpg(page);
}

/// Maps the registers of an I/O APIC, at physical address `pa`, in place of another's;
/// returns their virtual address. For CPU 0 while it boots.
pub fn map_io_apic(pa: u32) -> u32 {
    const PAGE: u32 = MMIOBASE + 2 * PGSIZE;
    let offset = pa % PGSIZE;
    show(PAGE, (pa - offset) | DEVICE_PAGE.bits());
    PAGE + offset
}

/// Where [`map_log_head`] maps the first page of a log device.
pub const fn log_head(log: Purpose) -> u32 {
    MMIOBASE + (3 + log as u32) * PGSIZE
}

/// Maps the first page of a log device, at physical address `pa`. Call it once for each.
pub fn map_log_head(log: Purpose, pa: u32) {
    DEVICES.set(ptx(log_head(log)), pa | KERNEL_PAGE.bits());
}

/// The page through which `cpu`, and no other, reaches a log device.
pub const fn log_window(log: Purpose, cpu: CpuId) -> u32 {
    MMIOBASE + (32 + MAX_CPUS as u32 * log as u32 + cpu.0 as u32) * PGSIZE
}

/// Points this CPU's window at physical address `pa`.
pub fn point_log_window(log: Purpose, cpu: CpuId, pa: u32) {
    show(log_window(log, cpu), pa | KERNEL_PAGE.bits());
}

/// Fills the direct map, and points the kernel's page directory at all tables.
/// Returns what of `ram` is mapped.
pub fn build(ram: &RangeSet) -> RangeSet {
    let mut mapped = ram.clone();
    stretches::limit(&mut mapped, MIXED.len(), image_range());
    let mut tables = MIXED.iter();
    for (pa, stretch) in stretches::all(&mapped) {
        let mapping = match stretch {
            Stretch::Empty => continue,
            Stretch::Whole => pa | (KERNEL_PAGE | Perm::PS).bits(),
            Stretch::Mixed => {
                let Some(table) = tables.next() else {
                    unreachable!("limit() left only as many as there are tables");
                };
                map_mixed(table, pa, &mapped);
                table.entry(TABLE)
            }
        };
        KERNEL.set(pdx(KERNBASE + pa), mapping);
    }
    KERNEL.set(pdx(KSTACKTOP - 1), STACKS.entry(TABLE));
    KERNEL.set(pdx(MMIOBASE), DEVICES.entry(TABLE));
    KERNEL.set(pdx(UPAGES), PAGES.entry(USER_TABLE));
    KERNEL.set(pdx(UENVS), ENVS.entry(USER_TABLE));
    mapped
}

/// Maps the whole pages of RAM among the 4 MiB at `pa`.
fn map_mixed(table: &PageTable, pa: u32, ram: &RangeSet) {
    let first = pa >> PGSHIFT;
    let constants = IMAGE_START..&raw const erodata as u32;
    for range in ram.iter() {
        let frames = range.whole_frames();
        for frame in frames.start.max(first)..frames.end.min(first + 1024) {
            let perm = match KERNBASE + (frame << PGSHIFT) {
                va if constants.contains(&va) => KERNEL_CONSTANT,
                _ => KERNEL_PAGE,
            };
            table.set(frame - first, frame << PGSHIFT | perm.bits());
        }
    }
}

/// Shows users the frames of the two public tables, given by their physical addresses.
pub fn publish(upages: Range<u32>, uenvs: Range<u32>) {
    PAGES.map(0, upages, USER_PAGE);
    ENVS.map(0, uenvs, USER_PAGE);
}

/// Maps a stack of `cpu`, which has these frames. It ends `below` bytes under the top
/// of the kernel stack.
pub fn map_stack(cpu: CpuId, below: u32, frames: Range<u32>) {
    let bottom = kernel_stack_top(cpu.0.into()) - below - frames.len() as u32;
    STACKS.map(ptx(bottom), frames, KERNEL_PAGE);
}

/// Moves this CPU to the kernel's page directory.
pub fn enter_kernel() {
    // SAFETY: (3) it maps image, stacks and devices where the directory in use does.
    unsafe { x86::load_cr3(KERNEL.address()) };
}

/// The page directory of the environment that a step switches to.
#[derive(Clone, Copy)]
pub struct Directory(Pfn);

impl Directory {
    /// The one that the core has named.
    #[inline(always)]
    pub fn named_in(outbox: &Outbox) -> Directory {
        Directory(outbox.pgdir)
    }

    /// Moves this CPU there.
    #[inline(always)]
    pub fn enter(self) {
        // SAFETY: (26) an outbox is filled by the core alone, and for a switch with the
        // directory of a living environment; each of these was made with the kernel's
        // entries, so image, stacks and devices stay where they are. If another CPU ends
        // the environment before this one gets here, it reclaims the directory only when
        // this one has left the environment (`biglock::rendezvous`).
        unsafe { x86::load_cr3(self.0.address()) };
    }
}

/// Drops all of this CPU's translations that are not global.
pub fn flush_all() {
    // SAFETY: (25) the directory in use, again.
    unsafe { x86::load_cr3(x86::cr3()) };
}

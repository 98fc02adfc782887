//! The kernel's own address space, from UTOP up; every environment gets a copy
//! of its page-directory entries.
//!
//! ```text
//! KERNBASE   physical memory: global, 4 MiB pages where RAM fills them
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
//! So only a stretch of 4 MiB that is RAM throughout becomes a large page; a
//! mixed one gets a page table that maps its RAM and nothing else. Kernel text
//! and constants are mapped read-only, which CR0.WP makes binding.

pub mod temporary;

use crate::machine::x86;
use abi::Perm;
use abi::layout::{
    DIRECT_MAP_SIZE, KERNBASE, KSTACKTOP, KSTKSIZE, MMIOBASE, PGSHIFT, PGSIZE, PTSIZE, UENVS,
    UPAGES, kernel_stack_top, pdx, ptx,
};
use core::cell::UnsafeCell;
use core::ops::Range;
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
    /// Maps nothing.
    pub const fn empty() -> PageTable {
        PageTable(UnsafeCell::new([0; 1024]))
    }

    fn set(&self, index: u32, value: u32) {
        let place = self.0.get().cast::<u32>();
        // SAFETY: (2) the index is in range by the remainder; others (the MMU)
        // only ever read whole words.
        unsafe { place.add(index as usize % 1024).write_volatile(value) };
    }

    /// Its physical address.
    pub fn address(&self) -> u32 {
        physical(self.0.get() as u32)
    }

    /// The entry of a page directory that points here.
    fn entry(&self, perm: Perm) -> u32 {
        self.address() | perm.bits()
    }
}

/// The page directory that the entry code runs on, and every other CPU's too:
/// RAM at 0 and at KERNBASE. Kept for a CPU that comes up late.
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

/// Virtual addresses of the kernel image's boundaries.
pub struct Image {
    /// First instruction.
    pub entry: u32,
    /// End of the code.
    pub text: u32,
    /// End of the constants.
    pub constants: u32,
    /// End of the initialised data.
    pub data: u32,
    /// End of everything.
    pub end: u32,
}

/// Where the kernel lies.
pub fn image() -> Image {
    Image {
        entry: &raw const entry as u32,
        text: &raw const etext as u32,
        constants: &raw const erodata as u32,
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

/// Lets the device window be used: gives the page directory in use its table,
/// and maps the local APIC's registers, at physical address `apic`.
pub fn open_device_window(apic: u32) {
    DEVICES.set(0, apic & !(PGSIZE - 1) | DEVICE_PAGE.bits());
    BOOT.set(pdx(MMIOBASE), DEVICES.entry(TABLE));
}

/// Maps an I/O APIC's registers, at physical address `pa`, instead of another's;
/// returns where. For CPU 0 while it boots.
pub fn map_io_apic(pa: u32) -> u32 {
    const PAGE: u32 = MMIOBASE + 2 * PGSIZE;
    let offset = pa % PGSIZE;
    DEVICES.set(ptx(PAGE), (pa - offset) | DEVICE_PAGE.bits());
    x86::invlpg(PAGE);
    PAGE + offset
}

/// Where the first page of a log device is mapped, once it is.
pub const fn log_head(log: Purpose) -> u32 {
    MMIOBASE + (3 + log as u32) * PGSIZE
}

/// Maps it; it is at physical address `pa`. Call it once for each.
pub fn map_log_head(log: Purpose, pa: u32) {
    DEVICES.set(ptx(log_head(log)), pa | KERNEL_PAGE.bits());
}

/// The page through which `cpu`, and no other, reaches a log device.
pub const fn log_window(log: Purpose, cpu: CpuId) -> u32 {
    MMIOBASE + (32 + MAX_CPUS as u32 * log as u32 + cpu.0 as u32) * PGSIZE
}

/// Points this window of this CPU at physical address `pa`. No other CPU uses it,
/// so none has to forget where it pointed.
pub fn point_log_window(log: Purpose, cpu: CpuId, pa: u32) {
    let page = log_window(log, cpu);
    DEVICES.set(ptx(page), pa | KERNEL_PAGE.bits());
    x86::invlpg(page);
}

/// Fills the direct map, and points the kernel's page directory at all tables.
/// Returns `ram` without what could not be mapped: what lies beyond the
/// window, and the smallest mixed stretches if [`MIXED`] is too short.
pub fn build(ram: &RangeSet) -> RangeSet {
    let mut mapped = ram.clone();
    mapped.remove(PhysRange {
        start: DIRECT_MAP_SIZE.into(),
        end: 1 << 32,
    });
    forget_small_stretches(&mut mapped);
    for pa in stretches() {
        if ram_in(&mapped, pa) == PTSIZE && pa > 0 {
            KERNEL.set(pdx(KERNBASE + pa), pa | (KERNEL_PAGE | Perm::PS).bits());
        }
    }
    for (pa, table) in mixed_stretches(&mapped).zip(&MIXED) {
        map_mixed(table, pa, &mapped);
        KERNEL.set(pdx(KERNBASE + pa), table.entry(TABLE));
    }
    KERNEL.set(pdx(KSTACKTOP - 1), STACKS.entry(TABLE));
    KERNEL.set(pdx(MMIOBASE), DEVICES.entry(TABLE));
    KERNEL.set(pdx(UPAGES), PAGES.entry(USER_TABLE));
    KERNEL.set(pdx(UENVS), ENVS.entry(USER_TABLE));
    mapped
}

/// The stretches of the direct map that a page-directory entry maps.
fn stretches() -> impl Iterator<Item = u32> {
    (0..DIRECT_MAP_SIZE).step_by(PTSIZE as usize)
}

/// Those that need a page table. The first has the kernel's code in it, which is
/// mapped in another way.
fn mixed_stretches(ram: &RangeSet) -> impl Iterator<Item = u32> {
    stretches().filter(|&pa| match ram_in(ram, pa) {
        0 => false,
        PTSIZE => pa == 0,
        _ => true,
    })
}

/// Bytes of RAM in the stretch at `pa`.
fn ram_in(ram: &RangeSet, pa: u32) -> u32 {
    let stretch = PhysRange::with_len(pa.into(), PTSIZE.into());
    let inside = |range: PhysRange| {
        let last = range.end.min(stretch.end);
        last.saturating_sub(range.start.max(stretch.start))
    };
    ram.iter().map(inside).sum::<u64>() as u32
}

/// Leaves only as many mixed stretches as there are tables for, those with most
/// RAM; the kernel's own in any case.
fn forget_small_stretches(ram: &mut RangeSet) {
    let image = image_range();
    while mixed_stretches(ram).count() > MIXED.len() {
        let of_others = mixed_stretches(ram).filter(|&pa| {
            image.end <= pa.into() || image.start >= u64::from(pa) + u64::from(PTSIZE)
        });
        let Some(pa) = of_others.min_by_key(|&pa| ram_in(ram, pa)) else {
            return;
        };
        ram.remove(PhysRange::with_len(pa.into(), PTSIZE.into()));
    }
}

/// Maps the whole pages of RAM among the 4 MiB at `pa`.
fn map_mixed(table: &PageTable, pa: u32, ram: &RangeSet) {
    let first = pa >> PGSHIFT;
    for range in ram.iter() {
        let frames = range.whole_frames();
        for frame in frames.start.max(first)..frames.end.min(first + 1024) {
            let perm = match KERNBASE + (frame << PGSHIFT) {
                va if (IMAGE_START..image().constants).contains(&va) => KERNEL_CONSTANT,
                _ => KERNEL_PAGE,
            };
            table.set(frame - first, frame << PGSHIFT | perm.bits());
        }
    }
}

/// Shows users the frames of the two public tables. Each starts at a physical
/// address and is a number of pages long.
pub fn publish(upages: Range<u32>, uenvs: Range<u32>) {
    for (table, range) in [(&PAGES, upages), (&ENVS, uenvs)] {
        for (index, pa) in range.step_by(PGSIZE as usize).enumerate() {
            table.set(index as u32, pa | USER_PAGE.bits());
        }
    }
}

/// Maps a stack of `cpu`: the frames at `pa`, as many pages as `pages`, ending
/// `below` bytes under the top of its kernel stack.
pub fn map_stack(cpu: CpuId, below: u32, pa: u32, pages: u32) {
    let bottom = kernel_stack_top(cpu.0.into()) - below - pages * PGSIZE;
    for page in 0..pages {
        let offset = page * PGSIZE;
        STACKS.set(ptx(bottom + offset), (pa + offset) | KERNEL_PAGE.bits());
    }
}

/// Pages of a kernel stack.
pub const STACK_PAGES: u32 = KSTKSIZE / PGSIZE;

/// Moves this CPU to the kernel's page directory.
pub fn enter_kernel() {
    // SAFETY: (3) it maps image, stacks and devices where the one in use does.
    unsafe { x86::load_cr3(KERNEL.address()) };
}

/// Moves this CPU to the page directory of the environment that a step switches to.
#[inline(always)]
pub fn enter_environment(outbox: &Outbox) {
    // SAFETY: (26) an outbox is filled by the core alone, and for a switch with the
    // directory of a living environment; each of these was made with the kernel's
    // entries, so image, stacks and devices stay where they are.
    unsafe { x86::load_cr3(outbox.pgdir.address()) };
}

/// Drops this CPU's translation of a page.
#[inline(always)]
pub fn flush(va: u32) {
    x86::invlpg(va);
}

/// Drops all of this CPU's translations that are not global.
pub fn flush_all() {
    // SAFETY: (25) the directory in use, again.
    unsafe { x86::load_cr3(x86::cr3()) };
}

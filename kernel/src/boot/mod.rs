//! From the first Rust instruction to the first environment, as a list.
//!
//! The hard thing is the order, so each line says what it needs. CPU 0 is alone
//! until it starts the other CPUs, and these idle until the core exists;
//! interrupts are off until the first return to user mode.

mod memory;
mod others;
pub mod processor;
mod programs;

use crate::enter;
use crate::locked::KERNEL;
use crate::logs::{RECORD, TRACE};
use crate::machine::address_space::temporary::FirmwareMemory;
use crate::machine::address_space::{self, PageTable, STACKS, image_range};
use crate::machine::console::{self, say};
use crate::machine::log_device::LogDevice;
use crate::machine::phys::DirectMap;
use crate::machine::power;
use crate::machine::smp::clock::Rates;
use crate::machine::smp::{self, ThisCpu, clock, fpu, io_apic, lapic, segments, start, watchdog};
use crate::machine::x86;
use crate::trap;
use abi::env::NENV;
use abi::layout::{DIRECT_MAP_SIZE, KERNBASE, KSTKSIZE};
use abi::scheduling::Policy;
use core::arch::global_asm;
use core::fmt::Display;
use core::mem::MaybeUninit;
use firmware::{BootOptions, FreeMemory, Handover, handover, options};
use kcore::env::Env;
use kcore::{Config, End, Kernel, Tables};
use memory::MachineTables;
use witness::log_memory::Purpose;
use witness::trace::Trace;

global_asm!(
    include_str!("entry.s"),
    kernbase = const KERNBASE,
    window = const DIRECT_MAP_SIZE + 0x83,
    required = const processor::REQUIRED,
    uses_efer = const processor::USES_EFER,
    efer = const processor::EFER,
    cr0 = const x86::CR0,
    cr4_pse = const x86::CR4_PSE,
    frame_size = const size_of::<abi::TrapFrame>() as u32 + segments::ABOVE_FRAME,
    pgdir = sym address_space::BOOT,
    stack_table = sym STACKS,
    stack = sym STACK,
    stack_size = const KSTKSIZE,
    debug_exit = const power::DEBUG_EXIT_PORT,
    verdict = const power::PANIC,
    main = sym main,
);

/// CPU 0's kernel stack; the entry code maps it to its place.
static STACK: [PageTable; KSTKSIZE as usize / size_of::<PageTable>()] =
    [const { PageTable::empty() }; _];

/// Bytes of the console's ring.
const RING: usize = 32 * 1024;

/// What is too big for a stack.
struct Fixed {
    envs: [MaybeUninit<Env>; NENV],
    ring: [u8; RING],
    strings: [u8; handover::POOL],
    arguments: [u8; programs::ARGUMENTS],
}

static mut FIXED: Fixed = Fixed {
    envs: [const { MaybeUninit::uninit() }; NENV],
    ring: [0; RING],
    strings: [0; handover::POOL],
    arguments: [0; programs::ARGUMENTS],
};

/// The first Rust code that runs. `magic` and `info` are what the boot loader left
/// in eax and ebx, the rest is the time-stamp counter at the kernel's first
/// instructions.
extern "C" fn main(magic: u32, info: u32, tsc_low: u32, tsc_high: u32) -> ! {
    let entered = u64::from(tsc_high) << 32 | u64::from(tsc_low);
    let cpu = ThisCpu::get(); // the entry code put us on CPU 0's stack
    console::uart::Com1.init(); // from here on the kernel can print
    address_space::open_device_window(processor::local_apic()); // needed to look at tables
    // SAFETY: (10) the window is open, and this is the only one.
    let firmware = unsafe { FirmwareMemory::new() };
    let fixed = &raw mut FIXED;
    // SAFETY: (11) `main` runs once, and nothing else names it.
    let fixed = unsafe { &mut *fixed };
    let complain = |complaint: &dyn Display| say!("{complaint}");
    let handover = match Handover::read(&firmware, magic, info, &mut fixed.strings, complain) {
        Ok(handover) => handover, // copied: now memory may be written
        Err(error) => panic!("{error}"),
    };
    let options = &handover.options;
    memory::announce(&handover.memory);
    let mapped = address_space::build(&handover.memory.usable); // needs the map of memory
    memory::announce_unmapped(&handover.memory, &mapped);
    address_space::enter_kernel(); // the low identity map is gone
    let mut memory = FreeMemory::new(mapped, image_range(), &handover.modules); // needs to know what is mapped
    segments::init_interrupt_table(); // needs nothing but the stubs' addresses
    cpu.load_segments(trap::TASKS); // from here on faults are reported
    let _ = processor::enable(cpu); // needs segments, for sysenter; CPU 0 cannot lack what it has itself
    lapic::init(cpu.id()); // needs the device window
    let rates = clock::calibrate();
    console::set_quantum(options.quantum_us);
    let topology = others::find(&firmware); // needs the APIC, to know itself
    drop(firmware); // no table is left to read
    io_apic::silence(&topology); // needs to know where they are; no CPU lets interrupts in yet
    console::enable_interrupts(); // needs the interrupt table; they stay pending for now
    let mut kernel = KERNEL.lock(|| {}); // a CPU that comes up and gets a stray interrupt waits
    others::start(&topology, &mut memory); // needs clock, and memory for stacks
    watchdog::start(&topology); // needs all CPUs to have an interrupt table
    let tables = memory::carve_tables(&mut memory, options.trace); // needs to know how much memory there is
    let usable = memory.whole_frames(); // nothing is carved after this
    memory::announce_lost(memory.forgotten());
    for env in &mut fixed.envs {
        env.write(Env::default());
    }
    let config = config(options, &rates, &tables);
    let trace = Trace::new(tables.trace);
    let tables = Tables {
        frames: tables.frames,
        // SAFETY: (9) all of them were just written.
        envs: unsafe { &mut *fixed.envs.as_mut_ptr().cast() },
        console: &mut fixed.ring,
    };
    // SAFETY: (13) the core uses frames of its table, the public tables and the
    // modules; none of them holds a Rust object.
    let memory = unsafe { DirectMap::new() };
    let core = Kernel::new(memory, trace, tables, config, usable.iter().cloned());
    open_logs(options, &rates); // needs the rates
    kernel.install(core, usable.iter().cloned()); // needs the logs
    let privileged = programs::create(&mut kernel, &handover, &mut fixed.arguments); // needs the modules' files
    if privileged {
        kernel.write_steps(); // they give it back, which the way in takes
    } else if options.prelock && !options.trace {
        enter::answer_before_lock();
    }
    if options.sched == Policy::Priority {
        enter::look_for_rank();
    }
    if options.boottime {
        say!("boot: {}", x86::rdtsc() - entered);
    }
    drop(kernel); // the lock is free
    start::release_others(cpu); // the other CPUs enter
    trap::begin(cpu)
}

/// Opens the logs that the options ask for.
fn open_logs(options: &BootOptions, rates: &Rates) {
    let find = |purpose: Purpose, otherwise: &str| {
        let device = LogDevice::find(purpose, rates.tsc_hz);
        if device.is_none() {
            say!("{}: no log device; {otherwise}", purpose.name());
        }
        device
    };
    if options.record {
        RECORD.open(find(Purpose::Record, "nothing is recorded"));
    }
    if options.trace {
        TRACE.open(find(Purpose::Trace, "only the monitor can show it"));
    }
}

/// What the core must know of this machine and this run.
fn config(options: &BootOptions, rates: &Rates, tables: &MachineTables) -> Config {
    Config {
        kernel_pgdir: address_space::kernel_pgdir(),
        uenvs: tables.uenvs,
        upages: tables.upages,
        quantum: rates.ticks(options.quantum_us),
        policy: options.sched,
        started: clock::ticks(),
        ten_ms: rates.ticks(10_000).max(1),
        lifecycle: options.lifecycle,
        end: match options.end {
            options::End::PowerOff => End::PowerOff,
            options::End::Monitor => End::Monitor,
        },
        grading: options.grading,
        cpus: smp::up().iter().count() as u8,
        features: if options.extensions {
            processor::features()
        } else {
            0
        },
        fpu_images: tables.fpu_images,
        mxcsr_mask: fpu::mxcsr_mask(),
    }
}

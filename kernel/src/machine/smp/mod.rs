//! The CPUs: which one runs this code, and what each has of its own.
//!
//! The hard thing is to know which CPU runs, cheaply, before anything can be
//! trusted but the stack pointer. Each CPU owns the 64 KiB of address space
//! that end at its kernel stack's top ([`abi::layout::kernel_stack_top`]), and
//! every stack that it ever runs on lies in there, so the upper half of `esp`
//! names the CPU:
//!
//! ```text
//!   top             the trap frame of the environment that runs here (68 bytes)
//!   top -  32 KiB   kernel stack; near its bottom, the id that `getenvid` answers
//!   top -  48 KiB   unmapped: an overflow faults at once
//!   top -  52 KiB   machine-check stack, 4 KiB
//!   top -  56 KiB   unmapped
//!   top -  60 KiB   double-fault stack, 4 KiB
//!   top -  64 KiB   unmapped
//! ```

pub mod agreement;
pub mod clock;
pub mod data_segments;
pub mod fpu;
pub mod io_apic;
pub mod lapic;
pub mod segments;
pub mod start;
pub mod watchdog;

pub use segments::{DOUBLE_FAULT_STACK, MACHINE_CHECK_STACK};

use crate::machine::x86;
use abi::layout::{KSTACKTOP, KSTKGAP, KSTKSIZE, kernel_stack_top};
use abi::{EnvId, TrapFrame};
use biglock::{Mailbox, arrival};
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kcore::ids::MAX_CPUS;
use kcore::{CpuId, CpuSet, Event};

/// Bytes of address space that each CPU owns for its stacks.
const REGION: u32 = KSTKSIZE + KSTKGAP;
const _: () = assert!(REGION == 0x1_0000 && KSTACKTOP.is_multiple_of(REGION));

/// How far below the top of a kernel stack the id of the environment stands that runs
/// there. The stubs find it with no register but the stack pointer. It is so deep that
/// a stack which reaches it is about to overflow, and not so deep that a stub which comes
/// from virtual-8086 mode, with four words more on the stack, looks beyond the bottom.
pub const ENV_DEPTH: u32 = KSTKSIZE - 64;

/// Bytes of each of these two stacks.
pub const TASK_STACK: u32 = 0x1000;

static UP: AtomicU32 = AtomicU32::new(1);

/// The CPUs that are up, this one included.
pub fn up() -> CpuSet {
    CpuSet(UP.load(Relaxed))
}

/// Notes that another CPU is up.
pub fn note_up(cpu: CpuId) {
    let mut all = up();
    all.insert(cpu);
    UP.store(all.0, Relaxed);
}

/// The CPU that runs this code. Cannot be sent to another CPU.
#[derive(Clone, Copy)]
pub struct ThisCpu {
    id: CpuId,
    stays_here: PhantomData<*const ()>,
}

impl ThisCpu {
    /// Reads off the stack pointer which CPU this is.
    #[inline(always)]
    pub fn get() -> ThisCpu {
        ThisCpu {
            id: CpuId(((KSTACKTOP - 1).wrapping_sub(x86::esp()) / REGION) as u8),
            stays_here: PhantomData,
        }
    }

    /// The kernel's number for this CPU.
    #[inline(always)]
    pub fn id(self) -> CpuId {
        self.id
    }

    /// Whether this is CPU 0, which takes the devices' interrupts.
    #[inline(always)]
    pub fn is_first(self) -> bool {
        self.id.0 == 0
    }

    /// What this CPU has of its own.
    #[inline(always)]
    pub fn area(self) -> &'static CpuArea {
        area(self.id)
    }

    /// Gives this CPU its segments, task states and interrupt table, with these handlers
    /// of double faults and of machine checks. Call it once on each CPU.
    pub fn load_segments(self, handlers: [segments::Handler; 2]) {
        // SAFETY: (104) both are this CPU's, and the table was filled before.
        unsafe { segments::load(&self.area().segments, self.stack_top(), handlers) };
    }

    /// Id of the environment that runs here, which `getenvid` answers. While there is none, it
    /// is that of the last one, or 0 if that was taken away.
    #[inline(always)]
    pub fn env(self) -> &'static AtomicU32 {
        env_word(self.id)
    }

    /// One past the highest address of its kernel stack.
    pub fn stack_top(self) -> u32 {
        kernel_stack_top(self.id.0.into())
    }

    /// Where the stack pointer is when something enters from user mode.
    pub fn entry_top(self) -> u32 {
        self.stack_top() - segments::ABOVE_FRAME
    }

    /// Where the frame of every entry is.
    pub fn frame_place(self) -> u32 {
        self.entry_top() - size_of::<TrapFrame>() as u32
    }

    /// The aligned word at `address`, if that lies in one of this CPU's stacks.
    pub fn stack_word(self, address: u32) -> Option<u32> {
        let depth = self.stack_top().checked_sub(address)?;
        let stacks = [
            4..=KSTKSIZE,
            MACHINE_CHECK_STACK + 4..=MACHINE_CHECK_STACK + TASK_STACK,
            DOUBLE_FAULT_STACK + 4..=DOUBLE_FAULT_STACK + TASK_STACK,
        ];
        let inside = depth.is_multiple_of(4) && stacks.iter().any(|stack| stack.contains(&depth));
        // SAFETY: (108) the word is in a mapped stack.
        inside.then(|| unsafe { (address as *const u32).read_volatile() })
    }
}

/// What a CPU leaves behind when it gives up its environment: the registers, and
/// the event for which it was about to enter the kernel.
pub type Parked = (TrapFrame, Event);

/// Where `cpu` keeps the id of the environment whose page directory it loaded last. For
/// this CPU, and for one that the core has put an environment on.
#[inline(always)]
fn env_word(cpu: CpuId) -> &'static AtomicU32 {
    let word = kernel_stack_top(cpu.0.into()) - ENV_DEPTH;
    // SAFETY: (59) the word is aligned and in the CPU's stack, which is mapped before
    // the CPU runs and for ever, and was zeroed; and the CPU runs: it is this one, or it
    // made the step by which it got its environment. Only atomics name the word: no Rust
    // object is ever that deep, as a stack which grew so far would fault 64 bytes further
    // down.
    unsafe { AtomicU32::from_ptr(word as *mut u32) }
}

/// Waits until `cpu`, which the core has switched to `env`, has loaded its page directory.
pub fn await_arrival(cpu: CpuId, env: EnvId) {
    arrival::wait_for(env_word(cpu), env.0 as u32);
}

/// What one CPU has of its own and others may look at.
#[repr(C, align(64))]
pub struct CpuArea {
    /// Requests from the holder of the big lock.
    pub mailbox: Mailbox<Parked>,
    /// Its local APIC's id.
    pub apic_id: AtomicU32,
    /// Descriptor tables and task states.
    pub segments: segments::Segments,
}

static AREAS: [CpuArea; MAX_CPUS] = [const {
    CpuArea {
        mailbox: Mailbox::new(),
        apic_id: AtomicU32::new(0),
        segments: segments::Segments::new(),
    }
}; MAX_CPUS];

/// What `cpu` has of its own.
#[inline(always)]
pub fn area(cpu: CpuId) -> &'static CpuArea {
    &AREAS[cpu.0 as usize % MAX_CPUS]
}

/// Interrupts another CPU, so that it looks at its mail and for work.
pub fn interrupt(cpu: CpuId) {
    lapic::send(area(cpu).apic_id.load(Relaxed), abi::trap::Vector::IPI);
}

//! Segments, task states and the interrupt table of one CPU.
//!
//! Every CPU has a descriptor table of its own, so that all of them use the
//! same selectors; they share the interrupt table, which holds only selectors
//! and addresses. The hard thing is the two task gates. A double fault or a
//! machine check may find the kernel's stack or page directory unusable, so the
//! processor switches to a task that has its own of both; these tasks never
//! return. Source: Intel SDM volume 3, chapters "Task management" and "Interrupt
//! and exception handling".

use crate::machine::address_space;
use crate::machine::x86;
use crate::trap::vectors;
use abi::TrapFrame;
use abi::trap::{KERNEL_CODE, KERNEL_DATA, TASK_STATE, Vector};
use core::arch::asm;
use core::cell::UnsafeCell;

/// Bytes above the frame of every entry, which stay unused: so the frame, at whose address
/// the stubs call Rust, is where the compiler believes that the stack pointer is.
pub const ABOVE_FRAME: u32 = 12;
const _: () = assert!((ABOVE_FRAME + size_of::<TrapFrame>() as u32).is_multiple_of(16));

/// Where the machine-check stack ends, in bytes below the kernel stack's top.
pub const MACHINE_CHECK_STACK: u32 = 12 * 0x1000;
/// Where the double-fault stack ends, likewise.
pub const DOUBLE_FAULT_STACK: u32 = 14 * 0x1000;

/// Selector of the task that takes double faults.
const DOUBLE_FAULT_TASK: u32 = 0x30;
/// Selector of the task that takes machine checks.
const MACHINE_CHECK_TASK: u32 = 0x38;

/// What a task gate's task runs. It never returns.
pub type Handler = extern "C" fn() -> !;

/// A task state segment. 104 bytes; aligned so that it stays in one page.
#[repr(C, align(128))]
#[derive(Clone, Copy)]
pub struct TaskState {
    back_link: u32,
    esp0: u32,
    ss0: u32,
    inner_stacks: [u32; 4],
    cr3: u32,
    /// Where the task was when the processor switched away from it.
    pub eip: u32,
    eflags: u32,
    eax_ecx_edx_ebx: [u32; 4],
    /// Its stack pointer then.
    pub esp: u32,
    /// Its frame pointer then.
    pub ebp: u32,
    esi_edi: [u32; 2],
    es_cs_ss_ds: [u32; 4],
    fs_gs_ldt: [u32; 3],
    /// Upper half: offset of the I/O permission map. It lies beyond the segment:
    /// there is no map, and user mode may use no port.
    io_map: u32,
}

const TASK_STATE_SIZE: u32 = 104;

impl TaskState {
    const NEW: TaskState = TaskState {
        back_link: 0,
        esp0: 0,
        ss0: KERNEL_DATA,
        inner_stacks: [0; 4],
        cr3: 0,
        eip: 0,
        eflags: abi::trap::FLAG_ONE,
        eax_ecx_edx_ebx: [0; 4],
        esp: 0,
        ebp: 0,
        esi_edi: [0; 2],
        es_cs_ss_ds: [KERNEL_DATA, KERNEL_CODE, KERNEL_DATA, KERNEL_DATA],
        fs_gs_ldt: [0; 3],
        io_map: TASK_STATE_SIZE << 16,
    };

    /// A task that calls `handler`. The word on top of its stack stands for the
    /// return address, and is never used.
    fn of_handler(handler: Handler, stack_top: u32) -> TaskState {
        TaskState {
            cr3: address_space::kernel_pgdir().address(),
            eip: handler as usize as u32,
            esp: stack_top - 4,
            ..TaskState::NEW
        }
    }
}

/// One CPU's tables.
#[repr(C, align(128))]
pub struct Segments(UnsafeCell<Tables>);

#[repr(C)]
struct Tables {
    main: TaskState,
    double_fault: TaskState,
    machine_check: TaskState,
    descriptors: [u64; 8],
}

// SAFETY: (60) each is written by its own CPU, once, in `load`; after that only the
// processor writes there, and `interrupted` reads by value.
unsafe impl Sync for Segments {}

/// Descriptor of a flat 4 GiB segment: present, 32-bit, 4 KiB granular.
const fn flat(access: u64) -> u64 {
    0x00cf_0000_0000_ffff | access << 40
}

/// Descriptor of a task state at `base`: present, ring 0, not busy.
fn task(base: *const TaskState) -> u64 {
    let base = u64::from(base as u32);
    let limit = u64::from(TASK_STATE_SIZE - 1);
    limit | (base & 0xff_ffff) << 16 | 0x89 << 40 | (base >> 24) << 56
}

/// Operand of `lgdt` and `lidt`.
#[repr(C, packed)]
struct TableRegister {
    limit: u16,
    base: u32,
}

impl TableRegister {
    fn of<T>(table: *const T) -> TableRegister {
        TableRegister {
            limit: size_of::<T>() as u16 - 1,
            base: table as u32,
        }
    }
}

impl Segments {
    /// Tables that `load` has not filled yet.
    pub const fn new() -> Segments {
        Segments(UnsafeCell::new(Tables {
            main: TaskState::NEW,
            double_fault: TaskState::NEW,
            machine_check: TaskState::NEW,
            descriptors: [
                0,
                flat(0x9a), // 0x08 kernel code
                flat(0x92), // 0x10 kernel data
                flat(0xfa), // 0x18 user code
                flat(0xf2), // 0x20 user data
                0,          // 0x28 this CPU's task state
                0,          // 0x30 double fault
                0,          // 0x38 machine check
            ],
        }))
    }

    /// What this CPU was doing when a task gate interrupted it.
    pub fn interrupted(&self) -> TaskState {
        // SAFETY: (61) a plain copy; the processor writes it only on a task switch,
        // and this CPU does not switch tasks again.
        unsafe { (&raw const (*self.0.get()).main).read_volatile() }
    }
}

/// Gives this CPU its segments, task states and interrupt table. The handlers are those
/// of double faults and of machine checks.
///
/// # Safety
/// `own` are this CPU's, which it does not use yet; `top` is the top of its kernel
/// stack; and [`init_interrupt_table`] has run.
pub unsafe fn load(own: &Segments, top: u32, [double_fault, machine_check]: [Handler; 2]) {
    let tables = own.0.get();
    // SAFETY: (62) the caller's promise. What is loaded is flat, as the entry code's
    // segments are, so nothing moves; every gate names a stub of trap/stubs.s or a task.
    unsafe {
        (*tables).main.esp0 = top - ABOVE_FRAME;
        (*tables).double_fault = TaskState::of_handler(double_fault, top - DOUBLE_FAULT_STACK);
        (*tables).machine_check = TaskState::of_handler(machine_check, top - MACHINE_CHECK_STACK);
        (*tables).descriptors[5] = task(&raw const (*tables).main);
        (*tables).descriptors[6] = task(&raw const (*tables).double_fault);
        (*tables).descriptors[7] = task(&raw const (*tables).machine_check);
        asm!(
            "lgdt [{descriptors}]",
            "lidt [{interrupts}]",
            "push {code}",
            "lea {scratch}, [2f]",
            "push {scratch}",
            "retf",
            "2:",
            "mov ss, {data:e}",
            "mov ds, {user:e}",
            "mov es, {user:e}",
            "xor {scratch}, {scratch}",
            "lldt {scratch:x}",
            "ltr {task:x}",
            descriptors = in(reg) &TableRegister::of(&raw const (*tables).descriptors),
            interrupts = in(reg) &TableRegister::of(INTERRUPTS.0.get()),
            code = const KERNEL_CODE,
            data = in(reg) KERNEL_DATA,
            user = in(reg) abi::trap::USER_DATA,
            task = in(reg) TASK_STATE,
            scratch = out(reg) _,
        );
    }
    x86::reset_fs_gs();
}

/// Place of the interrupt table.
pub struct InterruptTable(UnsafeCell<[u64; 256]>);

// SAFETY: (63) CPU 0 writes it once, before it starts any other CPU.
unsafe impl Sync for InterruptTable {}

/// The interrupt table that all CPUs use.
pub static INTERRUPTS: InterruptTable = InterruptTable(UnsafeCell::new([0; 256]));

fn gate(selector: u32, handler: u32, access: u64) -> u64 {
    let handler = u64::from(handler);
    handler & 0xffff | u64::from(selector) << 16 | access << 40 | (handler >> 16) << 48
}

const INTERRUPT_GATE: u64 = 0x8e;
const INTERRUPT_GATE_FOR_USERS: u64 = 0xee;
const TASK_GATE: u64 = 0x85;

/// Fills the interrupt table. An interrupt may come with any vector from 32 up, so
/// each of these has a gate. An exception without a gate is a general protection
/// fault.
pub fn init_interrupt_table() {
    let to_stub = |vector, access| gate(KERNEL_CODE, vectors::stub(vector), access);
    let entry = |vector: u32| match Vector(vector) {
        Vector::DOUBLE_FAULT => gate(DOUBLE_FAULT_TASK, 0, TASK_GATE),
        Vector::MACHINE_CHECK => gate(MACHINE_CHECK_TASK, 0, TASK_GATE),
        Vector::BREAKPOINT | Vector::OVERFLOW | Vector::SYSCALL => {
            to_stub(vector, INTERRUPT_GATE_FOR_USERS)
        }
        Vector(0..=8 | 10..=14 | 16..=19 | 32..) => to_stub(vector, INTERRUPT_GATE),
        _ => 0,
    };
    // SAFETY: (64) CPU 0 is alone and has not loaded the table yet.
    unsafe { *INTERRUPTS.0.get() = core::array::from_fn(|vector| entry(vector as u32)) };
}

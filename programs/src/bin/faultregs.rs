//! Page faults must not change a register: neither what the handler is shown
//! nor what the program has afterwards.
//!
//! The hard thing is that no register is free to work with. So it is one
//! stretch of assembly, which keeps its notes at fixed addresses; it also sets
//! every flag that a program may set without harm, the direction flag among
//! them, which a handler could not work with.

#![no_std]
#![no_main]

use core::arch::naked_asm;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use programs::attack;
use user::abi::UTrapFrame;
use user::abi::trap::FLAG_RF;
use user::{page_fault, println, vm};

/// What is written; nothing is mapped there.
const ADDRESS: u32 = 0xa000_0000;
/// Carry, parity, auxiliary carry, zero, sign, direction, overflow.
const FLAGS: u32 = 0xcd5;

const NAMES: [&str; 10] = [
    "edi", "esi", "ebp", "ebx", "edx", "ecx", "eax", "eip", "eflags", "esp",
];
type Registers = [AtomicU32; NAMES.len()];

static BEFORE: Registers = [const { AtomicU32::new(0) }; NAMES.len()];
static AFTER: Registers = [const { AtomicU32::new(0) }; NAMES.len()];

user::program!(main);

fn main() {
    // SAFETY: the handler works with integers only.
    unsafe { page_fault::set_handler(look) }.expect("set_handler");
    // SAFETY: restores everything that it changes, but for a page that is
    // nobody's.
    unsafe { fault() };
    compare(
        "after page-fault",
        AFTER.each_ref().map(|word| word.load(Relaxed)),
    );
    // SAFETY: mapped by the handler.
    if unsafe { attack::load(ADDRESS) } != ADDRESS {
        println!("MISMATCH: the store had no effect");
    }
}

/// Handles the fault: compares, and maps the page.
fn look(fault: &UTrapFrame) {
    let regs = &fault.regs;
    compare(
        "in UTrapframe",
        [
            regs.edi,
            regs.esi,
            regs.ebp,
            regs.ebx,
            regs.edx,
            regs.ecx,
            regs.eax,
            fault.eip,
            // The processor may add the resume flag to what it saves.
            fault.eflags & !FLAG_RF,
            fault.esp,
        ],
    );
    vm::allocate(fault.fault_va).expect("allocating the page");
}

/// Compares `found` to what there was before the fault.
fn compare(place: &str, found: [u32; NAMES.len()]) {
    let mut verdict = "OK";
    for ((name, before), found) in NAMES.iter().zip(&BEFORE).zip(found) {
        let before = before.load(Relaxed);
        if before != found {
            println!("  {name:6} {before:08x} {found:08x} MISMATCH");
            verdict = "MISMATCH";
        }
    }
    println!("Registers {place} {verdict}");
}

/// Gives every register and flag a value, notes them in `BEFORE`, stores to
/// [`ADDRESS`], and notes them in `AFTER`.
///
/// # Safety
/// A handler maps the page, and nothing of this program is in it.
#[unsafe(naked)]
unsafe extern "C" fn fault() {
    naked_asm!(
        "pushad",
        "pushfd",
        "mov edi, 0x11111111",
        "mov esi, 0x22222222",
        "mov ebp, 0x33333333",
        "mov ebx, 0x44444444",
        "mov edx, 0x55555555",
        "mov ecx, 0x66666666",
        "lea eax, [2f]",
        "mov [{before} + 28], eax",
        "mov eax, {address}",
        "push {flags}",
        "popfd",
        "mov [{before}], edi",
        "mov [{before} + 4], esi",
        "mov [{before} + 8], ebp",
        "mov [{before} + 12], ebx",
        "mov [{before} + 16], edx",
        "mov [{before} + 20], ecx",
        "mov [{before} + 24], eax",
        "pushfd",
        "pop dword ptr [{before} + 32]",
        "mov [{before} + 36], esp",
        "2:",
        "mov [eax], eax",
        "mov [{after}], edi",
        "mov [{after} + 4], esi",
        "mov [{after} + 8], ebp",
        "mov [{after} + 12], ebx",
        "mov [{after} + 16], edx",
        "mov [{after} + 20], ecx",
        "mov [{after} + 24], eax",
        "mov [{after} + 36], esp",
        "pushfd",
        "pop dword ptr [{after} + 32]",
        // Where it went on: here.
        "lea eax, [2b]",
        "mov [{after} + 28], eax",
        "popfd",
        "popad",
        "ret",
        address = const ADDRESS,
        flags = const FLAGS,
        before = sym BEFORE,
        after = sym AFTER,
    )
}

//! Crashes, in the way that its argument names: to see what is said of it.
//!
//! Without an argument it lists the ways. Each is a mistake that programs really make.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::sync::atomic::AtomicU32;

use programs::attack;
use user::abi::layout::UENVS;
use user::{EnvId, Fork, fork, ipc, page_fault, println, sys};

user::program!(main);

/// A way to crash, and what happens.
type Way = (&'static str, &'static str, fn());

const WAYS: &[Way] = &[
    ("null", "follows a null pointer", null),
    ("field", "reads a field of nothing", field),
    ("call", "calls through a null pointer", call),
    ("wild", "follows a pointer that was never set", wild),
    ("recurse", "calls itself until the stack is full", recurse),
    ("table", "writes to the table of environments", table),
    ("cow", "writes to a page that it forgot how to copy", cow),
    (
        "nostack",
        "handles faults without an exception stack",
        no_stack,
    ),
    ("handler", "has its fault handler where no code is", handler),
    ("kernel", "reads the kernel's memory", kernel),
    ("port", "uses a device", port),
    ("panic", "panics", panic),
    ("child", "has a child that follows a null pointer", child),
    (
        "deadlock",
        "waits for its child, which waits for it",
        deadlock,
    ),
];

fn main() {
    let wanted = user::args().nth(1);
    match WAYS.iter().find(|(name, ..)| Some(*name) == wanted) {
        Some((.., crash)) => crash(),
        None => {
            println!("crashes WAY:");
            for (name, what, _) in WAYS {
                println!("  {name:9}{what}");
            }
        }
    }
}

fn null() {
    // SAFETY: nothing is mapped there: the fault ends us.
    unsafe { attack::load(0) };
}

fn field() {
    // SAFETY: as in `null`.
    unsafe { attack::load(12) };
}

fn call() {
    // SAFETY: as in `null`; nothing comes back.
    unsafe { attack::call(0) };
}

fn wild() {
    // SAFETY: as in `null`.
    unsafe { attack::load(0x1234_5678) };
}

fn recurse() {
    println!("{}", depth(0));
}

/// The compiler must not make a loop of it.
#[expect(unconditional_recursion, reason = "the stack is to be used up")]
fn depth(level: u32) -> u32 {
    black_box(depth(black_box(level) + 1)) + 1
}

fn table() {
    // SAFETY: the page is read-only: the fault ends us.
    unsafe { attack::store(UENVS, 0) };
}

/// A page of its own, which nobody else writes after a fork.
#[repr(align(4096))]
struct Page(AtomicU32);

static WRITTEN: Page = Page(AtomicU32::new(0));

fn cow() {
    if let Ok(Fork::Parent(_)) = fork() {
        // SAFETY: no upcall is always right, and what it would have copied ends us. The
        // word is an atomic, and nobody reads it.
        unsafe {
            let _ = sys::env_set_pgfault_upcall(EnvId::NONE, 0);
            attack::store(WRITTEN.0.as_ptr() as u32, 1);
        }
    }
}

fn no_stack() {
    // SAFETY: the right upcall, and a fault that ends us.
    unsafe {
        let _ = sys::env_set_pgfault_upcall(EnvId::NONE, page_fault::entry());
        attack::load(0x1234_5678);
    }
}

fn handler() {
    // SAFETY: the kernel cannot call it there, and ends us.
    unsafe {
        let _ = page_fault::set_handler(|_| ());
        let _ = sys::env_set_pgfault_upcall(EnvId::NONE, 0x1234_5678);
        attack::load(0);
    }
}

fn kernel() {
    // SAFETY: as in `null`.
    unsafe { attack::load(0xf010_0000) };
}

fn port() {
    // SAFETY: without the right to do so this ends us.
    unsafe { user::port::read8(0x1f7) };
}

fn panic() {
    let numbers = [1, 2, 3];
    println!("{}", numbers[black_box(7)]);
}

fn child() {
    match fork() {
        Ok(Fork::Child) => null(),
        _ => println!("the parent goes on"),
    }
}

fn deadlock() {
    let parent = sys::getenvid();
    let whom = match fork() {
        Ok(Fork::Parent(child)) => child,
        _ => parent,
    };
    let _ = ipc::recv_from(whom);
}

//! Before and after `main`; arguments.
//!
//! The kernel starts a program with `esp` at the very top of the stack and all
//! other registers 0. A parent with arguments to give puts them there and
//! sets `esp` to two words, `argc` and `argv`. The hard thing: the stack's top is
//! where nothing can be read, so `_start` compares before it looks.

use core::arch::naked_asm;
use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use abi::EnvId;
use abi::layout::USTACKTOP;

use crate::{env, sys};

static ARGC: AtomicUsize = AtomicUsize::new(0);
static ARGV: AtomicPtr<*const c_char> = AtomicPtr::new(core::ptr::null_mut());

unsafe extern "Rust" {
    /// The program's `main`, given by [`crate::program!`].
    safe fn jostle_main();
    /// The program's name, given by [`crate::program!`].
    safe static JOSTLE_NAME: &'static str;
}

/// Declares the function that the program runs. Returning from it ends the
/// environment.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "Rust" fn jostle_main() {
            $main()
        }

        #[unsafe(no_mangle)]
        static JOSTLE_NAME: &str = env!("CARGO_BIN_NAME");
    };
}

/// Where the kernel enters the program.
#[unsafe(naked)]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
extern "C" fn _start() -> ! {
    naked_asm!(
        "cmp esp, {top}",
        "jne 2f",
        "push 0",
        "push 0",
        "2:",
        "mov eax, [esp]",
        "mov edx, [esp + 4]",
        // An aligned stack, as the ABI wants it; a zero frame pointer ends
        // every backtrace.
        "xor ebp, ebp",
        "and esp, -16",
        "sub esp, 8",
        "push edx",
        "push eax",
        "call {begin}",
        top = const USTACKTOP,
        begin = sym begin,
    )
}

extern "C" fn begin(argc: usize, argv: *mut *const c_char) -> ! {
    ARGV.store(argv, Ordering::Relaxed);
    ARGC.store(argc, Ordering::Relaxed);
    let this = AtomicI32::new(0);
    // SAFETY: we never return, so it lives for ever.
    env::remember_this_in(unsafe { &*core::ptr::from_ref(&this) });
    jostle_main();
    exit()
}

/// Ends this environment.
pub fn exit() -> ! {
    loop {
        // The kernel does not refuse this, and it does not come back.
        let _ = sys::env_destroy(EnvId::NONE);
    }
}

/// The arguments, the program's name first; nothing if it was started without.
/// One that is not UTF-8 reads as the replacement character: see [`raw_args`].
pub fn args() -> impl Iterator<Item = &'static str> {
    raw_args().map(|argument| str::from_utf8(argument).unwrap_or("\u{fffd}"))
}

/// The arguments as they were given.
pub fn raw_args() -> impl Iterator<Item = &'static [u8]> {
    let argv = ARGV.load(Ordering::Relaxed);
    (0..ARGC.load(Ordering::Relaxed)).map(move |index| {
        // SAFETY: `argc` and `argv` are what our creator handed over: that
        // many pointers to strings that end in NUL, at the top of the stack,
        // above all frames, where nothing changes them.
        let argument = unsafe { CStr::from_ptr(*argv.add(index)) };
        argument.to_bytes()
    })
}

/// What the program calls itself: its first argument, else the name it was
/// built under.
pub(crate) fn name() -> &'static str {
    args().next().unwrap_or(JOSTLE_NAME)
}

//! Raises every exception that a program can raise, and says what its handler
//! was told: how often and of what, the error code, and where `eip` was.
//!
//! Faults are skipped, for they would come again; behind a trap the program just
//! goes on. Single steps are counted, also through a page that is copied on
//! write. In the end a child, which has inherited the handler, gives up.
//!
//! The hard thing is that an emulator may lack an exception. Each is raised by a
//! stretch of assembly that ends where its fault would be skipped to, so without
//! the exception the program comes there too.

#![no_std]
#![no_main]

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use programs::{attack, fpu};
use user::abi::trap::Vector;
use user::exception::{self, Decision, Exception, Kind, Place};
use user::{Error, Fork, fork, println};

/// The end of the stretch of assembly.
static END: AtomicU32 = AtomicU32::new(0);
/// How many exceptions there were, and what was told of the last.
static COUNT: AtomicU32 = AtomicU32::new(0);
static VECTOR: AtomicU32 = AtomicU32::new(0);
static ERROR: AtomicU32 = AtomicU32::new(0);
static ADDRESS: AtomicU32 = AtomicU32::new(0);
static EIP: AtomicU32 = AtomicU32::new(0);
/// The handler gives up.
static HOPELESS: AtomicBool = AtomicBool::new(false);

/// Has a page to itself, for it is to be copied when it is written.
#[repr(align(4096))]
struct Page([AtomicU32; 1024]);
static PAGE: Page = Page([const { AtomicU32::new(0) }; 1024]);

/// Executes instructions that raise exceptions. They may use eax, ecx and edx,
/// and set any flag; at their end esp is what it was, as it must be at a fault.
macro_rules! raise {
    ($($line:literal),+ $(; $($operand:tt)*)?) => {
        // SAFETY: changes registers that are declared as lost, x87 and SSE
        // registers, which this program does not use otherwise, and memory of
        // its own. A fault goes on at the end.
        unsafe {
            asm!(
                "lea eax, [2f]",
                "mov [{end}], eax",
                $($line,)+
                "2:",
                "push 0x202",
                "popfd",
                end = sym END,
                out("eax") _,
                out("ecx") _,
                out("edx") _,
                $($($operand)*)?
            )
        }
    };
}

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    exception::set_handler(&Kind::ALL, tell)?;
    say_of_integers();
    say_of_protection();
    say_of_floats();
    steps(|| raise!("push 0x302", "popfd", "nop", "nop", "push 0x202", "popfd"));
    if fork()? == Fork::Child {
        say(Kind::Divide, || raise!("xor ecx, ecx", "div ecx"));
        HOPELESS.store(true, Relaxed);
        raise!("int3");
    }
    steps(|| {
        raise!("push 0x302", "popfd", "mov byte ptr [{page}], 7", "push 0x202", "popfd";
            page = sym PAGE)
    });
    println!("{} is written", PAGE.0[0].load(Relaxed));
    Ok(())
}

fn tell(exception: &Exception<'_>) -> Decision {
    if exception.kind == Kind::Bound {
        // The handler has a handler: this very function.
        attack::breakpoint();
    }
    // Something is wrong with the way back.
    if COUNT.fetch_add(1, Relaxed) > 10 {
        println!("no end of exceptions");
        user::exit();
    }
    VECTOR.store(exception.kind.vector().0, Relaxed);
    ERROR.store(exception.frame.err, Relaxed);
    ADDRESS.store(exception.frame.fault_va, Relaxed);
    EIP.store(exception.frame.eip, Relaxed);
    if HOPELESS.load(Relaxed) {
        return Decision::GiveUp;
    }
    match exception.kind {
        Kind::Debug | Kind::Breakpoint | Kind::Overflow | Kind::X87 => Decision::Retry,
        // SAFETY: the end of a stretch, which expects no register but esp.
        _ => Decision::SkipTo(unsafe { Place::new(END.load(Relaxed)) }),
    }
}

/// Says what was told of an exception of this kind.
fn say(kind: Kind, raise: impl FnOnce()) {
    COUNT.store(0, Relaxed);
    raise();
    let count = COUNT.load(Relaxed);
    if count == 0 {
        println!("{}: not raised by this processor", kind.vector().name());
        return;
    }
    let name = Vector(VECTOR.load(Relaxed)).name();
    let before_end = END.load(Relaxed) - EIP.load(Relaxed);
    let [error, address] = [&ERROR, &ADDRESS].map(|word| word.load(Relaxed));
    println!("{count} x {name}: error {error:x}, address {address:x}, {before_end} bytes left");
}

fn say_of_integers() {
    say(Kind::Divide, || raise!("xor ecx, ecx", "div ecx"));
    // After the instruction behind the first popfd, and the last time after the
    // second one.
    say(Kind::Debug, || {
        raise!("push 0x302", "popfd", "nop", "push 0x202", "popfd", "nop")
    });
    say(Kind::Breakpoint, || raise!("int3"));
    say(Kind::Overflow, || raise!("mov al, 127", "inc al", "into"));
    say(Kind::Bound, || {
        // bound ecx, [edx]
        raise!(
            "push 3",
            "push 1",
            "mov edx, esp",
            "add esp, 8",
            "mov ecx, 4",
            ".byte 0x62, 0x0a"
        )
    });
}

fn say_of_protection() {
    say(Kind::InvalidOpcode, || raise!("ud2"));
    // A return to the task before this one, which there is not.
    say(Kind::InvalidTss, || raise!("push 0x4202", "popfd", "iretd"));
    say(Kind::Protection, || raise!("hlt"));
    say(Kind::Protection, || raise!("mov eax, 0x38", "mov fs, eax"));
    say(Kind::PageFault, || raise!("mov [0xa0000123], eax"));
    say(Kind::Alignment, || {
        raise!("push 0x40202", "popfd", "mov eax, [esp + 1]")
    });
}

fn say_of_floats() {
    // Division by zero unmasked.
    say(Kind::X87, || {
        raise!(
            "fninit",
            "push 0x37b",
            "fldcw [esp]",
            "pop eax",
            "fld1",
            "fldz",
            "fdivp",
            "fwait",
            "fninit"
        )
    });
    if fpu::has_sse() {
        say(Kind::Simd, || {
            raise!(
                "push 0x3f800000",
                "movss xmm0, [esp]",
                "mov dword ptr [esp], 0x1d80",
                "ldmxcsr [esp]",
                "pop eax",
                "xorps xmm1, xmm1",
                "divss xmm0, xmm1"
            )
        });
        raise!("push 0x1f80", "ldmxcsr [esp]", "pop eax");
    }
}

/// Says how many instructions were stepped through.
fn steps(step: impl FnOnce()) {
    COUNT.store(0, Relaxed);
    step();
    println!("{} steps", COUNT.load(Relaxed));
}

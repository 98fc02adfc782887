//! Exceptions of any kind that the program handles itself.
//!
//! [`set_handler`] names a function and the exceptions that it is for. The
//! function looks at the exception and decides how to go on; it runs on the
//! exception stack, as handlers of [`page_fault`](mod@crate::page_fault) do. An
//! extension: JOS knows page faults only.
//!
//! The hard thing is to be as if nothing had been. The upcall keeps the x87
//! registers, which a handler may use without knowing (the compiler moves 64-bit
//! atomics through them): so, unlike that of page faults alone, this handler can
//! be any function, and [`set_handler`] is safe. And the upcall returns by
//! `iretd`, because a program that single-steps wants TF and its next
//! instruction at once; [`abi::exception`] draws the stack.
//!
//! Page faults come here too, whoever is to handle them: the kernel clears TF for
//! this upcall and not for JOS's, so copying a page on write is not a thing that
//! a program steps through.

use core::arch::naked_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use abi::exception::ExceptionFrame;
use abi::trap::{FLAG_TF, USER_CODE, Vector};
use abi::{EnvId, Error, UTrapFrame};

use crate::exofork::NewEnv;
use crate::{copy_on_write, own, page_fault, sys};

/// A kind of exception that a program can handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A division by zero, or one whose result is too large. A fault: `eip` is at
    /// the instruction, which is executed again if the program retries.
    Divide = Vector::DIVIDE.0,
    /// An instruction was executed with TF set, or `int1`. A trap: `eip` is behind
    /// the instruction.
    Debug = Vector::DEBUG.0,
    /// `int3`. A trap.
    Breakpoint = Vector::BREAKPOINT.0,
    /// `into`. A trap.
    Overflow = Vector::OVERFLOW.0,
    /// `bound`. A fault, as all that follow.
    Bound = Vector::BOUND.0,
    /// An instruction that there is not.
    InvalidOpcode = Vector::INVALID_OPCODE.0,
    /// A return to a task (`iret` with NT set).
    InvalidTss = Vector::INVALID_TSS.0,
    /// A segment that is not present. The kernel has none.
    NotPresent = Vector::NOT_PRESENT.0,
    /// An access outside of the stack's segment. It is all of memory.
    Stack = Vector::STACK.0,
    /// What is not allowed in ring 3.
    Protection = Vector::GENERAL_PROTECTION.0,
    /// An access to a page that is not mapped, or not for writing. Writes to pages
    /// that are copied on write are handled before.
    PageFault = Vector::PAGE_FAULT.0,
    /// An unmasked x87 exception of an earlier instruction. It counts as told: the
    /// program goes on without it.
    X87 = Vector::X87.0,
    /// An unaligned access with AC set. Some emulators never raise it.
    Alignment = Vector::ALIGNMENT.0,
    /// An unmasked SSE exception. Some emulators never raise it.
    Simd = Vector::SIMD.0,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 14] = [
        Kind::Divide,
        Kind::Debug,
        Kind::Breakpoint,
        Kind::Overflow,
        Kind::Bound,
        Kind::InvalidOpcode,
        Kind::InvalidTss,
        Kind::NotPresent,
        Kind::Stack,
        Kind::Protection,
        Kind::PageFault,
        Kind::X87,
        Kind::Alignment,
        Kind::Simd,
    ];

    /// The processor's vector.
    pub const fn vector(self) -> Vector {
        Vector(self as u32)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// An exception, with the registers at it.
#[derive(Clone, Copy, Debug)]
pub struct Exception<'f> {
    /// What happened.
    pub kind: Kind,
    /// Error code, registers, and the address of a page fault.
    pub frame: &'f UTrapFrame,
}

/// How a program goes on after an exception.
#[derive(Clone, Copy, Debug)]
pub enum Decision {
    /// With the instruction that `eip` points to: after a fault the same one
    /// again, after a trap the next one.
    Retry,
    /// There.
    SkipTo(Place),
    /// Not at all: the kernel prints the registers and ends the environment, as
    /// if there had been no handler. (After a single step: with the registers
    /// after the next one.)
    GiveUp,
}

/// An instruction to go on with.
#[derive(Clone, Copy, Debug)]
pub struct Place(u32);

impl Place {
    /// The instruction at `address`.
    ///
    /// # Safety
    /// All that the code there relies on holds with the registers and the stack
    /// that there were at the exception.
    pub const unsafe fn new(address: u32) -> Place {
        Place(address)
    }
}

/// What handles an exception.
pub type Handler = fn(&Exception<'_>) -> Decision;

/// The program's [`Handler`], or null.
static HANDLER: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
/// What the kernel was told to hand over; 0 if nothing.
static MASK: AtomicU32 = AtomicU32::new(0);
/// The kinds that the program asked for, as bits.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// From now on `handler` is called at exceptions of these kinds, of this
/// environment, of children that [`crate::fork()`] makes and of threads that it makes from
/// now on. If page faults are
/// among them, those do not reach a handler of [`page_fault`](mod@crate::page_fault).
///
/// # Errors
/// `NoMem`; `Inval` from a kernel that does not have this.
pub fn set_handler(kinds: &[Kind], handler: Handler) -> Result<(), Error> {
    let asked = kinds.iter().fold(0, |mask, kind| mask | kind.bit());
    let mask = asked | Kind::PageFault.bit();
    page_fault::provide_stack()?;
    // SAFETY: `upcall` obeys the protocol, and there is a stack for it.
    unsafe { sys::env_set_exception_upcall(EnvId::NONE, entry(), mask)? };
    HANDLER.store(handler as *mut (), Ordering::Relaxed);
    ASKED.store(asked, Ordering::Relaxed);
    MASK.store(mask, Ordering::Relaxed);
    Ok(())
}

/// Leaves exceptions to the kernel again.
///
/// # Errors
/// None but those of a broken kernel.
pub(crate) fn forget() -> Result<(), Error> {
    // It says what threads to come handle, and what each has told the kernel.
    let mask = match own::is_shared() {
        true => MASK.load(Ordering::Relaxed),
        false => MASK.swap(0, Ordering::Relaxed),
    };
    if mask == 0 {
        return Ok(());
    }
    // SAFETY: no upcall is always right.
    unsafe { sys::env_set_exception_upcall(EnvId::NONE, 0, 0) }
}

/// Has a child that is a copy of this environment handle what this one does.
pub(crate) fn inherit(child: &NewEnv) -> Result<(), Error> {
    match MASK.load(Ordering::Relaxed) {
        0 => Ok(()),
        // SAFETY: the child has the same code, and an exception stack.
        mask => unsafe { sys::env_set_exception_upcall(child.id(), entry(), mask) },
    }
}

fn entry() -> u32 {
    upcall as *const () as u32
}

/// What `fnsave` stores: control, status and tags, pointers, registers.
#[repr(C)]
struct X87 {
    control: u32,
    status: u32,
    rest: [u32; 25],
}

impl X87 {
    /// Forgets the exceptions that the unit has met.
    fn clear_exceptions(&mut self) {
        // The exceptions, their summary, and "busy", which is the same.
        self.status &= !0x80ff;
    }
}

/// Where the kernel has an exception go on.
///
/// # Safety
/// Not to be called: it expects `esp` at an [`ExceptionFrame`].
#[unsafe(naked)]
unsafe extern "C" fn upcall() {
    naked_asm!(
        // All registers are in the frame: ebx remembers it, esi the x87 unit's.
        "cld",
        "mov ebx, esp",
        "sub esp, {x87}",
        "and esp, -16",
        "fnsave [esp]",
        "mov esi, esp",
        "sub esp, 8",
        "push esi",
        "push ebx",
        "call {handle}",
        "frstor [esi]",
        "mov esp, ebx",
        // What iretd takes, below the stack that goes on.
        "mov ecx, [esp + {esp}]",
        "sub ecx, 12",
        "mov eax, [esp + {eflags}]",
        "mov [ecx + 8], eax",
        "mov dword ptr [ecx + 4], {code}",
        "mov eax, [esp + {eip}]",
        "mov [ecx], eax",
        "mov [esp + {esp}], ecx",
        "add esp, {regs}",
        "popad",
        // Over eip and flags.
        "add esp, 8",
        "pop esp",
        "iretd",
        x87 = const size_of::<X87>(),
        handle = sym handle,
        regs = const offset_of!(UTrapFrame, regs),
        eip = const offset_of!(UTrapFrame, eip),
        eflags = const offset_of!(UTrapFrame, eflags),
        esp = const offset_of!(UTrapFrame, esp),
        code = const USER_CODE,
    )
}

extern "C" fn handle(frame: &mut ExceptionFrame, unit: &mut X87) {
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.vector().0 == frame.vector);
    let Some(kind) = kind else {
        return give_up(frame);
    };
    if kind == Kind::PageFault {
        if ASKED.load(Ordering::Relaxed) & kind.bit() == 0 {
            return page_fault::handle(&frame.fault);
        }
        if copy_on_write::handle(&frame.fault) {
            return;
        }
    }
    let handler = HANDLER.load(Ordering::Relaxed);
    if handler.is_null() {
        return give_up(frame);
    }
    // SAFETY: only `set_handler` stores there, and what it stores is a
    // `Handler`.
    let handler = unsafe { core::mem::transmute::<*mut (), Handler>(handler) };
    let frame_of_fault = &frame.fault;
    let decision = handler(&Exception {
        kind,
        frame: frame_of_fault,
    });
    match decision {
        Decision::Retry => {}
        Decision::SkipTo(Place(address)) => frame.fault.eip = address,
        Decision::GiveUp => return give_up(frame),
    }
    if kind == Kind::X87 {
        unit.clear_exceptions();
    }
}

/// Leaves the exception to the kernel: it happens again without an upcall.
#[cold]
fn give_up(frame: &mut ExceptionFrame) {
    let fault = &mut frame.fault;
    match Vector(frame.vector) {
        Vector::DEBUG => fault.eflags |= FLAG_TF,
        Vector::BREAKPOINT => fault.eip -= length_before(fault.eip, INT3),
        Vector::OVERFLOW => fault.eip -= length_before(fault.eip, INTO),
        // A fault: eip is at the instruction.
        _ => {}
    }
    page_fault::give_up();
}

const INT3: u8 = 0xcc;
const INTO: u8 = 0xce;

/// Bytes of the instruction before `eip`, which raised a trap: one if it is
/// `short`, else two: `int`, which has the vector as its second byte.
fn length_before(eip: u32, short: u8) -> u32 {
    let before = core::ptr::with_exposed_provenance::<u8>(eip as usize - 1);
    // SAFETY: it has just been executed, so its last byte is mapped.
    if unsafe { before.read_volatile() } == short {
        1
    } else {
        2
    }
}

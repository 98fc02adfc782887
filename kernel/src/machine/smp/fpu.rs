//! The x87 and SSE registers: lending, saving, loading and resetting them.
//!
//! The core knows which environment they belong to (`kcore/src/fpu.rs`), and its
//! steps say what to do here. While TS is set no environment has them, and the
//! first instruction that wants them traps. The hard thing is that a reset must
//! leave nothing behind, whatever exception is pending, on any processor.
//!
//! Each slot has a saved image. Source: Intel SDM volume 1, chapters 8 and 10.

use crate::machine::x86;
use abi::EnvState;
use abi::env::NENV;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::Relaxed};
use kcore::env::Slot;

/// An image of the registers as FXSAVE writes it; FNSAVE's is shorter.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub struct Image([u32; 128]);

/// The registers after a reset: control word 0x37f, MXCSR 0x1f80.
static RESET: Image = {
    let mut words = [0; 128];
    words[0] = 0x037f;
    words[6] = 0x1f80;
    Image(words)
};

/// The same as FNSAVE writes it: an x87 control word, nothing pending, and
/// every register empty and zero.
static RESET_X87: Image = {
    let mut words = [0; 128];
    words[0] = 0x037f;
    words[2] = 0xffff;
    Image(words)
};

/// Bytes that the images of all slots take.
pub const ROOM: u32 = (NENV * size_of::<Image>()) as u32;

/// The images, by slot, not initialised. A slot's image is touched only by the CPU
/// that its environment is on or has just left, and by the core while it is on none; the
/// big lock or the mailbox's answer lies between two such CPUs.
static IMAGES: AtomicPtr<Image> = AtomicPtr::new(null_mut());

/// Whether the processors have FXSAVE, and SSE is on.
static HAS_FXSAVE: AtomicBool = AtomicBool::new(false);

/// The bits of MXCSR that all processors so far have.
static MXCSR_MASK: AtomicU32 = AtomicU32::new(u32::MAX);
/// Those of a processor whose images do not say (Intel SDM volume 1, 11.6.6).
const FIRST_MXCSR_MASK: u32 = 0xffbf;

/// The bits of MXCSR that an image may have set: any other makes FXRSTOR fault. 0 without
/// FXSAVE.
pub fn mxcsr_mask() -> u32 {
    match HAS_FXSAVE.load(Relaxed) {
        true => MXCSR_MASK.load(Relaxed),
        false => 0,
    }
}

/// Gives the images their room.
///
/// # Safety
/// Called once, before any environment runs; [`ROOM`] bytes are there, for this
/// alone.
pub unsafe fn init(room: *mut Image) {
    IMAGES.store(room, Relaxed);
}

/// Resets this CPU's registers, whatever was in them. `has_fxsave` is the same on
/// all CPUs.
pub fn init_cpu(has_fxsave: bool) {
    HAS_FXSAVE.store(has_fxsave, Relaxed);
    x86::clts();
    if has_fxsave {
        look_at_mxcsr();
    }
    reset();
}

/// Takes away the bits of MXCSR that this processor lacks.
fn look_at_mxcsr() {
    let mut image = RESET;
    // SAFETY: (111) TS is clear, the processor has FXSAVE, and an image is aligned and long
    // enough.
    unsafe { x86::fxsave((&raw mut image).cast()) };
    let mask = match image.0.get(EnvState::MXCSR + 1) {
        None | Some(0) => FIRST_MXCSR_MASK,
        Some(&mask) => mask,
    };
    MXCSR_MASK.fetch_and(mask, Relaxed);
}

fn image(slot: Slot) -> *mut Image {
    // SAFETY: (53) `init` ran; the room is as long as the table.
    unsafe { IMAGES.load(Relaxed).add(usize::from(slot.0) % NENV) }
}

/// Lets this CPU's environment use the registers, which are as after a reset.
pub fn lend() {
    x86::clts();
}

/// Loads what was saved for a slot, into registers that are lent.
pub fn load(slot: Slot) {
    // SAFETY: (55) saved by `save`, as the core knows, or stored by the core, which clears
    // the bits that MXCSR has not. No exception is pending: the registers are as after a
    // reset.
    unsafe { restore(image(slot)) };
}

/// Saves registers that are lent, for a slot, and takes them back.
#[cold]
pub fn save(slot: Slot) {
    let image = image(slot).cast();
    // SAFETY: (54) the image is this slot's, 16-byte aligned and long enough; TS is
    // clear.
    unsafe {
        if HAS_FXSAVE.load(Relaxed) {
            x86::fxsave(image);
        } else {
            x86::fnsave(image);
        }
    }
    reset();
}

/// Another CPU takes this CPU's environment, of this slot, away. If it used the
/// registers, they are saved; the core assumes the same.
pub fn leave(slot: Slot) {
    if x86::is_ts_clear() {
        save(slot);
    }
}

/// Loads an image in the format that this processor saves.
///
/// # Safety
/// The image is a saved one or one of the two for a reset; TS is clear, and no
/// exception is pending.
unsafe fn restore(image: *const Image) {
    // SAFETY: (56) the caller's promise; SSE is on if there is FXSAVE.
    unsafe {
        if HAS_FXSAVE.load(Relaxed) {
            x86::fxrstor(image.cast());
        } else {
            x86::frstor(image.cast());
        }
    }
}

/// Takes the registers back, which are lent, and leaves nothing in them. That takes
/// two instructions. FNINIT drops a pending exception, and clears the pointers to the
/// last instruction and its operand, which FXRSTOR leaves alone on some processors.
/// But it marks the registers empty without clearing them; `restore` clears them.
#[cold]
pub fn reset() {
    x86::fninit();
    let image = if HAS_FXSAVE.load(Relaxed) {
        &RESET
    } else {
        &RESET_X87
    };
    // SAFETY: (52) the image for this processor, and FNINIT left no exception.
    unsafe { restore(image) };
    x86::set_ts();
}

//! The x87 and SSE registers: lending, saving, loading and resetting them.
//!
//! Whose they are is known to the core (`kcore/src/fpu.rs`), whose steps
//! say what is to be done here. While TS is set nobody uses them, and the first
//! instruction that wants to traps. The hard thing is that a reset leaves nothing
//! behind, whatever exception is pending, on any processor.
//!
//! An image is kept for each slot. Source: Intel SDM volume 1, chapters 8 and 10.

use crate::machine::x86;
use abi::env::NENV;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use kcore::env::Slot;

/// Image of the registers, as FXSAVE writes it; FNSAVE's is shorter.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub struct Image([u32; 128]);

impl Image {
    /// The registers after a reset: control word 0x37f, MXCSR 0x1f80.
    const RESET: Image = {
        let mut words = [0; 128];
        words[0] = 0x037f;
        words[6] = 0x1f80;
        Image(words)
    };

    /// The same as FNSAVE writes it: an x87 control word, nothing pending, and
    /// every register empty and zero.
    const RESET_X87: Image = {
        let mut words = [0; 128];
        words[0] = 0x037f;
        words[2] = 0xffff;
        Image(words)
    };
}

/// Bytes of room for all images.
pub const ROOM: u32 = (NENV * size_of::<Image>()) as u32;

/// The images, by slot; not initialised.
struct Images(UnsafeCell<*mut Image>);

// SAFETY: (51) set once, before any environment runs. A slot's image is touched
// only by the CPU that its environment is on, or just left; the big lock or
// the mailbox's answer lies between two of them.
unsafe impl Sync for Images {}

static IMAGES: Images = Images(UnsafeCell::new(core::ptr::null_mut()));

/// Whether the processors have FXSAVE, and SSE is on.
static HAS_FXSAVE: AtomicBool = AtomicBool::new(false);

/// What is kept where: `room` is the address of [`ROOM`] bytes.
///
/// # Safety
/// Called once, before any environment runs; the room is nobody else's.
pub unsafe fn init(room: *mut Image, has_fxsave: bool) {
    // SAFETY: (52) the caller's promise.
    unsafe { *IMAGES.0.get() = room };
    HAS_FXSAVE.store(has_fxsave, Relaxed);
}

/// The image of a slot.
fn image(slot: Slot) -> *mut Image {
    // SAFETY: (53) `init` ran; the room is as long as the table.
    unsafe { (*IMAGES.0.get()).add(usize::from(slot.0) % NENV) }
}

/// Lets this CPU's environment use the registers, which are as after a reset.
pub fn lend() {
    x86::clts();
}

/// Loads what was saved for a slot; the registers are lent.
pub fn load(slot: Slot) {
    let image = image(slot).cast_const().cast();
    // SAFETY: (55) saved by `save`, as the core knows. No exception is
    // pending: the registers are as after a reset.
    unsafe {
        if HAS_FXSAVE.load(Relaxed) {
            x86::fxrstor(image);
        } else {
            x86::frstor(image);
        }
    }
}

/// Saves the registers, which are lent, for a slot, and takes them back.
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
    reset(HAS_FXSAVE.load(Relaxed));
}

/// Takes the registers back, which are lent, from an environment that is no more.
#[cold]
pub fn take_back() {
    reset(HAS_FXSAVE.load(Relaxed));
}

/// Another CPU takes this one's environment, of this slot, away: if it used the
/// registers, they are saved. (The core will think so too.)
pub fn leave(slot: Slot) {
    if x86::is_ts_clear() {
        save(slot);
    }
}

static RESET: Image = Image::RESET;
static RESET_X87: Image = Image::RESET_X87;

/// Leaves nothing in this CPU's registers, and sets TS, which is clear. The reset
/// takes two instructions. FNINIT clears the pointers to the last instruction and
/// its operand, which FXRSTOR leaves alone on some processors, and drops a pending
/// exception. It empties the registers without clearing them, which the other does.
fn reset(has_fxsave: bool) {
    x86::fninit();
    // SAFETY: (56) SSE is on if there is FXSAVE; the images are valid ones, and
    // no exception is pending.
    unsafe {
        if has_fxsave {
            x86::fxrstor((&raw const RESET).cast());
        } else {
            x86::frstor((&raw const RESET_X87).cast());
        }
    }
    x86::set_ts();
}

/// Resets this CPU's registers, whatever was in them.
pub fn init_cpu(has_fxsave: bool) {
    x86::clts();
    reset(has_fxsave);
}

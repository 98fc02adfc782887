//! The x87 and SSE registers, which belong to environments.
//!
//! The core never sees them; like FS and GS they are part of what switching
//! means. Most environments never touch them, so they are saved only if they
//! were used: TS is set while nobody has, and the first use traps. The hard
//! thing is that nothing may stay behind: whoever leaves a CPU has its
//! registers saved *and* the CPU's reset, whatever exception is pending in
//! them, so that the next user begins with a clean unit or with its own state.
//!
//! A state is kept for each slot and tagged with the id of the environment
//! that it belongs to; another tag means that this one has none yet. A fork's
//! child begins clean. Source: Intel SDM volume 1, chapters 8 and 10.

use crate::boot::processor;
use crate::plant::{self, Fault};
use crate::smp::ThisCpu;
use crate::x86;
use abi::EnvId;
use abi::env::NENV;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

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

/// Bytes of room for all states.
pub const ROOM: u32 = (NENV * size_of::<Image>()) as u32;

/// Ids of the environments whose states are kept, by slot.
static OWNERS: [AtomicU32; NENV] = [const { AtomicU32::new(0) }; NENV];
/// The states, by slot; not initialised.
struct States(UnsafeCell<*mut Image>);

// SAFETY: (51) set once, before any environment runs. A slot's image is touched
// only by the CPU that its environment is on, or just left; the big lock or
// the mailbox's answer lies between two of them.
unsafe impl Sync for States {}

static STATES: States = States(UnsafeCell::new(core::ptr::null_mut()));

/// Whether the processors have FXSAVE, and SSE is on.
static HAS_FXSAVE: AtomicBool = AtomicBool::new(false);

/// What is kept where: `room` is the address of [`ROOM`] bytes.
///
/// # Safety
/// Called once, before any environment runs; the room is nobody else's.
pub unsafe fn init(room: *mut Image, has_fxsave: bool) {
    // SAFETY: (52) the caller's promise.
    unsafe { *STATES.0.get() = room };
    HAS_FXSAVE.store(has_fxsave, Relaxed);
}

/// The tag and the image of an environment's slot.
fn slot(id: u32) -> (&'static AtomicU32, *mut Image) {
    let slot = EnvId(id as i32).slot() % NENV;
    // SAFETY: (53) `init` ran; the room is as long as the table.
    let image = unsafe { (*STATES.0.get()).add(slot) };
    (&OWNERS[slot], image)
}

/// The environment on this CPU leaves it.
#[inline(always)]
pub fn leave(cpu: ThisCpu) {
    if cpu.area().uses_fpu.load(Relaxed) && !plant::is(Fault::ShareFpu) {
        save(cpu);
    }
}

#[cold]
fn save(cpu: ThisCpu) {
    let id = cpu.area().env.load(Relaxed);
    let (owner, image) = slot(id);
    // SAFETY: (54) the image is this slot's, 16-byte aligned and long enough; TS is
    // clear.
    unsafe {
        if HAS_FXSAVE.load(Relaxed) {
            x86::fxsave(image.cast());
        } else {
            x86::fnsave(image.cast());
        }
    }
    clean(HAS_FXSAVE.load(Relaxed));
    owner.store(id, Relaxed);
    x86::set_ts();
    cpu.area().uses_fpu.store(false, Relaxed);
}

static RESET: Image = Image::RESET;
static RESET_X87: Image = Image::RESET_X87;

/// Leaves nothing in this CPU's unit; TS is clear. It takes two instructions.
/// FNINIT clears the pointers to the last instruction and its operand, which
/// FXRSTOR leaves alone on some processors, and drops a pending exception. It
/// empties the registers without clearing them, which the other does.
fn clean(has_fxsave: bool) {
    if !plant::is(Fault::KeepFpuPointers) {
        x86::fninit();
    }
    // SAFETY: (56) SSE is on if there is FXSAVE; the images are valid ones, and
    // no exception is pending.
    unsafe {
        if has_fxsave {
            x86::fxrstor((&raw const RESET).cast());
        } else if !plant::is(Fault::KeepFpuData) {
            x86::frstor((&raw const RESET_X87).cast());
        }
    }
}

/// The environment on this CPU used the registers while TS was set. False if
/// that was not why it trapped.
pub fn first_use(cpu: ThisCpu) -> bool {
    if cpu.area().uses_fpu.load(Relaxed) {
        return false;
    }
    let id = cpu.area().env.load(Relaxed);
    let (owner, image) = slot(id);
    x86::clts();
    let tag = owner.load(Relaxed);
    if tag == id || tag != 0 && plant::is(Fault::StaleFpu) {
        // SAFETY: (55) saved by `save`. No exception is pending: the unit is reset.
        unsafe {
            if HAS_FXSAVE.load(Relaxed) {
                x86::fxrstor(image.cast_const().cast());
            } else {
                x86::frstor(image.cast_const().cast());
            }
        }
    }
    cpu.area().uses_fpu.store(true, Relaxed);
    true
}

/// The environment with this id is new: what is kept for its slot was another's.
/// Ids come round again after 2^19 generations, so the tag alone does not tell.
/// It need not be on a CPU: it may have ended on its way there.
#[cold]
pub fn forget(id: EnvId) {
    if plant::is(Fault::StaleFpu) {
        return;
    }
    slot(id.0 as u32).0.store(0, Relaxed);
}

/// Resets this CPU's unit, and sets TS.
pub fn reset() {
    x86::clts();
    clean(processor::has_fxsave());
    x86::set_ts();
}

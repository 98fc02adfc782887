//! The public table of environments, which the kernel maps read-only.
//!
//! The hard thing: the kernel and other CPUs write it while we look. So there
//! is never a reference into it, every field is one volatile read, and two
//! fields read one after the other need not belong together.
//!
//! The other hard thing is to remember which slot is one's own, because a
//! child has a copy of everything that its parent remembers. The memory is a
//! word in the first frame of the stack: the child is given its copy of that
//! page with nothing remembered, and has the page to itself anyway, so writing
//! it costs no fault. Where the stack is shared, or all memory, the word is in a page that
//! each environment has to itself: see `together`.

use core::mem::offset_of;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use abi::env::{NENV, PUBLIC_ENV_STRIDE};
use abi::layout::UENVS;
use abi::{EnvId, EnvStatus, Perm, PublicEnv};

use crate::sys;

/// One slot of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Env {
    slot: usize,
}

impl Env {
    /// The caller's slot. Asks the kernel once, and again in a fresh child.
    #[inline]
    pub fn this() -> Env {
        Env::of(this_id())
    }

    /// The slot that `id` names; whether it is still that environment's is
    /// for [`Env::id`] to say.
    pub const fn of(id: EnvId) -> Env {
        Env { slot: id.slot() }
    }

    /// Every slot.
    pub fn all() -> impl Iterator<Item = Env> {
        (0..NENV).map(|slot| Env { slot })
    }

    /// Id of the environment that has the slot or had it last, 0 if none.
    pub fn id(self) -> EnvId {
        EnvId(self.word(offset_of!(PublicEnv, id)) as i32)
    }

    /// Id of its creator.
    pub fn parent_id(self) -> EnvId {
        EnvId(self.word(offset_of!(PublicEnv, parent_id)) as i32)
    }

    /// What it is for: an [`abi::EnvType`].
    pub fn env_type(self) -> u32 {
        self.word(offset_of!(PublicEnv, env_type))
    }

    /// What it is doing; `None` for a value outside the interface.
    pub fn status(self) -> Option<EnvStatus> {
        let status = self.word(offset_of!(PublicEnv, status));
        [
            EnvStatus::Free,
            EnvStatus::Dying,
            EnvStatus::Runnable,
            EnvStatus::Running,
            EnvStatus::NotRunnable,
        ]
        .into_iter()
        .find(|&known| known as u32 == status)
    }

    /// How many times it was put on a CPU.
    pub fn runs(self) -> u32 {
        self.word(offset_of!(PublicEnv, runs))
    }

    /// The CPU it was last put on.
    pub fn cpu(self) -> u32 {
        self.word(offset_of!(PublicEnv, cpunum))
    }

    /// Entry point of its page-fault handler, 0 if none.
    pub fn pgfault_upcall(self) -> u32 {
        self.word(offset_of!(PublicEnv, pgfault_upcall))
    }

    /// Sender of its last message.
    pub fn ipc_from(self) -> EnvId {
        EnvId(self.word(offset_of!(PublicEnv, ipc_from)) as i32)
    }

    /// Value of its last message.
    pub fn ipc_value(self) -> u32 {
        self.word(offset_of!(PublicEnv, ipc_value))
    }

    /// Rights of the page that came with its last message, none if none did.
    pub fn ipc_perm(self) -> Perm {
        Perm::from_bits_truncate(self.word(offset_of!(PublicEnv, ipc_perm)))
    }

    fn word(self, offset: usize) -> u32 {
        let address = UENVS as usize + self.slot * PUBLIC_ENV_STRIDE as usize + offset;
        // SAFETY:
        // 1. `slot` is below NENV, so the word lies in the table, which the
        //    kernel keeps mapped and readable for as long as we run.
        // 2. It is aligned: the table, the stride and all offsets are.
        // 3. Nobody has a Rust object there; the read is volatile.
        unsafe { core::ptr::with_exposed_provenance::<u32>(address).read_volatile() }
    }
}

/// The caller's id. Asks the kernel once, and again in a fresh child.
#[inline]
pub(crate) fn this_id() -> EnvId {
    let memory = memory_of_this();
    match memory.load(Ordering::Relaxed) {
        id if id > 0 => EnvId(id),
        state => {
            let id = sys::getenvid();
            if state == NOTHING {
                memory.store(id.0, Ordering::Relaxed);
            }
            id
        }
    }
}

/// In the word that remembers the caller's id: nothing is remembered.
const NOTHING: i32 = 0;
/// In that word: nothing is, and nothing may be.
const SUSPENDED: i32 = -1;

/// The word until the program has started.
static NOWHERE: AtomicI32 = AtomicI32::new(SUSPENDED);

/// The word that remembers the caller's id.
static MEMORY: AtomicPtr<AtomicI32> = AtomicPtr::new((&raw const NOWHERE).cast_mut());

#[inline]
fn memory_of_this() -> &'static AtomicI32 {
    // SAFETY: `NOWHERE`, or what `remember_this_in` was given.
    unsafe { &*MEMORY.load(Ordering::Relaxed) }
}

/// Has the caller's id remembered in `word`: on the stack, or in a page of its own.
pub(crate) fn remember_this_in(word: &'static AtomicI32) {
    MEMORY.store(core::ptr::from_ref(word).cast_mut(), Ordering::Relaxed);
}

/// Forgets which environment this is, and does not learn it again before
/// [`forget_this`]: in between a child gets a copy of the stack.
pub(crate) fn suspend_memory_of_this() {
    set_memory(SUSPENDED);
}

/// Forgets which environment this is.
pub(crate) fn forget_this() {
    set_memory(NOTHING);
}

fn set_memory(state: i32) {
    let memory = memory_of_this();
    if !core::ptr::eq(memory, &NOWHERE) {
        memory.store(state, Ordering::Relaxed);
    }
}

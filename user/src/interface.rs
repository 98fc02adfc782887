//! Which numbering and which entry the kernel offers, found out once.
//!
//! Lab 4 and lab 5 number their calls differently from 9 upward, and only some
//! kernels have `sysenter`. Two harmless calls tell: see [`abi::probe`].
//!
//! The hard thing: programs that fault on purpose, or run on a half-finished
//! kernel, must not depend on these calls. So nobody asks before the first
//! call whose number differs; until then `int 0x30` is used, which every kernel
//! has. A child copies the answer with its parent's memory, and it stays true,
//! for the personality is inherited.

use core::sync::atomic::{AtomicU32, Ordering};

use abi::call::{EXTENSIONS, FEATURE_IPC_SEND, FEATURE_SYSENTER, FEATURES, FIRST_EXTENSION};
use abi::{Call, Personality, probe};

use crate::entry::{Entry, Int, Sysenter};

/// The lowest bit, so that it is what a number is higher by in lab 5.
const LAB5: u32 = 1;
const KNOWN: u32 = 2;
/// The features' bits begin here.
const FEATURES_SHIFT: u32 = 2;
const _: () = assert!(FEATURES.leading_zeros() >= FEATURES_SHIFT);

/// What is known, 0 before anybody asked. Only ever changes from 0 to its
/// final value.
static FOUND: AtomicU32 = AtomicU32::new(0);

/// What the kernel offers to this environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface(u32);

impl Interface {
    /// What the kernel offers; asks it the first time.
    #[inline]
    pub fn get() -> Interface {
        match Interface::known() {
            Interface(0) => ask(),
            interface => interface,
        }
    }

    /// What is known so far: before [`Interface::get`] only what holds
    /// everywhere, which is right for `int 0x30` and the numbers below 9.
    #[inline(always)]
    pub(crate) fn known() -> Interface {
        Interface(FOUND.load(Ordering::Relaxed))
    }

    /// The faster entry, if the kernel has it.
    #[inline(always)]
    pub fn sysenter(self) -> Option<Sysenter> {
        self.has_sysenter().then_some(Sysenter(()))
    }

    /// The faster entry, if the kernel has it and offers the calls behind `feature`: one
    /// test for both.
    #[inline(always)]
    pub(crate) fn sysenter_and(self, feature: u32) -> Option<Sysenter> {
        let both = (FEATURE_SYSENTER | feature) << FEATURES_SHIFT;
        (self.0 & both == both).then_some(Sysenter(()))
    }

    #[inline(always)]
    pub(crate) fn has_sysenter(self) -> bool {
        self.offers(FEATURE_SYSENTER)
    }

    /// Whether [`Call::IpcSend`] may be used.
    #[inline(always)]
    pub fn has_ipc_send(self) -> bool {
        self.offers(FEATURE_IPC_SEND)
    }

    /// Whether the calls behind a bit of [`Call::Features`]'s answer may be used.
    #[inline(always)]
    pub fn offers(self, feature: u32) -> bool {
        self.0 & feature << FEATURES_SHIFT != 0
    }

    /// The numbering: lab 4's or, for all later labs, lab 5's.
    #[inline(always)]
    pub fn personality(self) -> Personality {
        if self.0 & LAB5 != 0 {
            Personality::Lab5
        } else {
            Personality::Lab4
        }
    }
}

#[cold]
fn ask() -> Interface {
    // SAFETY: these calls change nothing on any kernel of the interface, as the
    // head of `abi::probe` says.
    let asked =
        probe::find(|number, [a1, a2, a3, a4]| unsafe { Int::call4(number, a1, a2, a3, a4) });
    let mut found = KNOWN | asked.features << FEATURES_SHIFT;
    if asked.later {
        found |= LAB5;
    }
    FOUND.store(found, Ordering::Relaxed);
    Interface(found)
}

/// The numbers of one call.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    lab4: u32,
    later: u32,
}

impl Numbers {
    /// A number that no kernel knows, for calls that a numbering lacks.
    const ABSENT: u32 = u32::MAX;

    /// The numbers of `call`; evaluated by the compiler.
    pub(crate) const fn of(call: Call) -> Numbers {
        Numbers {
            lab4: Numbers::find(Personality::Lab4, call),
            later: Numbers::find(Personality::Lab6, call),
        }
    }

    const fn find(personality: Personality, call: Call) -> u32 {
        let number = Numbers::index(personality.calls(), call);
        let extension = Numbers::index(&EXTENSIONS, call);
        if extension != Numbers::ABSENT {
            FIRST_EXTENSION + extension
        } else {
            number
        }
    }

    const fn index(calls: &[Call], call: Call) -> u32 {
        let mut index = 0;
        while index < calls.len() {
            if calls[index] as u8 == call as u8 {
                return index as u32;
            }
            index += 1;
        }
        Numbers::ABSENT
    }

    /// What the interface must be known for: that the numbers differ.
    #[inline(always)]
    pub(crate) const fn differ(self) -> bool {
        self.lab4 != self.later
    }

    /// The number, for a call that has the same one everywhere.
    pub(crate) const fn everywhere(self) -> u32 {
        assert!(!self.differ());
        self.lab4
    }

    /// The number to use.
    #[inline(always)]
    pub(crate) fn pick(self, interface: Interface) -> u32 {
        // Most numbers are higher by one or equal: a sum is shorter than a choice.
        let later = interface.0 & LAB5;
        self.lab4
            .wrapping_add(later.wrapping_mul(self.later.wrapping_sub(self.lab4)))
    }
}

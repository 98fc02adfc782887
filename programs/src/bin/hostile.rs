//! Children enter the kernel in every hostile state that `sysenter` allows; each
//! ends, and nobody else notices.
//!
//! The hard thing is to see harm that is quiet: the parent keeps words on several
//! pages and its flags, and looks at them after each child.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use programs::entry_state::{self, EntryState};
use user::entry::{Entry, Int, Sysenter};
use user::env::Env;
use user::interface::Interface;
use user::{EnvStatus, Fork, fork, println, sys};

const TF: u32 = 1 << 8;
const DF: u32 = 1 << 10;
const NT: u32 = 1 << 14;
const AC: u32 = 1 << 18;
/// All that a program may set, the arithmetic ones too.
const ALL: u32 = 0x24_4dd5;

const GOOD: EntryState = EntryState::GOOD;
const PAGE_UNMAP: u32 = 6;

/// A state for each thing that can be wrong.
fn states() -> impl Iterator<Item = EntryState> {
    let flags = [0, TF, DF, NT, AC, TF | NT, TF | DF | NT | AC, ALL];
    let addresses = [
        1,
        0x1000,
        0x7fff_ffff,
        0xeebf_f000,
        0xeec0_0000,
        0xef40_0000,
        0xefff_fffc,
        0xf000_0000,
        0xf010_0000,
        u32::MAX,
    ];
    let selectors = [0, 3, 0x1b, 0x23];
    // page_map has a fifth argument, which is read from where esp says.
    let numbers = [2, 5, 10, 11, 64, u32::MAX];
    let of_flags = flags.map(|flags| EntryState { flags, ..GOOD });
    let of_eip = addresses.map(|eip| EntryState { eip, ..GOOD });
    let of_esp = addresses.into_iter().flat_map(move |esp| {
        numbers.map(|number| EntryState {
            esp,
            number,
            ..GOOD
        })
    });
    let of_segments = selectors.into_iter().flat_map(move |selector| {
        // getenvid is answered by the kernel's stub. page_unmap goes further, and comes
        // back the same way, as a switch would not.
        let states = [GOOD.number, PAGE_UNMAP].map(|number| {
            flags.map(|flags| EntryState {
                flags,
                number,
                selector: if selector == 0x1b { 0 } else { selector },
                other_selector: selector,
                ..GOOD
            })
        });
        states.into_iter().flatten()
    });
    of_flags
        .into_iter()
        .chain(of_eip)
        .chain(of_esp)
        .chain(of_segments)
}

/// Words of the parent on pages of their own.
static WORDS: [AtomicU32; 8192] = [const { AtomicU32::new(0) }; 8192];

fn pattern(index: usize) -> u32 {
    (index as u32).wrapping_mul(0x9e37_79b9)
}

user::program!(main);

/// Numbers that no call has are refused, both ways in. A kernel once used the largest for
/// "no call", and answered it.
fn unknown_calls() {
    for number in [u32::MAX, 1 << 31] {
        // SAFETY: there is no such call.
        let by_int = unsafe { Int::call0(number) };
        // SAFETY: as above.
        let by_sysenter = Interface::get()
            .sysenter()
            .map(|_| unsafe { Sysenter::call0(number) });
        let agrees = by_sysenter.is_none_or(|result| result == by_int);
        assert!(by_int < 0 && agrees, "{number:#x} is answered: {by_int:#x}");
    }
}

fn main() {
    unknown_calls();
    for (index, word) in WORDS.iter().enumerate() {
        word.store(pattern(index), Relaxed);
    }
    let own = sys::getenvid();
    let mut count = 0;
    for state in states() {
        match fork().expect("fork") {
            // SAFETY: no address in `states` is this program's.
            Fork::Child => unsafe { entry_state::enter_fast(&state) },
            Fork::Parent(child) => {
                while Env::of(child).id() == child
                    && Env::of(child).status() != Some(EnvStatus::Free)
                {
                    sys::yield_now();
                }
                let mut words = WORDS.iter().enumerate();
                let intact = words.all(|(index, word)| word.load(Relaxed) == pattern(index));
                assert!(intact && sys::getenvid() == own, "{state:?} did harm");
                count += 1;
            }
        }
    }
    println!("{count} hostile states, and no harm");
}

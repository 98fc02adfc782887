//! Which plant is awake: the one question that every plant asks.
//!
//! The hard thing is that all plants are in one build, and that tests run at
//! once. So on the host each thread has a word of its own, which begins with
//! what the environment says; in the guest there is one for all CPUs, written
//! at boot. Names become numbers when the kernel is compiled: a misspelt one is
//! an error there.

/// Every plant, in the order of the folder; the number of a plant is its place,
/// from 1.
const NAMES: &[&str] = include!("plant_names.rs");

/// Whether the plant with this name is awake.
#[macro_export]
macro_rules! planted {
    ($name:literal) => {
        $crate::plant::is(const { $crate::plant::known($name) })
    };
}

/// The number of a plant.
///
/// # Panics
/// If there is none with this name.
pub const fn known(name: &str) -> u8 {
    match number(name) {
        Some(number) => number,
        None => panic!("no such plant"),
    }
}

const fn number(name: &str) -> Option<u8> {
    let mut place = 0;
    while place < NAMES.len() {
        if are_equal(NAMES[place].as_bytes(), name.as_bytes()) {
            return Some(place as u8 + 1);
        }
        place += 1;
    }
    None
}

const fn are_equal(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, one_rest @ ..], [b, other_rest @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (one_rest, other_rest);
    }
    one.is_empty() && other.is_empty()
}

/// Whether the plant with this number is awake.
#[inline(always)]
pub fn is(number: u8) -> bool {
    awake::get() == number
}

/// Whether any is.
#[inline(always)]
pub fn is_any() -> bool {
    awake::get() != 0
}

/// Wakes the plant with this name. False if there is none.
pub fn plant(name: &str) -> bool {
    let found = number(name);
    awake::set(found.unwrap_or(0));
    found.is_some()
}

/// What `f` returns on this thread with this plant awake, and no other.
///
/// # Panics
/// If there is none with this name.
#[cfg(panic = "unwind")]
pub fn during<R>(name: &str, f: impl FnOnce() -> R) -> R {
    struct Before(u8);
    impl Drop for Before {
        fn drop(&mut self) {
            awake::set(self.0);
        }
    }
    let _before = Before(awake::get());
    awake::set(known(name));
    f()
}

/// The host's: only there can a panic be survived.
#[cfg(panic = "unwind")]
mod awake {
    extern crate std;

    use core::cell::Cell;

    /// Names the plant that is awake from the beginning.
    const VARIABLE: &str = "JOSTLE_PLANT";

    std::thread_local! {
        static AWAKE: Cell<u8> = Cell::new(std::env::var(VARIABLE).map_or(0, |name| super::known(&name)));
    }

    #[inline(always)]
    pub(super) fn get() -> u8 {
        AWAKE.get()
    }

    pub(super) fn set(number: u8) {
        AWAKE.set(number);
    }
}

/// The guest's.
#[cfg(not(panic = "unwind"))]
mod awake {
    use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

    static AWAKE: AtomicU8 = AtomicU8::new(0);

    #[inline(always)]
    pub(super) fn get() -> u8 {
        AWAKE.load(Relaxed)
    }

    pub(super) fn set(number: u8) {
        AWAKE.store(number, Relaxed);
    }
}

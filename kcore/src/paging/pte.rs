//! A page-table or page-directory entry, as a value.
//!
//! The MMU sets two of its bits, accessed and dirty, when it likes, so a word
//! that was read is not what will be there a moment later. Hence no reference
//! into a table, only words by value; and a comparison that two CPUs, or a
//! record and its replay, must agree on is made of
//! [`without_usage`](Pte::without_usage). Source: Intel SDM volume 3, 4.3.

use crate::phys::Pfn;
use abi::Perm;
use abi::layout::PGSHIFT;

/// An entry as it stands in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Pte(pub u32);

impl Pte {
    /// The entry that maps nothing.
    pub const EMPTY: Pte = Pte(0);

    /// An entry for `frame`; accessed and dirty are clear.
    #[inline]
    pub const fn new(frame: Pfn, perm: Perm) -> Pte {
        Pte(frame.0 << PGSHIFT | perm.bits())
    }

    /// The frame that it names.
    #[inline]
    pub const fn frame(self) -> Pfn {
        Pfn(self.0 >> PGSHIFT)
    }

    /// Its low twelve bits.
    #[inline]
    pub const fn perm(self) -> Perm {
        Perm::from_bits_retain(self.0 & 0xfff)
    }

    /// Whether it maps anything.
    #[inline]
    pub const fn is_present(self) -> bool {
        self.0 & Perm::P.bits() != 0
    }

    /// Whether it grants all of `perm`.
    #[inline]
    pub const fn grants(self, perm: Perm) -> bool {
        self.0 & perm.bits() == perm.bits()
    }

    /// The entry without what the MMU writes on its own.
    #[inline]
    #[must_use]
    pub const fn without_usage(self) -> Pte {
        Pte(self.0 & !(Perm::A.bits() | Perm::D.bits()))
    }
}

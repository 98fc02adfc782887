//! A page-table or page-directory entry, as a value.
//!
//! The hard thing is that the MMU sets two bits, accessed and dirty, at any time, so
//! an entry may change right after it was read. Hence the kernel copies entries and
//! holds no reference to a table. Where two CPUs, or a record and its replay, must
//! agree on an entry, they compare it
//! [`without_usage`](Pte::without_usage). Source: Intel SDM volume 3, 4.3.

use crate::phys::Pfn;
use abi::Perm;
use abi::layout::PGSHIFT;

/// An entry, with the bits that the MMU reads in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Pte(pub u32);

impl Pte {
    /// The entry that maps nothing.
    pub const EMPTY: Pte = Pte(0);

    /// An entry for `frame`, with accessed and dirty clear.
    #[inline]
    pub const fn new(frame: Pfn, perm: Perm) -> Pte {
        Pte(frame.0 << PGSHIFT | perm.bits())
    }

    /// The frame that the entry names.
    #[inline]
    pub const fn frame(self) -> Pfn {
        Pfn(self.0 >> PGSHIFT)
    }

    /// The entry's low twelve bits.
    #[inline]
    pub const fn perm(self) -> Perm {
        Perm::from_bits_retain(self.0 & 0xfff)
    }

    /// Whether the entry maps anything.
    #[inline]
    pub const fn is_present(self) -> bool {
        self.0 & Perm::P.bits() != 0
    }

    /// Whether the entry grants all of `perm`.
    #[inline]
    pub const fn grants(self, perm: Perm) -> bool {
        self.0 & perm.bits() == perm.bits()
    }

    /// The entry without the bits that the MMU sets.
    #[inline]
    #[must_use]
    pub const fn without_usage(self) -> Pte {
        Pte(self.0 & !(Perm::A.bits() | Perm::D.bits()))
    }
}

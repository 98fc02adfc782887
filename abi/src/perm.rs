//! Page permissions, as they stand in a page-table entry and as system calls
//! take them.
//!
//! The hard thing: bits that user space owns (`AVAIL`) are stored and handed
//! back but never interpreted; copy-on-write is the library's affair.
//! Source of the bits: Intel SDM volume 3, section 4.3.

bitflags::bitflags! {
    /// Low twelve bits of a page-table entry.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct Perm: u32 {
        /// Present.
        const P = 0x001;
        /// Writeable.
        const W = 0x002;
        /// User accessible.
        const U = 0x004;
        /// Write-through.
        const PWT = 0x008;
        /// Cache disabled.
        const PCD = 0x010;
        /// Accessed; set by the processor.
        const A = 0x020;
        /// Dirty; set by the processor.
        const D = 0x040;
        /// 4 MiB page (in a page-directory entry).
        const PS = 0x080;
        /// Global: survives a load of CR3.
        const G = 0x100;
        /// Library convention: shared across fork and spawn.
        const SHARE = 0x400;
        /// Library convention: copy on write.
        const COW = 0x800;
        /// Bits that belong to user space.
        const AVAIL = 0xe00;
        /// Every bit that a system call accepts.
        const SYSCALL = 0xe07;
    }
}

impl Perm {
    /// A present, user-readable page.
    pub const READ: Perm = Perm::P.union(Perm::U);
    /// A present, user-writeable page.
    pub const WRITE: Perm = Perm::P.union(Perm::U).union(Perm::W);

    /// The permissions that a system call's argument means, if it is valid:
    /// `P` and `U` set and nothing outside [`Perm::SYSCALL`].
    pub fn from_argument(argument: u32) -> Option<Perm> {
        let perm = Perm::from_bits_retain(argument);
        (perm.contains(Perm::READ) && Perm::SYSCALL.contains(perm)).then_some(perm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_follow_the_rule_of_the_interface() {
        for bits in 0..0x2_0000u32 {
            let valid = bits & 5 == 5 && bits & !0xe07 == 0;
            assert_eq!(Perm::from_argument(bits).is_some(), valid, "{bits:#x}");
        }
        assert!(Perm::from_argument(0x8000_0007).is_none());
    }
}

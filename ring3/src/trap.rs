//! Why the processor leaves ring 3.
//!
//! The hard thing is where eip stands then: at the instruction for a fault, behind
//! it for a trap (Intel SDM volume 3, 6.5). The interpreter has put it there; who
//! gets the trap need not know which kind it is.

use crate::bus::PageFault;

/// An exception or a call of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// An exception without an address.
    Exception {
        /// Its vector.
        vector: u8,
        /// Its error code; 0 where the processor pushes none.
        error: u32,
    },
    /// A page fault.
    PageFault(PageFault),
    /// `int` with a vector that ring 3 may use.
    Interrupt {
        /// The vector.
        vector: u8,
    },
    /// `sysenter`. The processor has lost eip and esp.
    Sysenter,
}

impl Trap {
    /// Divide error.
    pub const DIVIDE: Trap = Trap::exception(0);
    /// Debug: one instruction was executed with TF set.
    pub const DEBUG: Trap = Trap::exception(1);
    /// `bound` found an index outside.
    pub const BOUND: Trap = Trap::exception(5);
    /// Invalid or unknown opcode.
    pub const INVALID: Trap = Trap::exception(6);
    /// x87 and SSE registers are not this program's.
    pub const NO_FPU: Trap = Trap::exception(7);
    /// General protection, without a selector.
    pub const PROTECTION: Trap = Trap::exception(13);
    /// An unmasked x87 exception.
    pub const X87: Trap = Trap::exception(16);
    /// An unmasked SSE exception.
    pub const SIMD: Trap = Trap::exception(19);

    /// Whether eip stays at the instruction, so that it can be executed again. The
    /// one exception that ring 3 can ask for and that is none is `int1`.
    pub(crate) const fn is_fault(self) -> bool {
        match self {
            Trap::Exception { vector, .. } => vector != 1,
            Trap::PageFault(_) => true,
            Trap::Interrupt { .. } | Trap::Sysenter => false,
        }
    }

    const fn exception(vector: u8) -> Trap {
        Trap::Exception { vector, error: 0 }
    }

    /// General protection that names a selector.
    pub(crate) const fn selector(selector: u16) -> Trap {
        Trap::Exception {
            vector: 13,
            error: selector as u32 & !3,
        }
    }
}

impl From<PageFault> for Trap {
    fn from(fault: PageFault) -> Trap {
        Trap::PageFault(fault)
    }
}

//! x87 and SSE.

use crate::bus::Bus;
use crate::decode::Operation;
use crate::processor::Processor;
use crate::trap::Trap;

/// x87 and SSE registers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fpu {}

impl Processor {
    /// Executes an x87, MMX or SSE instruction; an invalid-opcode exception if it is
    /// none, or is not implemented. The eip is still that of the instruction.
    pub(crate) fn float<B: Bus>(
        &mut self,
        _bus: &mut B,
        _operation: &Operation,
    ) -> Result<(), Trap> {
        Err(Trap::INVALID)
    }
}

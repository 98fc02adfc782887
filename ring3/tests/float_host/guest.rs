//! Executes one instruction in the interpreter.

use super::flat::{Flat, processor};
use super::host::Block;
use ring3::Trap;
use ring3::decode::{Operand, decode};
use ring3::float::Fpu;

/// Where the memory of a block is.
const AT: u32 = 0x1000;

/// The length of the instruction; `None` if there has to be more of it.
pub fn length(code: &[u8]) -> Option<u8> {
    decode(code).map(|operation| operation.length)
}

/// Whether no general register besides eax is a destination.
pub fn changes_eax_only(code: &[u8]) -> bool {
    decode(code)
        .is_some_and(|operation| !matches!(operation.to, Operand::Register(number) if number != 0))
}

/// Executes an instruction. Whether it is implemented.
pub fn run(code: &[u8], block: &mut Block) -> bool {
    let Some(operation) = decode(code) else {
        return false;
    };
    let mut general = [0; 8];
    general[0] = block.eax as u32;
    general[1] = AT + block.ecx as u32;
    let fpu = Fpu::from_image(&block.image);
    let mut processor = processor(general, block.flags as u32, fpu);
    let mut flat = Flat {
        memory: &mut block.memory,
        base: AT,
    };
    let result = processor.float(&mut flat, &operation);
    block.image = processor.fpu.image();
    block.eax = processor.registers.get(0).into();
    block.flags = processor.registers.flags.bits().into();
    block.trap = match result {
        Ok(()) => -1,
        Err(Trap::INVALID) => return false,
        Err(Trap::Exception { vector, .. }) => vector.into(),
        Err(trap) => panic!("{code:02x?}: {trap:?}"),
    };
    true
}

//! Executes one instruction in the interpreter.

use super::host::Block;
use ring3::decode::{Operand, decode};
use ring3::flags::Flags;
use ring3::float::Fpu;
use ring3::{Access, Bus, Model, PageFault, Processor, Registers, Trap};

/// Memory that is mapped where it is.
struct Flat<'a>(&'a mut [u8]);

/// Where the memory of a block is.
const AT: u32 = 0x1000;

impl Bus for Flat<'_> {
    fn translate(&mut self, va: u32, _: Access) -> Result<u32, PageFault> {
        Ok(va - AT)
    }
    fn read8(&mut self, pa: u32) -> u8 {
        self.0[pa as usize]
    }
    fn read16(&mut self, pa: u32) -> u16 {
        u16::from_le_bytes([self.read8(pa), self.read8(pa + 1)])
    }
    fn read32(&mut self, pa: u32) -> u32 {
        u32::from(self.read16(pa)) | u32::from(self.read16(pa + 2)) << 16
    }
    fn write8(&mut self, pa: u32, value: u8) {
        self.0[pa as usize] = value;
    }
    fn write16(&mut self, pa: u32, value: u16) {
        self.0[pa as usize..][..2].copy_from_slice(&value.to_le_bytes());
    }
    fn write32(&mut self, pa: u32, value: u32) {
        self.0[pa as usize..][..4].copy_from_slice(&value.to_le_bytes());
    }
    fn version(&self, _: u32) -> u64 {
        0
    }
    fn fence(&mut self) {}
    fn time_stamp(&mut self) -> u64 {
        0
    }
    fn port_in(&mut self, _: u16, _: u32) -> u32 {
        0
    }
    fn port_out(&mut self, _: u16, _: u32, _: u32) {}
}

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
    let mut processor = Processor {
        model: Model {
            code: 0x18,
            data: 0x20,
            gates: &[],
            sysenter: false,
        },
        registers: Registers {
            general,
            eip: 0,
            flags: Flags::from_bits(block.flags as u32),
            selectors: [0x23, 0x1b, 0x23, 0x23, 0x23, 0x23],
        },
        fpu: Fpu::from_image(&block.image),
        fpu_enabled: true,
    };
    let result = processor.float(&mut Flat(&mut block.memory), &operation);
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

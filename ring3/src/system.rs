//! Flags by name, ports, interrupts, and what the processor says of itself.
//!
//! The hard thing is privilege: IF and the ports belong to whoever has the I/O
//! privilege level, everything else that touches the machine to the kernel alone.

use crate::bus::Bus;
use crate::decode::{Operand, Operation};
use crate::flags::{DF, IF, IOPL};
use crate::operand::{signed, with_width};
use crate::processor::Processor;
use crate::registers::number::{EAX, EBX, ECX, EDX};
use crate::trap::Trap;
use iced_x86::Mnemonic;

/// What `cpuid` calls the maker: it must not pass for anybody's silicon.
const MAKER: &[u8; 12] = b"Jostle ring3";
/// Family 6, so that software takes it for an i686.
const SIGNATURE: u32 = 0x600;
/// `cpuid` 1, edx: x87, time stamp counter, `cmpxchg8b`, conditional moves.
const FEATURES: u32 = 1 | 1 << 4 | 1 << 8 | 1 << 15;
/// As [`FEATURES`]: `sysenter`.
const FEATURE_SYSENTER: u32 = 1 << 11;
/// As [`FEATURES`]: FXSAVE, SSE, SSE2.
const FEATURES_SSE: u32 = 1 << 24 | 1 << 25 | 1 << 26;

impl Processor {
    /// Whether the program has the I/O privilege level of ring 3.
    pub(crate) fn has_io_privilege(&self) -> bool {
        self.registers.flags.bits() & IOPL == IOPL
    }

    /// Faults unless the program may use ports; there is no permission map.
    pub(crate) fn check_ports(&self) -> Result<(), Trap> {
        if self.has_io_privilege() {
            Ok(())
        } else {
            Err(Trap::PROTECTION)
        }
    }

    /// Executes an instruction of this unit.
    pub(crate) fn system<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        use Mnemonic::*;
        let flags = &mut self.registers.flags;
        match operation.mnemonic {
            Clc => flags.set_carry(false),
            Stc => flags.set_carry(true),
            Cmc => flags.set_carry(!flags.carry()),
            Cld => flags.put(DF, false),
            Std => flags.put(DF, true),
            Cli | Sti => {
                self.check_ports()?;
                self.registers.flags.put(IF, operation.mnemonic == Sti);
            }
            Int => return Err(self.interrupt(operation.immediate as u8)),
            Int3 => return Err(self.interrupt(3)),
            Into if flags.overflow() => return Err(self.interrupt(4)),
            Into => {}
            Int1 => return Err(Trap::DEBUG),
            Bound => return with_width!(operation, self.check_bounds(bus, operation)),
            In => return self.port_in(bus, operation),
            Out => return self.port_out(bus, operation),
            Rdtsc => {
                let stamp = bus.time_stamp();
                self.registers.set(EAX, stamp as u32);
                self.registers.set(EDX, (stamp >> 32) as u32);
            }
            Cpuid => {
                bus.fence();
                self.identify();
            }
            Sysenter if self.model.sysenter => return Err(Trap::Sysenter),
            Clflush => {
                self.get::<8, B>(bus, operation, operation.to)?;
            }
            _ => return Err(Trap::PROTECTION),
        }
        Ok(())
    }

    /// `int`: a gate that ring 3 may not use is named in the error code.
    fn interrupt(&self, vector: u8) -> Trap {
        if self.model.gates.contains(&vector) {
            Trap::Interrupt { vector }
        } else {
            Trap::Exception {
                vector: 13,
                error: u32::from(vector) * 8 + 2,
            }
        }
    }

    /// `bound`: two signed limits in memory, both allowed.
    fn check_bounds<const W: u32, B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
    ) -> Result<(), Trap> {
        if operation.from != Operand::Memory {
            return Err(Trap::INVALID);
        }
        let address = self.address(&operation.address);
        let segment = operation.address.segment;
        let lower = self.load::<W, B>(bus, segment, address)?;
        let upper = self.load::<W, B>(bus, segment, address.wrapping_add(W / 8))?;
        let index = signed::<W>(self.get::<W, B>(bus, operation, operation.to)?);
        if (signed::<W>(lower)..=signed::<W>(upper)).contains(&index) {
            Ok(())
        } else {
            Err(Trap::BOUND)
        }
    }

    fn port_in<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        self.check_ports()?;
        let port = self.port(operation, operation.from);
        let value = bus.port_in(port, u32::from(operation.width) / 8);
        with_width!(operation, self.put(bus, operation, operation.to, value))
    }

    fn port_out<B: Bus>(&mut self, bus: &mut B, operation: &Operation) -> Result<(), Trap> {
        self.check_ports()?;
        let port = self.port(operation, operation.to);
        let value = with_width!(operation, self.get(bus, operation, operation.from))?;
        bus.port_out(port, u32::from(operation.width) / 8, value);
        Ok(())
    }

    fn port(&self, operation: &Operation, operand: Operand) -> u16 {
        match operand {
            Operand::Immediate => operation.immediate as u16 & 0xff,
            _ => self.registers.get(EDX) as u16,
        }
    }

    fn identify(&mut self) {
        let [a, b, c] = [0, 4, 8].map(|at| {
            let bytes = MAKER[at..at + 4].try_into().unwrap_or([0; 4]);
            u32::from_le_bytes(bytes)
        });
        let sysenter = if self.model.sysenter {
            FEATURE_SYSENTER
        } else {
            0
        };
        let [eax, ebx, ecx, edx] = match self.registers.get(EAX) {
            0 => [1, a, c, b],
            _ => [SIGNATURE, 0, 0, FEATURES | FEATURES_SSE | sysenter],
        };
        self.registers.set(EAX, eax);
        self.registers.set(EBX, ebx);
        self.registers.set(ECX, ecx);
        self.registers.set(EDX, edx);
    }
}

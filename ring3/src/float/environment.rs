//! Control words, and the x87 state as its own instructions store it.
//!
//! The hard thing is the tag word: two bits for each register that say what it holds,
//! where `fxsave` and the registers themselves know only whether it is empty (Intel
//! SDM volume 1, 8.1.7 and 10.5.1.1). It is worked out when it is stored.

use super::Fpu;
use super::number::{EXTENDED, Kind};
use crate::bus::{Access, Bus};
use crate::decode::{Operand, Operation};
use crate::memory::Place;
use crate::processor::Processor;
use crate::registers::number::EAX;
use crate::trap::Trap;
use iced_x86::Mnemonic;

/// Bytes of an environment.
const ENVIRONMENT: usize = 28;
/// Bytes of the whole state: the environment and eight registers.
const STATE: usize = ENVIRONMENT + 80;
/// The bit of the control word that is always set.
const CONTROL_ONE: u16 = 0x40;
/// The bits of the control word that exist.
const CONTROL: u16 = 0x1f3f;

/// What a control instruction does, and whether it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control {
    action: Action,
    waits: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Initialize,
    Clear,
    LoadControl,
    StoreControl,
    StoreStatus,
    LoadEnvironment,
    StoreEnvironment,
    Restore,
    Save,
}

impl Control {
    /// What the instruction is, if it is one of these.
    pub(super) fn new(mnemonic: Mnemonic) -> Option<Control> {
        use Mnemonic::*;
        let (action, waits) = match mnemonic {
            Fninit => (Action::Initialize, false),
            Fnclex => (Action::Clear, false),
            Fldcw => (Action::LoadControl, true),
            Fnstcw => (Action::StoreControl, false),
            Fnstsw => (Action::StoreStatus, false),
            Fldenv => (Action::LoadEnvironment, true),
            Fnstenv => (Action::StoreEnvironment, false),
            Frstor => (Action::Restore, true),
            Fnsave => (Action::Save, false),
            _ => return None,
        };
        Some(Control { action, waits })
    }

    /// Whether it traps if an unmasked exception is pending.
    pub(super) fn waits(self) -> bool {
        self.waits
    }
}

impl Processor {
    /// Executes a control instruction.
    pub(super) fn x87_control<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        control: Control,
    ) -> Result<(), Trap> {
        match control.action {
            Action::Initialize => self.fpu.initialize(),
            Action::Clear => self.fpu.clear_exceptions(),
            Action::LoadControl => {
                let place = self.place_of(bus, operation, 2, Access::Read)?;
                self.fpu.set_control(place.read::<16, B>(bus) as u16);
            }
            Action::StoreControl => self.x87_word(bus, operation, self.fpu.control)?,
            Action::StoreStatus => self.x87_word(bus, operation, self.fpu.status)?,
            Action::LoadEnvironment => {
                let mut bytes = [0; ENVIRONMENT];
                self.place_of(bus, operation, ENVIRONMENT as u32, Access::Read)?
                    .read_bytes(bus, &mut bytes);
                self.fpu.set_environment(&bytes);
            }
            Action::StoreEnvironment => {
                let place = self.place_of(bus, operation, ENVIRONMENT as u32, Access::Write)?;
                place.write_bytes(bus, &self.fpu.environment());
                self.fpu.control |= 0x3f;
                self.fpu.update_pending();
            }
            Action::Restore => {
                let place = self.place_of(bus, operation, STATE as u32, Access::Read)?;
                self.x87_restore(bus, place);
            }
            Action::Save => {
                let place = self.place_of(bus, operation, STATE as u32, Access::Write)?;
                self.x87_save(bus, place);
            }
        }
        Ok(())
    }

    fn x87_word<B: Bus>(
        &mut self,
        bus: &mut B,
        operation: &Operation,
        word: u16,
    ) -> Result<(), Trap> {
        if let Operand::Register(_) = operation.to {
            self.registers.set_part::<16>(EAX, word.into());
            return Ok(());
        }
        let place = self.place_of(bus, operation, 2, Access::Write)?;
        place.write::<16, B>(bus, word.into());
        Ok(())
    }

    fn x87_restore<B: Bus>(&mut self, bus: &mut B, place: Place) {
        let mut bytes = [0; STATE];
        place.read_bytes(bus, &mut bytes);
        let (environment, registers) = bytes.split_at(ENVIRONMENT);
        self.fpu.set_environment(environment);
        let top = usize::from(self.fpu.top());
        for (index, stored) in registers.chunks_exact(10).enumerate() {
            let mut bits = [0; 16];
            bits[..10].copy_from_slice(stored);
            self.fpu.registers[(top + index) & 7] = u128::from_le_bytes(bits);
        }
    }

    fn x87_save<B: Bus>(&mut self, bus: &mut B, place: Place) {
        let mut bytes = [0; STATE];
        let (environment, registers) = bytes.split_at_mut(ENVIRONMENT);
        environment.copy_from_slice(&self.fpu.environment());
        let top = usize::from(self.fpu.top());
        for (index, stored) in registers.chunks_exact_mut(10).enumerate() {
            let bits = self.fpu.registers[(top + index) & 7].to_le_bytes();
            stored.copy_from_slice(&bits[..10]);
        }
        place.write_bytes(bus, &bytes);
        self.fpu.initialize();
    }
}

impl Fpu {
    /// The x87 state after `fninit`; the registers are empty, but keep their bits.
    fn initialize(&mut self) {
        self.control = 0x37f;
        self.status = 0;
        self.valid = 0;
    }

    /// Sets the control word; an exception that it unmasks may be pending then.
    pub(super) fn set_control(&mut self, control: u16) {
        self.control = control & CONTROL | CONTROL_ONE;
        self.update_pending();
    }

    /// What `fnstenv` stores. The words have ones above.
    fn environment(&self) -> [u8; ENVIRONMENT] {
        let mut bytes = [0; ENVIRONMENT];
        let words = [self.control, self.status, self.tags()];
        for (index, word) in words.into_iter().enumerate() {
            let value = u32::from(word) | 0xffff_0000;
            bytes[index * 4..index * 4 + 4].copy_from_slice(&value.to_le_bytes());
        }
        bytes[26..].fill(0xff);
        bytes
    }

    fn set_environment(&mut self, bytes: &[u8]) {
        let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        self.status = word(4);
        self.set_control(word(0));
        let tags = word(8);
        self.valid = (0..8).fold(0, |valid, number| {
            valid | u8::from(tags >> (number * 2) & 3 != 3) << number
        });
    }

    /// The tag word.
    fn tags(&self) -> u16 {
        (0..8).fold(0, |tags, number| tags | self.tag(number) << (number * 2))
    }

    fn tag(&self, number: usize) -> u16 {
        if self.valid >> number & 1 == 0 {
            return 3;
        }
        let value = EXTENDED.unpack(self.registers[number]);
        match value.kind {
            Kind::Zero => 1,
            Kind::Finite if !value.denormal => 0,
            _ => 2,
        }
    }
}

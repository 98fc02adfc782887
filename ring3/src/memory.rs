//! Loads and stores of any width at virtual addresses.
//!
//! The hard thing is a value that lies in two pages: both are translated before
//! either is touched, so that an access that faults has done nothing, and the fault
//! names the first byte that cannot be reached.

use crate::bus::{Access, Bus};
use crate::decode::{Address, Operation};
use crate::processor::{Processor, Reach};
use crate::registers::Segment;
use crate::trap::Trap;

pub(crate) const PAGE: u32 = 4096;

/// Where the bytes of a value are: in one page, or in two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Physical address of the first byte.
    pa: u32,
    /// Physical address of the first byte in the second page, and how many bytes
    /// are in the first.
    split: Option<(u32, u32)>,
}

/// Stack segment faults have a vector of their own.
const STACK_FAULT: Trap = Trap::Exception {
    vector: 12,
    error: 0,
};

impl Processor {
    /// The address of an operation's memory operand, in its segment; all segments
    /// are flat.
    #[inline(always)]
    pub(crate) fn address(&self, address: &Address) -> u32 {
        let mut sum = address.displacement;
        if let Some(base) = address.base {
            sum = sum.wrapping_add(self.registers.get(base));
        }
        if let Some(index) = address.index {
            sum = sum.wrapping_add(self.registers.get(index) << address.shift);
        }
        sum & address.mask
    }

    /// Whether the segment allows the access.
    #[inline(always)]
    fn check_segment(&self, segment: Segment, access: Access) -> Result<(), Trap> {
        match self.reach(segment) {
            Some(Reach::Write) => Ok(()),
            Some(Reach::Read) if access != Access::Write => Ok(()),
            _ if segment as u8 == Segment::Ss as u8 => Err(STACK_FAULT),
            _ => Err(Trap::PROTECTION),
        }
    }

    /// Physical address of `size` bytes at `va`, if they are in one page that can be
    /// accessed, and the machine remembers where that is: nearly always.
    #[inline(always)]
    pub(crate) fn at_once<B: Bus>(
        &self,
        bus: &B,
        segment: Segment,
        va: u32,
        size: u32,
        access: Access,
    ) -> Option<u32> {
        if va % PAGE > PAGE - size || self.check_segment(segment, access).is_err() {
            return None;
        }
        bus.remembered(va, access)
    }

    /// Finds `size` bytes at `va`, at most a page of them, for an access.
    #[inline(always)]
    pub(crate) fn place<B: Bus>(
        &self,
        bus: &mut B,
        segment: Segment,
        va: u32,
        size: u32,
        access: Access,
    ) -> Result<Place, Trap> {
        match self.at_once(bus, segment, va, size, access) {
            Some(pa) => Ok(Place { pa, split: None }),
            None => self.find(bus, segment, va, size, access),
        }
    }

    /// As [`Processor::place`], wherever it is.
    #[cold]
    fn find<B: Bus>(
        &self,
        bus: &mut B,
        segment: Segment,
        va: u32,
        size: u32,
        access: Access,
    ) -> Result<Place, Trap> {
        self.check_segment(segment, access)?;
        let pa = bus.translate(va, access)?;
        let here = PAGE - va % PAGE;
        let split = if size <= here {
            None
        } else {
            let next = va.wrapping_add(here);
            Some((bus.translate(next, access)?, here))
        };
        Ok(Place { pa, split })
    }

    /// The place of an operation's memory operand.
    #[inline(always)]
    pub(crate) fn place_of<B: Bus>(
        &self,
        bus: &mut B,
        operation: &Operation,
        size: u32,
        access: Access,
    ) -> Result<Place, Trap> {
        let address = &operation.address;
        self.place(bus, address.segment, self.address(address), size, access)
    }

    /// The value of `WIDTH` bits at `va`.
    #[inline(always)]
    pub(crate) fn load<const WIDTH: u32, B: Bus>(
        &self,
        bus: &mut B,
        segment: Segment,
        va: u32,
    ) -> Result<u32, Trap> {
        match self.at_once(bus, segment, va, WIDTH / 8, Access::Read) {
            Some(pa) => Ok(read_at::<WIDTH, B>(bus, pa)),
            None => self.load_slowly::<WIDTH, B>(bus, segment, va),
        }
    }

    #[cold]
    fn load_slowly<const WIDTH: u32, B: Bus>(
        &self,
        bus: &mut B,
        segment: Segment,
        va: u32,
    ) -> Result<u32, Trap> {
        let place = self.find(bus, segment, va, WIDTH / 8, Access::Read)?;
        Ok(place.read::<WIDTH, B>(bus))
    }

    /// Stores a value of `WIDTH` bits at `va`.
    #[inline(always)]
    pub(crate) fn store<const WIDTH: u32, B: Bus>(
        &self,
        bus: &mut B,
        segment: Segment,
        va: u32,
        value: u32,
    ) -> Result<(), Trap> {
        match self.at_once(bus, segment, va, WIDTH / 8, Access::Write) {
            Some(pa) => {
                write_at::<WIDTH, B>(bus, pa, value);
                Ok(())
            }
            None => self.store_slowly::<WIDTH, B>(bus, segment, va, value),
        }
    }

    #[cold]
    fn store_slowly<const WIDTH: u32, B: Bus>(
        &self,
        bus: &mut B,
        segment: Segment,
        va: u32,
        value: u32,
    ) -> Result<(), Trap> {
        let place = self.find(bus, segment, va, WIDTH / 8, Access::Write)?;
        place.write::<WIDTH, B>(bus, value);
        Ok(())
    }
}

#[inline(always)]
pub(crate) fn read_at<const WIDTH: u32, B: Bus>(bus: &mut B, pa: u32) -> u32 {
    match WIDTH {
        8 => bus.read8(pa).into(),
        16 => bus.read16(pa).into(),
        _ => bus.read32(pa),
    }
}

#[inline(always)]
pub(crate) fn write_at<const WIDTH: u32, B: Bus>(bus: &mut B, pa: u32, value: u32) {
    match WIDTH {
        8 => bus.write8(pa, value as u8),
        16 => bus.write16(pa, value as u16),
        _ => bus.write32(pa, value),
    }
}

impl Place {
    /// Physical address of one of its bytes.
    fn byte(&self, index: u32) -> u32 {
        match self.split {
            Some((second, here)) if index >= here => second + (index - here),
            _ => self.pa + index,
        }
    }

    /// The value of `WIDTH` bits there.
    #[inline(always)]
    pub(crate) fn read<const WIDTH: u32, B: Bus>(&self, bus: &mut B) -> u32 {
        if self.split.is_some() {
            return self.read_split(bus, WIDTH / 8);
        }
        read_at::<WIDTH, B>(bus, self.pa)
    }

    /// Stores a value of `WIDTH` bits there.
    #[inline(always)]
    pub(crate) fn write<const WIDTH: u32, B: Bus>(&self, bus: &mut B, value: u32) {
        if self.split.is_some() {
            return self.write_split(bus, WIDTH / 8, value);
        }
        write_at::<WIDTH, B>(bus, self.pa, value);
    }

    #[cold]
    fn read_split<B: Bus>(&self, bus: &mut B, size: u32) -> u32 {
        (0..size).fold(0, |value, index| {
            value | u32::from(bus.read8(self.byte(index))) << (index * 8)
        })
    }

    #[cold]
    fn write_split<B: Bus>(&self, bus: &mut B, size: u32, value: u32) {
        for index in 0..size {
            bus.write8(self.byte(index), (value >> (index * 8)) as u8);
        }
    }

    /// Reads all its bytes; as many as were asked for when it was found.
    pub(crate) fn read_bytes<B: Bus>(&self, bus: &mut B, out: &mut [u8]) {
        for (index, byte) in out.iter_mut().enumerate() {
            *byte = bus.read8(self.byte(index as u32));
        }
    }

    /// Writes all its bytes; as many as were asked for when it was found.
    pub(crate) fn write_bytes<B: Bus>(&self, bus: &mut B, bytes: &[u8]) {
        for (index, &byte) in bytes.iter().enumerate() {
            bus.write8(self.byte(index as u32), byte);
        }
    }
}

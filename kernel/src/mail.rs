//! Obeying another CPU, which holds the big lock and waits for it.
//!
//! This CPU looks for mail in the handler of the interrupt that announces it, and
//! while it waits for the lock itself. The hard thing is who keeps the event that
//! this CPU was about to handle, the CPU or the environment that it loses:
//! [`Event::divide`] decides, here and in the core.

use crate::machine::address_space;
use crate::machine::smp::{Parked, ThisCpu, data_segments, fpu};
use abi::{EnvId, TrapFrame};
use biglock::{Serviced, Target};
use core::sync::atomic::Ordering::Relaxed;
use kcore::Event;
use kcore::env::Slot;

/// This CPU, while `event` waits to be handled.
struct Obey<'f> {
    cpu: ThisCpu,
    event: Event,
    frame: &'f TrapFrame,
}

impl Target for Obey<'_> {
    type Parked = Parked;

    fn flush(&mut self) {
        address_space::flush_all();
    }

    fn stop(&mut self) -> Parked {
        let id = EnvId(self.cpu.env().load(Relaxed) as i32);
        fpu::leave(Slot(id.slot() as u16));
        data_segments::leave(self.cpu);
        address_space::enter_kernel();
        self.cpu.env().store(0, Relaxed);
        (*self.frame, self.event)
    }
}

/// Answers this CPU's mail while `event` waits. If the environment was taken away,
/// returns the event that the CPU keeps.
pub fn answer(cpu: ThisCpu, event: Event, frame: &TrapFrame) -> Option<Event> {
    match cpu.area().mailbox.service(&mut Obey { cpu, event, frame }) {
        Serviced::Nothing | Serviced::Flushed => None,
        Serviced::Stopped => Some(event.divide().1),
    }
}

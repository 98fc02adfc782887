//! The hardware half of the kernel.
//!
//! What the kernel *means* is in the crate `kcore`, as a state machine without
//! hardware. Here is the machine: how it starts, how a trap becomes an event,
//! how what a step decided is done to page tables, timers, other CPUs and the
//! console. The hard thing, everywhere, is to say what makes an `unsafe` block
//! sound; each says so, under a number.
//!
//! Reading order: [`boot`] (a list), [`trap`] and its stubs, [`enter`],
//! [`effects`], [`mail`], [`smp`], [`address_space`], then the rest.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

use runtime as _;

#[expect(unsafe_code, reason = "page tables")]
mod address_space;
#[expect(unsafe_code, reason = "nothing is set up yet")]
mod boot;
#[expect(unsafe_code, reason = "device registers")]
mod console;
#[expect(unsafe_code, reason = "page directories")]
mod effects;
mod enter;
#[expect(unsafe_code, reason = "shared memory")]
mod log_device;
mod logs;
#[expect(unsafe_code, reason = "page directories")]
mod mail;
mod monitor;
mod panic;
#[expect(unsafe_code, reason = "device registers")]
mod pci;
#[expect(unsafe_code, reason = "physical memory")]
mod phys;
mod plant;
#[expect(unsafe_code, reason = "device registers")]
mod power;
#[expect(unsafe_code, reason = "filled late; forced by panics")]
mod proper;
#[expect(unsafe_code, reason = "descriptor tables, device registers")]
mod smp;
#[expect(unsafe_code, reason = "the stubs")]
mod trap;
#[expect(unsafe_code, reason = "instructions")]
mod x86;
